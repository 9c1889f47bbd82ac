#ifndef CLI_LOCAL_H
#define CLI_LOCAL_H

#include "iam/call.h"
#include "server/installation.h"

/*
 * A change made by whoever holds the store itself: there is no caller and no guard, and the record
 * says so (no actor, address "local"). `run` is given a call without principal, may run again from
 * its start, and keeps what it gives back in `context`.
 */
struct local_change {
	struct store_job job; /* private, first */
	struct installation *installation;
	struct arena *arena; /* of the call */
	enum status (*run)(struct call *call, void *context, struct error *err);
	void *context;
};

/* Waits for it. Main thread. */
enum status local_change(struct local_change *change, struct error *err) MUST_USE;

/* The same, which only reads. */
enum status local_read(struct local_change *change, struct error *err) MUST_USE;

/* Opens the store for a command, and says what to do instead when a server runs on it. */
enum status local_open(struct installation *out, const struct config *config, const char *instead,
	struct error *err) MUST_USE;

#endif
