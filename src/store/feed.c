#include "store/feed.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"

#define ASK_MS 250
/* Notes and askings are not closer to each other than this. */
#define GAP_US 10000
#define KEEP_US (600 * US_PER_S)
/* Whoever did not ask for so long takes everything for changed. */
#define LAG_MAX_US (KEEP_US / 2)
#define PURGE_US (60 * US_PER_S)
#define WAITING_MAX 4096
/* Touched things that are told at once. */
#define TOLD_MAX 4096
#define VIEW_BYTES 17

static const struct sql FEED_INSERT =
	SQL("INSERT INTO feed (org, revision, made_us, views) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (org, revision) DO UPDATE SET views = feed.views || excluded.views");
/* What is new in every organisation. */
static const struct sql FEED_SINCE =
	SQL("SELECT org, revision, views FROM feed WHERE moment >= $1 ORDER BY org, revision");
/* What is old in every organisation. */
static const struct sql FEED_PURGE = SQL("DELETE FROM feed WHERE made_us < $1");
/* The revisions of every organisation. */
static const struct sql FEED_REVISIONS = SQL("SELECT org, revision FROM orgs");

struct feed {
	struct store *store;
	struct store_follower who;
	struct connection connection;
	pthread_t thread;
	bool running;
	int wake; /* an eventfd */
	_Atomic bool ends, committed;
	_Atomic int64_t
		asked_us; /* when the last asking that succeeded began; monotonic; 0: never */
	_Atomic uint64_t seed;
	struct queue waiting; /* for an asking that begins after now */

	/* The thread's. */
	int64_t horizon; /* what is before it was seen */
	char identity[DRIVER_IDENTITY_MAX];
	int64_t purge_us, quiet_until_us;
	struct touched *told;
};

static enum status
append_one(struct tx *tx, const struct touched *first, struct str views, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &FEED_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, first->org);
	query_bind_int(&q, 2, first->revision);
	query_bind_int(&q, 3, clock_now_us());
	query_bind_bytes(&q, 4, views.ptr, views.len);
	return query_run(&q, NULL, err);
}

enum status
feed__append(struct tx *tx, struct error *err)
{
	const struct touches *t = tx->touches;
	enum status rc = OK;
	if (!tx->connection->driver->shared)
		return OK;
	for (size_t i = t->mark, next; rc == OK && i < t->count; i = next) {
		const struct touched *first = &t->list[i];
		struct buf views;
		buf_init(&views, (TOUCHED_PER_JOB + 1) * VIEW_BYTES);
		for (next = i; next < t->count; next++) {
			const struct touched *one = &t->list[next];
			if (!uuid_eq(one->org, first->org) || one->revision != first->revision)
				break;
			buf_char(&views, (char)one->kind);
			buf_append(&views, one->id.bytes, sizeof(one->id.bytes));
		}
		rc = views.failed ? error_no_memory(err)
				  : append_one(tx, first, buf_view(&views), err);
		buf_clear(&views);
	}
	return rc;
}

/* Hands over one row; what is told at once is bounded. */
static size_t
unpack(struct feed *f, size_t count, const struct query *q)
{
	struct str views = query_bytes(q, 2);
	struct touched one = {.org = query_uuid(q, 0), .revision = query_int(q, 1)};
	for (size_t at = 0; at + VIEW_BYTES <= views.len; at += VIEW_BYTES) {
		one.kind = (signed char)views.ptr[at];
		memcpy(one.id.bytes, views.ptr + at + 1, sizeof(one.id.bytes));
		f->told[count++] = one;
	}
	return count;
}

_Static_assert(TOLD_MAX > 2 * TOUCHED_PER_JOB, "a row has room behind others");

