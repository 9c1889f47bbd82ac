#include "model/condition_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_PARTS_MAX 8
#define PATH_PART_MAX_BYTES 64

const struct condition CONDITION_BROKEN = {0};

static const char *const operators[CONDITION_OPERATORS] = {
	[CONDITION_EQ] = "eq",
	[CONDITION_NE] = "ne",
	[CONDITION_IN] = "in",
	[CONDITION_NOT_IN] = "not_in",
	[CONDITION_LT] = "lt",
	[CONDITION_LTE] = "lte",
	[CONDITION_GT] = "gt",
	[CONDITION_GTE] = "gte",
	[CONDITION_EXISTS] = "exists",
	[CONDITION_STARTS_WITH] = "starts_with",
	[CONDITION_IN_CIDR] = "in_cidr",
	[CONDITION_TIME_OF_DAY] = "time_of_day",
};

enum status
condition__refuse(const struct condition_compiler *c, const char *member, const char *fmt, ...)
{
	char why[ERROR_TEXT_MAX];
	va_list args;
	va_start(args, fmt);
	vsnprintf(why, sizeof(why), fmt, args);
	va_end(args);
	return error_set(c->err, ERR_INVALID, "invalid-condition", "condition.all[%zu]%s: %s",
		c->index, member, why);
}

static bool
is_path_part(struct str part)
{
	if (part.len == 0 || part.len > PATH_PART_MAX_BYTES)
		return false;
	for (size_t i = 0; i < part.len; i++) {
		char c = part.ptr[i];
		bool fits = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
			(c >= '0' && c <= '9') || c == '_' || c == '-';
		if (!fits)
			return false;
	}
	return true;
}

static bool
is_path(struct str path)
{
	if (!str_starts(path, STR("subject.properties.")) &&
		!str_starts(path, STR("resource.properties.")) &&
		!str_starts(path, STR("action.properties.")) && !str_starts(path, STR("context.")))
		return false;
	size_t parts = 0;
	for (struct str rest = path; rest.ptr;) {
		if (!is_path_part(str_cut(&rest, '.')) || ++parts > PATH_PARTS_MAX)
			return false;
	}
	return true;
}

static enum status
compile_attribute(
	const struct condition_compiler *c, struct comparison *out, const struct json *attribute)
{
	if (out->op == CONDITION_TIME_OF_DAY) {
		if (json_type(attribute) == JSON_ABSENT)
			return OK;
		return condition__refuse(c, ".attribute",
			"time_of_day asks the server's clock; leave the attribute out.");
	}
	struct str path = json_str(attribute);
	if (!is_path(path))
		return condition__refuse(c, ".attribute",
			"give a path below subject.properties, resource.properties, "
			"action.properties or context, at most 8 parts of letters, digits, _ and "
			"-.");
	out->attribute = arena_copy(c->arena, path);
	return out->attribute.ptr ? OK : error_no_memory(c->err);
}

static enum status
compile_operator(
	const struct condition_compiler *c, struct comparison *out, const struct json *name)
{
	for (unsigned i = 0; i < CONDITION_OPERATORS; i++) {
		if (!str_eq(json_str(name), str_from(operators[i])))
			continue;
		out->op = (enum condition_operator)i;
		return OK;
	}
	return condition__refuse(c, ".operator",
		"use one of eq, ne, in, not_in, lt, lte, gt, gte, exists, starts_with, in_cidr, "
		"time_of_day.");
}

static enum status
check_members(const struct condition_compiler *c, const struct json *source)
{
	struct str name;
	const struct json *value;
	if (json_type(source) != JSON_OBJECT)
		return condition__refuse(c, "", "give an object.");
	for (void *it = NULL; (it = json_member(source, it, &name, &value));) {
		if (!str_eq(name, STR("attribute")) && !str_eq(name, STR("operator")) &&
			!str_eq(name, STR("value")))
			return condition__refuse(c, "",
				"only attribute, operator and value are known, not \"%.*s\".",
				name.len > 64 ? 64 : (int)name.len, name.ptr);
	}
	return OK;
}

static enum status
too_long(struct error *err)
{
	return error_set(err, ERR_INVALID, "invalid-condition",
		"The condition is longer than %d bytes.", CONDITION_TEXT_MAX);
}

