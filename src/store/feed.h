#ifndef STORE_FEED_H
#define STORE_FEED_H

#include "store/internal.h"

/*
 * What several processes on one database tell each other: a row for each change, written with it;
 * a note to all after the commit, one for all that was committed meanwhile; and a thread that asks
 * every 250 ms, or when it is told, what is new. Only on engines that are shared.
 */
struct feed;

/* Writes down what the running job touched. On the thread of a writer, inside the job's savepoint.
 * Does nothing on an engine that is not shared. */
enum status feed__append(struct tx *tx, struct error *err) MUST_USE;

/* Asks for the first time, and starts the thread. `*out` is NULL on an engine that is not shared.
 * Start-up. */
enum status feed__start(struct feed **out, struct store *store, const struct store_follower *who,
	struct error *err) MUST_USE;
/* Ends the thread, and refuses what waits for it. Harmless with NULL. */
void feed__halt(struct feed *feed);
void feed__free(struct feed **feed);

/* One thing that a change touched: a byte for its kind, and its key. */
#define FEED_VIEW_BYTES 17

/* Something was committed here: the others are told. Threads: any. */
void feed__tell(struct feed *feed);
int64_t feed__age_us(const struct feed *feed);
uint64_t feed__seed(const struct feed *feed);
struct uuid feed__incarnation(struct feed *feed); /* that is followed */
/* Whether the session of a connection, which is inside a transaction, is with the database that is
 * followed, so that its revisions are of that incarnation. ERR_BUSY when it is `elsewhere`, or
 * nobody has looked at it yet, for which it waits a little. Threads: any. */
enum status feed__vouch(struct uuid *incarnation, bool *elsewhere, struct feed *feed,
	struct connection *c, struct error *err) MUST_USE;
enum status feed__catch_up(struct feed *feed, struct store_job *job, struct error *err) MUST_USE;

#endif
