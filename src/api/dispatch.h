#ifndef API_DISPATCH_H
#define API_DISPATCH_H

#include "http/server.h"
#include "signin/credential.h"
#include "store/store.h"

/*
 * The door of the management API: finds the route, proves who calls, checks what came in against
 * the contract, hands the operation to the store as a change or a reading, and answers after it
 * has been committed.
 */
struct api;

/* Borrowed: they outlive it. */
struct api_options {
	struct store *store;
	const struct signin *signin; /* filled in before the first request */
	const struct config *config;
};

/* Start-up only. Owned; free it after the server has stopped. */
enum status api_new(
	struct api **out, const struct api_options *options, struct error *err) MUST_USE;
void api_free(struct api **api);

/* Handles one exchange, called again after each suspension. Uses the request's state. The arena
 * of an exchange has to hold the answer, which is at most API_ANSWER_MAX. Threads: serving. */
#define API_ANSWER_MAX (4 * 1024 * 1024)
void api_handle(struct api *api, struct http_request *r);

#endif
