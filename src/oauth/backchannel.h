#ifndef OAUTH_BACKCHANNEL_H
#define OAUTH_BACKCHANNEL_H

#include "http/client.h"
#include "signin/signer.h"
#include "store/store.h"

/*
 * OpenID Connect Back-Channel Logout: tells clients that what they were given has ended, by a
 * logout token to the address that each has registered. One thread, off those that answer, takes
 * what is due (iam/tokens/logout_notices.h), and a crew sends it, so that slow clients delay their
 * own organisation's alone; one that does not answer is tried again later, and then no more.
 */
struct backchannel;

/* Borrowed: they outlive it. */
struct backchannel_options {
	struct store *store;
	const struct signin *signin;
	struct http_client_guard guard; /* where clients may be */
};

/* Owned. Once the server is listening. */
enum status backchannel_start(struct backchannel **out, const struct backchannel_options *options,
	struct error *err) MUST_USE;
/* While the store is there still. Waits for the few requests that run, each at most for
 * BACKCHANNEL_TIMEOUT_MS, and gives back to the store who is not told yet; frees. */
#define BACKCHANNEL_TIMEOUT_MS 5000
void backchannel_stop(struct backchannel **backchannel);

#endif
