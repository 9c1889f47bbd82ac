#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/internal.h"
#include "store/pgsql.h"

#define PAUSE_FIRST_US (100 * INT64_C(1000))
#define PAUSE_MAX_US US_PER_S
#define REPLICA_PAUSE_MAX_US (10 * US_PER_S)
/* Who may ask another is not kept waiting by a replica for long. */
#define REPLICA_TIMEOUT_MS 500
#define NAME_MAX_BYTES 160

/* Bounds of what libpq waits for, unless the URL has others; a server that only reads is of no
 * use. */
static const char *const defaults[][2] = {
	{"connect_timeout", "3"},
	{"tcp_user_timeout", "10000"},
	{"keepalives_idle", "10"},
	{"keepalives_interval", "5"},
	{"keepalives_count", "3"},
	{"application_name", "thingward"},
	{"target_session_attrs", "read-write"},
};

static enum status
bad_url(struct error *err, const char *why)
{
	error_set(err, ERR_INVALID, "store-unreadable",
		"--database is no URL that can be used; write postgres://user@host:port/name.");
	return error_detail(err, "%.*s", (int)strcspn(why, "\n"), why);
}

static const char *
part(const PQconninfoOption *parts, const char *keyword)
{
	for (; parts->keyword; parts++) {
		if (strcmp(parts->keyword, keyword) == 0 && parts->val)
			return parts->val;
	}
	return "";
}

/* What may be shown: neither user nor password. */
static enum status
name_place(struct pgsql_place *place, struct error *err)
{
	char *why = NULL;
	char name[NAME_MAX_BYTES];
	PQconninfoOption *parts = PQconninfoParse(place->url, &why);
	if (!parts) {
		enum status rc = bad_url(err, why ? why : "no memory");
		PQfreemem(why);
		return rc;
	}
	const char *port = part(parts, "port");
	snprintf(name, sizeof(name), "%s%s%s/%s", part(parts, "host"), *port ? ":" : "", port,
		part(parts, "dbname"));
	PQconninfoFree(parts);
	place->name = strdup(name);
	return place->name ? OK : error_no_memory(err);
}

static PGconn *
connect_now(const struct pgsql_place *place)
{
	const char *names[ARRAY_LEN(defaults) + 4], *values[ARRAY_LEN(defaults) + 4];
	size_t n = 0;
	for (; n < ARRAY_LEN(defaults); n++) {
		names[n] = defaults[n][0];
		values[n] = defaults[n][1];
	}
	if (place->replica) {
		names[n] = "target_session_attrs";
		values[n++] = "any";
	}
	names[n] = "dbname"; /* expanded: what the URL says wins over what stands before it */
	values[n++] = place->url;
	names[n] = "client_encoding";
	values[n++] = "UTF8";
	names[n] = values[n] = NULL;
	return PQconnectdbParams(names, values, 1);
}

static enum status
unreachable(struct pgsql_connection *c, struct error *err, const char *why)
{
	error__unavailable(err);
	error_detail(err, "postgresql %.60s: %.*s", c->place->name, (int)strcspn(why, "\n"), why);
	PQfinish(c->pg);
	c->pg = NULL;
	return err->status;
}

/* The cluster, the database in it, and the cluster's timeline. PostgreSQL lets everybody call these
 * functions, unless that was taken away. */
static const char *const session_text =
	"SELECT CAST((SELECT system_identifier FROM pg_control_system()) AS TEXT), "
	"CAST((SELECT oid FROM pg_database WHERE datname = current_database()) AS TEXT), "
	"substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)";

static enum status
session_refused(struct pgsql_connection *c, const PGresult *result, struct error *err)
{
	if (!pgsql__is_forbidden(result))
		return unreachable(c, err, PQerrorMessage(c->pg));
	pgsql__forbidden(err);
	unreachable(c, err, PQerrorMessage(c->pg));
	error_detail(err,
		"GRANT EXECUTE ON FUNCTION pg_control_system(), pg_current_wal_lsn(), "
		"pg_walfile_name(pg_lsn) to that user");
	/* Once for each time that it is away. */
	if (!c->pause_us)
		log_event(LOG_WARN, "database-refuses", LOG_Z("detail", err->detail));
	return err->status;
}

