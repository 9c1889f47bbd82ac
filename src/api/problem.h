#ifndef API_PROBLEM_H
#define API_PROBLEM_H

#include "http/server.h"

/*
 * Errors of the management API are problem documents (RFC 9457):
 *
 *	{"type":"/problems/not-allowed","title":"Forbidden","status":403,"detail":"…",
 *	 "permission":"iam:groups:create","request_id":"…"}
 *
 * `type` is a URI reference, stable: "/problems/" and the code of the error.
 */

/* Answers with what `err` says, Retry-After at 503; logs what is the server's own fault. */
void problem_respond(struct http_request *r, const struct error *err);

/* For what only HTTP knows: 405, 415. */
void problem_respond_as(
	struct http_request *r, unsigned http_status, const char *code, const char *text);

#endif
