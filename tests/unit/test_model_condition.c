#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>

#include "base/clock.h"
#include "model/condition.h"

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(1024 * 1024);
	return arena ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static enum status
parse(struct condition **out, struct str text, struct error *err)
{
	struct json *doc = NULL;
	*err = (struct error){0};
	enum status rc = json_parse(&doc, text, JSON_LIMITS_DEFAULT, err);
	if (rc == OK)
		rc = condition_parse(out, doc, arena, err);
	json_free(&doc);
	return rc;
}

static const struct condition *
compiled(const char *text)
{
	struct condition *c = NULL;
	struct error err;
	if (parse(&c, str_from(text), &err) != OK)
		fail_msg("%s: %s", text, err.text);
	return c;
}

/* One comparison of context.a. */
static const struct condition *
one(const char *op, const char *value)
{
	struct str text = arena_printf(arena,
		"{\"all\":[{\"attribute\":\"context.a\",\"operator\":\"%s\",\"value\":%s}]}", op,
		value);
	assert_non_null(text.ptr);
	return compiled(text.ptr);
}

enum expected { NO, YES, MISSING };

static void
expect(const struct condition *c, const struct attribute *a, enum expected expected)
{
	struct attributes all = {.items = a, .count = a ? 1 : 0};
	bool grant = condition_holds(c, &all, false);
	bool guardrail = condition_holds(c, &all, true);
	if (grant != (expected == YES) || guardrail != (expected != NO))
		fail_msg("%.*s: %d as a grant, %d as a guardrail", STR_ARG(condition_text(c)),
			grant, guardrail);
}

static struct attribute
text_of(struct str value)
{
	return (struct attribute){.path = STR("context.a"), .type = ATTRIBUTE_STRING, .str = value};
}

static struct attribute
number_of(double value)
{
	return (struct attribute){
		.path = STR("context.a"), .type = ATTRIBUTE_NUMBER, .number = value};
}

static struct attribute
flag_of(bool value)
{
	return (struct attribute){.path = STR("context.a"), .type = ATTRIBUTE_BOOL, .flag = value};
}

static void
expect_text(const struct condition *c, struct str value, enum expected expected)
{
	struct attribute a = text_of(value);
	expect(c, &a, expected);
}

static void
expect_number(const struct condition *c, double value, enum expected expected)
{
	struct attribute a = number_of(value);
	expect(c, &a, expected);
}

static void
expect_flag(const struct condition *c, bool value, enum expected expected)
{
	struct attribute a = flag_of(value);
	expect(c, &a, expected);
}

static void
test_condition__eq_and_ne(void **state)
{
	(void)state;
	const struct condition *eq = one("eq", "\"red\"");
	const struct condition *ne = one("ne", "\"red\"");
	expect_text(eq, STR("red"), YES);
	expect_text(eq, STR("Red"), NO);
	expect_text(eq, STR("re"), NO);
	expect_text(eq, STR(""), NO);
	expect_text(ne, STR("red"), NO);
	expect_text(ne, STR("blue"), YES);
	expect_number(eq, 1, MISSING);
	expect_number(ne, 1, MISSING);
	expect_flag(ne, true, MISSING);
	expect_text(ne, (struct str){0}, MISSING);
	expect(eq, NULL, MISSING);
	expect(ne, NULL, MISSING);
	expect_text(one("eq", "\"\""), STR(""), YES);
	expect_number(one("eq", "7"), 7.0, YES);
	expect_number(one("eq", "7.5"), 7.5, YES);
	expect_number(one("eq", "7"), 7.5, NO);
	expect_number(one("eq", "-0.0"), 0.0, YES);
	expect_number(one("ne", "7"), (double)NAN, MISSING);
	expect_text(one("eq", "7"), STR("7"), MISSING);
	expect_flag(one("eq", "true"), true, YES);
	expect_flag(one("eq", "true"), false, NO);
	expect_flag(one("ne", "false"), true, YES);
	expect_number(one("eq", "true"), 1, MISSING);
}