static enum status
read_news(struct feed *f, struct tx *tx, struct error *err)
{
	struct query q;
	size_t count = 0;
	enum status rc = query_begin(&q, tx, &FEED_SINCE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, f->horizon);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		size_t more = query_bytes(&q, 2).len / VIEW_BYTES;
		if (count + more > TOLD_MAX) {
			f->who.touched(f->who.context, f->told, count);
			count = 0;
		}
		if (more > TOLD_MAX)
			rc = error_set(&tx->error, ERR_CORRUPT, "store-corrupt",
				"The store holds data that it should not.");
		if (rc != OK)
			break;
		count = unpack(f, count, &q);
	}
	query_end(&q);
	if (rc == OK && count > 0)
		f->who.touched(f->who.context, f->told, count);
	return rc;
}

static enum status
read_everything(struct feed *f, struct tx *tx, struct error *err)
{
	struct query q;
	f->who.forget(f->who.context);
	enum status rc = query_begin(&q, tx, &FEED_REVISIONS, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		f->who.is_at(f->who.context, query_uuid(&q, 0), query_int(&q, 1));
	query_end(&q);
	return rc;
}

static enum status
ask_inside(struct feed *f, struct tx *tx, int64_t began_us, struct error *err)
{
	struct driver_moment now = {0};
	enum status rc = tx->connection->driver->moment(tx->connection->native, &now, err);
	if (rc != OK)
		return rc;
	int64_t asked_us = atomic_load(&f->asked_us);
	bool other = strcmp(now.identity, f->identity) != 0;
	bool same = !other && now.horizon >= f->horizon;
	bool late = asked_us == 0 || began_us - asked_us > LAG_MAX_US;
	atomic_store(&f->seed, now.seed);
	if (other && asked_us != 0)
		log_event(LOG_WARN, "database-is-another", LOG_Z("was", f->identity),
			LOG_Z("is", now.identity));
	rc = same && !late ? read_news(f, tx, err) : read_everything(f, tx, err);
	if (rc != OK) {
		/* Half of it was told: what follows must not take it for all. */
		f->horizon = same && !late ? f->horizon : INT64_MAX;
		return rc;
	}
	f->horizon = now.horizon;
	memcpy(f->identity, now.identity, sizeof(f->identity));
	atomic_store(&f->asked_us, began_us);
	return OK;
}

static enum status
ask(struct feed *f, struct error *err)
{
	const struct driver *d = f->connection.driver;
	struct tx tx = {.store = f->store, .connection = &f->connection};
	int64_t began_us = clock_mono_us();
	enum status rc = d->begin(f->connection.native, false, err);
	if (rc != OK)
		return rc;
	rc = ask_inside(f, &tx, began_us, err);
	connection__reset_all(&f->connection);
	d->rollback(f->connection.native);
	return rc;
}

static void
purge(struct feed *f)
{
	const struct driver *d = f->connection.driver;
	struct touches touches = {0};
	struct tx tx = {.store = f->store, .connection = &f->connection, .touches = &touches};
	struct error err = {0};
	struct query q;
	if (clock_mono_us() < f->purge_us)
		return;
	f->purge_us = clock_mono_us() + PURGE_US;
	enum status rc = d->begin(f->connection.native, true, &err);
	if (rc == OK)
		rc = query_begin(&q, &tx, &FEED_PURGE, &err);
	if (rc == OK) {
		query_bind_int(&q, 1, clock_now_us() - KEEP_US);
		rc = query_run(&q, NULL, &err);
	}
	if (rc == OK)
		rc = d->commit(f->connection.native, &err);
	else
		d->rollback(f->connection.native);
	if (rc != OK)
		log_error("feed-not-purged", &err);
}

static void
answer_waiting(struct feed *f, struct store_job **jobs, unsigned count, enum status rc)
{
	(void)f;
	for (unsigned i = 0; i < count; i++) {
		error_clear(&jobs[i]->error);
		jobs[i]->status = rc == OK ? OK : error__unavailable(&jobs[i]->error);
		job__answer(jobs[i]);
	}
}

static void
round_once(struct feed *f)
{
	struct store_job *jobs[64];
	struct error err = {0};
	unsigned count = queue__take_now(&f->waiting, jobs, ARRAY_LEN(jobs));
	if (atomic_exchange(&f->committed, false))
		(void)!f->connection.driver->notify(f->connection.native, &err);
	error_clear(&err);
	enum status rc = ask(f, &err);
	if (rc == OK)
		purge(f);
	else if (clock_mono_us() >= f->quiet_until_us) {
		log_event(LOG_WARN, "feed-not-asked", LOG_Z("text", err.text),
			LOG_Z("detail", err.detail));
		f->quiet_until_us = clock_mono_us() + US_PER_S;
	}
	answer_waiting(f, jobs, count, rc);
	if (count == ARRAY_LEN(jobs))
		(void)!eventfd_write(f->wake, 1);
}

static void *
feed_main(void *arg)
{
	struct feed *f = arg;
	const struct driver *d = f->connection.driver;
	while (!atomic_load(&f->ends)) {
		int64_t began_us = clock_mono_us();
		round_once(f);
		d->await(f->connection.native, f->wake, ASK_MS);
		eventfd_t ignored;
		(void)!eventfd_read(f->wake, &ignored);
		int64_t left_us = GAP_US - (clock_mono_us() - began_us);
		if (left_us > 0)
			usleep((useconds_t)left_us);
	}
	return NULL;
}

enum status
feed__start(
	struct feed **out, struct store *store, const struct store_follower *who, struct error *err)
{
	*out = NULL;
	if (!store->driver->shared)
		return OK;
	struct feed *f = calloc(1, sizeof(*f));
	if (!f)
		return error_no_memory(err);
	f->store = store;
	f->who = *who;
	f->horizon = INT64_MAX; /* nothing was seen */
	f->purge_us = clock_mono_us() + PURGE_US;
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	queue__init(&f->waiting, WAITING_MAX);
	f->told = calloc(TOLD_MAX, sizeof(*f->told));
	enum status rc = f->told && f->wake >= 0 ? OK : error_no_memory(err);
	if (rc == OK)
		rc = connection__open(&f->connection, store, true, err);
	if (rc == OK)
		rc = ask(f, err);
	if (rc == OK)
		rc = thread_start(&f->thread, "store-feed", feed_main, f, err);
	f->running = rc == OK;
	*out = f;
	if (rc != OK)
		feed__free(out);
	return rc;
}

void
feed__halt(struct feed *f)
{
	struct store_job *job = NULL;
	if (!f || !f->running)
		return;
	atomic_store(&f->ends, true);
	(void)!eventfd_write(f->wake, 1);
	pthread_join(f->thread, NULL);
	f->running = false;
	queue__close(&f->waiting);
	while (queue__take_now(&f->waiting, &job, 1) == 1)
		job__refuse_closing(job);
}

void
feed__free(struct feed **feed)
{
	struct feed *f = *feed;
	if (!f)
		return;
	*feed = NULL;
	feed__halt(f);
	connection__close(&f->connection);
	queue__clear(&f->waiting);
	if (f->wake >= 0)
		close(f->wake);
	free(f->told);
	free(f);
}

void
feed__tell(struct feed *f)
{
	if (!f)
		return;
	atomic_store(&f->committed, true);
	(void)!eventfd_write(f->wake, 1);
}

int64_t
feed__age_us(const struct feed *f)
{
	if (!f)
		return 0;
	int64_t asked_us = atomic_load_explicit(&f->asked_us, memory_order_acquire);
	return asked_us ? clock_mono_us() - asked_us : INT64_MAX;
}

uint64_t
feed__seed(const struct feed *f)
{
	return f ? atomic_load(&f->seed) : 0;
}

enum status
feed__catch_up(struct feed *f, struct store_job *job, struct error *err)
{
	enum status rc = queue__put(&f->waiting, job, err);
	if (rc == OK)
		(void)!eventfd_write(f->wake, 1);
	return rc;
}
