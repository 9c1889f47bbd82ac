#include <errno.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"
#include "store/pgsql.h"

/* A server ends a statement by itself when it has taken too long; when nothing has come for so much
 * longer it has stopped, or waits for a standby, or nobody can reach it. */
#define SILENT_MS 1000

#define FORBIDDEN "42501"

struct meaning {
	const char *state; /* the beginning of an SQLSTATE */
	enum status status;
	bool again;
};

/* The first that fits. What a server says while it ends, is full or is slow passes by itself. */
static const struct meaning meanings[] = {
	{"23505", ERR_CONFLICT, false},
	{"40001", ERR_BUSY, true},
	{"40P01", ERR_BUSY, true},
	{"55P03", ERR_BUSY, false},
	{"57014", ERR_BUSY, false},
	{FORBIDDEN, ERR_BUSY, false},
	{"57P", ERR_BUSY, true},
	{"53", ERR_BUSY, false},
	{"58", ERR_BUSY, false},
	{"08", ERR_BUSY, true},
	{"25006", ERR_BUSY, false},
	{"25P03", ERR_BUSY, true},
	{"XX001", ERR_CORRUPT, false},
	{"XX002", ERR_CORRUPT, false},
};

static const struct meaning *
meaning_of(const char *state)
{
	for (size_t i = 0; i < ARRAY_LEN(meanings); i++) {
		if (strncmp(state, meanings[i].state, strlen(meanings[i].state)) == 0)
			return &meanings[i];
	}
	return NULL;
}

static enum status
say(enum status status, struct error *err)
{
	switch (status) {
	case ERR_CONFLICT:
		return error_set(err, status, "already-exists", "This exists already.");
	case ERR_CORRUPT:
		return error_set(err, status, "store-corrupt", "The store is damaged.");
	case ERR_BUSY:
		return error__unavailable(err);
	default:
		return error_set(err, ERR_INTERNAL, "internal", "Something went wrong.");
	}
}

bool
pgsql__is_forbidden(const PGresult *result)
{
	const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
	return state && strcmp(state, FORBIDDEN) == 0;
}

void
pgsql__forbidden(struct error *err)
{
	error_set(err, ERR_BUSY, "store-forbidden",
		"The database refuses this server a right; its log says which.");
}

enum status
pgsql__error(struct pgsql_connection *c, const PGresult *result, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *words = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const struct meaning *meaning = state ? meaning_of(state) : NULL;
	bool lost = !state;
	if (!words)
		words = c->silent ? "the server is silent"
			: c->pg   ? PQerrorMessage(c->pg)
				  : "there is no session";
	/* Whoever is silent once is not asked again at once. */
	c->again = (lost && !c->silent) || (meaning && meaning->again);
	c->held = state && strcmp(state, "55P03") == 0;
	/* Only a server that has become a standby says this of a change. */
	if (state && c->writes && strcmp(state, "25006") == 0)
		c->stale = true;
	bool forbidden = pgsql__is_forbidden(result);
	if (forbidden)
		pgsql__forbidden(err);
	else
		say(lost ? ERR_BUSY : meaning ? meaning->status : ERR_INTERNAL, err);
	error_detail(err, "postgresql %s: %.*s%s", state ? state : "session lost",
		(int)strcspn(words, "\n"), words,
		forbidden ? "; make this server's user its owner" : "");
	if (forbidden)
		log_event(LOG_WARN, "database-refuses", LOG_Z("detail", err->detail));
	return err->status;
}

static void
lose(struct pgsql_connection *c)
{
	PQfinish(c->pg);
	c->pg = NULL;
	c->unread = 0;
	c->unread_sync = false;
}

enum status
pgsql__lost(struct pgsql_connection *c, struct error *err)
{
	enum status rc = pgsql__error(c, NULL, err);
	lose(c);
	return rc;
}

enum status
pgsql__queue(struct pgsql_connection *c, const char *sql, struct error *err)
{
	if (!c->pg)
		return pgsql__error(c, NULL, err);
	if (PQsendQueryParams(c->pg, sql, 0, NULL, NULL, NULL, NULL, 0) != 1)
		return pgsql__lost(c, err);
	c->unread++;
	return OK;
}

static bool
is_good(const PGresult *result)
{
	ExecStatusType status = PQresultStatus(result);
	return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

/* False: the session broke, or the server is silent for longer than it may be. */
static bool
await_result(struct pgsql_connection *c)
{
	while (PQisBusy(c->pg)) {
		struct pollfd fd = {.fd = PQsocket(c->pg), .events = POLLIN};
		int64_t left_ms = (c->until_us - clock_mono_us()) / 1000;
		c->silent = c->until_us && left_ms <= 0;
		if (c->silent)
			return false;
		if (poll(&fd, 1, c->until_us ? (int)left_ms + 1 : -1) < 0 && errno != EINTR)
			return false;
		if (fd.revents && PQconsumeInput(c->pg) != 1)
			return false;
	}
	return true;
}

/* The result of one command, and the mark after it. NULL: the session is lost. */
static PGresult *
read_one(struct pgsql_connection *c)
{
	PGresult *result = await_result(c) ? PQgetResult(c->pg) : NULL;
	if (!result || (await_result(c) && PQgetResult(c->pg) == NULL))
		return result;
	PQclear(result);
	return NULL;
}

/* Reads all that is owed; false when the session broke. Only the first failure speaks. */
static bool
read_all(struct pgsql_connection *c, PGresult **last, enum status *rc, struct error *err)
{
	for (; c->unread > 0; c->unread--) {
		PGresult *result = read_one(c);
		if (!result)
			return false;
		if (!is_good(result) && *rc == OK) {
			*rc = pgsql__error(c, result, err);
			c->unread_failed = c->unread;
		}
		if (last && c->unread == 1 && *rc == OK)
			*last = result;
		else
			PQclear(result);
	}
	PGresult *sync = await_result(c) ? PQgetResult(c->pg) : NULL;
	bool good = sync && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
	PQclear(sync);
	c->unread_sync = false;
	return good && PQstatus(c->pg) == CONNECTION_OK;
}

enum status
pgsql__settle(struct pgsql_connection *c, PGresult **last, struct error *err)
{
	enum status rc = OK;
	int limit_ms = c->patient ? 0 : c->place->statement_timeout_ms;
	c->unread_failed = 0;
	c->until_us = limit_ms ? clock_mono_us() + (limit_ms + SILENT_MS) * INT64_C(1000) : 0;
	if (!c->pg)
		return pgsql__error(c, NULL, err);
	if (!c->unread_sync && PQpipelineSync(c->pg) != 1)
		return pgsql__lost(c, err);
	c->unread_sync = true;
	if (read_all(c, last, &rc, err))
		return rc;
	if (last && *last) {
		PQclear(*last);
		*last = NULL;
	}
	if (rc == OK)
		return pgsql__lost(c, err);
	lose(c);
	return rc;
}

void
pgsql__send_off(struct pgsql_connection *c)
{
	if (!c->pg || c->unread_sync)
		return;
	if (PQpipelineSync(c->pg) == 1)
		c->unread_sync = true;
	else
		lose(c);
}
