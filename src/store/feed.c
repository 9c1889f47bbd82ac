#include "store/feed.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/ask.h"

#define ASK_MS 250
/* Notes and askings are not closer to each other than this. */
#define GAP_US 10000
#define KEEP_US (600 * US_PER_S)
#define PURGES_PER_KEEP 10
#define WAITING_MAX 4096
/* How long a new session waits for what it is with to be looked at. */
#define VOUCH_US US_PER_S

static const struct sql FEED_INSERT =
	SQL("INSERT INTO feed (org, revision, made_us, views) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (org, revision) DO UPDATE SET views = feed.views || excluded.views");
/* What is old in every organisation. */
static const struct sql FEED_PURGE = SQL("DELETE FROM feed WHERE made_us < $1");

struct feed {
	struct ask ask; /* the thread's */
	pthread_t thread;
	bool running;
	int wake; /* an eventfd */
	_Atomic bool ends, committed;
	_Atomic int64_t asked_us; /* as ask.asked_us */
	struct queue waiting; /* for an asking that begins after now */
	int64_t purge_us, quiet_until_us; /* the thread's */

	/* Of the last asking that succeeded. */
	pthread_mutex_t mutex;
	pthread_cond_t vouched;
	struct history history;
	int64_t vouched_us; /* what session is older was looked at */
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
		buf_init(&views, (TOUCHED_PER_JOB + 1) * FEED_VIEW_BYTES);
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

/* What is known by now is told to those who wait for it. */
static void
vouch(struct feed *f)
{
	atomic_store_explicit(&f->asked_us, f->ask.asked_us, memory_order_release);
	mutex_lock(&f->mutex);
	f->history = f->ask.history;
	f->vouched_us = f->ask.asked_us;
	pthread_cond_broadcast(&f->vouched);
	mutex_unlock(&f->mutex);
}

static void
purge(struct feed *f)
{
	const struct driver *d = f->ask.connection.driver;
	struct touches touches = {0};
	struct tx tx = {
		.store = f->ask.store, .connection = &f->ask.connection, .touches = &touches};
	struct error err = {0};
	struct query q;
	if (clock_mono_us() < f->purge_us)
		return;
	f->purge_us = clock_mono_us() + f->ask.keep_us / PURGES_PER_KEEP;
	enum status rc = d->begin(f->ask.connection.native, true, &err);
	if (rc == OK)
		rc = query_begin(&q, &tx, &FEED_PURGE, &err);
	if (rc == OK) {
		query_bind_int(&q, 1, clock_now_us() - f->ask.keep_us);
		rc = query_run(&q, NULL, &err);
	}
	if (rc == OK)
		rc = d->commit(f->ask.connection.native, &err);
	else
		d->rollback(f->ask.connection.native);
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

/* A session that was lost unnoticed is made anew at once: others may wait for what it learns. */
static enum status
ask_again(struct feed *f, struct error *err)
{
	enum status rc = ask__now(&f->ask, err);
	if (rc == OK || !f->ask.connection.driver->again(f->ask.connection.native))
		return rc;
	error_clear(err);
	return ask__now(&f->ask, err);
}

static void
round_once(struct feed *f)
{
	const struct driver *d = f->ask.connection.driver;
	struct store_job *jobs[64];
	struct error err = {0};
	unsigned count = queue__take_now(&f->waiting, jobs, ARRAY_LEN(jobs));
	if (atomic_exchange(&f->committed, false) &&
		d->notify(f->ask.connection.native, &err) != OK)
		atomic_store(&f->committed, true); /* once there is a session again */
	error_clear(&err);
	enum status rc = ask_again(f, &err);
	if (rc == OK) {
		vouch(f);
		purge(f);
	} else if (clock_mono_us() >= f->quiet_until_us) {
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
	const struct driver *d = f->ask.connection.driver;
	while (!atomic_load(&f->ends)) {
		int64_t began_us = clock_mono_us();
		round_once(f);
		d->await(f->ask.connection.native, f->wake, ASK_MS);
		eventfd_t ignored;
		(void)!eventfd_read(f->wake, &ignored);
		int64_t left_us = GAP_US - (clock_mono_us() - began_us);
		if (left_us > 0)
			usleep((useconds_t)left_us);
	}
	return NULL;
}

static enum status
begin(struct feed *f, struct error *err)
{
	if (f->ask.keep_us == 0)
		f->ask.keep_us = KEEP_US;
	f->purge_us = clock_mono_us() + f->ask.keep_us / PURGES_PER_KEEP;
	enum status rc = ask__now(&f->ask, err);
	if (rc != OK)
		return rc;
	vouch(f);
	rc = thread_start(&f->thread, "store-feed", feed_main, f, err);
	f->running = rc == OK;
	return rc;
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
	mutex_init(&f->mutex);
	cond_init(&f->vouched);
	queue__init(&f->waiting, WAITING_MAX);
	f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*out = f;
	enum status rc = f->wake >= 0 ? OK : error_no_memory(err);
	if (rc == OK)
		rc = ask__init(&f->ask, store, who, err);
	if (rc == OK)
		rc = begin(f, err);
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
	ask__clear(&f->ask);
	queue__clear(&f->waiting);
	if (f->wake >= 0)
		close(f->wake);
	pthread_cond_destroy(&f->vouched);
	pthread_mutex_destroy(&f->mutex);
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
	return f ? atomic_load(&f->ask.seed) : 0;
}

struct uuid
feed__incarnation(struct feed *f)
{
	mutex_lock(&f->mutex);
	struct uuid incarnation = f->history.incarnation;
	mutex_unlock(&f->mutex);
	return incarnation;
}

enum status
feed__catch_up(struct feed *f, struct store_job *job, struct error *err)
{
	enum status rc = queue__put(&f->waiting, job, err);
	if (rc == OK)
		(void)!eventfd_write(f->wake, 1);
	return rc;
}

/* Whether an asking began after the session had been made; waits for one. */
static bool
was_asked(struct feed *f, const struct driver_session *session)
{
	int64_t until_us = clock_mono_us() + VOUCH_US;
	while (f->vouched_us < session->since_us) {
		(void)!eventfd_write(f->wake, 1);
		if (!cond_wait_until(&f->vouched, &f->mutex, until_us))
			break;
	}
	return f->vouched_us >= session->since_us;
}

enum status
feed__vouch(struct uuid *incarnation, bool *elsewhere, struct feed *f, struct connection *c,
	struct error *err)
{
	const struct driver_session *session = c->driver->session(c->native);
	mutex_lock(&f->mutex);
	bool asked = was_asked(f, session);
	bool same = strcmp(f->history.identity, session->identity) == 0;
	*incarnation = f->history.incarnation;
	mutex_unlock(&f->mutex);
	*elsewhere = asked && !same;
	if (asked && same)
		return OK;
	error__unavailable(err);
	if (!asked)
		return error_detail(err, "nobody has asked the database since it was reached");
	return error_detail(err, "%s is not the database that is followed", session->identity);
}
