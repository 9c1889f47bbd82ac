#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

enum status
thread_start(pthread_t *out, const char *name, void *(*run)(void *), void *arg, struct error *err)
{
	sigset_t blocked, before;
	sigfillset(&blocked);
	sigdelset(&blocked, SIGSEGV);
	sigdelset(&blocked, SIGBUS);
	sigdelset(&blocked, SIGFPE);
	sigdelset(&blocked, SIGILL);
	ASSERT(pthread_sigmask(SIG_SETMASK, &blocked, &before) == 0);
	int failed = pthread_create(out, NULL, run, arg);
	ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
	if (failed) {
		error_set(
			err, ERR_INTERNAL, "thread-failed", "The server could not start a thread.");
		return error_detail(err, "%s: %s", name, strerror(failed));
	}
	char shown[16];
	snprintf(shown, sizeof(shown), "%s", name);
	pthread_setname_np(*out, shown);
	return OK;
}

void
mutex_init(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_init(m, NULL) == 0);
}

void
mutex_lock(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_lock(m) == 0);
}

void
mutex_unlock(pthread_mutex_t *m)
{
	ASSERT(pthread_mutex_unlock(m) == 0);
}

void
cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	ASSERT(pthread_condattr_init(&attr) == 0);
	ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
	ASSERT(pthread_cond_init(c, &attr) == 0);
	pthread_condattr_destroy(&attr);
}

void
cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	ASSERT(pthread_cond_wait(c, m) == 0);
}

bool
cond_wait_until(pthread_cond_t *c, pthread_mutex_t *m, int64_t mono_us)
{
	if (mono_us < 0)
		mono_us = 0;
	struct timespec until = {
		.tv_sec = mono_us / US_PER_S, .tv_nsec = mono_us % US_PER_S * 1000};
	int rc = pthread_cond_timedwait(c, m, &until);
	ASSERT(rc == 0 || rc == ETIMEDOUT);
	return rc == 0;
}
