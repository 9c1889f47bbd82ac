#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "store/feed.h"
#include "store/history.h"

/* A batch that fails by chance is run so often, with a growing pause between. */
#define ATTEMPTS_MAX 5
#define PAUSE_FIRST_US 2000

/* One thread that changes, with its connection. */
struct worker {
	struct writer *all;
	unsigned slot;
	struct connection connection;
	struct touches touches;
	pthread_t thread;
	bool running;
	struct uuid incarnation; /* of the transaction */
	int64_t quiet_until_us; /* one line a second tells of refused batches */
	unsigned count;
	struct store_job *batch[BATCH_JOBS_MAX];
};

struct writer {
	struct store *store;
	struct queue queue;
	unsigned count;
	struct worker list[];
};

static _Thread_local const struct writer *here; /* on a thread of its own */

/* How an attempt to run the batch ended. */
enum outcome {
	ABANDONED, /* nothing of it is in the store */
	AGAIN, /* likewise, by chance: it may be run again as it is */
	LOST, /* likewise, by the fault of one job */
	UNKNOWN, /* it may be in the store, or not */
	COMMITTED,
};

/* After a failure of the transaction. */
static enum outcome
failed(const struct worker *w, enum outcome otherwise)
{
	return w->connection.driver->again(w->connection.native) ? AGAIN : otherwise;
}

/* Runs one job inside its savepoint. LOST: the engine undid the whole transaction. */
static enum outcome
run_job(struct worker *w, struct store_job *job, struct error *err)
{
	const struct driver *d = w->connection.driver;
	void *native = w->connection.native;
	struct tx tx = {.store = w->all->store,
		.connection = &w->connection,
		.touches = &w->touches,
		.incarnation = w->incarnation};

	error_clear(&job->error);
	if (d->savepoint(native, err) != OK)
		return failed(w, ABANDONED);
	touches__begin_job(&w->touches);
	job->status = job->run(job, &tx, &job->error);
	connection__reset_all(&w->connection);
	if (job->status == OK && tx.failed == OK)
		job->status = feed__append(&tx, &job->error);
	if (UNLIKELY(tx.failed != OK) && job->status == OK) {
		job->error = tx.error;
		job->status = tx.failed;
	}
	if (UNLIKELY(tx.failed != OK) && (d->again(native) || d->held(native))) {
		*err = tx.error;
		return failed(w, ABANDONED);
	}
	if (UNLIKELY(!d->in_transaction(native))) {
		if (job->status == OK)
			job->status = error__unavailable(&job->error);
		return LOST;
	}
	if (LIKELY(job->status == OK))
		return d->release(native, err) == OK ? COMMITTED : failed(w, ABANDONED);
	touches__drop_job(&w->touches);
	return d->rollback_to(native, err) == OK ? COMMITTED : failed(w, LOST);
}

/* Runs the jobs of the batch, without the one at `skip`. `lost`: the one that cost it all. */
static enum outcome
run_jobs(struct worker *w, unsigned skip, unsigned *lost, struct error *err)
{
	int64_t until_us = clock_mono_us() + BATCH_WORK_US;

	for (unsigned i = 0; i < w->count; i++) {
		if (i == skip)
			continue;
		enum outcome done = run_job(w, w->batch[i], err);
		if (UNLIKELY(done != COMMITTED)) {
			*lost = i;
			return done;
		}
		if (clock_mono_us() < until_us)
			continue;
		if (skip != UINT32_MAX && i < skip)
			continue; /* its answer is owed with this batch */
		queue__put_back(&w->all->queue, w->batch + i + 1, w->count - i - 1);
		w->count = i + 1;
	}
	return COMMITTED;
}

static bool
is_unknown(const struct error *err)
{
	return err->code && strcmp(err->code, "outcome-unknown") == 0;
}

/* One transaction for the batch. */
static enum outcome
attempt(struct worker *w, unsigned skip, unsigned *lost)
{
	const struct driver *d = w->connection.driver;
	void *native = w->connection.native;
	struct error err = {0};
	enum outcome done = ABANDONED;

	touches__reset(&w->touches);
	if (connection__begin(&w->connection, w->all->store, true, &w->incarnation, &err) == OK) {
		done = run_jobs(w, skip, lost, &err);
		if (done != COMMITTED)
			d->rollback(native);
		else if (d->commit(native, &err) != OK)
			done = is_unknown(&err) ? UNKNOWN : failed(w, ABANDONED);
	}
	if (done == ABANDONED && clock_mono_us() >= w->quiet_until_us) {
		log_error("store-batch-refused", &err);
		w->quiet_until_us = clock_mono_us() + US_PER_S;
	}
	return done;
}

/* Somewhere in the second half of a time that doubles, so that two do not meet again. */
static void
pause_before(unsigned attempts)
{
	uint32_t chance;
	int64_t most_us = (int64_t)PAUSE_FIRST_US << attempts;
	random_bytes(&chance, sizeof(chance));
	int64_t us = most_us / 2 + (int64_t)(chance % (uint64_t)(most_us / 2 + 1));
	nanosleep(&(struct timespec){.tv_nsec = us * 1000}, NULL);
}

