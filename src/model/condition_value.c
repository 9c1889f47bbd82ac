#include "model/condition_internal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/number.h"

#define NUMBER_MAX (INT64_C(1) << 53) /* whole numbers are exact up to here */

/* The elements of an array, or the value itself as the only one. */
static const struct json *
element(const struct json *value, size_t i)
{
	return json_type(value) == JSON_ARRAY ? json_at(value, i) : value;
}

static enum status
check_count(const struct condition_compiler *c, size_t count)
{
	if (count >= 1 && count <= CONDITION_VALUES_MAX)
		return OK;
	return condition__refuse(
		c, ".value", "give 1 to %d values, not %zu.", CONDITION_VALUES_MAX, count);
}

static enum status
compile_number(const struct condition_compiler *c, double *out, const struct json *value)
{
	enum json_type type = json_type(value);
	if (type != JSON_INTEGER && type != JSON_NUMBER)
		return condition__refuse(c, ".value", "give a number.");
	/* Whole numbers are compared as such: beyond the bound a conversion would round them. */
	int64_t whole = json_int(value);
	bool fits = type == JSON_INTEGER ? whole >= -NUMBER_MAX && whole <= NUMBER_MAX
					 : fabs(json_number(value)) <= (double)NUMBER_MAX;
	if (!fits)
		return condition__refuse(c, ".value",
			"numbers must lie between -9007199254740992 and 9007199254740992.");
	/* The sum turns a negative zero into zero. */
	*out = (type == JSON_INTEGER ? (double)whole : json_number(value)) + 0.0;
	return OK;
}

static enum status
compile_string(const struct condition_compiler *c, struct str *out, const struct json *value)
{
	if (json_type(value) != JSON_STRING)
		return condition__refuse(c, ".value", "give a string.");
	*out = arena_copy(c->arena, json_str(value));
	return out->ptr ? OK : error_no_memory(c->err);
}

static void
write_number(struct buf *text, double number)
{
	char z[JSON_NUMBER_TEXT_MAX];
	if (number == floor(number)) {
		buf_i64(text, (int64_t)number);
		return;
	}
	json_number_format(z, number);
	buf_str(text, str_from(z));
}

static void
write_bool(struct buf *text, bool flag)
{
	buf_str(text, flag ? STR("true") : STR("false"));
}

static void
write_value(struct buf *text, const struct condition_value *value)
{
	switch (value->type) {
	case ATTRIBUTE_STRING:
		buf_json_str(text, value->str);
		break;
	case ATTRIBUTE_NUMBER:
		write_number(text, value->number);
		break;
	default:
		write_bool(text, value->flag);
	}
}

static enum status
compile_one(
	const struct condition_compiler *c, struct condition_value *out, const struct json *value)
{
	switch (json_type(value)) {
	case JSON_STRING:
		out->type = ATTRIBUTE_STRING;
		return compile_string(c, &out->str, value);
	case JSON_INTEGER:
	case JSON_NUMBER:
		out->type = ATTRIBUTE_NUMBER;
		return compile_number(c, &out->number, value);
	case JSON_BOOL:
		out->type = ATTRIBUTE_BOOL;
		out->flag = json_bool(value);
		return OK;
	case JSON_ABSENT:
	case JSON_NULL:
	case JSON_ARRAY:
	case JSON_OBJECT:
		break;
	}
	return condition__refuse(c, ".value", "give strings, numbers, true or false.");
}

static int
compare_values(const void *a, const void *b)
{
	const struct condition_value *left = a;
	const struct condition_value *right = b;
	if (left->type != right->type)
		return left->type < right->type ? -1 : 1;
	if (left->type == ATTRIBUTE_STRING)
		return str_compare(left->str, right->str);
	if (left->type == ATTRIBUTE_NUMBER)
		return (left->number > right->number) - (left->number < right->number);
	return left->flag - right->flag;
}

static uint32_t
drop_repeated(void *items, size_t count, size_t size, int (*compare)(const void *, const void *))
{
	char *at = items;
	uint32_t kept = 1;
	qsort(items, count, size, compare);
	for (size_t i = 1; i < count; i++) {
		if (compare(at + (kept - 1) * size, at + i * size) == 0)
			continue;
		memmove(at + kept * size, at + i * size, size);
		kept++;
	}
	return kept;
}

static enum status
compile_values(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	bool list = out->op == CONDITION_IN || out->op == CONDITION_NOT_IN;
	if (list && json_type(value) != JSON_ARRAY)
		return condition__refuse(c, ".value", "give an array.");
	if (!list && json_type(value) == JSON_ARRAY)
		return condition__refuse(
			c, ".value", "one value is compared; use in or not_in for several.");
	size_t count = list ? json_count(value) : 1;
	enum status rc = check_count(c, count);
	if (rc != OK)
		return rc;
	struct condition_value *items = arena_new_array(c->arena, struct condition_value, count);
	if (!items)
		return error_no_memory(c->err);
	for (size_t i = 0; i < count; i++) {
		rc = compile_one(c, &items[i], element(value, i));
		if (rc != OK)
			return rc;
		out->values.types |= 1U << items[i].type;
	}
	out->values.items = items;
	out->values.count = drop_repeated(items, count, sizeof(*items), compare_values);
	if (list)
		buf_char(text, '[');
	for (uint32_t i = 0; i < out->values.count; i++) {
		if (i)
			buf_char(text, ',');
		write_value(text, &items[i]);
	}
	if (list)
		buf_char(text, ']');
	return OK;
}

