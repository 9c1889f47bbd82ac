#include "config/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <sched.h>
#include <string.h>

#define ARENA_MAX ((size_t)256 * 1024)
#define BLOCKS_MAX 64

static const char *const smtp_tls[] = {"required", "off", NULL};
static const char *const log_levels[] = {"debug", "info", "warn", "error", NULL};
_Static_assert(LOG_DEBUG == 0 && LOG_ERROR == 3, "log_levels stands in the order of the enum");

/* In bytes that inet_pton understands, which wants them terminated. */
static bool
is_address(struct str text, int family)
{
	char space[64];
	struct in6_addr parsed;
	if (text.len >= sizeof(space))
		return false;
	memcpy(space, text.ptr, text.len);
	space[text.len] = '\0';
	return inet_pton(family, space, &parsed) == 1;
}

static const char *
check_address(struct str text)
{
	if (is_address(text, AF_INET) || is_address(text, AF_INET6))
		return NULL;
	return "must be an IPv4 or IPv6 address, like 127.0.0.1 or ::";
}

static bool
is_host(struct str host)
{
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		return is_address((struct str){host.ptr + 1, host.len - 2}, AF_INET6);
	for (size_t i = 0; i < host.len; i++) {
		char c = host.ptr[i];
		bool inner = i > 0 && i + 1 < host.len && (c == '-' || c == '.');
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !inner)
			return false;
	}
	return host.len > 0 && host.len <= 253;
}

static bool
is_port(struct str text)
{
	uint64_t port;
	return str_to_u64(text, &port) && port >= 1 && port <= 65535;
}

/* "iam.example.org:8443", with nothing before or behind. */
static bool
is_host_and_port(struct str host)
{
	const char *colon = host.len ? memrchr(host.ptr, ':', host.len) : NULL;
	/* A colon inside brackets belongs to the address. */
	if (colon && !memchr(colon, ']', (size_t)(host.ptr + host.len - colon))) {
		struct str port = {colon + 1, (size_t)(host.ptr + host.len - colon - 1)};
		host.len = (size_t)(colon - host.ptr);
		if (!is_port(port))
			return false;
	}
	return is_host(host);
}

/* What follows one of two schemes; absent when the text begins with neither. */
static struct str
after_scheme(struct str text, struct str one, struct str other)
{
	size_t len = str_starts(text, one) ? one.len : str_starts(text, other) ? other.len : 0;
	return len ? (struct str){text.ptr + len, text.len - len} : (struct str){0};
}

static const char *
check_origin(struct str text)
{
	if (is_host_and_port(after_scheme(text, STR("https://"), STR("http://"))))
		return NULL;
	return "must be an origin in lower case without a path, like https://iam.example.org";
}

static const char *
check_smtp(struct str text)
{
	if (is_host_and_port(after_scheme(text, STR("smtp://"), STR("smtps://"))))
		return NULL;
	return "must be a server without a path or a password, like smtp://mail.example.org:587";
}

/* Whether it is an address in every respect, src/mail says. */
static const char *
check_mailbox(struct str text)
{
	const char *at = text.len ? memchr(text.ptr, '@', text.len) : NULL;
	const char *open = text.len ? memchr(text.ptr, '<', text.len) : NULL;
	bool named = open && open > text.ptr && open < at && text.ptr[text.len - 1] == '>';
	bool bare = !open && !memchr(text.ptr, '>', text.len) && !memchr(text.ptr, ' ', text.len);
	if (at && at > text.ptr && at + 1 < text.ptr + text.len && (named || bare))
		return NULL;
	return "must be an address with or without a name, like Thingward <no-reply@example.org>";
}

static const char *
check_blocks(struct str text)
{
	struct cidr blocks[BLOCKS_MAX];
	size_t count;
	switch (cidr_parse_list(text, blocks, BLOCKS_MAX, &count)) {
	case CIDR_OK:
		return NULL;
	case CIDR_HOST_BITS:
		return "has bits set behind a prefix: write 10.0.0.0/8, not 10.1.2.3/8";
	case CIDR_MALFORMED:
		break;
	}
	return "must be up to 64 blocks of addresses, like 10.0.0.0/8, fd00::/8";
}

