/* The server's options. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/config.h"

static struct config config;
static struct error err;

static const char *
empty_environment(const char *name)
{
	(void)name;
	return NULL;
}

static enum status
load(option_getenv *get, const char *a, const char *b)
{
	char *argv[] = {(char *)(uintptr_t)a, (char *)(uintptr_t)b, NULL};
	int argc = a ? b ? 2 : 1 : 0;
	config_clear(&config);
	err = (struct error){0};
	return config_load(&config, argc, argv, get, &err);
}

static int
stop(void **state)
{
	(void)state;
	config_clear(&config);
	return 0;
}

static void
test_config__defaults(void **state)
{
	(void)state;
	assert_int_equal(load(empty_environment, NULL, NULL), OK);
	assert_null(config.config);
	assert_string_equal(config.address, "127.0.0.1");
	assert_int_equal(config.port, 8080);
	assert_string_equal(config.base_url, "http://127.0.0.1:8080");
	assert_string_equal(config.store, "./var/thingward.db");
	assert_string_equal(config.key_file, "./var/thingward.keys");
	assert_true(config.threads >= 1);
	assert_int_equal(config.connections_max, 10000);
	assert_int_equal(config.suspended_max, 1024);
	assert_int_equal(config.idle_timeout_s, 30);
	assert_int_equal(config.body_max_bytes, 1024 * 1024);
	assert_int_equal(config.views_memory_mib, 256);
	assert_int_equal(config.writer_queue, 4096);
	assert_int_equal(config.readers, 2);
	assert_int_equal(config.max_stale_s, 30);
	assert_int_equal(config.log_level, LOG_INFO);
	assert_null(config.smtp_url);
	assert_int_equal(config.smtp_tls, SMTP_TLS_REQUIRED);
	assert_null(config.smtp_user);
	assert_null(config.smtp_password);
	assert_string_equal(config.mail_from, "Thingward <no-reply@localhost>");
	assert_string_equal(config.outbox, "./var/outbox");
	assert_int_equal(config.outbound_count, 0);
}

static void
test_config__what_follows_from_others(void **state)
{
	(void)state;
	assert_int_equal(load(empty_environment, "--address=::1", "--port=9"), OK);
	assert_string_equal(config.base_url, "http://[::1]:9");
	assert_int_equal(load(empty_environment, "--store=/a/b.db", "--threads=3"), OK);
	assert_string_equal(config.key_file, "/a/thingward.keys");
	assert_int_equal(config.threads, 3);
	assert_int_equal(load(empty_environment, "--store=b.db", "--log-level=error"), OK);
	assert_string_equal(config.key_file, "thingward.keys");
	assert_int_equal(config.log_level, LOG_ERROR);
	assert_int_equal(load(empty_environment, "--store=/a/b.db", NULL), OK);
	assert_string_equal(config.outbox, "/a/outbox");
	assert_int_equal(load(empty_environment, "--key-file=/k", NULL), OK);
	assert_string_equal(config.key_file, "/k");
}

static void
test_config__port_of_the_systems_choice(void **state)
{
	(void)state;
	assert_int_equal(load(empty_environment, "--port=0", NULL), OK);
	assert_null(config.base_url);
	assert_int_equal(config_set_port(&config, 4711, &err), OK);
	assert_int_equal(config.port, 4711);
	assert_string_equal(config.base_url, "http://127.0.0.1:4711");
	assert_int_equal(load(empty_environment, "--port=0", "--base-url=https://x"), OK);
	assert_int_equal(config_set_port(&config, 4711, &err), OK);
	assert_string_equal(config.base_url, "https://x");
}

static void
test_config__origins(void **state)
{
	(void)state;
	static const char *const good[] = {"http://localhost", "https://iam.example.org",
		"https://iam.example.org:8443", "http://127.0.0.1:1", "https://[::1]",
		"https://[2001:db8::1]:65535", "https://a-b.c"};
	static const char *const bad[] = {"localhost", "ftp://x", "http://", "https://x/",
		"https://x/path", "https://x?q", "https://x#f", "https://u@x",
		"https://x:", "https://x:0", "https://x:65536", "https://x:080", "https://X.org",
		"HTTPS://x", "https://[::1", "https://::1", "https://[]", "https://[x]",
		"https://-x", "https://x-", "https://a b", "https://.x", "https://x:1:2",
		"https://:80", "https://[::1]x", "https://[127.0.0.1]", "https://\xc3\xa9.org"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (load(empty_environment, "--base-url", good[i]) != OK)
			fail_msg("refused: %s", err.text);
		assert_string_equal(config.base_url, good[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (load(empty_environment, "--base-url", bad[i]) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
		assert_non_null(strstr(err.text, "--base-url"));
	}
}

static void
test_config__mail(void **state)
{
	(void)state;
	static const char *const bad[] = {"--smtp-url=mail.example.org", "--smtp-url=http://a",
		"--smtp-url=smtp://", "--smtp-url=smtp://u:p@a", "--smtp-url=smtp://a/",
		"--smtp-url=smtp://a:x", "--smtp-tls=perhaps", "--mail-from=x", "--mail-from=@x",
		"--mail-from=x@", "--mail-from=a b@c", "--mail-from=N <a@b", "--mail-from=<a@b>",
		"--mail-from=N <a@b> c", "--smtp-password=seen"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (load(empty_environment, bad[i], NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_null(strstr(err.text, "seen"));
	assert_int_equal(load(empty_environment, "--smtp-url=smtps://mail.example.org:465",
				 "--mail-from=A <a@b>"),
		OK);
	assert_string_equal(config.smtp_url, "smtps://mail.example.org:465");
	assert_string_equal(config.mail_from, "A <a@b>");
	assert_int_equal(load(empty_environment, "--smtp-tls=off", "--mail-from=a@b"), OK);
	assert_int_equal(config.smtp_tls, SMTP_TLS_OFF);
	/* A sender at the host, where that is a name. */
	assert_int_equal(
		load(empty_environment, "--base-url=https://iam.example.org:8443", NULL), OK);
	assert_string_equal(config.mail_from, "Thingward <no-reply@iam.example.org>");
	assert_int_equal(load(empty_environment, "--base-url=https://[::1]:1", NULL), OK);
	assert_string_equal(config.mail_from, "Thingward <no-reply@localhost>");
	assert_int_equal(load(empty_environment, "--base-url=http://10.0.0.1", NULL), OK);
	assert_string_equal(config.mail_from, "Thingward <no-reply@localhost>");
}