static void
test_condition__in_and_not_in(void **state)
{
	(void)state;
	const struct condition *in = one("in", "[\"b\",\"a\",3]");
	const struct condition *not_in = one("not_in", "[\"b\",\"a\",3]");
	expect_text(in, STR("a"), YES);
	expect_text(in, STR("b"), YES);
	expect_text(in, STR("c"), NO);
	expect_number(in, 3, YES);
	expect_number(in, 4, NO);
	expect_flag(in, true, MISSING);
	expect(in, NULL, MISSING);
	expect_text(not_in, STR("a"), NO);
	expect_text(not_in, STR("c"), YES);
	expect_number(not_in, 3, NO);
	expect_flag(not_in, true, MISSING);
	expect(not_in, NULL, MISSING);
}

static void
test_condition__order(void **state)
{
	(void)state;
	const struct {
		const char *op;
		enum expected below, equal, above;
	} cases[] = {{"lt", YES, NO, NO}, {"lte", YES, YES, NO}, {"gt", NO, NO, YES},
		{"gte", NO, YES, YES}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct condition *c = one(cases[i].op, "2.5");
		expect_number(c, 2.4, cases[i].below);
		expect_number(c, 2.5, cases[i].equal);
		expect_number(c, 2.6, cases[i].above);
		expect_number(c, -HUGE_VAL, cases[i].below);
		expect_number(c, HUGE_VAL, cases[i].above);
		expect_number(c, (double)NAN, MISSING);
		expect_text(c, STR("2"), MISSING);
		expect_flag(c, false, MISSING);
		expect(c, NULL, MISSING);
	}
}

static void
test_condition__exists(void **state)
{
	(void)state;
	const struct condition *there = one("exists", "true");
	const struct condition *absent = one("exists", "false");
	expect_text(there, STR("x"), YES);
	expect_number(there, 0, YES);
	expect_flag(there, false, YES);
	expect(there, NULL, NO);
	expect_text(absent, STR("x"), NO);
	expect_flag(absent, false, NO);
	expect(absent, NULL, YES);
}

static void
test_condition__starts_with(void **state)
{
	(void)state;
	const struct condition *c = one("starts_with", "\"ab\"");
	expect_text(c, STR("abc"), YES);
	expect_text(c, STR("ab"), YES);
	expect_text(c, STR("a"), NO);
	expect_text(c, STR("xab"), NO);
	expect_number(c, 1, MISSING);
	expect(c, NULL, MISSING);
}

static void
test_condition__in_cidr(void **state)
{
	(void)state;
	const struct condition *c = one("in_cidr", "\"10.0.0.0/8\"");
	expect_text(c, STR("10.255.0.1"), YES);
	expect_text(c, STR("11.0.0.1"), NO);
	expect_text(c, STR("fd00::1"), NO);
	expect_text(c, STR("::ffff:10.1.2.3"), YES);
	expect_text(c, STR("::ffff:b01:203"), NO);
	const struct str unparsable[] = {STR("10.0.0"), STR("10.0.0.1:80"), STR("10.0.0.256"),
		STR(""), STR("localhost"), STR("10.0.0.1\0"), STR(" 10.0.0.1"), STR("fe80::1%eth0"),
		STR("010.0.0.1"), STR("10.0.0.0/8"), STR("[::1]"),
		STR("1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb")};
	for (size_t i = 0; i < ARRAY_LEN(unparsable); i++)
		expect_text(c, unparsable[i], MISSING);
	expect_number(c, 10, MISSING);
	expect(c, NULL, MISSING);
	const struct condition *both =
		one("in_cidr", "[\"192.168.4.0/22\",\"2001:db8::/33\",\"10.0.0.7\"]");
	expect_text(both, STR("192.168.7.255"), YES);
	expect_text(both, STR("192.168.8.0"), NO);
	expect_text(both, STR("2001:db8:7fff::1"), YES);
	expect_text(both, STR("2001:db8:8000::1"), NO);
	expect_text(both, STR("10.0.0.7"), YES);
	expect_text(both, STR("10.0.0.6"), NO);
	/* An IPv4 address is in no block of IPv6, however it is written. */
	const struct condition *any6 = one("in_cidr", "\"::/0\"");
	expect_text(any6, STR("::1"), YES);
	expect_text(any6, STR("::ffff:10.1.2.3"), NO);
	expect_text(any6, STR("10.1.2.3"), NO);
	expect_text(one("in_cidr", "\"0.0.0.0/0\""), STR("::ffff:1.2.3.4"), YES);
	expect_text(one("in_cidr", "\"::ffff:10.0.0.0/104\""), STR("10.1.2.3"), YES);
}

