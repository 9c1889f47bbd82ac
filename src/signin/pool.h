#ifndef SIGNIN_POOL_H
#define SIGNIN_POOL_H

#include "crypto/password.h"

/*
 * The few threads of low priority on which passwords are hashed, so that a flood of sign-ins slows
 * no decision: each takes 25 ms of a processor. Their queue is bounded.
 */
struct password_pool; /* owned */

struct password_pool_options {
	unsigned threads;
	unsigned queue_max;
};
enum status password_pool_new(struct password_pool **out,
	const struct password_pool_options *options, struct error *err) MUST_USE;
/* Answers what still waits with ERR_BUSY, waits for what runs, and frees. */
void password_pool_free(struct password_pool **pool);

/* Embedded in what its submitter keeps until `done` has been called: exactly once, on a thread of
 * the pool. */
struct password_task {
	const char *phc; /* what `known` is verified against; NULL: nothing is */
	struct str known; /* secret, normalised */
	struct str wanted; /* secret: hashed, once `known` has been verified; absent: nothing is,
			    * but `known` again where its hash is out of date */
	void (*done)(struct password_task *task);

	/* What came of it. */
	enum status status;
	struct error error;
	bool match; /* true as well when nothing had to be verified */
	char out[PASSWORD_PHC_MAX]; /* what was hashed; "" otherwise */

	struct password_task *next; /* the pool's */
};

/* ERR_BUSY "overloaded" when too many wait: then `done` is not called. Threads: any. */
enum status password_pool_submit(
	struct password_pool *pool, struct password_task *task, struct error *err) MUST_USE;

#endif
