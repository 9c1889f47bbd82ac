#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * One request to an HTTP server, for the commands: the only code here that sees libcurl. No
 * redirect is followed, no proxy of the environment used, a certificate is always checked.
 */
struct http_client_request {
	const char *method; /* "GET", "POST" … */
	const char *url; /* http or https */
	const char *bearer; /* secret; NULL: none */
	struct str body; /* absent: none; JSON otherwise */
	int timeout_ms; /* of everything */
	size_t answer_max; /* bytes */
};

struct http_client_answer {
	long status;
	struct buf body; /* owned */
};

/*
 * ERR_INVALID "url-invalid"; ERR_BUSY "server-unreachable" when nobody answers, in time or at all;
 * ERR_TOO_LARGE "answer-too-large". Any status of HTTP is OK. Clear `out` in any case. Threads: one
 * for the whole process.
 */
enum status http_client_run(struct http_client_answer *out,
	const struct http_client_request *request, struct error *err) MUST_USE;
void http_client_answer_clear(struct http_client_answer *answer);

#endif
