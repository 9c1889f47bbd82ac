#include <stdlib.h>

#include "store/replica.h"

struct reader {
	struct readers *all;
	struct connection connection;
	struct replica replica;
	pthread_t thread;
	bool running;
};

struct readers {
	struct store *store;
	struct queue queue;
	unsigned count;
	struct reader list[];
};

static _Thread_local const struct readers *here; /* on a thread of theirs */

/* A connection that was lost unnoticed is made anew once. */
#define ATTEMPTS_MAX 2

/* False when it failed by chance and may be run again. */
static bool
try_job(struct reader *r, struct store_job *job)
{
	const struct driver *d = r->connection.driver;
	void *native = r->connection.native;
	struct tx tx = {.store = r->all->store, .connection = &r->connection};

	error_clear(&job->error);
	job->status = connection__begin(
		&r->connection, r->all->store, false, &tx.incarnation, &job->error);
	if (job->status != OK)
		return true;
	job->status = job->run(job, &tx, &job->error);
	connection__reset_all(&r->connection);
	if (tx.failed != OK && job->status == OK) {
		job->error = tx.error;
		job->status = tx.failed;
	}
	bool again = tx.failed != OK && d->again(native);
	d->rollback(native);
	return !again;
}

static void
run_job(struct reader *r, struct store_job *job)
{
	bool done = job->may_lag && replica__run(&r->replica, r->all->store, job);
	for (unsigned i = 0; !done && i < ATTEMPTS_MAX; i++)
		done = try_job(r, job);
	job__answer(job);
}

static void *
reader_main(void *arg)
{
	struct reader *r = arg;
	here = r->all;
	for (;;) {
		struct store_job *job = NULL;
		bool closed = false;
		if (queue__take(&r->all->queue, &job, 1, &closed) == 0)
			return NULL;
		if (closed)
			job__refuse_closing(job);
		else
			run_job(r, job);
	}
}

static enum status
start_one(struct readers *all, struct reader *r, struct error *err)
{
	r->all = all;
	enum status rc = connection__open(&r->connection, all->store, false, err);
	if (rc == OK)
		rc = replica__open(&r->replica, all->store, err);
	if (rc != OK)
		return rc;
	rc = thread_start(&r->thread, "store-reader", reader_main, r, err);
	r->running = rc == OK;
	return rc;
}

enum status
readers__start(struct readers **out, struct store *store, struct error *err)
{
	unsigned count = store->options.readers ? store->options.readers : 1;
	struct readers *all = calloc(1, sizeof(*all) + count * sizeof(all->list[0]));
	if (!all)
		return error_no_memory(err);
	enum status rc = OK;
	all->store = store;
	all->count = count;
	queue__init(&all->queue, store->options.read_queue_max);
	for (unsigned i = 0; rc == OK && i < count; i++)
		rc = start_one(all, &all->list[i], err);
	*out = all;
	if (rc != OK) {
		readers__halt(all);
		readers__free(out);
	}
	return rc;
}

void
readers__halt(struct readers *all)
{
	if (!all)
		return;
	queue__close(&all->queue);
	for (unsigned i = 0; i < all->count; i++) {
		if (all->list[i].running)
			pthread_join(all->list[i].thread, NULL);
		all->list[i].running = false;
	}
}

void
readers__free(struct readers **readers)
{
	struct readers *all = *readers;
	if (!all)
		return;
	*readers = NULL;
	for (unsigned i = 0; i < all->count; i++) {
		connection__close(&all->list[i].connection);
		replica__close(&all->list[i].replica);
	}
	queue__clear(&all->queue);
	free(all);
}

enum status
readers__put(struct readers *readers, struct store_job *job, struct error *err)
{
	return queue__put(&readers->queue, job, err);
}

bool
readers__is_here(const struct readers *readers)
{
	return here == readers;
}