static void
test_config__private_addresses(void **state)
{
	(void)state;
	static const char *const bad[] = {"--outbound-private=localhost",
		"--outbound-private=10.0.0.1/8", "--outbound-private=10.0.0.0/8,",
		"--trusted-proxies=proxy.example.org"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (load(empty_environment, bad[i], NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(
		load(empty_environment, "--outbound-private=10.0.0.0/8, fd00::/8", NULL), OK);
	assert_int_equal(config.outbound_count, 2);
	assert_int_equal(config.outbound_blocks[1].base.len, 16);
	assert_int_equal(config.proxy_count, 0);
	assert_int_equal(load(empty_environment, "--trusted-proxies=10.0.0.5", NULL), OK);
	assert_int_equal(config.proxy_count, 1);
	assert_int_equal(config.proxy_blocks[0].prefix, 32);
}

static void
test_config__refusals(void **state)
{
	(void)state;
	static const char *const bad[] = {"--port=-1", "--port=65536", "--address=localhost",
		"--address=1.2.3", "--threads=257", "--body-max-bytes=1", "--readers=0",
		"--max-stale-s=0", "--log-level=loud", "--store=", "extra"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (load(empty_environment, bad[i], NULL) != ERR_INVALID)
			fail_msg("accepted: %s", bad[i]);
	}
	assert_int_equal(load(empty_environment, "--prot=1", NULL), ERR_INVALID);
	assert_non_null(strstr(err.text, "did you mean 'port'"));
}

static void
test_config__help_needs_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(load(empty_environment, "--config=/nonexistent", "--help"), OK);
	assert_true(config.wishes.help);
}

static char path[] = "/tmp/thingward-config-XXXXXX";

static const char *
environment(const char *name)
{
	if (strcmp(name, "THINGWARD_CONFIG") == 0)
		return path;
	if (strcmp(name, "THINGWARD_PORT") == 0)
		return "2002";
	return strcmp(name, "THINGWARD_READERS") == 0 ? "4" : NULL;
}

static void
test_config__precedence_and_check(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");
	assert_non_null(f);
	fputs("port = 1001\nreaders = 3\nmax-stale-s = 5\n", f);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(load(environment, "--port=3003", "--check"), OK);
	assert_int_equal(config.port, 3003);
	assert_int_equal(config.readers, 4);
	assert_int_equal(config.max_stale_s, 5);
	assert_string_equal(config.config, path);
	assert_true(config.wishes.check);

	/* What --check prints is itself a file that says the same. */
	struct buf first;
	buf_init(&first, 10000);
	config_print(&first, &config);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(first.ptr, 1, first.len, f), first.len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(load(empty_environment, "--config", path), OK);
	assert_int_equal(config.port, 3003);
	assert_int_equal(config.readers, 4);
	assert_string_equal(config.base_url, "http://127.0.0.1:3003");
	unlink(path);
	buf_char(&first, '\0');
	assert_non_null(strstr(first.ptr, "# command line\nport = 3003\n"));
	assert_non_null(strstr(first.ptr, "# environment\nreaders = 4\n"));
	assert_non_null(strstr(first.ptr, "# configuration file\nmax-stale-s = 5\n"));
	assert_non_null(strstr(first.ptr, "# default\nkey-file = ./var/thingward.keys\n"));
	buf_clear(&first);
}

static void
test_config__help_names_every_option(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 10000);
	config_help(&out);
	assert_false(out.failed);
	size_t options = 0;
	for (struct str rest = buf_view(&out); rest.ptr;) {
		struct str line = str_cut(&rest, '\n');
		assert_true(line.len <= 120);
		options += str_starts(line, STR("  --")) || str_starts(line, STR("  ("));
	}
	assert_int_equal(options, CONFIG_OPTIONS + 2);
	buf_clear(&out);
}

/* docs/configuration.md is what the table says now. */
static void
test_config__reference_is_current(void **state)
{
	(void)state;
	static char text[64 * 1024];
	struct buf out;
	FILE *f = fopen(SOURCE_ROOT "/docs/configuration.md", "r");
	assert_non_null(f);
	size_t len = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	buf_init(&out, sizeof(text));
	config_reference(&out);
	assert_true(str_eq(buf_view(&out), (struct str){text, len}));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config__defaults),
		cmocka_unit_test(test_config__what_follows_from_others),
		cmocka_unit_test(test_config__port_of_the_systems_choice),
		cmocka_unit_test(test_config__origins),
		cmocka_unit_test(test_config__mail),
		cmocka_unit_test(test_config__private_addresses),
		cmocka_unit_test(test_config__refusals),
		cmocka_unit_test(test_config__help_needs_nothing_else),
		cmocka_unit_test(test_config__precedence_and_check),
		cmocka_unit_test(test_config__help_names_every_option),
		cmocka_unit_test(test_config__reference_is_current),
	};
	return cmocka_run_group_tests(tests, NULL, stop);
}
