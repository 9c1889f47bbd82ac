/* The pull reader and the JSON library accept the same texts, and read them alike. */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "json_wide.h"

#define MAX_DEPTH 8
#define MAX_STRING 64

static void compare(struct json_reader *r, const struct json *v);

static void
compare_object(struct json_reader *r, const struct json *v)
{
	struct str name;
	size_t count = 0;
	require(json_reader_enter_object(r));
	while (json_reader_next_member(r, &name)) {
		compare(r, json_get_str(v, name));
		count++;
	}
	require(!r->failed && count == json_count(v));
}

static void
compare_array(struct json_reader *r, const struct json *v)
{
	size_t count = 0;
	require(json_reader_enter_array(r));
	while (json_reader_next_element(r))
		compare(r, json_at(v, count++));
	require(!r->failed && count == json_count(v));
}

static void
compare_number(struct json_reader *r, const struct json *v)
{
	double number, expected = json_number(v);
	bool is_integer;
	int64_t integer;
	require(json_reader_number(r, &number, &is_integer, &integer));
	require(is_integer == (json_type(v) == JSON_INTEGER) && integer == json_int(v));
	require(memcmp(&number, &expected, sizeof(number)) == 0);
}

static void
compare(struct json_reader *r, const struct json *v)
{
	struct str text;
	bool flag;
	switch (json_type(v)) {
	case JSON_ABSENT:
		abort();
	case JSON_NULL:
		require(json_reader_null(r));
		break;
	case JSON_BOOL:
		require(json_reader_bool(r, &flag) && flag == json_bool(v));
		break;
	case JSON_INTEGER:
	case JSON_NUMBER:
		compare_number(r, v);
		break;
	case JSON_STRING:
		require(json_reader_string(r, &text) && str_eq(text, json_str(v)));
		break;
	case JSON_ARRAY:
		compare_array(r, v);
		break;
	case JSON_OBJECT:
		compare_object(r, v);
		break;
	}
}

/* What is written from a document reads back as the same document. */
static void
round_trip(const struct json *doc, struct json_limits limits)
{
	struct buf first, second;
	struct json *again;
	struct error err = {0};
	buf_init(&first, 1 << 24);
	buf_init(&second, 1 << 24);
	json_dump(&first, doc, true);
	limits.max_bytes = 1 << 24;
	require(!first.failed && json_parse(&again, buf_view(&first), limits, &err) == OK);
	json_dump(&second, again, true);
	require(str_eq(buf_view(&first), buf_view(&second)));
	json_free(&again);
	buf_clear(&first);
	buf_clear(&second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_limits limits = {
		.max_bytes = 1 << 16, .max_depth = MAX_DEPTH, .max_string = MAX_STRING};
	struct str text = {(const char *)data, size};
	struct json *doc = NULL;
	struct error err = {0};
	if (size > limits.max_bytes)
		return 0;
	char *scratch = malloc(size + 1);
	require(scratch != NULL);
	struct json_reader r;
	json_reader_init(&r, text, MAX_DEPTH, MAX_STRING, scratch, size);
	bool accepted = json_reader_skip(&r, NULL) && json_reader_end(&r);
	if (json_parse(&doc, text, limits, &err) != OK) {
		require(!accepted);
	} else if (!accepted) {
		require(has_wide_object(doc));
	} else {
		json_reader_init(&r, text, MAX_DEPTH, MAX_STRING, scratch, size);
		compare(&r, doc);
		require(json_reader_end(&r));
		round_trip(doc, limits);
	}
	if (doc)
		json_free(&doc);
	free(scratch);
	return 0;
}
