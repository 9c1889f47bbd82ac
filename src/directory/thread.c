#include "directory/internal.h"

static pthread_key_t leaving;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static _Atomic unsigned threads;

char directory__readers;

static _Thread_local bool registered;
static _Thread_local unsigned counter;

static void
unregister_thread(void *unused)
{
	(void)unused;
	urcu_memb_unregister_thread();
	registered = false;
}

static void
make_key(void)
{
	ASSERT(pthread_key_create(&leaving, unregister_thread) == 0);
}

static void
register_thread(void)
{
	pthread_once(&once, make_key);
	/* Any value that is not NULL has the destructor called. */
	ASSERT(pthread_setspecific(leaving, &registered) == 0);
	urcu_memb_register_thread();
	counter = atomic_fetch_add_explicit(&threads, 1, memory_order_relaxed) % COUNTERS;
	registered = true;
}

void
directory_enter(void)
{
	if (UNLIKELY(!registered))
		register_thread();
	urcu_memb_read_lock();
}

void
directory_leave(void)
{
	SANITIZER_RELEASE(&directory__readers);
	urcu_memb_read_unlock();
}

struct counters *
thread__counters(struct directory *d)
{
	return &d->counters[counter];
}
