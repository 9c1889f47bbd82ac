#include "base/rounds.h"

#include "base/clock.h"

static bool
wait_round(struct rounds *r)
{
	int64_t until_us = clock_mono_us() + r->work.pause_us;

	mutex_lock(&r->mutex);
	while (!r->ends && cond_wait_until(&r->changed, &r->mutex, until_us))
		;
	bool goes_on = !r->ends;
	mutex_unlock(&r->mutex);
	return goes_on;
}

static void *
rounds_main(void *arg)
{
	struct rounds *r = arg;

	while (wait_round(r))
		r->work.run(r->work.owner);
	return NULL;
}

static void
clear(struct rounds *r)
{
	pthread_cond_destroy(&r->changed);
	pthread_mutex_destroy(&r->mutex);
}

enum status
rounds_start(struct rounds *r, const struct rounds_work *work, struct error *err)
{
	*r = (struct rounds){.work = *work};
	mutex_init(&r->mutex);
	cond_init(&r->changed);
	enum status rc = thread_start(&r->thread, work->name, rounds_main, r, err);
	if (rc != OK)
		clear(r);
	return rc;
}

bool
rounds_end(struct rounds *r)
{
	mutex_lock(&r->mutex);
	bool ends = r->ends;
	mutex_unlock(&r->mutex);
	return ends;
}

void
rounds_stop(struct rounds *r)
{
	mutex_lock(&r->mutex);
	r->ends = true;
	pthread_cond_signal(&r->changed);
	mutex_unlock(&r->mutex);
	pthread_join(r->thread, NULL);
	clear(r);
}
