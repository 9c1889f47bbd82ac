#include "json/json.h"
#include "json/number.h"

#include <stdlib.h>
#include <string.h>

/* The library has names of its own for the types of a value; ours are the public ones. */
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_INTEGER JANSSON_INTEGER
#define JSON_NULL JANSSON_NULL
#define json_type jansson_type
#include <jansson.h>
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_INTEGER
#undef JSON_NULL
#undef json_type

/* A struct json is the library's value under another name. */
static json_t *
library(const struct json *v)
{
	return (json_t *)(uintptr_t)v;
}

static const struct json *
ours(const json_t *v)
{
	return (const struct json *)v;
}

static const char *
describe(enum json_error_code code)
{
	if (code == json_error_duplicate_key)
		return "the same member stands twice in an object";
	if (code == json_error_null_character || code == json_error_null_byte_in_key)
		return "NUL is not allowed in a string";
	if (code == json_error_numeric_overflow)
		return "a number is out of range";
	if (code == json_error_stack_overflow)
		return "it is nested too deeply";
	if (code == json_error_invalid_utf8)
		return "it is not UTF-8";
	if (code == json_error_premature_end_of_input)
		return "it ends too early";
	if (code == json_error_end_of_input_expected)
		return "something follows the value";
	return "something unexpected stands there";
}

static enum status
refuse(struct error *err, const json_error_t *why)
{
	enum json_error_code code = json_error_code(why);
	if (code == json_error_out_of_memory)
		return error_no_memory(err);
	return error_set(err, ERR_INVALID, "malformed-json",
		"This is not valid JSON: line %d, column %d: %s.", why->line, why->column,
		describe(code));
}

static enum status
check_string(size_t len, struct json_limits limits, struct error *err)
{
	if (len <= limits.max_string)
		return OK;
	return error_set(err, ERR_INVALID, "json-string-too-long",
		"A string in the JSON is longer than %zu bytes.", limits.max_string);
}

/* The bounds that the library does not know. `depth` counts the containers around `v`. */
static enum status
check_bounds(json_t *v, unsigned depth, struct json_limits limits, struct error *err)
{
	if (json_typeof(v) == JANSSON_STRING)
		return check_string(json_string_length(v), limits, err);
	if (json_typeof(v) != JANSSON_OBJECT && json_typeof(v) != JANSSON_ARRAY)
		return OK;
	if (depth >= limits.max_depth)
		return error_set(err, ERR_INVALID, "json-too-deep",
			"The JSON is nested more than %u levels deep.", limits.max_depth);
	enum status rc = OK;
	for (size_t i = 0; rc == OK && i < json_array_size(v); i++)
		rc = check_bounds(json_array_get(v, i), depth + 1, limits, err);
	void *it = json_typeof(v) == JANSSON_OBJECT ? json_object_iter(v) : NULL;
	for (; rc == OK && it; it = json_object_iter_next(v, it)) {
		rc = check_string(json_object_iter_key_len(it), limits, err);
		if (rc == OK)
			rc = check_bounds(json_object_iter_value(it), depth + 1, limits, err);
	}
	return rc;
}

