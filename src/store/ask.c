#include "store/ask.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/feed.h"

/* Touched things that are told at once. */
#define TOLD_MAX 4096
/* The first look may show a loss, and the next one what another node has begun. */
#define LOOKS_MAX 3

/* What is new in every organisation. */
static const struct sql FEED_SINCE =
	SQL("SELECT org, revision, views FROM feed WHERE moment >= $1 ORDER BY org, revision");
/* The revisions of every organisation. */
static const struct sql REVISIONS = SQL("SELECT org, revision FROM orgs");

/* One look at the database, in one snapshot. */
struct look {
	struct tx tx;
	const struct driver_session *session;
	bool elsewhere; /* in another session than before */
	bool late; /* rows of the feed may be gone */
	bool lost; /* this is not what was known */
	int64_t horizon;
	struct history newest;
};

enum status
ask__init(struct ask *a, struct store *store, const struct store_follower *who, struct error *err)
{
	*a = (struct ask){.store = store, .who = *who, .keep_us = store->options.feed_keep_us};
	a->told = calloc(TOLD_MAX, sizeof(*a->told));
	if (!a->told)
		return error_no_memory(err);
	return connection__open(&a->connection, store, true, err);
}

void
ask__clear(struct ask *a)
{
	connection__close(&a->connection);
	free(a->told);
	a->told = NULL;
}

/* Hands over one row; what is told at once is bounded. */
static size_t
unpack(struct ask *a, size_t count, const struct query *q)
{
	struct str views = query_bytes(q, 2);
	struct touched one = {.org = query_uuid(q, 0), .revision = query_int(q, 1)};
	for (size_t at = 0; at + FEED_VIEW_BYTES <= views.len; at += FEED_VIEW_BYTES) {
		one.kind = (signed char)views.ptr[at];
		memcpy(one.id.bytes, views.ptr + at + 1, sizeof(one.id.bytes));
		a->told[count++] = one;
	}
	return count;
}

_Static_assert(TOLD_MAX > 2 * TOUCHED_PER_JOB, "a row has room behind others");

static enum status
read_news(struct ask *a, bool *any, struct tx *tx, struct error *err)
{
	struct query q;
	size_t count = 0;
	enum status rc = query_begin(&q, tx, &FEED_SINCE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, a->horizon);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		size_t more = query_bytes(&q, 2).len / FEED_VIEW_BYTES;
		if (count + more > TOLD_MAX) {
			a->who.touched(a->who.context, a->told, count);
			count = 0;
		}
		if (more > TOLD_MAX)
			rc = error_set(&tx->error, ERR_CORRUPT, "store-corrupt",
				"The store holds data that it should not.");
		if (rc != OK)
			break;
		count = unpack(a, count, &q);
		*any = true;
	}
	query_end(&q);
	if (rc == OK && count > 0)
		a->who.touched(a->who.context, a->told, count);
	return rc;
}

/* False in look->lost: a revision that was known before is not reached. */
static enum status
compare(struct ask *a, struct look *look, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, &look->tx, &REVISIONS, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && !look->lost)
		look->lost = !a->who.compare(a->who.context, query_uuid(&q, 0), query_int(&q, 1));
	query_end(&q);
	if (rc == OK && !look->lost)
		a->who.settle(a->who.context, look->newest.incarnation);
	return rc;
}

/* Whether something is gone that was seen, or nobody has said yet whose history this is. */
static enum status
check(struct ask *a, struct look *look, struct error *err)
{
	const struct history *newest = &look->newest;
	bool holds = true;
	enum status rc = OK;
	if (look->elsewhere && uuid_eq(newest->incarnation, a->history.incarnation))
		rc = witness__holds(&holds, &a->witness, &look->tx, err);
	look->lost = !holds || newest->number == 0 || newest->number < a->history.number ||
		strcmp(newest->identity, look->session->identity) != 0;
	return rc;
}

