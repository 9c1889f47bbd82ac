#ifndef JSON_READER_H
#define JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/*
 * A strict pull reader for hot requests: one pass, no allocation. It accepts exactly the texts
 * that json_parse accepts under the same limits, duplicates within one object aside, which its
 * user must refuse (json_reader_seen helps for known members; unknown members are compared too).
 *
 *	struct json_reader r;
 *	json_reader_init(&r, text, limits);
 *	if (!json_reader_enter_object(&r)) …
 *	while (json_reader_next_member(&r, &name)) … json_reader_string(&r, &value) …
 *
 * Any failure latches: r.failed is true and every later call returns false.
 *
 * Strings come back as slices of the input when they hold no escape; otherwise they are decoded
 * into `scratch`, whose size bounds the sum of all decoded strings.
 */
struct json_reader {
	const char *at, *end, *start;
	unsigned depth, max_depth;
	size_t max_string;
	char *scratch, *scratch_end;
	bool failed;
	bool first; /* before the first member or element of the open container */
};

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
/* The raw text of a number and its double value. */
bool json_reader_number(struct json_reader *r, double *out, bool *is_integer, int64_t *integer);

/* Passes over one value of any type, checking all of it, duplicates inside it included; the
 * slice it occupied comes back when `raw` is not NULL. */
bool json_reader_skip(struct json_reader *r, struct str *raw);

/* True when nothing but white space is left. */
bool json_reader_end(struct json_reader *r);

#endif
