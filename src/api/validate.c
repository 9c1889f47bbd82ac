#include "api/validate.h"

#include <regex.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/uuid.h"

#define PATTERNS_MAX 64
#define PLACE_MAX 160

/* Compiled once at start-up and only read from then on. */
static regex_t patterns[PATTERNS_MAX];
static unsigned patterns_ready;

enum status
validate_init(struct error *err)
{
	ASSERT(schema_pattern_count <= PATTERNS_MAX);
	for (; patterns_ready < schema_pattern_count; patterns_ready++) {
		const char *text = schema_patterns[patterns_ready];
		if (regcomp(&patterns[patterns_ready], text, REG_EXTENDED | REG_NOSUB))
			return error_set(err, ERR_INTERNAL, "bad-pattern",
				"A pattern of the contract does not compile: %s", text);
	}
	return OK;
}

/* Where a value stands: grows and shrinks as the check descends. */
struct place {
	char text[PLACE_MAX];
	size_t len;
};

/* A place that does not fit is cut: it is only shown. Returns the length to go back to. */
static size_t place_enter(struct place *place, const char *fmt, ...) PRINTF(2, 3);

static size_t
place_enter(struct place *place, const char *fmt, ...)
{
	size_t before = place->len;
	va_list args;
	va_start(args, fmt);
	int n = vsnprintf(place->text + before, PLACE_MAX - before, fmt, args);
	va_end(args);
	if (n > 0)
		place->len = before + (size_t)n < PLACE_MAX ? before + (size_t)n : PLACE_MAX - 1;
	return before;
}

static void
place_leave(struct place *place, size_t before)
{
	place->len = before;
	place->text[before] = '\0';
}

#define refuse(err, place, fmt, ...)                                                               \
	error_set(err, ERR_INVALID, "invalid-input", "%s: " fmt,                                   \
		(place)->text __VA_OPT__(, ) __VA_ARGS__)

static const char *
type_text(unsigned types)
{
	switch (types & ~(unsigned)SCHEMA_NULL) {
	case SCHEMA_BOOLEAN:
		return "true or false";
	case SCHEMA_INTEGER:
		return "an integer";
	case SCHEMA_NUMBER:
		return "a number";
	case SCHEMA_STRING:
		return "a string";
	case SCHEMA_ARRAY:
		return "a list";
	case SCHEMA_OBJECT:
		return "an object";
	default: /* masks of several types, which the contract does not use */
		return "of another type";
	}
}

static enum status
check_count(const struct schema *s, size_t count, const char *unit, const struct place *place,
	struct error *err)
{
	if (count < s->min && s->min == 1)
		return refuse(err, place, "must not be empty.");
	if (count < s->min)
		return refuse(err, place, "at least %u %s.", (unsigned)s->min, unit);
	if (count > s->max)
		return refuse(err, place, "at most %u %s.", (unsigned)s->max, unit);
	return OK;
}

static size_t
count_characters(struct str s)
{
	size_t count = 0;
	for (size_t i = 0; i < s.len; i++)
		count += ((unsigned char)s.ptr[i] & 0xc0) != 0x80;
	return count;
}

static bool
fits_pattern(unsigned pattern, struct str value)
{
	ASSERT(pattern <= patterns_ready);
	regmatch_t range = {.rm_so = 0, .rm_eo = (regoff_t)value.len};
	const char *at = value.ptr ? value.ptr : "";
	return regexec(&patterns[pattern - 1], at, 1, &range, REG_STARTEND) == 0;
}

static enum status
check_values(const struct schema *s, struct str value, const struct place *place, struct error *err)
{
	char list[160] = "";
	size_t used = 0;
	for (unsigned i = 0; s->values[i]; i++) {
		if (str_eq(value, str_from(s->values[i])))
			return OK;
		int n = snprintf(
			list + used, sizeof(list) - used, "%s%s", i ? ", " : "", s->values[i]);
		used = used + (size_t)n < sizeof(list) ? used + (size_t)n : sizeof(list) - 1;
	}
	return refuse(err, place, "has to be one of %s.", list);
}

static enum status
check_format(
	enum schema_format format, struct str value, const struct place *place, struct error *err)
{
	struct uuid id;
	int64_t time_us;
	switch (format) {
	case FORMAT_NONE:
		return OK;
	case FORMAT_UUID:
		return uuid_parse(value, &id) ? OK : refuse(err, place, "has to be a UUID.");
	case FORMAT_DATE_TIME:
		if (clock_parse(value, &time_us))
			return OK;
		return refuse(err, place, "has to be a time like 2030-01-31T12:00:00Z.");
	case FORMAT_IDN_EMAIL:
		if (value.len && memchr(value.ptr, '@', value.len))
			return OK;
		return refuse(err, place, "has to be an e-mail address.");
	}
	return OK;
}

