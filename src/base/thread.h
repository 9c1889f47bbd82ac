#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* Starts a named thread (15 characters, the rest is cut) with every signal blocked but those that
 * a fault of its own raises. ERR_INTERNAL "thread-failed". The caller joins or detaches it. */
enum status thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg,
	struct error *err) MUST_USE;

/* pthread calls whose failure is a programming error: they assert. */
void mutex_init(pthread_mutex_t *m);
void mutex_lock(pthread_mutex_t *m);
void mutex_unlock(pthread_mutex_t *m);
void cond_init(pthread_cond_t *c); /* waits by the monotonic clock */
void cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
bool cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t mono_us); /* false: timed out */

#endif
