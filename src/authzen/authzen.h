#ifndef AUTHZEN_AUTHZEN_H
#define AUTHZEN_AUTHZEN_H

#include "http/server.h"
#include "signin/credential.h"

/*
 * The decision door: OpenID AuthZEN Authorization API 1.0.
 *
 *	POST /access/v1/evaluation, /access/v1/evaluations          of an organisation
 *	POST /w/{workspace}/access/v1/evaluation, …/evaluations     of a workspace
 *	GET  /.well-known/authzen-configuration[/w/{workspace}]     metadata (section 9)
 *	GET  /w/{workspace}/.well-known/authzen-configuration       the same, for who appends
 *
 * The caller has to exercise iam:decisions:evaluate at the workspace asked about (at the
 * organisation when there is none). Every answer's context says the revision and the age of what
 * was decided on; `context.explain: true` in a request asks why as well. Errors that concern all of
 * a request are a JSON string with 400, 401, 403, 404, 405, 409 (a demanded revision that is not
 * reached), 415 or 503; those of one of several evaluations are a denial at its place.
 */
/* Borrowed: outlives every exchange. */
struct authzen {
	struct signin signin;
	int64_t max_stale_us; /* beyond this age decisions are refused (503); 0: never */
};

/* Whether a path is of this door. */
bool authzen_handles(struct str path);

/* Handles one exchange, called again after each suspension. Uses the request's state. Threads:
 * serving. */
void authzen_handle(struct http_request *r, const struct authzen *door);

#endif