/* A password would be seen by whoever lists the processes, and by --check. */
static const char *
check_database(struct str text)
{
	struct str rest = after_scheme(text, STR("postgres://"), STR("postgresql://"));
	if (!rest.ptr)
		return "must be a URL like postgres://user@host:5432/name";
	const char *at = memchr(rest.ptr, '@', rest.len);
	if ((at && memchr(rest.ptr, ':', (size_t)(at - rest.ptr))) ||
		memmem(text.ptr, text.len, "password=", 9))
		return "must not hold a password: set PGPASSWORD or PGPASSFILE";
	return NULL;
}

#define FIELD(member) .offset = offsetof(struct config, member)

static const struct option options[] = {
	{.name = "config",
		FIELD(config),
		.type = OPTION_PATH,
		.outside_file = true,
		.help = "File of further options, a line 'name = value' for each"},
	{.name = "address",
		FIELD(address),
		.type = OPTION_STRING,
		.fallback = "127.0.0.1",
		.check = check_address,
		.help = "IP address to listen on; :: is every address of the machine"},
	{.name = "port",
		FIELD(port),
		.type = OPTION_INTEGER,
		.fallback = "8080",
		.most = 65535,
		.help = "TCP port to listen on; 0 is any free one, which the log tells"},
	{.name = "base-url",
		FIELD(base_url),
		.type = OPTION_STRING,
		.fallback_says = "http://address:port",
		.check = check_origin,
		.help = "Origin under which clients reach the server; it is the issuer's name"},
	{.name = "store",
		FIELD(store),
		.type = OPTION_PATH,
		.fallback = "./var/thingward.db",
		.help = "Database file of the embedded store"},
	{.name = "database",
		FIELD(database),
		.type = OPTION_STRING,
		.check = check_database,
		.fallback_says = "the embedded store",
		.help = "URL of a PostgreSQL database to use instead, postgres://user@host/name"},
	{.name = "database-replicas",
		FIELD(database_replicas),
		.type = OPTION_STRING,
		.check = check_database,
		.help = "URL of its replicas, which are read from where they are new enough"},
	{.name = "database-connections",
		FIELD(database_connections),
		.type = OPTION_INTEGER,
		.fallback = "4",
		.least = 1,
		.most = 64,
		.help = "Connections to the database that change; --readers are beside them"},
	{.name = "database-wait-s",
		FIELD(database_wait_s),
		.type = OPTION_INTEGER,
		.fallback = "30",
		.most = 3600,
		.unit = "seconds",
		.help = "How long to wait at the start for a database that is away"},
	{.name = "key-file",
		FIELD(key_file),
		.type = OPTION_PATH,
		.fallback_says = "thingward.keys beside the store",
		.help = "File of the installation's secrets, mode 0600; made on first start"},
	{.name = "threads",
		FIELD(threads),
		.type = OPTION_INTEGER,
		.fallback = "0",
		.most = 256,
		.help = "Threads that answer requests; 0 is one for each core"},
	{.name = "connections-max",
		FIELD(connections_max),
		.type = OPTION_INTEGER,
		.fallback = "10000",
		.least = 1,
		.most = 1000000,
		.help = "Connections at once; those beyond it are closed"},
	{.name = "suspended-max",
		FIELD(suspended_max),
		.type = OPTION_INTEGER,
		.fallback = "1024",
		.least = 1,
		.most = 1000000,
		.help = "Requests waiting for a change or a load at once; more are answered 503"},
	{.name = "idle-timeout-s",
		FIELD(idle_timeout_s),
		.type = OPTION_INTEGER,
		.fallback = "30",
		.least = 1,
		.most = 3600,
		.unit = "seconds",
		.help = "A connection on which nothing moves for so long is closed"},
	{.name = "body-max-bytes",
		FIELD(body_max_bytes),
		.type = OPTION_INTEGER,
		.fallback = "1048576",
		.least = 1024,
		.most = 67108864,
		.unit = "bytes",
		.help = "Largest body of a request"},
	{.name = "views-memory-mib",
		FIELD(views_memory_mib),
		.type = OPTION_INTEGER,
		.fallback = "256",
		.least = 8,
		.most = 1048576,
		.unit = "MiB",
		.help = "Memory for what decisions are made from; the least used goes first"},
	{.name = "writer-queue",
		FIELD(writer_queue),
		.type = OPTION_INTEGER,
		.fallback = "4096",
		.least = 1,
		.most = 1000000,
		.help = "Changes waiting to be written at once; more are answered 503"},
	{.name = "readers",
		FIELD(readers),
		.type = OPTION_INTEGER,
		.fallback = "2",
		.least = 1,
		.most = 64,
		.help = "Threads that read from the store"},
	{.name = "max-stale-s",
		FIELD(max_stale_s),
		.type = OPTION_INTEGER,
		.fallback = "30",
		.least = 1,
		.most = 3600,
		.unit = "seconds",
		.help = "Older knowledge decides nothing; that of SQLite is never old"},
	{.name = "log-level",
		FIELD(log_level),
		.type = OPTION_ENUM,
		.fallback = "info",
		.choices = log_levels,
		.help = "Least important events to log"},
	{.name = "session-idle-s",
		FIELD(session_idle_s),
		.type = OPTION_INTEGER,
		.fallback = "86400",
		.least = 600,
		.most = 31536000,
		.unit = "seconds",
		.help = "A browser's session that is not used for so long ends"},
	{.name = "session-max-s",
		FIELD(session_max_s),
		.type = OPTION_INTEGER,
		.fallback = "604800",
		.least = 600,
		.most = 31536000,
		.unit = "seconds",
		.help = "So long after signing in, a browser's session ends in any case"},
	{.name = "smtp-url",
		FIELD(smtp_url),
		.type = OPTION_STRING,
		.check = check_smtp,
		.fallback_says = "none, mail goes into the outbox",
		.help = "Server that takes mail, smtp://host:587 or smtps://host:465"},
	{.name = "smtp-tls",
		FIELD(smtp_tls),
		.type = OPTION_ENUM,
		.fallback = "required",
		.choices = smtp_tls,
		.help = "Whether smtp:// must go on under TLS, but on a loopback address"},
	{.name = "smtp-user",
		FIELD(smtp_user),
		.type = OPTION_STRING,
		.fallback_says = "nobody logs in",
		.help = "Name to log in at the mail server with"},
	{.name = "smtp-password",
		FIELD(smtp_password),
		.type = OPTION_STRING,
		.secret = true,
		.help = "Password to log in at the mail server with"},
	{.name = "mail-from",
		FIELD(mail_from),
		.type = OPTION_STRING,
		.check = check_mailbox,
		.fallback_says = "no-reply at the host of base-url",
		.help = "Sender of mail"},
	{.name = "outbox",
		FIELD(outbox),
		.type = OPTION_PATH,
		.fallback_says = "outbox beside the store",
		.help = "Folder for mail where there is no smtp-url; made when it is missing"},
	{.name = "outbound-private",
		FIELD(outbound_private),
		.type = OPTION_STRING,
		.check = check_blocks,
		.help = "Private addresses that our requests may go to, like 10.0.0.0/8, fd00::/8"},
	{.name = "trusted-proxies",
		FIELD(trusted_proxies),
		.type = OPTION_STRING,
		.check = check_blocks,
		.help = "Addresses of proxies whose X-Forwarded-For tells who calls, like "
			"10.0.0.5"},
};
_Static_assert(ARRAY_LEN(options) == CONFIG_OPTIONS, "struct config has a value for each option");