static void
note_session(struct pgsql_connection *c, const PGresult *result)
{
	const char *system = PQgetvalue(result, 0, 0), *database = PQgetvalue(result, 0, 1);
	struct driver_session *s = &c->session;
	s->since_us = clock_mono_us();
	s->seed = strtoull(system, NULL, 10) ^ strtoull(database, NULL, 10) << 40;
	snprintf(s->identity, sizeof(s->identity), "%s/%s/%s", system, database,
		PQgetvalue(result, 0, 2));
}

/* An acknowledged change is to be on disk, whatever the server's default. */
static enum status
set_up(struct pgsql_connection *c, struct error *err)
{
	char text[1024];
	const char *encoding = PQparameterStatus(c->pg, "server_encoding");
	if (!encoding || strcmp(encoding, "UTF8") != 0) {
		error_set(err, ERR_INVALID, "store-unreadable",
			"The database is not encoded in UTF8: make one that is.");
		return error_detail(err, "postgresql %.100s", c->place->name);
	}
	snprintf(text, sizeof(text),
		"SET statement_timeout = %d; SET lock_timeout = %d; "
		"SET idle_in_transaction_session_timeout = 60000; "
		"SET client_min_messages = warning; SET jit = off; "
		"SELECT set_config('synchronous_commit', 'on', false) "
		"WHERE current_setting('synchronous_commit') = 'off'; %s",
		c->place->statement_timeout_ms, c->place->lock_timeout_ms,
		c->place->replica ? "SELECT '0', '0', ''" : session_text);
	PGresult *result = PQexec(c->pg, text);
	bool good = PQresultStatus(result) == PGRES_TUPLES_OK;
	enum status rc = OK;
	if (good)
		note_session(c, result);
	if (!good || PQenterPipelineMode(c->pg) != 1)
		rc = session_refused(c, result, err);
	PQclear(result);
	return rc;
}

/* A standby, or a primary that was demoted: what it says may be old. The server tells of it. */
static bool
only_reads(const struct pgsql_connection *c)
{
	if (c->place->replica)
		return false;
	static const char *const names[] = {"in_hot_standby", "default_transaction_read_only"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const char *value = PQparameterStatus(c->pg, names[i]);
		if (value && strcmp(value, "on") == 0)
			return true;
	}
	return false;
}

/* A commit that a standby did not confirm is told as done, with a warning. */
static void
note_notice(void *context, const PGresult *result)
{
	struct pgsql_connection *c = context;
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	c->doubted = c->doubted || (state && strncmp(state, "01", 2) == 0);
}

static enum status
connect_anew(struct pgsql_connection *c, struct error *err)
{
	PQfinish(c->pg);
	c->unread = 0;
	c->unread_sync = false;
	c->stale = c->silent = false;
	c->generation++;
	c->pg = connect_now(c->place);
	if (!c->pg)
		return error_no_memory(err);
	if (PQstatus(c->pg) != CONNECTION_OK)
		return unreachable(c, err, PQerrorMessage(c->pg));
	PQsetNoticeReceiver(c->pg, note_notice, c);
	enum status rc = set_up(c, err);
	return rc == OK && only_reads(c) ? unreachable(c, err, "it can only be read") : rc;
}

/* Between half and all of `us`, so that many do not come at once. */
static int64_t
jitter(int64_t us)
{
	uint32_t chance;
	random_bytes(&chance, sizeof(chance));
	return us / 2 + (int64_t)(chance % (uint64_t)(us / 2 + 1));
}

enum status
pgsql__ready(struct pgsql_connection *c, struct error *err)
{
	struct error ignored = {0};
	c->in_tx = false;
	if (c->unread_sync)
		(void)!pgsql__settle(c, NULL, &ignored);
	if (c->pg && !c->stale && PQstatus(c->pg) == CONNECTION_OK && !only_reads(c))
		return OK;
	if (clock_mono_us() < c->retry_us && atomic_load(&c->place->reached_us) <= c->failed_us)
		return error__unavailable(err);
	enum status rc = connect_anew(c, err);
	if (rc == OK) {
		c->pause_us = 0;
		atomic_store(&c->place->reached_us, c->session.since_us);
		return OK;
	}
	c->pause_us = c->pause_us ? c->pause_us * 2 : PAUSE_FIRST_US;
	int64_t most_us = c->place->replica ? REPLICA_PAUSE_MAX_US : PAUSE_MAX_US;
	if (c->pause_us > most_us)
		c->pause_us = most_us;
	c->failed_us = clock_mono_us();
	c->retry_us = c->failed_us + jitter(c->pause_us);
	return rc;
}

