#ifndef JSON_READER_H
#define JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A strict pull reader for hot requests (RFC 8259): one pass, no allocation. A text read or skipped
 * to its end is accepted exactly when json_parse accepts it under the same limits, with one
 * exception: an object of more than JSON_READER_MEMBERS_MAX members is refused. Duplicate members,
 * known or not, are refused wherever they stand.
 *
 *	struct json_reader r;
 *	json_reader_init(&r, text, …);
 *	if (!json_reader_enter_object(&r)) …
 *	while (json_reader_next_member(&r, &name)) … json_reader_string(&r, &value) …
 *	if (!json_reader_end(&r)) …
 *
 * After each name and element exactly one value is consumed: read, entered or skipped. Any failure
 * latches: r.failed is true and every later call returns false.
 *
 * Strings come back as slices of the input when they hold no escape; otherwise they are decoded
 * into `scratch`, whose size bounds the sum of all decoded strings. What is skipped gives its
 * part of the scratch back. Threads: one at a time.
 */
#define JSON_READER_DEPTH_MAX 16
#define JSON_READER_MEMBERS_MAX 64

struct json_reader_name {
	const char *ptr;
	uint32_t len, hash;
};

struct json_reader {
	const char *at, *end, *start;
	unsigned depth, max_depth;
	size_t max_string;
	char *scratch, *scratch_end;
	bool failed;
	bool first; /* before the first member or element of the open container */
	/* The names of the open objects, those of the innermost last. Not initialised. */
	unsigned name_count;
	unsigned name_base[JSON_READER_DEPTH_MAX + 1]; /* by depth */
	struct json_reader_name names[JSON_READER_DEPTH_MAX * JSON_READER_MEMBERS_MAX];
};

/* `max_depth` is at most JSON_READER_DEPTH_MAX; `max_string` bounds each decoded string and name,
 * in bytes. The text and the scratch are borrowed as long as the reader and its slices live. */
void json_reader_init(struct json_reader *r, struct str text, unsigned max_depth, size_t max_string,
	char *scratch, size_t scratch_size);

/* The type of the value at hand, without consuming it: '{' '[' '"' 't' 'f' 'n' '0', or 0. */
char json_reader_peek(struct json_reader *r);

bool json_reader_enter_object(struct json_reader *r);
/* False at the end of the object (which it leaves) and on failure: ask r->failed. */
bool json_reader_next_member(struct json_reader *r, struct str *name);
bool json_reader_enter_array(struct json_reader *r);
bool json_reader_next_element(struct json_reader *r);

bool json_reader_string(struct json_reader *r, struct str *out);
bool json_reader_bool(struct json_reader *r, bool *out);
bool json_reader_null(struct json_reader *r);
/* An integer has neither fraction nor exponent, and fits int64_t; `integer` is 0 otherwise. A
 * number that is too large for int64_t or double is a failure. */
bool json_reader_number(struct json_reader *r, double *out, bool *is_integer, int64_t *integer);

/* Passes over one value of any type, checking all of it, duplicates inside it included; the
 * slice it occupied comes back when `raw` is not NULL. */
bool json_reader_skip(struct json_reader *r, struct str *raw);

/* True when nothing but white space is left. */
bool json_reader_end(struct json_reader *r);

#endif
