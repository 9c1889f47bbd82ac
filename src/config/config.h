#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "config/options.h"

#define CONFIG_OPTIONS 30

enum smtp_tls { SMTP_TLS_REQUIRED = 0, SMTP_TLS_OFF };

/* The options in force. Strings live as long as the structure, and as the arguments and the
 * environment that they were read from. Start-up; then read only, threads: any. */
struct config {
	const char *config; /* the file read, or NULL */
	const char *address; /* an IPv4 or IPv6 address */
	int64_t port; /* 0: any free one */
	/* An origin: scheme, host and port, no path. NULL as long as the port is 0 and it would
	 * follow from that: see config_set_port. */
	const char *base_url;
	const char *store;
	const char *database; /* URL of a PostgreSQL database, without a password; NULL: `store` */
	const char *database_replicas; /* URL of servers that follow that one; NULL: none */
	int64_t database_connections; /* that change */
	int64_t database_wait_s;
	const char *key_file;
	int64_t threads; /* at least 1: the number of cores has been put in */
	int64_t connections_max;
	int64_t suspended_max;
	int64_t idle_timeout_s;
	int64_t body_max_bytes;
	int64_t views_memory_mib;
	int64_t writer_queue;
	int64_t readers;
	int64_t max_stale_s;
	int log_level; /* enum log_level */
	int64_t session_idle_s, session_max_s;
	const char *smtp_url; /* NULL: mail goes into the folder `outbox` */
	int smtp_tls; /* enum smtp_tls */
	const char *smtp_user; /* NULL: nobody logs in */
	const char *smtp_password; /* secret */
	const char *mail_from; /* "Name <address>" */
	const char *outbox;
	const char *outbound_private; /* as it was written */
	const char *trusted_proxies; /* likewise */

	/* What these two mean. */
	struct cidr *outbound_blocks, *proxy_blocks;
	size_t outbound_count, proxy_count;

	struct option_wishes wishes; /* --help and --check, which the caller obeys */

	/* Private. */
	struct option_value values[CONFIG_OPTIONS];
	struct arena *arena;
};

/*
 * Reads command line (`argv` without the names of program and command), environment and file, in
 * this order of strength. ERR_INVALID with a text that names the option and the remedy. With
 * --help nothing else is read. `out` needs config_clear in any case. `get` is getenv or a test's.
 */
enum status config_load(
	struct config *out, int argc, char **argv, option_getenv *get, struct error *err) MUST_USE;
void config_clear(struct config *config);

/* Puts in the port that the system chose for port 0, and the base URL that follows from it.
 * ERR_NO_MEMORY. Start-up. */
enum status config_set_port(struct config *config, uint16_t port, struct error *err) MUST_USE;

/* The options' part of --help, --check's answer, and docs/configuration.md. */
void config_help(struct buf *out);
void config_print(struct buf *out, const struct config *config);
void config_reference(struct buf *out);

#endif
