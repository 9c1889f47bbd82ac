#ifndef JSON_JSON_H
#define JSON_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Strict JSON values (RFC 8259) over the JSON library, which no other folder sees. Texts from
 * outside: UTF-8 only, no duplicate member, no trailing bytes, bounded in size, depth and length
 * of each string. NUL inside a string (\u0000) is refused.
 */
struct json; /* a value inside a document, borrowed; NULL is "absent" in every accessor below */

struct json_limits {
	size_t max_bytes;
	unsigned max_depth;
	size_t max_string; /* bytes of any one string or member name */
};
#define JSON_LIMITS_DEFAULT ((struct json_limits){256 * 1024, 16, 16 * 1024})

/* ERR_INVALID "malformed-json" with line and column, "json-too-deep" or "json-string-too-long";
 * ERR_TOO_LARGE "json-too-large". The document is owned. */
enum status json_parse(
	struct json **out, struct str text, struct json_limits limits, struct error *err) MUST_USE;
void json_free(struct json **doc);

enum json_type {
	JSON_ABSENT = 0,
	JSON_NULL,
	JSON_BOOL,
	JSON_INTEGER, /* fits int64_t */
	JSON_NUMBER, /* any other number */
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};
enum json_type json_type(const struct json *v);

/* Absent when `v` is not an object or has no such member. */
const struct json *json_get(const struct json *v, const char *name);
const struct json *json_get_str(const struct json *v, struct str name);

/* Absent ({NULL,0}), 0 or false when the value is of another type. */
struct str json_str(const struct json *v);
int64_t json_int(const struct json *v);
double json_number(const struct json *v);
bool json_bool(const struct json *v);

size_t json_count(const struct json *v); /* elements or members; 0 for anything else */
const struct json *json_at(const struct json *array, size_t i);

/* Members in the order of the text: for (it = NULL; (it = json_member(obj, it, &name, &v));) */
void *json_member(const struct json *object, void *it, struct str *name, const struct json **value);

/* Appends the value as compact JSON, absent as null; `sorted` orders members by name (the canonical
 * form used for digests and comparison). */
void json_dump(struct buf *out, const struct json *v, bool sorted);

#endif