static bool
holds_at(const char *from, const char *until, const char *zone, const char *now)
{
	struct str text = arena_printf(arena,
		"{\"all\":[{\"operator\":\"time_of_day\",\"value\":{\"from\":\"%s\",\"to\":\"%s\","
		"\"zone\":\"%s\"}}]}",
		from, until, zone);
	assert_non_null(text.ptr);
	struct attributes all = {0};
	assert_true(clock_parse(str_from(now), &all.now_us));
	const struct condition *c = compiled(text.ptr);
	bool holds = condition_holds(c, &all, false);
	assert_int_equal(condition_holds(c, &all, true), holds);
	return holds;
}

static void
test_condition__time_of_day(void **state)
{
	(void)state;
	assert_false(holds_at("08:00", "18:00", "UTC", "2026-11-21T07:59:59.999999Z"));
	assert_true(holds_at("08:00", "18:00", "UTC", "2026-11-21T08:00:00Z"));
	assert_true(holds_at("08:00", "18:00", "UTC", "2026-11-21T17:59:59.999999Z"));
	assert_false(holds_at("08:00", "18:00", "UTC", "2026-11-21T18:00:00Z"));
	assert_true(holds_at("08:00", "18:00", "Asia/Kolkata", "2026-11-21T02:30:00Z"));
	assert_false(holds_at("08:00", "18:00", "Asia/Kolkata", "2026-11-21T02:29:59Z"));
}

static void
test_condition__time_past_midnight(void **state)
{
	(void)state;
	assert_true(holds_at("22:00", "06:00", "UTC", "2026-11-21T22:00:00Z"));
	assert_true(holds_at("22:00", "06:00", "UTC", "2026-11-21T23:59:59Z"));
	assert_true(holds_at("22:00", "06:00", "UTC", "2026-11-21T00:00:00Z"));
	assert_true(holds_at("22:00", "06:00", "UTC", "2026-11-21T05:59:59Z"));
	assert_false(holds_at("22:00", "06:00", "UTC", "2026-11-21T06:00:00Z"));
	assert_false(holds_at("22:00", "06:00", "UTC", "2026-11-21T21:59:59Z"));
	assert_true(holds_at("18:00", "00:00", "UTC", "2026-11-21T23:59:59Z"));
	assert_false(holds_at("18:00", "00:00", "UTC", "2026-11-21T00:00:00Z"));
}

