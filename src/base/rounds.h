#ifndef BASE_ROUNDS_H
#define BASE_ROUNDS_H

#include "base/thread.h"

/* A thread that does its work in rounds, with a pause before each. Embedded in who owns it. */
struct rounds_work {
	const char *name; /* of the thread */
	int64_t pause_us;
	void (*run)(void *owner); /* one round */
	void *owner;
};

struct rounds {
	struct rounds_work work;
	pthread_t thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool ends; /* under the mutex */
};

/* ERR_INTERNAL: then there is nothing to stop. */
enum status rounds_start(
	struct rounds *r, const struct rounds_work *work, struct error *err) MUST_USE;
/* Whether it is to end: long rounds ask now and then. Threads: any. */
bool rounds_end(struct rounds *r);
/* Waits for the round that runs. */
void rounds_stop(struct rounds *r);

#endif
