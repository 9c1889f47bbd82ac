#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "base/buf.h"
#include "model/zone.h"
#include "model/zone_rule.h"

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

static const struct zone *
load(const char *name)
{
	const struct zone *zone = NULL;
	struct error err = {0};
	if (zone_load(&zone, str_from(name), "zone", arena, &err) != OK)
		fail_msg("%s: %s", name, err.text);
	return zone;
}

static int32_t
offset_at(const struct zone *zone, int64_t time_s)
{
	int32_t offset = -1;
	assert_true(zone_offset(zone, time_s, &offset));
	return offset;
}

/* The C library reads the same files by code of its own. */
static void
test_zone__agrees_with_the_system(void **state)
{
	(void)state;
	const char *const names[] = {"UTC", "Europe/Berlin", "Europe/London", "Europe/Dublin",
		"America/New_York", "America/Sao_Paulo", "America/St_Johns", "America/Nuuk",
		"America/Santiago", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran",
		"Asia/Jerusalem", "Asia/Gaza", "Africa/Casablanca", "Africa/Cairo",
		"Australia/Lord_Howe", "Australia/Sydney", "Pacific/Apia", "Pacific/Chatham",
		"Pacific/Kiritimati", "Etc/GMT+12", "EST5EDT"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct zone *zone = load(names[i]);
		setenv("TZ", names[i], 1);
		tzset();
		/* 2020 to 2090, a step that meets every hour of the day. */
		for (int64_t t = 1577836800; t < 3786912000; t += 49 * 3600 + 1799) {
			time_t now = t;
			struct tm tm;
			int32_t offset;
			localtime_r(&now, &tm);
			if (!zone_offset(zone, t, &offset) || offset != tm.tm_gmtoff)
				fail_msg("%s at %lld: %d, not %ld", names[i], (long long)t, offset,
					tm.tm_gmtoff);
		}
	}
	unsetenv("TZ");
	tzset();
}

static void
test_zone__changes_to_the_second(void **state)
{
	(void)state;
	const struct zone *berlin = load("Europe/Berlin");
	assert_int_equal(offset_at(berlin, 1774745999), 3600); /* 2026-03-29T00:59:59Z */
	assert_int_equal(offset_at(berlin, 1774746000), 7200);
	assert_int_equal(offset_at(berlin, 1792889999), 7200); /* 2026-10-25T00:59:59Z */
	assert_int_equal(offset_at(berlin, 1792890000), 3600);
	/* By the rule, long after the last change that is listed: 2080-03-31T01:00:00Z. */
	assert_int_equal(offset_at(berlin, 3479072399), 3600);
	assert_int_equal(offset_at(berlin, 3479072400), 7200);
	const struct zone *new_york = load("America/New_York");
	assert_int_equal(offset_at(new_york, 1772953199), -18000); /* 2026-03-08T06:59:59Z */
	assert_int_equal(offset_at(new_york, 1772953200), -14400);
	assert_int_equal(offset_at(new_york, 1793512799), -14400); /* 2026-11-01T05:59:59Z */
	assert_int_equal(offset_at(new_york, 1793512800), -18000);
}

static void
test_zone__known_times(void **state)
{
	(void)state;
	int32_t offset;
	const struct zone *utc = load("UTC");
	assert_int_equal(offset_at(utc, 1577836800), 0);
	assert_int_equal(offset_at(utc, 253402300799), 0);
	assert_false(zone_offset(utc, 1577836799, &offset));
	assert_false(zone_offset(utc, 253402300800, &offset));
	assert_false(zone_offset(utc, INT64_MIN, &offset));
	assert_false(zone_offset(utc, INT64_MAX, &offset));
	assert_int_equal(offset_at(load("Europe/Berlin"), 253402300799), 3600);
}

static void
test_zone__refused_names(void **state)
{
	(void)state;
	const struct str names[] = {STR(""), STR("/etc/passwd"), STR("../../../etc/passwd"),
		STR("Europe/../Berlin"), STR("Europe//Berlin"), STR("Europe/"), STR("."),
		STR("Europe/Berlin\0"), STR("Europe Berlin"), STR("Mars/Olympus"), STR("Europe"),
		STR("zone.tab"), STR("leapseconds"), STR("Europe/Berlin/Mitte"), (struct str){0},
		STR("right/Europe/Berlin"),
		STR("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct zone *zone;
		struct error err = {0};
		if (zone_load(&zone, names[i], "the.field", arena, &err) != ERR_INVALID)
			fail_msg("accepted '%.*s'", STR_ARG(names[i]));
		assert_string_equal(err.code, "invalid-time-zone");
		assert_non_null(strstr(err.text, "the.field"));
	}
	const struct zone *zone;
	struct error err = {0};
	assert_int_equal(zone_load(&zone, STR("Mars/Olympus"), "zone", arena, &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "Mars/Olympus"));
	assert_non_null(strstr(err.text, "tzdata"));
}

static void
put_u32(struct buf *b, uint32_t value)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(b, (char)(value >> shift & 0xff));
}

struct sketch {
	char version;
	uint32_t leap_count, change_count, type_count;
	int64_t changes[3];
	char types[4];
	int32_t offsets[2];
	const char *footer;
};

static void
put_header(struct buf *b, const struct sketch *s, bool counts)
{
	const char reserved[15] = {0};
	buf_str(b, STR("TZif"));
	buf_char(b, s->version);
	buf_append(b, reserved, sizeof(reserved));
	put_u32(b, 0);
	put_u32(b, 0);
	put_u32(b, counts ? s->leap_count : 0);
	put_u32(b, counts ? s->change_count : 0);
	put_u32(b, counts ? s->type_count : 0);
	put_u32(b, counts ? 4 : 0);
}

