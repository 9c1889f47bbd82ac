#include "store/internal.h"

void
queue__init(struct queue *q, unsigned max)
{
	*q = (struct queue){.max = max ? max : 1};
	mutex_init(&q->mutex);
	cond_init(&q->filled);
}

void
queue__clear(struct queue *q)
{
	ASSERT(!q->head);
	pthread_cond_destroy(&q->filled);
	pthread_mutex_destroy(&q->mutex);
}

enum status
queue__put(struct queue *q, struct store_job *job, struct error *err)
{
	job->next = NULL;
	job->status = OK;
	mutex_lock(&q->mutex);
	if (q->closed || q->count >= q->max) {
		bool closed = q->closed;
		mutex_unlock(&q->mutex);
		return error_set(err, ERR_BUSY, "overloaded",
			closed ? "The server is shutting down; try again."
			       : "The server is overloaded; try again.");
	}
	if (q->tail)
		q->tail->next = job;
	else
		q->head = job;
	q->tail = job;
	q->count++;
	if (q->sleeping > 0)
		pthread_cond_signal(&q->filled);
	mutex_unlock(&q->mutex);
	return OK;
}

unsigned
queue__take(struct queue *q, struct store_job **out, unsigned max, bool *closed)
{
	unsigned taken = 0;
	mutex_lock(&q->mutex);
	while (!q->head && !q->closed) {
		q->sleeping++;
		cond_wait(&q->filled, &q->mutex);
		q->sleeping--;
	}
	while (taken < max && q->head) {
		out[taken++] = q->head;
		q->head = q->head->next;
	}
	if (!q->head)
		q->tail = NULL;
	q->count -= taken;
	*closed = q->closed;
	mutex_unlock(&q->mutex);
	return taken;
}

unsigned
queue__take_now(struct queue *q, struct store_job **out, unsigned max)
{
	unsigned taken = 0;
	mutex_lock(&q->mutex);
	while (taken < max && q->head) {
		out[taken++] = q->head;
		q->head = q->head->next;
	}
	if (!q->head)
		q->tail = NULL;
	q->count -= taken;
	mutex_unlock(&q->mutex);
	return taken;
}

static bool
is_held(const struct queue *q, struct uuid shard)
{
	for (unsigned i = 0; i < WRITERS_MAX; i++) {
		if (q->held[i].held && uuid_eq(q->held[i].shard, shard))
			return true;
	}
	return false;
}

/* The first job of a shard that nobody holds. */
static struct store_job *
first_free(const struct queue *q)
{
	struct store_job *job = q->head;
	while (job && is_held(q, job->shard))
		job = job->next;
	return job;
}

/* Takes out all of the shard, up to `max`, in order. */
static unsigned
take_of(struct queue *q, struct store_job **out, unsigned max, struct uuid shard)
{
	unsigned taken = 0;
	struct store_job *before = NULL, *next = NULL;
	for (struct store_job *job = q->head; job && taken < max; job = next) {
		next = job->next;
		if (!uuid_eq(job->shard, shard)) {
			before = job;
			continue;
		}
		out[taken++] = job;
		if (before)
			before->next = next;
		else
			q->head = next;
		if (!next)
			q->tail = before;
	}
	q->count -= taken;
	return taken;
}

unsigned
queue__take_shard(
	struct queue *q, struct store_job **out, unsigned max, unsigned slot, bool *closed)
{
	struct store_job *first = NULL;
	unsigned taken = 0;
	mutex_lock(&q->mutex);
	while (!(first = first_free(q)) && !q->closed) {
		q->sleeping++;
		cond_wait(&q->filled, &q->mutex);
		q->sleeping--;
	}
	*closed = q->closed;
	if (q->closed)
		first = q->head; /* it will not be run: who holds its shard does not matter */
	if (first) {
		struct uuid shard = first->shard;
		taken = take_of(q, out, max, shard);
		q->held[slot].shard = shard;
		q->held[slot].held = !q->closed;
	}
	mutex_unlock(&q->mutex);
	return taken;
}

void
queue__release(struct queue *q, unsigned slot)
{
	mutex_lock(&q->mutex);
	q->held[slot].held = false;
	if (q->sleeping > 0 && q->head)
		pthread_cond_signal(&q->filled);
	mutex_unlock(&q->mutex);
}

void
queue__put_back(struct queue *q, struct store_job **jobs, unsigned count)
{
	mutex_lock(&q->mutex);
	for (unsigned i = count; i-- > 0;) {
		jobs[i]->next = q->head;
		q->head = jobs[i];
		if (!q->tail)
			q->tail = jobs[i];
		q->count++;
	}
	mutex_unlock(&q->mutex);
}

void
queue__close(struct queue *q)
{
	mutex_lock(&q->mutex);
	q->closed = true;
	pthread_cond_broadcast(&q->filled);
	mutex_unlock(&q->mutex);
}

enum status
error__unknown(struct error *err)
{
	return error_set(err, ERR_BUSY, "outcome-unknown",
		"It is not known whether this was done: the database was lost meanwhile. Do it "
		"again, with the same Idempotency-Key where there is one.");
}

void
job__answer(struct store_job *job)
{
	job->done(job, job->status, &job->error);
}

void
job__refuse_closing(struct store_job *job)
{
	error_clear(&job->error);
	job->status = error_set(
		&job->error, ERR_BUSY, "overloaded", "The server is shutting down; try again.");
	job__answer(job);
}

enum status
error__unavailable(struct error *err)
{
	return error_set(err, ERR_BUSY, "store-unavailable",
		"The store cannot be used at the moment; try again later.");
}