static enum status
learn(struct ask *a, struct look *look, struct error *err)
{
	bool other = !uuid_eq(look->newest.incarnation, a->history.incarnation);
	bool compares = other || look->late || look->elsewhere;
	bool any = compares;
	atomic_store(&a->seed, look->session->seed);
	if (other) {
		a->witness.revision = 0;
		a->who.forget(a->who.context);
	}
	enum status rc = compares ? compare(a, look, err) : read_news(a, &any, &look->tx, err);
	return rc == OK && any ? witness__load(&a->witness, &look->tx, err) : rc;
}

static enum status
look_inside(struct ask *a, struct look *look, struct error *err)
{
	const struct driver *d = look->tx.connection->driver;
	void *native = look->tx.connection->native;
	look->session = d->session(native);
	look->elsewhere = look->session->since_us != a->session_us;
	look->late = clock_mono_us() - a->asked_us > a->keep_us / 2;
	/* What is committed here from now on need not be in the snapshot, which begins below. */
	if (look->elsewhere || look->late)
		a->who.mark(a->who.context);
	enum status rc = d->horizon(&look->horizon, native, err);
	if (rc == OK)
		rc = history__load(&look->newest, &look->tx, err);
	if (rc == OK)
		rc = check(a, look, err);
	return rc == OK && !look->lost ? learn(a, look, err) : rc;
}

static enum status
look_once(struct ask *a, bool *lost, struct error *err)
{
	const struct driver *d = a->connection.driver;
	struct look look = {.tx = {.store = a->store, .connection = &a->connection}};
	enum status rc = d->begin(a->connection.native, false, err);
	if (rc != OK)
		return rc;
	rc = look_inside(a, &look, err);
	connection__reset_all(&a->connection);
	d->rollback(a->connection.native);
	*lost = look.lost;
	a->session_us = 0; /* half of it may have been told */
	if (rc != OK || look.lost)
		return rc;
	a->session_us = look.session->since_us;
	a->horizon = look.horizon;
	a->history = look.newest;
	return OK;
}

static enum status
begin_inside(struct ask *a, struct tx *tx, struct error *err)
{
	const struct driver_session *session =
		tx->connection->driver->session(tx->connection->native);
	struct history newest;
	enum status rc = history__load(&newest, tx, err);
	if (rc != OK)
		return rc;
	/* Another node may have noticed as well, and begun one meanwhile. */
	bool begun = newest.number > 0 && newest.number >= a->history.number &&
		!uuid_eq(newest.incarnation, a->history.incarnation) &&
		strcmp(newest.identity, session->identity) == 0;
	if (begun)
		return OK;
	if (newest.number > 0)
		log_event(LOG_WARN, "incarnation-begins", LOG_I("number", newest.number + 1),
			LOG_Z("was", newest.identity), LOG_Z("is", session->identity));
	return history__begin(tx, newest.number, session->identity, err);
}

static enum status
begin_another(struct ask *a, struct error *err)
{
	const struct driver *d = a->connection.driver;
	struct touches touches = {0};
	struct tx tx = {.store = a->store, .connection = &a->connection, .touches = &touches};
	enum status rc = d->begin(a->connection.native, true, err);
	if (rc != OK)
		return rc;
	rc = begin_inside(a, &tx, err);
	connection__reset_all(&a->connection);
	if (rc == OK)
		return d->commit(a->connection.native, err);
	d->rollback(a->connection.native);
	return rc;
}

enum status
ask__now(struct ask *a, struct error *err)
{
	int64_t began_us = clock_mono_us();
	for (unsigned i = 0; i < LOOKS_MAX; i++) {
		bool lost = false;
		enum status rc = look_once(a, &lost, err);
		if (rc == OK && lost)
			rc = begin_another(a, err);
		else if (rc == OK)
			a->asked_us = began_us;
		if (rc != OK || !lost)
			return rc;
	}
	return error__unavailable(err);
}