static void
put_file(struct buf *b, const struct sketch *s)
{
	const char leap[12] = {0};
	buf_reset(b);
	put_header(b, s, false);
	put_header(b, s, true);
	for (uint32_t i = 0; i < s->change_count; i++) {
		put_u32(b, (uint32_t)((uint64_t)s->changes[i] >> 32));
		put_u32(b, (uint32_t)s->changes[i]);
	}
	buf_append(b, s->types, s->change_count);
	for (uint32_t i = 0; i < s->type_count; i++) {
		put_u32(b, (uint32_t)s->offsets[i]);
		buf_append(b, "\0", 2);
	}
	buf_append(b, "XXX", 4);
	for (uint32_t i = 0; i < s->leap_count; i++)
		buf_append(b, leap, sizeof(leap));
	buf_printf(b, "\n%s\n", s->footer);
	assert_false(b->failed);
}

static const struct sketch plain = {
	'2', 0, 2, 2, {1600000000, 1700000000}, {1, 0}, {3600, 7200}, "XXX-3"};

static void
test_zone__file(void **state)
{
	(void)state;
	struct buf b;
	const struct zone *zone;
	struct error err = {0};
	buf_init(&b, 4096);
	put_file(&b, &plain);
	assert_int_equal(zone_parse(&zone, buf_view(&b), arena, &err), OK);
	assert_int_equal(offset_at(zone, 1599999999), 3600);
	assert_int_equal(offset_at(zone, 1600000000), 7200);
	assert_int_equal(offset_at(zone, 1699999999), 7200);
	assert_int_equal(offset_at(zone, 1700000000), 10800);
	/* A rule of a form that we do not know: nothing is known after the last change. */
	struct sketch s = plain;
	int32_t offset;
	s.footer = "XXX3EET4,0/0,J365/25";
	put_file(&b, &s);
	assert_int_equal(zone_parse(&zone, buf_view(&b), arena, &err), OK);
	assert_int_equal(offset_at(zone, 1699999999), 7200);
	assert_false(zone_offset(zone, 1700000000, &offset));
	/* Neither changes nor a footer: the first type holds. */
	s = plain;
	s.change_count = 0;
	s.footer = "";
	put_file(&b, &s);
	assert_int_equal(zone_parse(&zone, buf_view(&b), arena, &err), OK);
	assert_int_equal(offset_at(zone, 1800000000), 3600);
	buf_clear(&b);
}

static void
test_zone__malformed_files(void **state)
{
	(void)state;
	struct buf b;
	const struct zone *zone;
	struct sketch bad[7];
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		bad[i] = plain;
	bad[0].version = 0;
	bad[1].leap_count = 1;
	bad[2].type_count = 0;
	bad[3].types[1] = 2;
	bad[4].changes[1] = bad[4].changes[0];
	bad[5].offsets[0] = 100000;
	bad[6].offsets[1] = INT32_MIN;
	buf_init(&b, 4096);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {0};
		put_file(&b, &bad[i]);
		assert_int_equal(zone_parse(&zone, buf_view(&b), arena, &err), ERR_INVALID);
	}
	/* Cut anywhere before the footer. */
	put_file(&b, &plain);
	size_t whole = b.len - strlen("\nXXX-3\n");
	for (size_t len = 0; len < whole; len++) {
		struct error err = {0};
		char *copy = malloc(len + 1);
		assert_non_null(copy);
		memcpy(copy, b.ptr, len);
		assert_int_equal(
			zone_parse(&zone, (struct str){copy, len}, arena, &err), ERR_INVALID);
		free(copy);
	}
	/* Counts whose sum would pass the end of memory. */
	memset(b.ptr + 20, 0xff, 24);
	struct error err = {0};
	assert_int_equal(zone_parse(&zone, buf_view(&b), arena, &err), ERR_INVALID);
	buf_clear(&b);
}

static void
test_zone_rule__refused(void **state)
{
	(void)state;
	const char *const texts[] = {"", "CE-1", "CET", "CET-25", "CET-1CEST", "CET-1CEST,M3.5.0",
		"CET-1CEST,M3.5.0,M10.5.0/3x", "CET-1CEST,M13.5.0,M10.5.0",
		"CET-1CEST,M0.5.0,M1.1.1", "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.0.0,M10.5.0",
		"CET-1CEST,M3.5.7,M10.5.0", "CET-1CEST,J60,J300", "CET-1CEST,59,300", "<+03-3",
		"CET-1:60", "CET-1CEST,M3.5.0/168,M10.5.0", "CET-1 "};
	struct zone_rule rule;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		if (zone_rule_parse(&rule, str_from(texts[i])))
			fail_msg("accepted %s", texts[i]);
	}
	assert_false(zone_rule_parse(&rule, (struct str){0}));
	assert_true(zone_rule_parse(&rule, STR("<+0330>-3:30:15")));
	assert_int_equal(rule.standard_s, 12615);
	assert_true(zone_rule_parse(&rule, STR("<-02>2<-01>,M3.5.0/-1,M10.5.0/+0")));
	assert_int_equal(rule.start.time_s, -3600);
	assert_int_equal(rule.summer_s, -3600);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_zone__agrees_with_the_system),
		cmocka_unit_test(test_zone__changes_to_the_second),
		cmocka_unit_test(test_zone__known_times),
		cmocka_unit_test(test_zone__refused_names),
		cmocka_unit_test(test_zone__file),
		cmocka_unit_test(test_zone__malformed_files),
		cmocka_unit_test(test_zone_rule__refused),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
