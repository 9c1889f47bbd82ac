#include "store/pgsql.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"

/* Texts are ordered by their bytes, as the other engine does. */
static const struct driver_word words[] = {
	{"{uuid}", "BYTEA"},
	{"{bytes}", "BYTEA"},
	{"{int}", "BIGINT"},
	{"{text}", "TEXT COLLATE \"C\""},
	{"{strict}", ""},
	{"{moment}", "(CAST(CAST(pg_current_xact_id() AS TEXT) AS BIGINT))"},
	{NULL, NULL},
};

/* One lock for the schema of a database, whoever asks for it: "Twrd" as a number. */
#define SCHEMA_LOCK "1417114212"

/* Asked of the rows: what a session remembers of names may be older than they are. */
static const char *const schema_text =
	"SELECT 1 FROM pg_catalog.pg_class WHERE relname = 'schema_migrations' AND relkind = 'r' "
	"AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace "
	"WHERE nspname = current_schema())";

static enum status
has_schema(void *connection, bool *out, struct error *err)
{
	struct pgsql_connection *c = connection;
	PGresult *result = NULL;
	*out = false;
	enum status rc = pgsql__queue(c, schema_text, err);
	if (rc == OK)
		rc = pgsql__settle(c, &result, err);
	if (rc == OK)
		*out = PQntuples(result) == 1;
	PQclear(result);
	return rc;
}

/* Several statements at once have no place in a pipeline. */
static enum status
script(void *connection, const char *sql, struct error *err)
{
	struct pgsql_connection *c = connection;
	enum status rc = pgsql__settle(c, NULL, err);
	if (rc != OK)
		return rc;
	if (PQexitPipelineMode(c->pg) != 1)
		return pgsql__error(c, NULL, err);
	PGresult *result = PQexec(c->pg, sql);
	ExecStatusType status = PQresultStatus(result);
	if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
		rc = pgsql__error(c, result, err);
	PQclear(result);
	if (PQenterPipelineMode(c->pg) != 1 && rc == OK)
		rc = pgsql__error(c, NULL, err);
	return rc;
}

static enum status
begin(void *connection, bool writes, struct error *err)
{
	struct pgsql_connection *c = connection;
	enum status rc = pgsql__ready(c, err);
	if (rc != OK)
		return rc;
	c->again = c->held = c->patient = false;
	c->in_tx = true;
	/* Whether it may write the server says: it may have been demoted. A change locks its
	 * organisation's row first and reads what it needs after that: what it reads is to be the
	 * newest, not what was there when the transaction began. */
	return pgsql__queue(c,
		writes ? "BEGIN ISOLATION LEVEL READ COMMITTED"
		       : "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
		err);
}

static bool
in_transaction(void *connection)
{
	const struct pgsql_connection *c = connection;
	return c->pg && c->in_tx;
}

/* Nobody waits for it: its result is read when the session is used again. */
static void
rollback(void *connection)
{
	struct pgsql_connection *c = connection;
	struct error err = {0};
	if (!in_transaction(c)) {
		c->in_tx = false;
		return;
	}
	c->in_tx = false;
	if (pgsql__queue(c, "ROLLBACK", &err) == OK)
		pgsql__send_off(c);
}

static enum status
unknown(struct pgsql_connection *c, struct error *err)
{
	struct error why = *err;
	log_error("store-commit-unknown", &why);
	c->again = false;
	error_clear(err);
	error__unknown(err);
	return error_detail(err, "%.200s", why.detail);
}

static enum status
commit(void *connection, struct error *err)
{
	struct pgsql_connection *c = connection;
	struct error ignored = {0};
	PGresult *result = NULL;
	c->in_tx = false;
	if (!c->pg)
		return pgsql__error(c, NULL, err); /* the server undoes what it has */
	c->doubted = false;
	enum status rc = pgsql__queue(c, "COMMIT", err);
	if (rc == OK)
		rc = pgsql__settle(c, &result, err);
	if (rc == OK && strcmp(PQcmdStatus(result), "COMMIT") != 0)
		rc = error__unavailable(err);
	PQclear(result);
	if (rc == OK && c->doubted) {
		error__unavailable(err);
		error_detail(err, "the server committed with a warning");
		return unknown(c, err);
	}
	if (rc == OK)
		return OK;
	/* What a server says that lives on is true: it has undone everything. */
	if (!c->pg)
		return unknown(c, err);
	if (PQtransactionStatus(c->pg) != PQTRANS_IDLE &&
		pgsql__queue(c, "ROLLBACK", &ignored) == OK)
		pgsql__send_off(c);
	return rc;
}

static enum status
savepoint(void *connection, struct error *err)
{
	return pgsql__queue(connection, "SAVEPOINT job", err);
}

static enum status
release(void *connection, struct error *err)
{
	return pgsql__queue(connection, "RELEASE job", err);
}

