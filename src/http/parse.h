#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "http/server.h"

/*
 * The bytes of a request, judged by pure functions: no state, no allocation, any thread. All take
 * outside bytes; none reads past what it was given.
 */

#define HTTP_TARGET_MAX 4096
#define HTTP_REQUEST_ID_MAX 64

/* Views into the raw target. An absolute form ("http://host/path") yields its authority too;
 * without '?' the query is absent. */
struct http__target {
	struct str authority, path, query;
};

/* RFC 9112 section 3.2: origin form, or absolute form with http or https. False for the asterisk
 * and authority forms, for controls, blanks, '#', '\', and bytes that should have been encoded. */
bool http__target_parse(struct str raw, struct http__target *out) MUST_USE;

/* True when every '%' is followed by two hexadecimal digits that do not make a NUL. */
bool http__escapes_ok(struct str raw) MUST_USE;

/* The next pair of `*rest`, still encoded; empty pairs are passed over; a name without '=' has an
 * empty value. False at the end. */
bool http__query_next(struct str *rest, struct str *name, struct str *value) MUST_USE;

/* Decodes a part of a query ('+' is a blank) that http__escapes_ok has passed into `out`, which
 * holds at least raw.len bytes. Returns the length. */
size_t http__form_decode(char *out, struct str raw);
bool http__form_equals(struct str raw, struct str plain);

/* Decodes one path segment into `out` (raw.len bytes): false for a bad escape or a NUL. %2F is a
 * '/' inside the segment. */
bool http__segment_decode(char *out, struct str raw, size_t *len) MUST_USE;

bool http__name_ok(struct str name) MUST_USE; /* RFC 9110 section 5.6.2: a token */
bool http__value_ok(struct str value) MUST_USE; /* no control character but the tab */
bool http__host_ok(struct str host) MUST_USE; /* RFC 3986 section 3.2.2: host and port */
bool http__request_id_ok(struct str id) MUST_USE; /* 1 to 64 of A-Z a-z 0-9 - _ . : */

/* Goes back along X-Forwarded-For (`lines`: the values, in order) from the address that the
 * connection has to the first that is no trusted proxy. An entry that is no address ends it: then
 * it is that of whoever wrote the entry. */
void http__forwarded(struct address *address, const struct str *lines, size_t count,
	const struct http_proxies *proxies);

struct str http__trim(struct str s); /* blanks and tabs at both ends */
enum http_method http__method_parse(const char *method);

#endif
