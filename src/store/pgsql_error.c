#include "store/pgsql.h"

#include "store/internal.h"

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

enum status
pgsql__error(struct pgsql_connection *c, const PGresult *result, struct error *err)
{
	const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
	const char *words = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	const struct meaning *meaning = state ? meaning_of(state) : NULL;
	bool lost = !state;
	if (!words)
		words = c->pg ? PQerrorMessage(c->pg) : "there is no session";
	c->again = lost || (meaning && meaning->again);
	/* Only a server that has become a standby says this of a change. */
	if (state && c->writes && strcmp(state, "25006") == 0)
		c->stale = true;
	say(lost ? ERR_BUSY : meaning ? meaning->status : ERR_INTERNAL, err);
	return error_detail(err, "postgresql %s: %.*s", state ? state : "session lost",
		(int)strcspn(words, "\n"), words);
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

/* The result of one command, and the mark after it. NULL: the session is lost. */
static PGresult *
read_one(struct pgsql_connection *c)
{
	PGresult *result = PQgetResult(c->pg);
	if (!result || PQgetResult(c->pg) == NULL)
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
	PGresult *sync = PQgetResult(c->pg);
	bool good = sync && PQresultStatus(sync) == PGRES_PIPELINE_SYNC;
	PQclear(sync);
	c->unread_sync = false;
	return good && PQstatus(c->pg) == CONNECTION_OK;
}

enum status
pgsql__settle(struct pgsql_connection *c, PGresult **last, struct error *err)
{
	enum status rc = OK;
	c->unread_failed = 0;
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
