#ifndef AUTHZEN_ANSWER_H
#define AUTHZEN_ANSWER_H

#include "authzen/judge.h"

/*
 * What goes out. A decision is {"decision":…,"context":{"revision":…,"age_ms":…,"incarnation":…}};
 * explained, its context also holds "reason" and "condition" (which of the six failed, "" when
 * granted), "permission" (asked for; null when there is none of that name), "grant", "role",
 * "group", "node" (the grant that allowed or came nearest, how it was held and where; the node
 * asked about when there was none), "guardrail" (which denied) and "missing" (the permission, of a
 * denial).
 */
#define ANSWER_SINGLE_MAX (8 * 1024) /* bytes that one decision fits into */

void answer_decision(struct buf *out, const struct judge *j, const struct access_request *request,
	const struct ruling *ruling);

/* The same as one of several: the revision stands once, beside them all. */
void answer_item(
	struct json_writer *w, const struct access_request *request, const struct ruling *ruling);
void answer_age(struct json_writer *w, const struct judge *j);

/* One of several that failed: a denial at its place (section 7.2.1). */
void answer_failed_item(struct json_writer *w, unsigned status, const char *message);

/* 200 with JSON. */
void answer_send(struct http_request *r, struct str body);

/* An error that concerns all of a request: a JSON string (section 10.1), with Retry-After at 503,
 * WWW-Authenticate at 401; the code of an `err` goes into Thingward-Error. */
void answer_error(struct http_request *r, unsigned status, const char *message);
void answer_status(struct http_request *r, const struct error *err);

#endif