static enum status
compile_comparison(
	const struct condition_compiler *c, struct comparison *out, const struct json *source)
{
	char space[CONDITION_TEXT_MAX];
	struct buf text;
	enum status rc = check_members(c, source);
	if (rc == OK)
		rc = compile_operator(c, out, json_get(source, "operator"));
	if (rc == OK)
		rc = compile_attribute(c, out, json_get(source, "attribute"));
	if (rc != OK)
		return rc;
	buf_init_fixed(&text, space, sizeof(space));
	buf_char(&text, '{');
	if (out->attribute.ptr)
		buf_printf(&text, "\"attribute\":\"%.*s\",", STR_ARG(out->attribute));
	buf_printf(&text, "\"operator\":\"%s\",\"value\":", operators[out->op]);
	rc = condition__compile_value(c, out, json_get(source, "value"), &text);
	if (rc != OK)
		return rc;
	buf_char(&text, '}');
	if (text.failed)
		return too_long(c->err);
	out->text = arena_copy(c->arena, buf_view(&text));
	return out->text.ptr ? OK : error_no_memory(c->err);
}

static int
compare_texts(const void *a, const void *b)
{
	const struct comparison *left = a;
	const struct comparison *right = b;
	return str_compare(left->text, right->text);
}

static uint32_t
sort_comparisons(struct comparison *items, size_t count)
{
	uint32_t kept = 1;
	qsort(items, count, sizeof(*items), compare_texts);
	for (size_t i = 1; i < count; i++) {
		if (compare_texts(&items[kept - 1], &items[i]) != 0)
			items[kept++] = items[i];
	}
	return kept;
}

static enum status
write_text(struct condition *out, struct arena *arena, struct error *err)
{
	char space[CONDITION_TEXT_MAX];
	struct buf text;
	buf_init_fixed(&text, space, sizeof(space));
	buf_str(&text, STR("{\"all\":["));
	for (uint32_t i = 0; i < out->count; i++) {
		if (i)
			buf_char(&text, ',');
		buf_str(&text, out->items[i].text);
	}
	buf_str(&text, STR("]}"));
	if (text.failed)
		return too_long(err);
	out->text = arena_copy(arena, buf_view(&text));
	return out->text.ptr ? OK : error_no_memory(err);
}

enum status
condition_parse(
	struct condition **out, const struct json *source, struct arena *arena, struct error *err)
{
	const struct json *all = json_get(source, "all");
	size_t count = json_count(all);
	if (json_type(all) != JSON_ARRAY || json_count(source) != 1)
		return error_set(err, ERR_INVALID, "invalid-condition",
			"A condition is an object with one member: \"all\", an array of "
			"comparisons.");
	if (count < 1 || count > CONDITION_COMPARISONS_MAX)
		return error_set(err, ERR_INVALID, "invalid-condition",
			"condition.all holds 1 to %d comparisons, not %zu; without any, leave the "
			"condition out.",
			CONDITION_COMPARISONS_MAX, count);
	struct condition *condition = arena_new_one(arena, struct condition);
	struct comparison *items = arena_new_array(arena, struct comparison, count);
	if (!condition || !items)
		return error_no_memory(err);
	struct condition_compiler c = {arena, err, 0};
	for (; c.index < count; c.index++) {
		enum status rc = compile_comparison(&c, &items[c.index], json_at(all, c.index));
		if (rc != OK)
			return rc;
	}
	condition->items = items;
	condition->count = sort_comparisons(items, count);
	enum status rc = write_text(condition, arena, err);
	if (rc == OK)
		*out = condition;
	return rc;
}

enum status
condition_load(struct condition **out, struct str text, struct arena *arena, struct error *err)
{
	const struct json_limits limits = {CONDITION_TEXT_MAX, 8, CONDITION_TEXT_MAX};
	struct error why = {0};
	struct json *doc = NULL;
	enum status rc = json_parse(&doc, text, limits, &why);
	if (rc == OK)
		rc = condition_parse(out, doc, arena, &why);
	json_free(&doc);
	if (rc == OK)
		return OK;
	if (rc == ERR_NO_MEMORY || rc == ERR_BUSY)
		return error_set(err, rc, why.code, "%s", why.text);
	rc = error_set(err, ERR_CORRUPT, "corrupt-condition", "A stored condition cannot be used.");
	(void)error_detail(err, "%s", why.text);
	return rc;
}

struct str
condition_text(const struct condition *c)
{
	return c->text;
}

bool
condition_includes(const struct condition *given, const struct condition *required)
{
	if (!required)
		return true;
	if (!given || given->count == 0 || required->count == 0)
		return false;
	uint32_t at = 0;
	for (uint32_t i = 0; i < required->count; i++) {
		while (at < given->count &&
			compare_texts(&given->items[at], &required->items[i]) < 0)
			at++;
		if (at == given->count ||
			compare_texts(&given->items[at], &required->items[i]) != 0)
			return false;
	}
	return true;
}