static enum status
check_string(const struct schema *s, struct str value, const struct place *place, struct error *err)
{
	enum status rc = check_count(s, count_characters(value), "characters", place, err);
	if (rc == OK && s->values)
		rc = check_values(s, value, place, err);
	if (rc == OK)
		rc = check_format(s->format, value, place, err);
	if (rc == OK && s->pattern && !fits_pattern(s->pattern, value))
		rc = refuse(err, place, "has to have the form %s", schema_patterns[s->pattern - 1]);
	return rc;
}

static enum status
check_integer(const struct schema *s, int64_t value, const struct place *place, struct error *err)
{
	if (value >= s->low && value <= s->high)
		return OK;
	return refuse(err, place, "has to be %lld to %lld.", (long long)s->low, (long long)s->high);
}

static enum status check_value(
	const struct schema *s, const struct json *value, struct place *place, struct error *err);

static bool
is_repeated(const struct json *array, size_t at)
{
	struct str value = json_str(json_at(array, at));
	for (size_t i = 0; i < at; i++) {
		if (str_eq(value, json_str(json_at(array, i))))
			return true;
	}
	return false;
}

static enum status
check_array(
	const struct schema *s, const struct json *value, struct place *place, struct error *err)
{
	size_t count = json_count(value);
	enum status rc = check_count(s, count, "entries", place, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		size_t before = place_enter(place, "[%zu]", i);
		if (s->items)
			rc = check_value(s->items, json_at(value, i), place, err);
		if (rc == OK && s->unique && is_repeated(value, i))
			rc = refuse(err, place, "is there twice.");
		place_leave(place, before);
	}
	return rc;
}

static const struct schema_member *
find_member(const struct schema *s, struct str name)
{
	for (unsigned i = 0; i < s->member_count; i++) {
		if (str_eq(name, str_from(s->members[i].name)))
			return &s->members[i];
	}
	return NULL;
}

static enum status
check_present(
	const struct schema *s, const struct json *value, struct place *place, struct error *err)
{
	for (unsigned i = 0; i < s->member_count; i++) {
		const struct schema_member *member = &s->members[i];
		if (member->required && !json_get(value, member->name))
			return refuse(err, place, "%s is missing.", member->name);
	}
	unsigned present = 0;
	for (unsigned i = 0; s->one_of && s->one_of[i]; i++)
		present += json_get(value, s->one_of[i]) != NULL;
	if (s->one_of && present != 1)
		return refuse(
			err, place, "state exactly one of %s and %s.", s->one_of[0], s->one_of[1]);
	return OK;
}

static enum status
check_object(
	const struct schema *s, const struct json *value, struct place *place, struct error *err)
{
	enum status rc = check_count(s, json_count(value), "members", place, err);
	struct str name;
	const struct json *inner;
	for (void *it = NULL; rc == OK && (it = json_member(value, it, &name, &inner));) {
		const struct schema_member *member = find_member(s, name);
		if (!member && !s->closed)
			continue;
		/* A name that is not known comes from outside: shown, but not at any length. */
		int shown = name.len < 64 ? (int)name.len : 64;
		size_t before = place_enter(place, ".%.*s", shown, name.ptr);
		if (member)
			rc = check_value(member->schema, inner, place, err);
		else
			rc = refuse(err, place, "there is no such member.");
		place_leave(place, before);
	}
	return rc == OK ? check_present(s, value, place, err) : rc;
}

static enum status
check_value(
	const struct schema *s, const struct json *value, struct place *place, struct error *err)
{
	enum json_type type = json_type(value);
	if (!(s->types & 1U << type))
		return refuse(err, place, "has to be %s%s.", type_text(s->types),
			s->types & SCHEMA_NULL ? " or null" : "");
	switch (type) {
	case JSON_STRING:
		return check_string(s, json_str(value), place, err);
	case JSON_INTEGER:
		return check_integer(s, json_int(value), place, err);
	case JSON_ARRAY:
		return check_array(s, value, place, err);
	case JSON_OBJECT:
		return check_object(s, value, place, err);
	case JSON_ABSENT:
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
		break;
	}
	return OK;
}

enum status
validate_json(
	const struct schema *schema, const struct json *value, const char *root, struct error *err)
{
	struct place place = {.len = 0};
	place_enter(&place, "%s", root);
	return check_value(schema, value, &place, err);
}

enum status
validate_text(const struct schema *schema, struct str text, const char *root, struct error *err)
{
	struct place place = {.len = 0};
	place_enter(&place, "%s", root);
	if (schema->types & SCHEMA_STRING)
		return check_string(schema, text, &place, err);
	if (schema->types & SCHEMA_BOOLEAN) {
		if (str_eq(text, STR("true")) || str_eq(text, STR("false")))
			return OK;
		return refuse(err, &place, "has to be true or false.");
	}
	int64_t number;
	if (!str_to_i64(text, &number))
		return refuse(err, &place, "has to be an integer.");
	return check_integer(schema, number, &place, err);
}
