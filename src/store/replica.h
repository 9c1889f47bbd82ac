#ifndef STORE_REPLICA_H
#define STORE_REPLICA_H

#include "store/internal.h"

/*
 * A reader's connection to a server that follows the one that is written to, and lags behind. What
 * it has is used only if it is of the incarnation that is followed. One thread at a time.
 */
struct replica {
	struct connection connection;
	struct uuid incarnation; /* told in the session … */
	int64_t session_us; /* … that was made then */
};

/* Connects with the first job. Harmless when the store has none: then nothing runs on it. */
enum status replica__open(
	struct replica *replica, const struct store *store, struct error *err) MUST_USE;
void replica__close(struct replica *replica);

/* Runs a job that may lag. False: it is to be run on the primary, from its start. */
bool replica__run(struct replica *replica, struct store *store, struct store_job *job) MUST_USE;

#endif