static const struct option_set all = {options, ARRAY_LEN(options)};

static struct option_value *
value_of(struct config *config, size_t offset)
{
	size_t i = 0;
	while (options[i].offset != offset)
		i++;
	return &config->values[i];
}

static enum status
derive_base_url(struct config *c, struct error *err)
{
	bool v6 = strchr(c->address, ':') != NULL;
	c->base_url = arena_printf(
		c->arena, v6 ? "http://[%s]:%d" : "http://%s:%d", c->address, (int)c->port)
			      .ptr;
	value_of(c, offsetof(struct config, base_url))->text = c->base_url;
	return c->base_url ? OK : error_no_memory(err);
}

enum status
config_set_port(struct config *config, uint16_t port, struct error *err)
{
	bool follows = config->port == 0 && !config->base_url;
	config->port = port;
	return follows ? derive_base_url(config, err) : OK;
}

/* A path in the folder of the store, unless the option at `offset` has one. */
static void
derive_path(struct config *c, const char **path, size_t offset, const char *name)
{
	const char *slash = strrchr(c->store, '/');
	int folder = slash ? (int)(slash - c->store) + 1 : 0;
	if (*path)
		return;
	*path = arena_printf(c->arena, "%.*s%s", folder, c->store, name).ptr;
	value_of(c, offset)->text = *path;
}

