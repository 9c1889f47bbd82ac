#ifndef BASE_CREW_H
#define BASE_CREW_H

#include <stdbool.h>

#include "base/error.h"
#include "base/uuid.h"

/*
 * A few threads for work that waits for servers of others. It is done in the order in which it
 * came, but of one party (an organisation) only so much runs, and waits, at a time: whoever has
 * slow servers delays nobody else.
 */
struct crew; /* owned */

struct crew_options {
	const char *name; /* of its threads */
	unsigned threads, threads_of_one; /* at most CREW_THREADS_MAX */
	unsigned waiting, waiting_of_one; /* at most so many */
};
#define CREW_THREADS_MAX 8

/* Embedded in what its submitter keeps until one of the two has been called, once. */
struct crew_task {
	/* On a thread of the crew; the task may be gone after it. */
	void (*run)(struct crew_task *task);
	/* The crew ends before its turn comes. */
	void (*leave)(struct crew_task *task);
	struct uuid party;
	struct crew_task *next; /* the crew's */
};

/* Starts the threads. */
enum status crew_new(
	struct crew **out, const struct crew_options *options, struct error *err) MUST_USE;
/* False when too many wait, or the crew ends: then nothing is called. Threads: any. */
bool crew_take(struct crew *crew, struct crew_task *task) MUST_USE;
/* Takes nothing more, and leaves what still waits. NULL: nothing. */
void crew_end(struct crew *crew);
/* The same; waits for what runs, and frees. */
void crew_free(struct crew **crew);

#endif
