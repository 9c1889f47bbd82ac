#include "signin/pool.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/thread.h"

#define THREADS_MAX 8
#define NICE 10

struct password_pool {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct password_task *first, **last;
	unsigned waiting, waiting_max;
	bool ends;
	pthread_t threads[THREADS_MAX];
	unsigned thread_count;
};

static enum status
busy(struct error *err)
{
	return error_set(
		err, ERR_BUSY, "overloaded", "Too many people sign in just now; try again.");
}

static void
run_task(struct password_task *task)
{
	struct str hashed = task->wanted;

	task->status = OK;
	task->match = true;
	task->out[0] = '\0';
	if (task->phc)
		task->status = password_verify(&task->match, task->phc, task->known, &task->error);
	if (task->status != OK || !task->match)
		return;
	if (!hashed.ptr && task->phc && password_needs_rehash(task->phc))
		hashed = task->known;
	if (hashed.ptr)
		task->status = password_hash(task->out, hashed, &task->error);
}

/* NULL when it is time to end. */
static struct password_task *
next_task(struct password_pool *pool)
{
	mutex_lock(&pool->mutex);
	while (!pool->first && !pool->ends)
		cond_wait(&pool->changed, &pool->mutex);
	struct password_task *task = pool->ends ? NULL : pool->first;
	if (task) {
		pool->first = task->next;
		if (!pool->first)
			pool->last = &pool->first;
		pool->waiting--;
	}
	mutex_unlock(&pool->mutex);
	return task;
}

static void *
pool_main(void *arg)
{
	struct password_pool *pool = arg;
	struct password_task *task;

	/* Of this thread alone, as Linux has it; without it the rest is merely less well off. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while ((task = next_task(pool)) != NULL) {
		run_task(task);
		task->done(task);
	}
	return NULL;
}

enum status
password_pool_new(
	struct password_pool **out, const struct password_pool_options *options, struct error *err)
{
	struct password_pool *pool = calloc(1, sizeof(*pool));

	*out = NULL;
	if (!pool)
		return error_no_memory(err);
	mutex_init(&pool->mutex);
	cond_init(&pool->changed);
	pool->last = &pool->first;
	pool->waiting_max = options->queue_max;
	enum status rc = OK;
	for (unsigned i = 0; rc == OK && i < options->threads && i < THREADS_MAX; i++) {
		rc = thread_start(&pool->threads[i], "password", pool_main, pool, err);
		pool->thread_count += rc == OK;
	}
	if (rc != OK)
		password_pool_free(&pool);
	*out = pool;
	return rc;
}

void
password_pool_free(struct password_pool **out)
{
	struct password_pool *pool = *out;

	if (!pool)
		return;
	mutex_lock(&pool->mutex);
	pool->ends = true;
	pthread_cond_broadcast(&pool->changed);
	mutex_unlock(&pool->mutex);
	for (unsigned i = 0; i < pool->thread_count; i++)
		pthread_join(pool->threads[i], NULL);
	for (struct password_task *task = pool->first, *next; task; task = next) {
		next = task->next;
		task->status = busy(&task->error);
		task->done(task);
	}
	pthread_cond_destroy(&pool->changed);
	pthread_mutex_destroy(&pool->mutex);
	free(pool);
	*out = NULL;
}

enum status
password_pool_submit(struct password_pool *pool, struct password_task *task, struct error *err)
{
	task->next = NULL;
	mutex_lock(&pool->mutex);
	bool taken = !pool->ends && pool->waiting < pool->waiting_max;
	if (taken) {
		*pool->last = task;
		pool->last = &task->next;
		pool->waiting++;
		pthread_cond_signal(&pool->changed);
	}
	mutex_unlock(&pool->mutex);
	return taken ? OK : busy(err);
}