enum status
json_parse(struct json **out, struct str text, struct json_limits limits, struct error *err)
{
	*out = NULL;
	if (text.len > limits.max_bytes)
		return error_set(err, ERR_TOO_LARGE, "json-too-large",
			"The JSON is larger than %zu bytes.", limits.max_bytes);
	/* The library passes over a NUL that follows a number. */
	if (text.len > 0 && memchr(text.ptr, '\0', text.len))
		return error_set(err, ERR_INVALID, "malformed-json",
			"This is not valid JSON: it contains a NUL byte.");
	json_error_t why;
	json_t *doc = json_loadb(
		text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (!doc)
		return refuse(err, &why);
	enum status rc = check_bounds(doc, 0, limits, err);
	if (rc != OK) {
		json_decref(doc);
		return rc;
	}
	*out = (struct json *)doc;
	return OK;
}

void
json_free(struct json **doc)
{
	json_decref(library(*doc));
	*doc = NULL;
}

enum json_type
json_type(const struct json *v)
{
	if (!v)
		return JSON_ABSENT;
	switch (json_typeof(library(v))) {
	case JANSSON_OBJECT:
		return JSON_OBJECT;
	case JANSSON_ARRAY:
		return JSON_ARRAY;
	case JANSSON_STRING:
		return JSON_STRING;
	case JANSSON_INTEGER:
		return JSON_INTEGER;
	case JSON_REAL:
		return JSON_NUMBER;
	case JSON_TRUE:
	case JSON_FALSE:
		return JSON_BOOL;
	case JANSSON_NULL:
		return JSON_NULL;
	}
	return JSON_ABSENT;
}

const struct json *
json_get(const struct json *v, const char *name)
{
	return json_get_str(v, str_from(name));
}

const struct json *
json_get_str(const struct json *v, struct str name)
{
	if (json_type(v) != JSON_OBJECT || !name.ptr)
		return NULL;
	return ours(json_object_getn(library(v), name.ptr, name.len));
}

struct str
json_str(const struct json *v)
{
	if (json_type(v) != JSON_STRING)
		return (struct str){0};
	return (struct str){json_string_value(library(v)), json_string_length(library(v))};
}

int64_t
json_int(const struct json *v)
{
	return json_type(v) == JSON_INTEGER ? json_integer_value(library(v)) : 0;
}

double
json_number(const struct json *v)
{
	return v ? json_number_value(library(v)) : 0;
}

bool
json_bool(const struct json *v)
{
	return v && json_typeof(library(v)) == JSON_TRUE;
}

size_t
json_count(const struct json *v)
{
	if (json_type(v) == JSON_OBJECT)
		return json_object_size(library(v));
	return v ? json_array_size(library(v)) : 0;
}

const struct json *
json_at(const struct json *array, size_t i)
{
	return array ? ours(json_array_get(library(array), i)) : NULL;
}

void *
json_member(const struct json *object, void *it, struct str *name, const struct json **value)
{
	if (json_type(object) != JSON_OBJECT)
		return NULL;
	it = it ? json_object_iter_next(library(object), it) : json_object_iter(library(object));
	if (!it)
		return NULL;
	*name = (struct str){json_object_iter_key(it), json_object_iter_key_len(it)};
	*value = ours(json_object_iter_value(it));
	return it;
}

/* With a mark that it is no integer. */
static void
dump_number(struct buf *out, double value)
{
	char text[JSON_NUMBER_TEXT_MAX];
	json_number_format(text, value);
	buf_str(out, str_from(text));
	if (!strpbrk(text, ".e"))
		buf_str(out, STR(".0"));
}

struct member {
	struct str name;
	const struct json *value;
};

static int
by_name(const void *a, const void *b)
{
	return str_compare(((const struct member *)a)->name, ((const struct member *)b)->name);
}

static void
dump_object(struct buf *out, const struct json *v, bool sorted)
{
	size_t count = json_count(v), n = 0;
	struct member *members = calloc(count + 1, sizeof(*members));
	if (!members) {
		out->failed = true;
		return;
	}
	void *it = NULL;
	while ((it = json_member(v, it, &members[n].name, &members[n].value)))
		n++;
	if (sorted)
		qsort(members, n, sizeof(*members), by_name);
	buf_char(out, '{');
	for (size_t i = 0; i < n; i++) {
		if (i > 0)
			buf_char(out, ',');
		buf_json_str(out, members[i].name);
		buf_char(out, ':');
		json_dump(out, members[i].value, sorted);
	}
	buf_char(out, '}');
	free(members);
}

static void
dump_array(struct buf *out, const struct json *v, bool sorted)
{
	buf_char(out, '[');
	for (size_t i = 0; i < json_count(v); i++) {
		if (i > 0)
			buf_char(out, ',');
		json_dump(out, json_at(v, i), sorted);
	}
	buf_char(out, ']');
}

void
json_dump(struct buf *out, const struct json *v, bool sorted)
{
	switch (json_type(v)) {
	case JSON_ABSENT:
	case JSON_NULL:
		buf_str(out, STR("null"));
		break;
	case JSON_BOOL:
		buf_str(out, json_bool(v) ? STR("true") : STR("false"));
		break;
	case JSON_INTEGER:
		buf_i64(out, json_int(v));
		break;
	case JSON_NUMBER:
		dump_number(out, json_number(v));
		break;
	case JSON_STRING:
		buf_json_str(out, json_str(v));
		break;
	case JSON_ARRAY:
		dump_array(out, v, sorted);
		break;
	case JSON_OBJECT:
		dump_object(out, v, sorted);
		break;
	}
}