/* What passes by itself, unlike a right that is missing. */
static bool
is_away(const struct error *why)
{
	return why->status == ERR_BUSY && strcmp(why->code, "store-forbidden") != 0;
}

/* The last word of who has waited, or need not wait. */
static enum status
give_up(const struct pgsql_place *place, const struct error *why, struct error *err)
{
	if (!is_away(why)) {
		*err = *why;
		return err->status;
	}
	error_set(err, ERR_BUSY, "store-unreachable",
		"The database %.120s cannot be reached: start it, or correct --database.",
		place->name);
	return error_detail(err, "%.200s", why->detail);
}

/* Waits for a database that is not there yet, and says so. */
static enum status
wait_for_server(struct pgsql_place *place, int wait_ms, struct error *err)
{
	struct pgsql_connection c = {.place = place};
	int64_t until_us = clock_mono_us() + (int64_t)wait_ms * 1000;
	for (unsigned tries = 0;; tries++) {
		struct error why = {0};
		if (pgsql__ready(&c, &why) == OK) {
			PQfinish(c.pg);
			return OK;
		}
		int64_t now_us = clock_mono_us();
		if (!is_away(&why) || now_us >= until_us) {
			PQfinish(c.pg);
			return give_up(place, &why, err);
		}
		if (tries % 8 == 0)
			log_event(LOG_WARN, "database-awaited", LOG_Z("database", place->name),
				LOG_Z("detail", why.detail));
		int64_t pause_us = c.retry_us - now_us;
		if (pause_us > until_us - now_us)
			pause_us = until_us - now_us;
		c.retry_us = 0;
		if (pause_us > 0)
			nanosleep(
				&(struct timespec){pause_us / US_PER_S, pause_us % US_PER_S * 1000},
				NULL);
	}
}

static enum status
new_place(struct pgsql_place **out, const char *url, struct error *err)
{
	struct pgsql_place *place = calloc(1, sizeof(*place));
	*out = place;
	if (!place)
		return error_no_memory(err);
	place->url = strdup(url);
	return place->url ? name_place(place, err) : error_no_memory(err);
}

enum status
pgsql__attach(void **out, const struct store_options *options, struct error *err)
{
	struct pgsql_place *place;
	enum status rc = new_place(&place, options->url, err);
	*out = place;
	if (rc == OK) {
		place->lock_timeout_ms = options->busy_timeout_ms;
		place->statement_timeout_ms = options->statement_timeout_ms;
		rc = wait_for_server(place, options->wait_ms, err);
	}
	if (rc != OK)
		pgsql__detach(out);
	return rc;
}

enum status
pgsql__attach_replicas(void **out, const struct store_options *options, struct error *err)
{
	struct pgsql_place *place;
	enum status rc = new_place(&place, options->replicas, err);
	*out = place;
	if (rc == OK) {
		place->lock_timeout_ms = place->statement_timeout_ms = REPLICA_TIMEOUT_MS;
		place->replica = true;
	} else {
		pgsql__detach(out);
	}
	return rc;
}

void
pgsql__detach(void **out)
{
	struct pgsql_place *place = *out;
	if (!place)
		return;
	*out = NULL;
	free(place->url);
	free(place->name);
	free(place);
}

const char *
pgsql__name(void *place)
{
	const struct pgsql_place *p = place;
	return p->name;
}

enum status
pgsql__open(void **connection, void *place, bool writes, struct error *err)
{
	struct pgsql_connection *c = calloc(1, sizeof(*c));
	if (!c)
		return error_no_memory(err);
	c->place = place;
	c->writes = writes;
	*connection = c;
	if (c->place->replica)
		return OK;
	enum status rc = pgsql__ready(c, err);
	if (rc != OK)
		pgsql__close(connection);
	return rc;
}

void
pgsql__close(void **connection)
{
	struct pgsql_connection *c = *connection;
	if (!c)
		return;
	*connection = NULL;
	PQfinish(c->pg);
	free(c);
}