/* At the host of the base URL, where that is a name. */
static void
derive_mail_from(struct config *c)
{
	struct str host = {0};
	if (c->mail_from)
		return;
	if (c->base_url)
		host = after_scheme(str_from(c->base_url), STR("https://"), STR("http://"));
	if (host.len > 0 && host.ptr[0] == '[')
		host = (struct str){0};
	host = str_cut(&host, ':');
	if (host.len == 0 || is_address(host, AF_INET))
		host = STR("localhost");
	c->mail_from = arena_printf(c->arena, "Thingward <no-reply@%.*s>", STR_ARG(host)).ptr;
	value_of(c, offsetof(struct config, mail_from))->text = c->mail_from;
}

/* The text has passed check_blocks. */
static bool
derive_blocks(struct config *c, const char *text, struct cidr **out, size_t *count)
{
	*out = arena_new_array(c->arena, struct cidr, BLOCKS_MAX);
	return *out && cidr_parse_list(str_from(text), *out, BLOCKS_MAX, count) == CIDR_OK;
}

/* Fills what follows from others, and shows it in --check. */
static enum status
derive(struct config *c, struct error *err)
{
	derive_path(c, &c->key_file, offsetof(struct config, key_file), "thingward.keys");
	derive_path(c, &c->outbox, offsetof(struct config, outbox), "outbox");
	derive_mail_from(c);
	if (c->threads == 0) {
		cpu_set_t cores;
		bool known = sched_getaffinity(0, sizeof(cores), &cores) == 0;
		c->threads = known ? CPU_COUNT(&cores) : 1;
		value_of(c, offsetof(struct config, threads))->text =
			arena_printf(c->arena, "%d", (int)c->threads).ptr;
	}
	if (!c->key_file || !c->outbox || !c->mail_from ||
		!derive_blocks(c, c->outbound_private, &c->outbound_blocks, &c->outbound_count) ||
		!derive_blocks(c, c->trusted_proxies, &c->proxy_blocks, &c->proxy_count))
		return error_no_memory(err);
	return c->base_url || c->port == 0 ? OK : derive_base_url(c, err);
}

enum status
config_load(struct config *out, int argc, char **argv, option_getenv *get, struct error *err)
{
	*out = (struct config){.arena = arena_new(ARENA_MAX)};
	if (!out->arena)
		return error_no_memory(err);
	enum status rc = options_read_arguments(out->values, &out->wishes, all, argc, argv, err);
	if (rc != OK || out->wishes.help)
		return rc;
	options_read_environment(out->values, all, get);
	const char *path = value_of(out, offsetof(struct config, config))->text;
	if (path)
		rc = options_read_file(out->values, all, path, out->arena, err);
	if (rc == OK)
		rc = options_store(out, out->values, all, err);
	return rc == OK ? derive(out, err) : rc;
}

void
config_clear(struct config *config)
{
	arena_free(&config->arena);
	*config = (struct config){0};
}

void
config_help(struct buf *out)
{
	options_help(out, all);
}

void
config_print(struct buf *out, const struct config *config)
{
	options_print(out, config->values, all);
}

void
config_reference(struct buf *out)
{
	buf_str(out,
		STR("# Configuration\n\n"
		    "Written by `thingward config reference`; change the table in "
		    "`src/config/config.c` instead.\n\n"
		    "An option can stand on the command line (`--port 8443` or `--port=8443`), in "
		    "the environment\n(`THINGWARD_PORT=8443`) and in the file that `--config` "
		    "names (`port = 8443`, a line for each; lines\nthat begin with `#` are "
		    "comments). The command line wins over the environment, the environment "
		    "over\nthe file, the file over the default. An empty variable counts as "
		    "unset. `thingward serve --check`\nprints what is in force, in the form of "
		    "such a file, and stops.\n\n"));
	options_reference(out, all);
}
