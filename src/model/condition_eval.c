#include "model/condition_internal.h"

#include <math.h>

#include "base/clock.h"

#define DAY_S 86400

enum verdict { UNDETERMINED, FALSE, TRUE };

static enum verdict
verdict(bool holds)
{
	return holds ? TRUE : FALSE;
}

/* Lengths differ far more often than bytes do. */
static bool
same(struct str a, struct str b)
{
	return a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static const struct attribute *
find(const struct attributes *attributes, struct str path)
{
	for (uint32_t i = 0; i < attributes->count; i++) {
		if (same(attributes->items[i].path, path))
			return &attributes->items[i];
	}
	return NULL;
}

/* False for what can be compared with nothing: an absent text, and NaN, which is unequal, and not
 * less, whatever one asks. */
static bool
is_comparable(const struct attribute *a)
{
	return a && (a->type != ATTRIBUTE_STRING || a->str.ptr) &&
		(a->type != ATTRIBUTE_NUMBER || !isnan(a->number));
}

static bool
equals(const struct condition_value *value, const struct attribute *a)
{
	if (value->type != a->type)
		return false;
	switch (a->type) {
	case ATTRIBUTE_STRING:
		return same(value->str, a->str);
	case ATTRIBUTE_NUMBER:
		return value->number == a->number;
	case ATTRIBUTE_BOOL:
		return value->flag == a->flag;
	}
	return false;
}

static enum verdict
is_among(const struct comparison *c, const struct attribute *a, bool wanted)
{
	if (!is_comparable(a) || !(c->values.types >> a->type & 1))
		return UNDETERMINED;
	for (uint32_t i = 0; i < c->values.count; i++) {
		if (equals(&c->values.items[i], a))
			return verdict(wanted);
	}
	return verdict(!wanted);
}

static enum verdict
is_ordered(const struct comparison *c, const struct attribute *a)
{
	if (!is_comparable(a) || a->type != ATTRIBUTE_NUMBER)
		return UNDETERMINED;
	if (c->op == CONDITION_LT)
		return verdict(a->number < c->number);
	if (c->op == CONDITION_LTE)
		return verdict(a->number <= c->number);
	if (c->op == CONDITION_GT)
		return verdict(a->number > c->number);
	return verdict(a->number >= c->number);
}

static enum verdict
is_prefixed(const struct comparison *c, const struct attribute *a)
{
	if (!is_comparable(a) || a->type != ATTRIBUTE_STRING)
		return UNDETERMINED;
	return verdict(str_starts(a->str, c->prefix));
}

static enum verdict
is_in_blocks(const struct comparison *c, const struct attribute *a)
{
	struct address address;
	if (!is_comparable(a) || a->type != ATTRIBUTE_STRING || !address_parse(a->str, &address))
		return UNDETERMINED;
	for (uint32_t i = 0; i < c->blocks.count; i++) {
		if (cidr_contains(&c->blocks.items[i], &address))
			return TRUE;
	}
	return FALSE;
}

static enum verdict
is_in_window(const struct comparison *c, int64_t now_us)
{
	int32_t offset_s;
	int64_t now_s = now_us / US_PER_S;
	if (!zone_offset(c->window.zone, now_s, &offset_s))
		return UNDETERMINED;
	unsigned minute = (unsigned)((now_s + offset_s) % DAY_S / 60);
	bool past_from = minute >= c->window.from_min;
	bool before_end = minute < c->window.until_min;
	if (c->window.from_min < c->window.until_min)
		return verdict(past_from && before_end);
	return verdict(past_from || before_end);
}

static enum verdict
judge(const struct comparison *c, const struct attributes *attributes)
{
	if (c->op == CONDITION_TIME_OF_DAY)
		return is_in_window(c, attributes->now_us);
	const struct attribute *a = find(attributes, c->attribute);
	switch (c->op) {
	case CONDITION_EQ:
	case CONDITION_IN:
		return is_among(c, a, true);
	case CONDITION_NE:
	case CONDITION_NOT_IN:
		return is_among(c, a, false);
	case CONDITION_LT:
	case CONDITION_LTE:
	case CONDITION_GT:
	case CONDITION_GTE:
		return is_ordered(c, a);
	case CONDITION_EXISTS:
		return verdict((a != NULL) == c->present);
	case CONDITION_STARTS_WITH:
		return is_prefixed(c, a);
	case CONDITION_IN_CIDR:
		return is_in_blocks(c, a);
	case CONDITION_TIME_OF_DAY:
	case CONDITION_OPERATORS:
		break;
	}
	return UNDETERMINED;
}

bool
condition_holds(const struct condition *c, const struct attributes *attributes, bool if_missing)
{
	if (attributes->used)
		*attributes->used = true;
	if (c->count == 0)
		return if_missing;
	for (uint32_t i = 0; i < c->count; i++) {
		enum verdict v = judge(&c->items[i], attributes);
		if (v == FALSE || (v == UNDETERMINED && !if_missing))
			return false;
	}
	return true;
}
