#ifndef STORE_ASK_H
#define STORE_ASK_H

#include <stdatomic.h>

#include "store/history.h"

/*
 * What a follower knows of a shared store, and how it learns what is new. One thread at a time.
 *
 * In one session it reads the rows of the feed that it has not seen. In another session, or after
 * a long silence, it compares the revision of every organisation instead: the server may have been
 * started anew, and numbers of transactions that it gave to none may have come again. When the
 * database is another, or what was seen is missing, it begins another incarnation, and everything
 * is forgotten.
 */
struct ask {
	struct store *store;
	struct store_follower who;
	struct connection connection;
	int64_t keep_us; /* so long rows of the feed are there */
	_Atomic uint64_t seed; /* of the session; set before the follower forgets */

	/* What is known. */
	struct history history;
	struct witness witness;
	int64_t session_us; /* the session in which it was asked; 0: all is to be compared */
	int64_t asked_us; /* when the last asking that succeeded began; monotonic; 0: never */
	int64_t horizon; /* what is before it was seen */

	struct touched *told;
};

enum status ask__init(struct ask *a, struct store *store, const struct store_follower *who,
	struct error *err) MUST_USE;
void ask__clear(struct ask *a);

/* Tells the follower what is new. When it fails the follower may have heard half of it, and hears
 * all of it again. */
enum status ask__now(struct ask *a, struct error *err) MUST_USE;

#endif
