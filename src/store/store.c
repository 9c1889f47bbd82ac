#include "store/store.h"

#include <stdlib.h>

#include "crypto/crypto.h"
#include "store/feed.h"
#include "store/history.h"
#include "store/internal.h"

static enum status
attach_replicas(struct store *store, const struct store_options *options, struct error *err)
{
	if (!store->driver->attach_replicas)
		return error_set(err, ERR_INVALID, "store-unreadable",
			"The embedded store has no replicas: set --database as well.");
	return store->driver->attach_replicas(&store->replicas, options, err);
}

static enum status
open_all(struct store *store, const struct store_options *options, struct error *err)
{
	struct connection reading = {0};
	enum status rc = crypto_init(err); /* for the digests of migrations */
	if (rc == OK)
		rc = store->driver->attach(&store->place, options, err);
	if (rc == OK && options->replicas)
		rc = attach_replicas(store, options, err);
	if (rc != OK)
		return rc;
	if (!store->options.read_only) {
		rc = writer__start(&store->writer, store, err);
		if (rc == OK)
			rc = migrate__run(store, writer__connection(store->writer), err);
	} else {
		rc = connection__open(&reading, store, false, err);
		if (rc == OK)
			rc = migrate__run(store, &reading, err);
		connection__close(&reading);
	}
	if (rc == OK && store->writer && !store->driver->shared)
		rc = history__settle(store, writer__connection(store->writer), err);
	if (rc == OK)
		rc = readers__start(&store->readers, store, err);
	if (rc == OK && store->writer)
		rc = writer__run(store->writer, err);
	return rc;
}

enum status
store_open(struct store **out, const struct store_options *options, struct error *err)
{
	*out = NULL;
	struct store *store = calloc(1, sizeof(*store));
	if (!store)
		return error_no_memory(err);
	store->driver = options->url && *options->url ? &driver_pgsql : &driver_sqlite;
	store->options = *options;
	/* Secret, and the places have them. */
	store->options.url = store->options.replicas = NULL;
	store->options.path = options->path ? strdup(options->path) : NULL;
	enum status rc = OK;
	if (options->path && !store->options.path)
		rc = error_no_memory(err);
	if (rc == OK)
		rc = open_all(store, options, err);
	if (rc != OK)
		store_close(&store);
	*out = store;
	return rc;
}

void
store_close(struct store **out)
{
	struct store *store = *out;
	if (!store)
		return;
	*out = NULL;
	/* The last answers of each may still ask the other, and are told that it is too late. */
	writer__halt(store->writer);
	readers__halt(store->readers);
	feed__halt(store->feed);
	/* The connection that writes is the last to go: it cleans the log up. */
	feed__free(&store->feed);
	readers__free(&store->readers);
	writer__free(&store->writer);
	if (store->place)
		store->driver->detach(&store->place);
	if (store->replicas)
		store->driver->detach(&store->replicas);
	free((char *)(uintptr_t)store->options.path);
	free(store);
}

enum status
store_follow(struct store *store, const struct store_follower *follower, struct error *err)
{
	if (store->driver->shared)
		return feed__start(&store->feed, store, follower, err);
	follower->settle(follower->context, store->incarnation);
	return OK;
}

bool
store_is_shared(const struct store *store)
{
	return store->driver->shared;
}

struct store_stats
store_stats(const struct store *store)
{
	return (struct store_stats){.replica_reads = atomic_load(&store->replica_reads),
		.replica_refusals = atomic_load(&store->replica_refusals)};
}

int64_t
store_age_us(const struct store *store)
{
	return feed__age_us(store->feed);
}

uint64_t
store_seed(const struct store *store)
{
	return feed__seed(store->feed);
}

enum status
store_catch_up(struct store *store, struct store_job *job, struct error *err)
{
	ASSERT(store->feed);
	return feed__catch_up(store->feed, job, err);
}

void
store_on_commit(struct store *store, store_commit_hook *hook, void *context)
{
	store->hook = hook;
	store->hook_context = context;
}

enum status
store_change(struct store *store, struct store_job *job, struct error *err)
{
	if (!store->writer)
		return error_set(err, ERR_INVALID, "store-read-only",
			"The store was opened for reading only.");
	return writer__put(store->writer, job, err);
}

enum status
store_read(struct store *store, struct store_job *job, struct error *err)
{
	return readers__put(store->readers, job, err);
}

/* A job that runs another and wakes who waits for it. */
struct waiting {
	struct store_job job; /* first */
	struct store_job *inner;
	pthread_mutex_t mutex;
	pthread_cond_t answered;
	bool done;
	enum status status;
	struct error error;
};

static enum status
waiting_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct waiting *w = (struct waiting *)job;
	return w->inner->run(w->inner, tx, err);
}

static void
waiting_done(struct store_job *job, enum status status, const struct error *err)
{
	struct waiting *w = (struct waiting *)job;
	mutex_lock(&w->mutex);
	w->status = status;
	w->error = *err;
	w->done = true;
	pthread_cond_signal(&w->answered);
	mutex_unlock(&w->mutex);
}

typedef enum status submitter(struct store *store, struct store_job *job, struct error *err);

static enum status
submit_and_wait(submitter *submit, struct store *store, struct store_job *job, struct error *err)
{
	struct waiting w = {.job = {.run = waiting_run, .done = waiting_done, .shard = job->shard},
		.inner = job};
	mutex_init(&w.mutex);
	cond_init(&w.answered);
	enum status rc = submit(store, &w.job, err);
	if (rc == OK) {
		mutex_lock(&w.mutex);
		while (!w.done)
			cond_wait(&w.answered, &w.mutex);
		mutex_unlock(&w.mutex);
		rc = w.status;
		if (rc != OK && err->status == OK)
			*err = w.error;
	}
	pthread_cond_destroy(&w.answered);
	pthread_mutex_destroy(&w.mutex);
	return rc;
}

enum status
store_change_wait(struct store *store, struct store_job *job, struct error *err)
{
	ASSERT(!store->writer || !writer__is_here(store->writer));
	return submit_and_wait(store_change, store, job, err);
}

enum status
store_read_wait(struct store *store, struct store_job *job, struct error *err)
{
	ASSERT(!readers__is_here(store->readers));
	return submit_and_wait(store_read, store, job, err);
}

struct preparing {
	struct store_job job; /* first */
	const char *text;
};

static enum status
preparing_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct preparing *p = (struct preparing *)job;
	const struct driver *d = tx->connection->driver;
	void *statement = NULL;
	enum status rc = d->prepare(&statement, tx->connection->native, p->text, false, err);
	if (rc == OK)
		d->finalize(&statement);
	return rc;
}

enum status
store_prepare(struct store *store, const char *text, struct error *err)
{
	struct preparing p = {.job = {.run = preparing_run}, .text = text};
	return store_read_wait(store, &p.job, err);
}

#ifndef FAULT_INJECTION
void
store_fail_next(struct store *store, int after)
{
	(void)store;
	(void)after;
}

void
store_fail_write(struct store *store, int after)
{
	(void)store;
	(void)after;
}

bool
store_failed(struct store *store)
{
	(void)store;
	return false;
}
#endif
