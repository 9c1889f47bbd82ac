#include "base/crew.h"

#include <stdlib.h>

#include "base/thread.h"

struct worker {
	struct crew *crew;
	pthread_t thread;
	bool busy;
	struct uuid party; /* whose work it does, if it is busy */
};

struct crew {
	struct crew_options options;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct crew_task *first; /* those that wait, in order */
	bool ends;
	struct worker workers[CREW_THREADS_MAX];
	unsigned count;
};

static bool
may_run(const struct crew *crew, const struct crew_task *task)
{
	unsigned running = 0;

	for (unsigned i = 0; i < crew->count; i++)
		running += crew->workers[i].busy && uuid_eq(crew->workers[i].party, task->party);
	return running < crew->options.threads_of_one;
}

/* Takes the first that may run out of those that wait; with the mutex held. */
static struct crew_task *
take_first(struct crew *crew)
{
	struct crew_task **at = &crew->first;

	while (*at && !may_run(crew, *at))
		at = &(*at)->next;
	struct crew_task *task = *at;
	if (task)
		*at = task->next;
	return task;
}

/* NULL when it is time to end. */
static struct crew_task *
next_task(struct worker *w)
{
	struct crew *crew = w->crew;
	struct crew_task *task = NULL;

	mutex_lock(&crew->mutex);
	w->busy = false;
	/* Another one of the same party may have waited for this. */
	pthread_cond_broadcast(&crew->changed);
	while (!crew->ends && !(task = take_first(crew)))
		cond_wait(&crew->changed, &crew->mutex);
	w->busy = task != NULL;
	if (task)
		w->party = task->party;
	mutex_unlock(&crew->mutex);
	return task;
}

static void *
worker_main(void *arg)
{
	struct crew_task *task;

	while ((task = next_task(arg)) != NULL)
		task->run(task);
	return NULL;
}

enum status
crew_new(struct crew **out, const struct crew_options *options, struct error *err)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	enum status rc = OK;

	*out = NULL;
	if (!crew)
		return error_no_memory(err);
	ASSERT(options->threads <= CREW_THREADS_MAX);
	crew->options = *options;
	mutex_init(&crew->mutex);
	cond_init(&crew->changed);
	/* Counted under the mutex, since those that run look at one another. */
	mutex_lock(&crew->mutex);
	for (unsigned i = 0; rc == OK && i < options->threads; i++) {
		struct worker *w = &crew->workers[i];
		w->crew = crew;
		rc = thread_start(&w->thread, options->name, worker_main, w, err);
		crew->count += rc == OK;
	}
	mutex_unlock(&crew->mutex);
	if (rc != OK)
		crew_free(&crew);
	*out = crew;
	return rc;
}

bool
crew_take(struct crew *crew, struct crew_task *task)
{
	unsigned waiting = 0, of_one = 0;
	struct crew_task **at = &crew->first;

	task->next = NULL;
	mutex_lock(&crew->mutex);
	for (; *at; at = &(*at)->next) {
		waiting++;
		of_one += uuid_eq((*at)->party, task->party);
	}
	bool taken = !crew->ends && waiting < crew->options.waiting &&
		of_one < crew->options.waiting_of_one;
	if (taken) {
		*at = task;
		pthread_cond_signal(&crew->changed);
	}
	mutex_unlock(&crew->mutex);
	return taken;
}

void
crew_end(struct crew *crew)
{
	struct crew_task *task, *next;

	if (!crew)
		return;
	mutex_lock(&crew->mutex);
	crew->ends = true;
	task = crew->first;
	crew->first = NULL;
	pthread_cond_broadcast(&crew->changed);
	mutex_unlock(&crew->mutex);
	for (; task; task = next) {
		next = task->next;
		task->leave(task);
	}
}

void
crew_free(struct crew **out)
{
	struct crew *crew = *out;

	if (!crew)
		return;
	crew_end(crew);
	for (unsigned i = 0; i < crew->count; i++)
		pthread_join(crew->workers[i].thread, NULL);
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->mutex);
	free(crew);
	*out = NULL;
}
