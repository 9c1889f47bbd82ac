#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/internal.h"

struct writer {
	struct store *store;
	struct connection connection;
	struct touches touches;
	struct queue queue;
	pthread_t thread;
	bool running;
	int64_t quiet_until_us; /* one line a second tells of refused batches */
	unsigned count;
	struct store_job *batch[BATCH_JOBS_MAX];
};

static _Thread_local const struct writer *here; /* on its own thread */

/* How an attempt to run the batch ended. */
enum outcome {
	ABANDONED, /* nothing of it is in the store */
	LOST, /* likewise, by the fault of one job */
	COMMITTED,
};

/* Runs one job inside its savepoint. LOST: the engine undid the whole transaction. */
static enum outcome
run_job(struct writer *w, struct store_job *job, struct error *err)
{
	const struct driver *d = w->connection.driver;
	void *native = w->connection.native;
	struct tx tx = {.store = w->store, .connection = &w->connection, .touches = &w->touches};

	error_clear(&job->error);
	if (d->savepoint(native, err) != OK)
		return ABANDONED;
	touches__begin_job(&w->touches);
	job->status = job->run(job, &tx, &job->error);
	connection__reset_all(&w->connection);
	if (UNLIKELY(tx.failed != OK) && job->status == OK) {
		job->error = tx.error;
		job->status = tx.failed;
	}
	if (UNLIKELY(!d->in_transaction(native))) {
		if (job->status == OK)
			job->status = error__unavailable(&job->error);
		return LOST;
	}
	if (LIKELY(job->status == OK))
		return d->release(native, err) == OK ? COMMITTED : ABANDONED;
	touches__drop_job(&w->touches);
	return d->rollback_to(native, err) == OK ? COMMITTED : LOST;
}

/* One transaction for the batch, without the job at `skip`. `lost`: the job that cost it all. */
static enum outcome
attempt(struct writer *w, unsigned skip, unsigned *lost)
{
	const struct driver *d = w->connection.driver;
	void *native = w->connection.native;
	struct error err = {0};
	int64_t until_us = clock_mono_us() + BATCH_WORK_US;

	touches__reset(&w->touches);
	if (d->begin(native, true, &err) != OK)
		goto failed;
	for (unsigned i = 0; i < w->count; i++) {
		if (i == skip)
			continue;
		enum outcome done = run_job(w, w->batch[i], &err);
		if (UNLIKELY(done != COMMITTED)) {
			d->rollback(native);
			*lost = i;
			if (done == LOST)
				return LOST;
			goto failed;
		}
		if (clock_mono_us() < until_us)
			continue;
		if (skip != UINT32_MAX && i < skip)
			continue; /* its answer is owed with this batch */
		queue__put_back(&w->queue, w->batch + i + 1, w->count - i - 1);
		w->count = i + 1;
	}
	if (d->commit(native, &err) == OK)
		return COMMITTED;
failed:
	if (clock_mono_us() >= w->quiet_until_us) {
		log_error("store-batch-refused", &err);
		w->quiet_until_us = clock_mono_us() + US_PER_S;
	}
	return ABANDONED;
}

/* Nothing was committed: nobody hears of success, nor of a refusal that another's undone change
 * may have caused. */
static void
refuse_batch(struct writer *w, unsigned except)
{
	for (unsigned i = 0; i < w->count; i++) {
		if (i == except)
			continue;
		error_clear(&w->batch[i]->error);
		w->batch[i]->status = error__unavailable(&w->batch[i]->error);
	}
	touches__reset(&w->touches);
}

static void
run_batch(struct writer *w)
{
	struct store *store = w->store;
	unsigned skip = UINT32_MAX;
	unsigned again = UINT32_MAX;
	enum outcome done = attempt(w, UINT32_MAX, &skip);
	if (done == LOST) {
		log_error("store-batch-lost", &w->batch[skip]->error);
		done = attempt(w, skip, &again);
	} else {
		skip = UINT32_MAX;
	}
	if (done != COMMITTED)
		refuse_batch(w, skip);
	if (w->touches.count > 0 && store->hook)
		store->hook(store->hook_context, w->touches.list, w->touches.count);
	for (unsigned i = 0; i < w->count; i++)
		job__answer(w->batch[i]);
	w->connection.driver->tidy(w->connection.native);
}

static void *
writer_main(void *arg)
{
	struct writer *w = arg;
	bool closed = false;
	here = w;
	for (;;) {
		w->count = queue__take(&w->queue, w->batch, BATCH_JOBS_MAX, &closed);
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
	struct writer *w = calloc(1, sizeof(*w));
	if (!w)
		return error_no_memory(err);
	w->store = store;
	queue__init(&w->queue, store->options.queue_max);
	enum status rc = connection__open(&w->connection, store, true, err);
	*out = w;
	if (rc != OK)
		writer__free(out);
	return rc;
}

enum status
writer__run(struct writer *w, struct error *err)
{
	enum status rc = thread_start(&w->thread, "store-writer", writer_main, w, err);
	w->running = rc == OK;
	return rc;
}

void
writer__halt(struct writer *w)
{
	if (!w)
		return;
	queue__close(&w->queue);
	if (w->running)
		pthread_join(w->thread, NULL);
	w->running = false;
}

void
writer__free(struct writer **writer)
{
	struct writer *w = *writer;
	if (!w)
		return;
	*writer = NULL;
	connection__close(&w->connection);
	queue__clear(&w->queue);
	touches__clear(&w->touches);
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
	return &writer->connection;
}