static enum outcome
attempt_often(struct worker *w, unsigned skip, unsigned *lost)
{
	enum outcome done = attempt(w, skip, lost);
	for (unsigned i = 1; done == AGAIN && i < ATTEMPTS_MAX; i++) {
		pause_before(i);
		done = attempt(w, skip, lost);
	}
	return done;
}

/* Nothing was committed: nobody hears of success, nor of a refusal that another's undone change
 * may have caused. */
static void
refuse_batch(struct worker *w, unsigned except, bool unknown)
{
	for (unsigned i = 0; i < w->count; i++) {
		if (i == except)
			continue;
		error_clear(&w->batch[i]->error);
		w->batch[i]->status = unknown ? error__unknown(&w->batch[i]->error)
					      : error__unavailable(&w->batch[i]->error);
	}
	touches__reset(&w->touches);
}

/* Those who have to know that something was committed, or may have been. */
static void
tell(struct store *store, const struct touches *t)
{
	if (store->driver->shared)
		feed__tell(store->feed);
	else if (t->count > 0)
		history__note(store, t->list[t->count - 1].org, t->list[t->count - 1].revision);
}

static void
run_batch(struct worker *w)
{
	struct store *store = w->all->store;
	unsigned skip = UINT32_MAX;
	unsigned other = UINT32_MAX;
	enum outcome done = attempt_often(w, UINT32_MAX, &skip);
	if (done == LOST) {
		log_error("store-batch-lost", &w->batch[skip]->error);
		done = attempt_often(w, skip, &other);
	} else {
		skip = UINT32_MAX;
	}
	if (done != COMMITTED)
		refuse_batch(w, skip, done == UNKNOWN);
	if (w->touches.count > 0 && store->hook)
		store->hook(store->hook_context, w->incarnation, w->touches.list, w->touches.count);
	if (w->touches.count > 0 || done == UNKNOWN)
		tell(store, &w->touches);
	queue__release(&w->all->queue, w->slot);
	for (unsigned i = 0; i < w->count; i++)
		job__answer(w->batch[i]);
	w->connection.driver->tidy(w->connection.native);
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	bool closed = false;
	here = w->all;
	for (;;) {
		w->count = w->all->count > 1
			? queue__take_shard(
				  &w->all->queue, w->batch, BATCH_JOBS_MAX, w->slot, &closed)
			: queue__take(&w->all->queue, w->batch, BATCH_JOBS_MAX, &closed);
		if (w->count == 0)
			return NULL;
		if (!closed) {
			run_batch(w);
			continue;
		}
		for (unsigned i = 0; i < w->count; i++)
			job__refuse_closing(w->batch[i]);
	}
}

enum status
writer__start(struct writer **out, struct store *store, struct error *err)
{
	unsigned count = store->driver->shared ? store->options.writers : 1;
	count = count < 1 ? 1 : count > WRITERS_MAX ? WRITERS_MAX : count;
	struct writer *w = calloc(1, sizeof(*w) + count * sizeof(w->list[0]));
	if (!w)
		return error_no_memory(err);
	enum status rc = OK;
	w->store = store;
	w->count = count;
	queue__init(&w->queue, store->options.queue_max);
	for (unsigned i = 0; rc == OK && i < count; i++) {
		w->list[i].all = w;
		w->list[i].slot = i;
		rc = connection__open(&w->list[i].connection, store, true, err);
	}
	*out = w;
	if (rc != OK)
		writer__free(out);
	return rc;
}

enum status
writer__run(struct writer *w, struct error *err)
{
	enum status rc = OK;
	for (unsigned i = 0; rc == OK && i < w->count; i++) {
		struct worker *one = &w->list[i];
		rc = thread_start(&one->thread, "store-writer", worker_main, one, err);
		one->running = rc == OK;
	}
	return rc;
}

void
writer__halt(struct writer *w)
{
	if (!w)
		return;
	queue__close(&w->queue);
	for (unsigned i = 0; i < w->count; i++) {
		if (w->list[i].running)
			pthread_join(w->list[i].thread, NULL);
		w->list[i].running = false;
	}
}

void
writer__free(struct writer **writer)
{
	struct writer *w = *writer;
	if (!w)
		return;
	*writer = NULL;
	for (unsigned i = 0; i < w->count; i++) {
		connection__close(&w->list[i].connection);
		touches__clear(&w->list[i].touches);
	}
	queue__clear(&w->queue);
	free(w);
}

enum status
writer__put(struct writer *writer, struct store_job *job, struct error *err)
{
	return queue__put(&writer->queue, job, err);
}

bool
writer__is_here(const struct writer *writer)
{
	return here == writer;
}

struct connection *
writer__connection(struct writer *writer)
{
	return &writer->list[0].connection;
}
