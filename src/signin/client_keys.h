#ifndef SIGNIN_CLIENT_KEYS_H
#define SIGNIN_CLIENT_KEYS_H

#include "base/crew.h"
#include "directory/oauth_views.h"
#include "http/client.h"
#include "jose/jws.h"

/*
 * The keys that clients of the authorization server sign with: in their settings (jwks), or
 * published by them (jwks_uri) and fetched by a crew of its own, off those that answer. Parsed sets
 * are kept in memory, as many as fit; what is published, for as long as its server says, within
 * bounds.
 */
struct client_keys; /* owned */

/* `guard` says where clients may publish. Starts its thread. */
enum status client_keys_new(struct client_keys **out, const struct http_client_guard *guard,
	struct error *err) MUST_USE;
/* Answers what still waits with ERR_BUSY; waits for a request that runs. */
void client_keys_free(struct client_keys **keys);

/*
 * Whether one of the client's keys has made the signature. ERR_UNAUTHENTICATED: none has, or the
 * client has no keys; ERR_NOT_REACHED: its keys are not known here, or not this one, and may be
 * fetched (client_keys_fetch). Threads: any.
 */
enum status client_keys_verify(struct client_keys *keys, const struct client_view *client,
	const struct jws *jws, struct error *err) MUST_USE;

/* Embedded in what its submitter keeps until `done` has been called: once, on a fetching thread,
 * whatever came of it. */
#define CLIENT_KEYS_URL_MAX 2049
struct client_keys_fetch {
	void (*done)(struct client_keys_fetch *fetch);
	struct client_keys *keys; /* the rest is client_keys' */
	struct crew_task task;
	int64_t asked_us; /* monotonic */
	struct org_id org;
	struct principal_id client;
	char url[CLIENT_KEYS_URL_MAX];
};
/* ERR_BUSY "overloaded" when too many wait: then `done` is not called. Threads: any. */
enum status client_keys_fetch(struct client_keys *keys, struct client_keys_fetch *fetch,
	const struct client_view *client, struct error *err) MUST_USE;

#endif