static void
test_condition__time_on_days_of_change(void **state)
{
	(void)state;
	/* In Berlin the clock jumps from 02:00 to 03:00 on 2026-03-29 and back on 2026-10-25. */
	const char *const berlin = "Europe/Berlin";
	assert_true(holds_at("01:00", "02:00", berlin, "2026-03-29T00:59:59Z"));
	assert_false(holds_at("02:00", "03:00", berlin, "2026-03-29T01:00:00Z"));
	assert_true(holds_at("03:00", "04:00", berlin, "2026-03-29T01:00:00Z"));
	assert_true(holds_at("02:00", "03:00", berlin, "2026-10-25T00:30:00Z"));
	assert_true(holds_at("02:00", "03:00", berlin, "2026-10-25T01:30:00Z"));
	assert_false(holds_at("02:00", "03:00", berlin, "2026-10-25T02:00:00Z"));
	assert_true(holds_at("08:00", "18:00", berlin, "2026-03-28T07:00:00Z"));
	assert_false(holds_at("08:00", "18:00", berlin, "2026-03-28T06:59:59Z"));
	assert_true(holds_at("08:00", "18:00", berlin, "2026-03-29T06:00:00Z"));
	/* In New York from 02:00 to 03:00 on 2026-03-08 and back on 2026-11-01. */
	const char *const new_york = "America/New_York";
	assert_true(holds_at("01:00", "02:00", new_york, "2026-03-08T06:59:59Z"));
	assert_false(holds_at("02:00", "03:00", new_york, "2026-03-08T07:00:00Z"));
	assert_true(holds_at("03:00", "04:00", new_york, "2026-03-08T07:00:00Z"));
	assert_true(holds_at("01:00", "02:00", new_york, "2026-11-01T05:30:00Z"));
	assert_true(holds_at("01:00", "02:00", new_york, "2026-11-01T06:30:00Z"));
	assert_false(holds_at("01:00", "02:00", new_york, "2026-11-01T07:00:00Z"));
}

static void
test_condition__time_that_is_unknown(void **state)
{
	(void)state;
	const struct condition *c =
		compiled("{\"all\":[{\"operator\":\"time_of_day\",\"value\":{\"from\":\"00:00\","
			 "\"to\":\"23:59\",\"zone\":\"UTC\"}}]}");
	const int64_t times[] = {0, -1, INT64_MIN, INT64_MAX, CLOCK_MAX_US + 1};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct attributes all = {.now_us = times[i]};
		assert_false(condition_holds(c, &all, false));
		assert_true(condition_holds(c, &all, true));
	}
}

static void
test_condition__conjunction(void **state)
{
	(void)state;
	const struct condition *c =
		compiled("{\"all\":[{\"attribute\":\"context.a\",\"operator\":\"eq\",\"value\":1},"
			 "{\"attribute\":\"subject.properties.team.name\",\"operator\":\"eq\","
			 "\"value\":\"x\"}]}");
	struct attribute items[] = {number_of(1),
		{.path = STR("subject.properties.team.name"),
			.type = ATTRIBUTE_STRING,
			.str = STR("x")},
		{.path = STR("context.a"), .type = ATTRIBUTE_NUMBER, .number = 2}};
	struct attributes all = {.items = items, .count = 3};
	/* Of two of one path the first counts. */
	assert_true(condition_holds(c, &all, false));
	assert_true(condition_holds(c, &all, true));
	items[1].str = STR("y");
	assert_false(condition_holds(c, &all, true));
	all.count = 1;
	assert_false(condition_holds(c, &all, false));
	assert_true(condition_holds(c, &all, true));
	items[0].number = 2;
	assert_false(condition_holds(c, &all, true));
}

