#ifndef HTTP_FORM_H
#define HTTP_FORM_H

#include "http/server.h"

/*
 * The fields of a form (application/x-www-form-urlencoded), from a body or from a query: decoded,
 * in the order in which they came, and bounded. Values may be empty, and hold controls that were
 * escaped; they are UTF-8 without NUL, and terminated.
 */
#define HTTP_FORM_MAX ((size_t)64 * 1024)
#define HTTP_FORM_FIELDS_MAX 64

struct http_form {
	struct http_form_field {
		struct str name, value;
	} * fields; /* in the arena of the request */
	size_t count;
};

/*
 * The body, which has to be there as Content-Type application/x-www-form-urlencoded: ERR_INVALID
 * "form-wrong-type", "form-malformed" (a bad escape, a control character, an escaped NUL, not
 * UTF-8), "form-too-many-fields"; ERR_TOO_LARGE; ERR_NO_MEMORY.
 */
enum status http_form_body(
	struct http_form *out, struct http_request *r, struct error *err) MUST_USE;
/* The query, by the same rules; none of it is an empty form. */
enum status http_form_query(
	struct http_form *out, struct http_request *r, struct error *err) MUST_USE;

/* The first of that name; absent when there is none. `*repeated` says whether there are more, of
 * which nobody should choose one. */
struct str http_form_get(const struct http_form *form, const char *name, bool *repeated);
/* A name that stands there several times; absent when none does. */
struct str http_form_repeated(const struct http_form *form);

/* One text, decoded by the same rules into the arena. Absent: malformed, or no memory. */
struct str http_form_text(struct str raw, struct arena *arena);

/* The pure part: any bytes, any thread. */
enum status http__form_parse(
	struct http_form *out, struct str raw, struct arena *arena, struct error *err) MUST_USE;

#endif
