#ifndef SIGNIN_UPSTREAM_H
#define SIGNIN_UPSTREAM_H

#include "base/arena.h"
#include "base/crew.h"
#include "http/client.h"
#include "iam/providers/identities.h"
#include "signin/upstream_visit.h"

/*
 * Signing in through an external provider (OpenID Connect Core 1.0, code flow with PKCE). Whatever
 * is asked of one is asked by a crew of its own, so that a slow one delays its organisation alone.
 *
 * Metadata and keys are kept in memory for as long as their provider says, within bounds; keys are
 * asked for again when a token names one that is not among them, and that not too often.
 */
struct upstream; /* owned */

struct upstream_options {
	struct http_client_guard guard; /* its blocks are borrowed */
};
/* Start-up. */
enum status upstream_new(
	struct upstream **out, const struct upstream_options *options, struct error *err) MUST_USE;
/* Takes nothing more, and answers what still waits with ERR_BUSY. NULL: nothing. */
void upstream_end(struct upstream *upstream);
/* The same; waits for what runs (UPSTREAM_TASK_MS at most), and frees. */
void upstream_free(struct upstream **upstream);

#define UPSTREAM_REQUEST_MS 5000
#define UPSTREAM_TASK_MS 9000 /* of all the requests of a task */
#define UPSTREAM_ANSWER_MAX ((size_t)256 * 1024)
#define UPSTREAM_GROUPS_MAX 1000

/* Embedded in what its submitter keeps until `done` has been called: exactly once, on a thread of
 * the upstream. Until then the arena and all that is pointed to are the task's. */
struct upstream_task {
	enum upstream_step {
		UPSTREAM_BEGIN = 0, /* where the browser has to go */
		UPSTREAM_FINISH, /* who came back */
	} step;
	const struct provider *provider;
	struct str secret; /* its client secret; absent: a public client */
	struct str redirect_uri;
	const struct upstream_visit *visit;
	struct str login_hint; /* of UPSTREAM_BEGIN; may be absent */
	struct str code, iss; /* of UPSTREAM_FINISH: what the browser brought; iss may be absent */
	struct arena *arena;
	void (*done)(struct upstream_task *task);

	/* What came of it. */
	enum status status;
	struct error error;
	struct str location; /* of UPSTREAM_BEGIN */
	struct identity_claims claims; /* of UPSTREAM_FINISH */

	struct upstream *upstream; /* the upstream's, as is the last */
	struct crew_task crew;
};

/*
 * ERR_BUSY "overloaded" when too many wait: then `done` is not called. Threads: any.
 *
 * What a task ends with: ERR_BUSY "provider-unreachable" (nobody answers, in time, where the server
 * may ask), ERR_UNAUTHENTICATED "provider-refused" (the code or our client is refused),
 * "provider-untrusted" (an answer that is wrong in any way: of another issuer, for another client,
 * for another sign-in, of a wrong signature, expired, malformed, too large, a redirect);
 * ERR_NO_MEMORY. `detail` says more, to the log alone, and nothing that is secret.
 */
enum status upstream_submit(
	struct upstream *upstream, struct upstream_task *task, struct error *err) MUST_USE;

#endif