static void
test_condition__canonical(void **state)
{
	(void)state;
	const struct {
		const char *op, *value, *canonical;
	} cases[] = {
		{"eq", "1.0", "1"},
		{"eq", "-0.0", "0"},
		{"eq", "1e3", "1000"},
		{"eq", "0.1", "0.1"},
		{"eq", "\"\\u0041\\n\\u00e9\"", "\"A\\n\xc3\xa9\""},
		{"lt", "9007199254740992", "9007199254740992"},
		{"gte", "-2.50", "-2.5"},
		{"in", "[3,\"b\",true,\"a\",3.0,\"b\"]", "[\"a\",\"b\",3,true]"},
		{"in", "[\"a\"]", "[\"a\"]"},
		{"in_cidr", "[\"10.0.0.0/8\"]", "\"10.0.0.0/8\""},
		{"in_cidr", "\"2001:DB8:0::/32\"", "\"2001:db8::/32\""},
		{"in_cidr", "\"::ffff:10.0.0.0/104\"", "\"10.0.0.0/8\""},
		{"in_cidr", "[\"fd00::/8\",\"10.0.0.1\",\"10.0.0.1/32\"]",
			"[\"10.0.0.1/32\",\"fd00::/8\"]"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str wanted = arena_printf(arena,
			"{\"all\":[{\"attribute\":\"context.a\",\"operator\":\"%s\",\"value\":%s}]"
			"}",
			cases[i].op, cases[i].canonical);
		struct str got = condition_text(one(cases[i].op, cases[i].value));
		if (!str_eq(got, wanted))
			fail_msg("%.*s, not %.*s", STR_ARG(got), STR_ARG(wanted));
		struct condition *again;
		struct error err = {0};
		assert_int_equal(condition_load(&again, got, arena, &err), OK);
		assert_true(str_eq(condition_text(again), got));
	}
}

#define A "{\"attribute\":\"context.a\",\"operator\":\"eq\",\"value\":1}"
#define A_OTHERWISE "{\"value\":1.0,\"operator\":\"eq\",\"attribute\":\"context.a\"}"
#define B "{\"attribute\":\"context.b\",\"operator\":\"exists\",\"value\":true}"
#define T                                                                                          \
	"{\"operator\":\"time_of_day\",\"value\":{\"from\":\"08:00\",\"to\":\"18:00\","            \
	"\"zone\":\"UTC\"}}"
#define ALL(x) "{\"all\":[" x "]}"

static void
test_condition__sorted_and_without_repetition(void **state)
{
	(void)state;
	const struct condition *c = compiled(ALL(T "," B "," A "," A_OTHERWISE "," B));
	assert_true(str_eq(condition_text(c), STR(ALL(A "," B "," T))));
}

static void
test_condition__includes(void **state)
{
	(void)state;
	const struct condition *a = compiled(ALL(A));
	const struct condition *a2 = compiled(ALL(A_OTHERWISE));
	const struct condition *b = compiled(ALL(B));
	const struct condition *ab = compiled(ALL(B "," A));
	const struct condition *at = compiled(ALL(A "," T));
	const struct condition *abt = compiled(ALL(T "," B "," A));
	assert_true(condition_includes(a, a2));
	assert_true(condition_includes(ab, a));
	assert_true(condition_includes(ab, b));
	assert_true(condition_includes(abt, at));
	assert_true(condition_includes(abt, abt));
	assert_false(condition_includes(a, ab));
	assert_false(condition_includes(a, b));
	assert_false(condition_includes(ab, at));
	assert_true(condition_includes(a, NULL));
	assert_true(condition_includes(NULL, NULL));
	assert_false(condition_includes(NULL, a));
	assert_false(condition_includes(&CONDITION_BROKEN, a));
	assert_false(condition_includes(a, &CONDITION_BROKEN));
	assert_false(condition_includes(&CONDITION_BROKEN, &CONDITION_BROKEN));
}

static void
test_condition__broken_refuses_both(void **state)
{
	(void)state;
	struct attributes all = {0};
	assert_false(condition_holds(&CONDITION_BROKEN, &all, false));
	assert_true(condition_holds(&CONDITION_BROKEN, &all, true));
	assert_null(condition_text(&CONDITION_BROKEN).ptr);
}

static void
refuse(const char *text, const char *why)
{
	struct condition *c;
	struct error err;
	if (parse(&c, str_from(text), &err) != ERR_INVALID)
		fail_msg("accepted %s", text);
	if (!strstr(err.text, why))
		fail_msg("%s gave: %s", text, err.text);
}

static void
test_condition__refused_forms(void **state)
{
	(void)state;
	const char *const whole[] = {"null", "[]", "{}", "\"x\"", "{\"any\":[]}", "{\"all\":{}}",
		"{\"all\":[" A "],\"any\":[]}", "{\"all\":null}"};
	for (size_t i = 0; i < ARRAY_LEN(whole); i++)
		refuse(whole[i], "one member");
	refuse("{\"all\":[]}", "1 to 16");
	refuse(ALL("7"), "condition.all[0]: give an object");
	refuse(ALL("{}"), "condition.all[0].operator");
	refuse(ALL(A ",{\"operator\":\"matches\"}"), "condition.all[1].operator");
	refuse(ALL("{\"operator\":\"EQ\",\"attribute\":\"context.a\",\"value\":1}"), ".operator");
	refuse(ALL("{\"operator\":7}"), ".operator");
	refuse(ALL("{\"operator\":\"eq\",\"value\":1}"), ".attribute");
	refuse(ALL("{\"operator\":\"eq\",\"attribute\":\"context.a\"}"), ".value");
	refuse(ALL("{\"operator\":\"eq\",\"attribute\":\"context.a\",\"value\":1,\"or\":2}"),
		"\"or\"");
	refuse(ALL("{\"operator\":\"time_of_day\",\"attribute\":\"context.a\",\"value\":{}}"),
		".attribute");
}

static void
test_condition__refused_paths(void **state)
{
	(void)state;
	const char *const paths[] = {"7", "null", "\"\"", "\"context\"", "\"context.\"", "\"a\"",
		"\"context..a\"", "\"context.a.\"", "\"subject.id\"", "\"subject.properties\"",
		"\"resource.type\"", "\"contexts.a\"", "\"context.a b\"", "\"context.\\u00e9\"",
		"\"context.a/b\"", "\"context.1.2.3.4.5.6.7.8\"", "\" context.a\"",
		"\"context.xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\""};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		struct str text = arena_printf(arena,
			ALL("{\"attribute\":%s,\"operator\":\"exists\",\"value\":true}"), paths[i]);
		refuse(text.ptr, "condition.all[0].attribute");
	}
	compiled(ALL("{\"attribute\":\"context.1.2.3.4.5.6.7\",\"operator\":\"exists\","
		     "\"value\":true}"));
	compiled(ALL("{\"attribute\":\"resource.properties.a-B_9\",\"operator\":\"exists\","
		     "\"value\":true}"));
	compiled(ALL("{\"attribute\":\"action.properties.a\",\"operator\":\"exists\","
		     "\"value\":true}"));
}