static enum status
rollback_to(void *connection, struct error *err)
{
	enum status rc = pgsql__queue(connection, "ROLLBACK TO job", err);
	return rc == OK ? release(connection, err) : rc;
}

static void
tidy(void *connection)
{
	(void)connection; /* the server does it */
}

static bool
again(void *connection)
{
	const struct pgsql_connection *c = connection;
	return c->again;
}

static bool
held(void *connection)
{
	const struct pgsql_connection *c = connection;
	return c->held;
}

/* However many start together, one of them makes the schema, and the others wait for it. */
static enum status
lock_schema(void *connection, struct error *err)
{
	struct pgsql_connection *c = connection;
	c->patient = true;
	enum status rc = pgsql__queue(connection, "SET LOCAL lock_timeout = '60s'", err);
	if (rc == OK)
		rc = pgsql__queue(connection, "SET LOCAL statement_timeout = 0", err);
	if (rc == OK)
		rc = pgsql__queue(connection, "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")", err);
	return rc == OK ? pgsql__settle(connection, NULL, err) : rc;
}

/* The lowest number of a transaction that is under way. */
static const char *const horizon_text =
	"SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS TEXT)";

static enum status
horizon(int64_t *out, void *connection, struct error *err)
{
	struct pgsql_connection *c = connection;
	PGresult *result = NULL;
	enum status rc = pgsql__queue(c, horizon_text, err);
	if (rc == OK)
		rc = pgsql__settle(c, &result, err);
	if (rc == OK)
		*out = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	PQclear(result);
	return rc;
}

static const struct driver_session *
session(const void *connection)
{
	const struct pgsql_connection *c = connection;
	return &c->session;
}

static void
leave(void *connection)
{
	struct pgsql_connection *c = connection;
	c->stale = true;
}

static enum status
outside(struct pgsql_connection *c, const char *sql, struct error *err)
{
	enum status rc = pgsql__ready(c, err);
	if (rc == OK)
		rc = pgsql__queue(c, sql, err);
	return rc == OK ? pgsql__settle(c, NULL, err) : rc;
}

static enum status
notify(void *connection, struct error *err)
{
	return outside(connection, "NOTIFY thingward", err);
}

/* Whether another process told; its own notes come back as well. */
static bool
was_told(struct pgsql_connection *c)
{
	bool told = false;
	PGnotify *note = NULL;
	if (PQconsumeInput(c->pg) != 1)
		return true; /* lost: the next use says so */
	while ((note = PQnotifies(c->pg))) {
		told = told || note->be_pid != PQbackendPID(c->pg);
		PQfreemem(note);
	}
	return told;
}

/* So that it can be told from the others. */
static const char *const listening_text =
	"SELECT set_config('application_name', current_setting('application_name') || '-feed', "
	"false)";

static void
await(void *connection, int wake, int timeout_ms)
{
	struct pgsql_connection *c = connection;
	struct error err = {0};
	int64_t until_us = clock_mono_us() + (int64_t)timeout_ms * 1000;
	bool there = pgsql__ready(c, &err) == OK;
	if (there && c->listening != c->generation) {
		there = outside(c, "LISTEN thingward", &err) == OK &&
			outside(c, listening_text, &err) == OK;
		c->listening = there ? c->generation : 0;
		if (there)
			return; /* what was told meanwhile went by unheard */
	}
	if (there && was_told(c))
		return;
	for (;;) {
		struct pollfd fds[] = {{.fd = wake, .events = POLLIN},
			{.fd = there ? PQsocket(c->pg) : -1, .events = POLLIN}};
		int64_t left_ms = (until_us - clock_mono_us()) / 1000;
		if (left_ms <= 0 || poll(fds, 2, (int)left_ms) <= 0 || fds[0].revents)
			return;
		if (fds[1].revents && was_told(c))
			return;
	}
}

const struct driver driver_pgsql = {
	.name = "postgresql",
	.words = words,
	.shared = true,
	.attach = pgsql__attach,
	.attach_replicas = pgsql__attach_replicas,
	.detach = pgsql__detach,
	.place_name = pgsql__name,
	.open = pgsql__open,
	.close = pgsql__close,
	.lock_schema = lock_schema,
	.has_schema = has_schema,
	.script = script,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.savepoint = savepoint,
	.release = release,
	.rollback_to = rollback_to,
	.in_transaction = in_transaction,
	.again = again,
	.held = held,
	.tidy = tidy,
	.session = session,
	.horizon = horizon,
	.leave = leave,
	.notify = notify,
	.await = await,
	.prepare = pgsql__prepare,
	.finalize = pgsql__finalize,
	.reset = pgsql__reset,
	.bind_int = pgsql__bind_int,
	.bind_text = pgsql__bind_text,
	.bind_bytes = pgsql__bind_bytes,
	.bind_null = pgsql__bind_null,
	.step = pgsql__step,
	.changed = pgsql__changed,
	.column_is_null = pgsql__column_is_null,
	.column_int = pgsql__column_int,
	.column_bytes = pgsql__column_bytes,
};
