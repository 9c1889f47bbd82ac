#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "base/address.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * One request to an HTTP server: the only code here that sees libcurl. No redirect is followed, no
 * proxy of the environment used, no cookie kept, a certificate is always checked.
 */

/*
 * For requests that somebody else has a say in (a provider, an address of a client): the address
 * that is really connected to, whatever a name led to, is a public one or in `allowed`, and only
 * those in `allowed` may be asked without TLS.
 */
struct http_client_guard {
	const struct cidr *allowed;
	size_t count;
};

struct http_client_header {
	const char *name;
	struct str value; /* without control characters */
};

struct http_client_request {
	const char *method; /* "GET", "POST" … */
	const char *url; /* http or https; with a guard without user and password */
	const char *bearer; /* secret; NULL: none */
	struct str body; /* absent: none */
	const char *content_type; /* of the body; NULL: JSON */
	const struct http_client_header *headers; /* more of them */
	size_t header_count;
	int timeout_ms; /* of everything */
	size_t answer_max; /* bytes */
	const struct http_client_guard *guard; /* NULL: any address, for the commands */
};

#define HTTP_CLIENT_TYPE_MAX 128
#define HTTP_CLIENT_FORM "application/x-www-form-urlencoded"

struct http_client_answer {
	long status;
	char content_type[HTTP_CLIENT_TYPE_MAX]; /* in lower case without parameters; "" if absent
						  */
	int64_t max_age_s; /* of Cache-Control; 0 with no-store and no-cache, -1 when not stated */
	struct buf body; /* owned */
};

/*
 * ERR_INVALID "url-invalid", "header-invalid"; ERR_FORBIDDEN "address-refused" by the guard;
 * ERR_BUSY "server-unreachable" when nobody answers, in time or at all; ERR_TOO_LARGE
 * "answer-too-large", also for more than 64 KiB of headers. Any status of HTTP is OK. Clear `out`
 * in any case. Threads: any.
 */
enum status http_client_run(struct http_client_answer *out,
	const struct http_client_request *request, struct error *err) MUST_USE;
void http_client_answer_clear(struct http_client_answer *answer);

/* Appends a field of a form or a query, and '&' before it unless it is the first: of a form when
 * `out` is empty, of a query when '?' stands last. */
void http_client_add_field(struct buf *out, const char *name, struct str value);

#endif