static void
test_condition__refused_values(void **state)
{
	(void)state;
	const struct {
		const char *op, *value, *why;
	} cases[] = {
		{"eq", "null", "give strings"},
		{"eq", "{}", "give strings"},
		{"eq", "[1]", "in or not_in"},
		{"ne", "[]", "in or not_in"},
		{"in", "1", "give an array"},
		{"not_in", "\"a\"", "give an array"},
		{"in", "[]", "1 to 64"},
		{"in", "[null]", "give strings"},
		{"in", "[[1]]", "give strings"},
		{"lt", "\"1\"", "give a number"},
		{"gt", "\"2026-11-21T00:00:00Z\"", "give a number"},
		{"lte", "true", "give a number"},
		{"gte", "[1]", "give a number"},
		{"lt", "9007199254740993", "must lie"},
		{"lt", "-9007199254740994", "must lie"},
		{"eq", "1e300", "must lie"},
		{"exists", "1", "true or false"},
		{"exists", "\"true\"", "true or false"},
		{"starts_with", "1", "give a string"},
		{"starts_with", "[\"a\"]", "give a string"},
		{"in_cidr", "1", "address blocks"},
		{"in_cidr", "[]", "1 to 64"},
		{"in_cidr", "\"10.0.0.0/33\"", "address blocks"},
		{"in_cidr", "\"10.0.0.0/\"", "address blocks"},
		{"in_cidr", "\"10.0.0.0/08\"", "address blocks"},
		{"in_cidr", "\"10.0.0/8\"", "address blocks"},
		{"in_cidr", "\"fd00::/129\"", "address blocks"},
		{"in_cidr", "[\"10.0.0.0/8\",\"x\"]", "address blocks"},
		{"in_cidr", "\"10.1.2.3/8\"", "did you mean 10.0.0.0/8?"},
		{"in_cidr", "\"fd00::1/8\"", "did you mean fd00::/8?"},
		{"in_cidr", "\"::ffff:10.1.2.3/104\"", "did you mean 10.0.0.0/8?"},
		{"in_cidr", "\"::ffff:10.0.0.0/90\"", "did you mean ::ffc0:0:0/90?"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = arena_printf(arena,
			ALL(A ",{\"attribute\":\"context.a\",\"operator\":\"%s\",\"value\":%s}"),
			cases[i].op, cases[i].value);
		refuse(text.ptr, "condition.all[1].value");
		refuse(text.ptr, cases[i].why);
	}
}

static void
test_condition__refused_windows(void **state)
{
	(void)state;
	const struct {
		const char *value, *why;
	} cases[] = {
		{"\"08:00\"", "three strings"},
		{"{\"from\":\"08:00\",\"to\":\"18:00\"}", "three strings"},
		{"{\"from\":\"08:00\",\"to\":\"18:00\",\"zone\":1}", "three strings"},
		{"{\"from\":\"08:00\",\"to\":\"18:00\",\"zone\":\"UTC\",\"x\":1}", "three strings"},
		{"{\"from\":\"8:00\",\"to\":\"18:00\",\"zone\":\"UTC\"}", "00:00 to 23:59"},
		{"{\"from\":\"08:00\",\"to\":\"24:00\",\"zone\":\"UTC\"}", "00:00 to 23:59"},
		{"{\"from\":\"08:60\",\"to\":\"18:00\",\"zone\":\"UTC\"}", "00:00 to 23:59"},
		{"{\"from\":\"08-00\",\"to\":\"18:00\",\"zone\":\"UTC\"}", "00:00 to 23:59"},
		{"{\"from\":\"08:00\",\"to\":\"08:00\",\"zone\":\"UTC\"}", "the same"},
		{"{\"from\":\"08:00\",\"to\":\"18:00\",\"zone\":\"Mars/Olympus\"}", "Mars/Olympus"},
		{"{\"from\":\"08:00\",\"to\":\"18:00\",\"zone\":\"../etc\"}", "IANA"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct str text = arena_printf(
			arena, ALL("{\"operator\":\"time_of_day\",\"value\":%s}"), cases[i].value);
		refuse(text.ptr, "condition.all[0].value");
		refuse(text.ptr, cases[i].why);
	}
}

/* A condition of `comparisons`, each of which asks for one of `values` texts of `len` bytes. */
static enum status
parse_sized(unsigned comparisons, unsigned values, unsigned len, struct error *err)
{
	struct buf text;
	struct condition *c;
	buf_init(&text, 64 * 1024);
	buf_str(&text, STR("{\"all\":["));
	for (unsigned i = 0; i < comparisons; i++) {
		buf_printf(&text,
			"%s{\"attribute\":\"context.a%u\",\"operator\":\"in\",\"value\":[",
			i ? "," : "", i);
		for (unsigned j = 0; j < values; j++)
			buf_printf(&text, "%s\"%0*u\"", j ? "," : "", (int)len, j);
		buf_str(&text, STR("]}"));
	}
	buf_str(&text, STR("]}"));
	assert_false(text.failed);
	enum status rc = parse(&c, buf_view(&text), err);
	if (rc == OK)
		assert_true(condition_text(c).len <= CONDITION_TEXT_MAX);
	buf_clear(&text);
	return rc;
}

static void
test_condition__limits(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(parse_sized(16, 1, 1, &err), OK);
	assert_int_equal(parse_sized(17, 1, 1, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "1 to 16"));
	assert_int_equal(parse_sized(1, 64, 2, &err), OK);
	assert_int_equal(parse_sized(1, 65, 2, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "1 to 64"));
	assert_int_equal(parse_sized(1, 1, 8000, &err), OK);
	/* One comparison alone, and the sum of several, above CONDITION_TEXT_MAX. */
	assert_int_equal(parse_sized(1, 1, 8192, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "8192 bytes"));
	assert_int_equal(parse_sized(2, 1, 4096, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "8192 bytes"));
}

static void
test_condition__no_memory(void **state)
{
	(void)state;
	const char *const text = ALL(A "," T ",{\"attribute\":\"context.a\","
				       "\"operator\":\"in_cidr\",\"value\":\"10.0.0.0/8\"}");
	struct arena *all = arena;
	enum status rc = ERR_NO_MEMORY;
	for (size_t max = 0; rc == ERR_NO_MEMORY && max < 65536; max += 16) {
		struct condition *c;
		struct error err;
		arena = arena_new(max);
		rc = parse(&c, str_from(text), &err);
		arena_free(&arena);
	}
	arena = all;
	assert_int_equal(rc, OK);
}

static void
test_condition__load_of_what_no_longer_compiles(void **state)
{
	(void)state;
	const char *const texts[] = {"", "{", "{}", "{\"all\":[]}",
		ALL("{\"operator\":\"time_of_day\",\"value\":{\"from\":\"08:00\",\"to\":\"18:00\","
		    "\"zone\":\"Mars/Olympus\"}}")};
	struct condition *c;
	struct error err;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		err = (struct error){0};
		assert_int_equal(condition_load(&c, str_from(texts[i]), arena, &err), ERR_CORRUPT);
		assert_string_equal(err.code, "corrupt-condition");
	}
	assert_non_null(strstr(err.detail, "Mars/Olympus"));
	assert_null(strstr(err.text, "Mars/Olympus"));
	struct arena *small = arena_new(0);
	err = (struct error){0};
	assert_int_equal(condition_load(&c, STR(ALL(A)), small, &err), ERR_NO_MEMORY);
	arena_free(&small);
	char *long_text = malloc(CONDITION_TEXT_MAX + 1);
	assert_non_null(long_text);
	memset(long_text, ' ', CONDITION_TEXT_MAX + 1);
	memcpy(long_text, ALL(A), strlen(ALL(A)));
	err = (struct error){0};
	assert_int_equal(
		condition_load(&c, (struct str){long_text, CONDITION_TEXT_MAX + 1}, arena, &err),
		ERR_CORRUPT);
	free(long_text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_condition__eq_and_ne),
		cmocka_unit_test(test_condition__in_and_not_in),
		cmocka_unit_test(test_condition__order),
		cmocka_unit_test(test_condition__exists),
		cmocka_unit_test(test_condition__starts_with),
		cmocka_unit_test(test_condition__in_cidr),
		cmocka_unit_test(test_condition__time_of_day),
		cmocka_unit_test(test_condition__time_past_midnight),
		cmocka_unit_test(test_condition__time_on_days_of_change),
		cmocka_unit_test(test_condition__time_that_is_unknown),
		cmocka_unit_test(test_condition__conjunction),
		cmocka_unit_test(test_condition__canonical),
		cmocka_unit_test(test_condition__sorted_and_without_repetition),
		cmocka_unit_test(test_condition__includes),
		cmocka_unit_test(test_condition__broken_refuses_both),
		cmocka_unit_test(test_condition__refused_forms),
		cmocka_unit_test(test_condition__refused_paths),
		cmocka_unit_test(test_condition__refused_values),
		cmocka_unit_test(test_condition__refused_windows),
		cmocka_unit_test(test_condition__limits),
		cmocka_unit_test(test_condition__no_memory),
		cmocka_unit_test(test_condition__load_of_what_no_longer_compiles),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
