/* A text that compiles as a condition has a canonical text that compiles to itself, and any request
 * can be judged by it: what a grant would hold for, a guardrail would as well. */

#include "fuzz.h"
#include "model/condition.h"

#define MEMORY_MAX ((size_t)1 << 20)

/* An attribute that the comparison asks for, with its value or the `nth` of them. */
static bool
derive(struct attribute *out, const struct json *comparison, size_t nth)
{
	const struct json *value = json_get(comparison, "value");
	if (json_type(value) == JSON_ARRAY)
		value = json_at(value, nth % json_count(value));
	out->path = json_str(json_get(comparison, "attribute"));
	switch (json_type(value)) {
	case JSON_STRING:
		out->type = ATTRIBUTE_STRING;
		out->str = json_str(value);
		break;
	case JSON_INTEGER:
	case JSON_NUMBER:
		out->type = ATTRIBUTE_NUMBER;
		out->number = json_number(value);
		break;
	case JSON_BOOL:
		out->type = ATTRIBUTE_BOOL;
		out->flag = json_bool(value);
		break;
	case JSON_ABSENT:
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		return false;
	}
	return out->path.ptr;
}

static void
judge(const struct condition *c, const struct attributes *attributes)
{
	bool grant = condition_holds(c, attributes, false);
	bool guardrail = condition_holds(c, attributes, true);
	require(!grant || guardrail);
}

static void
judge_derived(const struct condition *c, const struct json *doc, struct str text)
{
	struct attribute items[CONDITION_COMPARISONS_MAX];
	struct attributes attributes = {.items = items};
	const struct json *all = json_get(doc, "all");
	int64_t seed = 0;
	for (size_t i = 0; i < text.len; i++)
		seed = (seed * 31 + (unsigned char)text.ptr[i]) & INT64_C(0x3ffffffffffff);
	attributes.now_us = INT64_C(1577836800000000) + seed;
	judge(c, &attributes);
	for (size_t nth = 0; nth < 3; nth++) {
		attributes.count = 0;
		for (size_t i = 0; i < json_count(all); i++) {
			struct attribute *next = &items[attributes.count];
			*next = (struct attribute){0};
			attributes.count += derive(next, json_at(all, i), nth);
			judge(c, &attributes);
		}
		/* The same names with the text of the input as their value. */
		for (uint32_t i = 0; i < attributes.count; i++) {
			items[i].type = ATTRIBUTE_STRING;
			items[i].str = (struct str){text.ptr, text.len % (nth * 20 + 1)};
		}
		judge(c, &attributes);
	}
}

static void
round_trip(const struct condition *c, struct arena *arena)
{
	struct condition *again;
	struct error err = {0};
	struct str text = condition_text(c);
	require(text.len <= CONDITION_TEXT_MAX);
	require(condition_load(&again, text, arena, &err) == OK);
	require(str_eq(condition_text(again), text));
	require(condition_includes(c, again) && condition_includes(again, c));
	require(!condition_includes(NULL, c) && condition_includes(c, NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena *arena = arena_new(MEMORY_MAX);
	struct json *doc = NULL;
	struct condition *c;
	struct error err = {0};
	require(arena != NULL);
	if (json_parse(&doc, text, JSON_LIMITS_DEFAULT, &err) == OK) {
		if (condition_parse(&c, doc, arena, &err) == OK) {
			round_trip(c, arena);
			judge_derived(c, doc, text);
		} else {
			require(err.status != OK && err.text[0]);
		}
		json_free(&doc);
	}
	arena_free(&arena);
	return 0;
}