static int
compare_blocks(const void *a, const void *b)
{
	const struct cidr *left = a;
	const struct cidr *right = b;
	if (left->base.len != right->base.len)
		return left->base.len < right->base.len ? -1 : 1;
	int order = memcmp(left->base.bytes, right->base.bytes, left->base.len);
	return order != 0 ? order : left->prefix - right->prefix;
}

static enum status
compile_block(const struct condition_compiler *c, struct cidr *out, const struct json *value)
{
	char meant[CIDR_TEXT_MAX];
	struct str text = json_str(value);
	switch (cidr_parse(text, out)) {
	case CIDR_OK:
		return OK;
	case CIDR_HOST_BITS:
		cidr_format(meant, out);
		return condition__refuse(c, ".value",
			"%.*s has bits set after its prefix; did you mean %s?", STR_ARG(text),
			meant);
	case CIDR_MALFORMED:
		break;
	}
	return condition__refuse(
		c, ".value", "give address blocks such as 10.0.0.0/8 or fd00::/8.");
}

static enum status
compile_blocks(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	size_t count = json_type(value) == JSON_ARRAY ? json_count(value) : 1;
	enum status rc = check_count(c, count);
	if (rc != OK)
		return rc;
	struct cidr *items = arena_new_array(c->arena, struct cidr, count);
	if (!items)
		return error_no_memory(c->err);
	for (size_t i = 0; i < count; i++) {
		rc = compile_block(c, &items[i], element(value, i));
		if (rc != OK)
			return rc;
	}
	out->blocks.items = items;
	out->blocks.count = drop_repeated(items, count, sizeof(*items), compare_blocks);
	/* One block has one form, whether it came in an array or not. */
	if (out->blocks.count > 1)
		buf_char(text, '[');
	for (uint32_t i = 0; i < out->blocks.count; i++) {
		char block[CIDR_TEXT_MAX];
		cidr_format(block, &items[i]);
		buf_printf(text, "%s\"%s\"", i ? "," : "", block);
	}
	if (out->blocks.count > 1)
		buf_char(text, ']');
	return OK;
}

static bool
parse_minute(struct str text, unsigned *out)
{
	if (text.len != 5 || text.ptr[2] != ':')
		return false;
	for (size_t i = 0; i < 5; i++) {
		if (i != 2 && (text.ptr[i] < '0' || text.ptr[i] > '9'))
			return false;
	}
	unsigned hour = (unsigned)((text.ptr[0] - '0') * 10 + text.ptr[1] - '0');
	unsigned minute = (unsigned)((text.ptr[3] - '0') * 10 + text.ptr[4] - '0');
	*out = hour * 60 + minute;
	return hour < 24 && minute < 60;
}

static enum status
compile_window(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	char field[48];
	struct str from = json_str(json_get(value, "from"));
	struct str until = json_str(json_get(value, "to"));
	struct str zone = json_str(json_get(value, "zone"));
	if (!from.ptr || !until.ptr || !zone.ptr || json_count(value) != 3)
		return condition__refuse(c, ".value",
			"give an object of three strings: \"from\", \"to\" and \"zone\".");
	if (!parse_minute(from, &out->window.from_min) ||
		!parse_minute(until, &out->window.until_min))
		return condition__refuse(c, ".value", "times are written from 00:00 to 23:59.");
	if (out->window.from_min == out->window.until_min)
		return condition__refuse(
			c, ".value", "\"from\" and \"to\" are the same; leave out the whole day.");
	snprintf(field, sizeof(field), "condition.all[%zu].value.zone", c->index);
	enum status rc = zone_load(&out->window.zone, zone, field, c->arena, c->err);
	if (rc != OK)
		return rc;
	buf_printf(text, "{\"from\":\"%.*s\",\"to\":\"%.*s\",\"zone\":\"%.*s\"}", STR_ARG(from),
		STR_ARG(until), STR_ARG(zone));
	return OK;
}

static enum status
compile_order(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	enum status rc = compile_number(c, &out->number, value);
	if (rc == OK)
		write_number(text, out->number);
	return rc;
}

static enum status
compile_exists(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	if (json_type(value) != JSON_BOOL)
		return condition__refuse(c, ".value", "give true or false.");
	out->present = json_bool(value);
	write_bool(text, out->present);
	return OK;
}

static enum status
compile_prefix(const struct condition_compiler *c, struct comparison *out, const struct json *value,
	struct buf *text)
{
	enum status rc = compile_string(c, &out->prefix, value);
	if (rc == OK)
		buf_json_str(text, out->prefix);
	return rc;
}

enum status
condition__compile_value(const struct condition_compiler *c, struct comparison *out,
	const struct json *value, struct buf *text)
{
	switch (out->op) {
	case CONDITION_EQ:
	case CONDITION_NE:
	case CONDITION_IN:
	case CONDITION_NOT_IN:
		return compile_values(c, out, value, text);
	case CONDITION_LT:
	case CONDITION_LTE:
	case CONDITION_GT:
	case CONDITION_GTE:
		return compile_order(c, out, value, text);
	case CONDITION_EXISTS:
		return compile_exists(c, out, value, text);
	case CONDITION_STARTS_WITH:
		return compile_prefix(c, out, value, text);
	case CONDITION_IN_CIDR:
		return compile_blocks(c, out, value, text);
	case CONDITION_TIME_OF_DAY:
		return compile_window(c, out, value, text);
	case CONDITION_OPERATORS:
		break;
	}
	ASSERT(out->op != CONDITION_OPERATORS);
	return ERR_INTERNAL;
}
