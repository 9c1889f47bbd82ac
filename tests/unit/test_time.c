/* Clock texts and identifiers. */
#include "check.h"

#include "base/clock.h"
#include "base/thread.h"
#include "base/uuid.h"

static void
check_time(const char *text, int64_t want_us)
{
	int64_t got = -1;
	assert_true(clock_parse(str_from(text), &got));
	assert_true(got == want_us);
}

static void
test_clock__parses(void **state)
{
	(void)state;
	check_time("1970-01-01T00:00:00Z", 0);
	check_time("1970-01-01T00:00:00.000001Z", 1);
	check_time("1970-01-01T00:00:00.5Z", 500000);
	check_time("2000-02-29T23:59:59Z", INT64_C(951868799) * US_PER_S);
	check_time("2026-11-21T20:35:00+01:30", INT64_C(1795287900) * US_PER_S);
	check_time("2026-11-21T20:35:00-00:00", INT64_C(1795293300) * US_PER_S);
	check_time("9999-12-31T23:59:59.999999Z", CLOCK_MAX_US);
}

static void
test_clock__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "2026", "2026-11-21", "2026-11-21T20:35Z",
		"2026-11-21t20:35:00Z", "2026-11-21 20:35:00Z", "2026-11-21T20:35:00z",
		"2026-11-21T20:35:00", "2026-11-21T20:35:00.Z", "2026-11-21T20:35:00.1234567Z",
		"2026-11-21T20:35:60Z", "2026-12-31T23:59:60Z", "2026-11-21T24:00:00Z",
		"2026-11-21T20:60:00Z", "2026-00-21T20:35:00Z", "2026-13-21T20:35:00Z",
		"2026-11-00T20:35:00Z", "2026-11-31T20:35:00Z", "2025-02-29T20:35:00Z",
		"2100-02-29T00:00:00Z", "1969-12-31T23:59:59Z", "1970-01-01T00:00:00+00:01",
		"9999-12-31T23:59:59-00:01", "10000-01-01T00:00:00Z", "2026-11-21T20:35:00+0100",
		"2026-11-21T20:35:00+01", "2026-11-21T20:35:00+24:00", "2026-11-21T20:35:00+01:60",
		"2026-11-21T20:35:00Zx", " 2026-11-21T20:35:00Z", "2026-11-21T20:35:00,5Z",
		"2026-1-21T20:35:00Z", "+026-11-21T20:35:00Z", "2026-11-21T20:35:-1Z"};
	int64_t out;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (clock_parse(str_from(bad[i]), &out))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_false(clock_parse((struct str){0}, &out));
	assert_false(clock_parse((struct str){"2026-11-21T20:35:00Z\0", 21}, &out));
}

static void
test_clock__formats_what_it_parses(void **state)
{
	(void)state;
	char text[CLOCK_TEXT_MAX];
	clock_format(text, INT64_C(1795293300123456));
	assert_string_equal(text, "2026-11-21T20:35:00.123456Z");
	clock_format(text, -1);
	assert_string_equal(text, "1970-01-01T00:00:00.000000Z");
	clock_format(text, INT64_MAX);
	assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
	/* Each day up to the year 9999 and then some: a step that is prime to the day. */
	for (int64_t t = 0; t <= CLOCK_MAX_US; t += INT64_C(86399999983)) {
		int64_t back = -1;
		clock_format(text, t);
		assert_true(clock_parse(str_from(text), &back));
		assert_true(back == t);
	}
}

static void
test_clock__runs(void **state)
{
	(void)state;
	int64_t before = clock_mono_us();
	assert_true(clock_now_us() > INT64_C(1700000000) * US_PER_S);
	assert_true(clock_mono_us() >= before);
}

static void
test_uuid__version_and_time(void **state)
{
	(void)state;
	int64_t before_ms = clock_now_us() / 1000;
	struct uuid id = uuid_new();
	int64_t after_ms = clock_now_us() / 1000, stamp = 0;
	for (int i = 0; i < 6; i++)
		stamp = stamp << 8 | id.bytes[i];
	assert_int_equal(id.bytes[6] >> 4, 7);
	assert_int_equal(id.bytes[8] >> 6, 2);
	assert_true(stamp >= before_ms && stamp <= after_ms);
	assert_false(uuid_is_nil(id));
	assert_true(uuid_is_nil((struct uuid){{0}}));
}

#define UUIDS 20000

static void *
make_many(void *arg)
{
	struct uuid *out = arg;
	for (int i = 0; i < UUIDS; i++)
		out[i] = uuid_new();
	return NULL;
}

static void
test_uuid__ordered_and_distinct_across_threads(void **state)
{
	(void)state;
	static struct uuid made[2][UUIDS];
	struct error err = {0};
	pthread_t threads[2];
	for (int t = 0; t < 2; t++)
		assert_int_equal(thread_start(&threads[t], "uuid", make_many, made[t], &err), OK);
	for (int t = 0; t < 2; t++)
		pthread_join(threads[t], NULL);
	for (int t = 0; t < 2; t++) {
		for (int i = 1; i < UUIDS; i++)
			assert_true(uuid_compare(made[t][i - 1], made[t][i]) < 0);
	}
	for (int a = 0, b = 0; a < UUIDS && b < UUIDS;) {
		int order = uuid_compare(made[0][a], made[1][b]);
		assert_true(order != 0);
		a += order < 0;
		b += order > 0;
	}
}

static void
test_uuid__text(void **state)
{
	(void)state;
	char text[UUID_TEXT_LEN + 1];
	struct uuid id, back;
	assert_true(uuid_parse(STR("0190163D-8694-739b-aEA5-966c26f8ad90"), &id));
	uuid_format(text, id);
	assert_string_equal(text, "0190163d-8694-739b-aea5-966c26f8ad90");
	id = uuid_new();
	uuid_format(text, id);
	assert_true(uuid_parse(str_from(text), &back));
	assert_true(uuid_eq(id, back));
	static const char *const bad[] = {"", "0190163d8694739baea5966c26f8ad90",
		"0190163d-8694-739b-aea5-966c26f8ad9", "0190163d-8694-739b-aea5-966c26f8ad900",
		"{0190163d-8694-739b-aea5-966c26f8ad9}", "0190163d-8694-739b-aea5_966c26f8ad90",
		"0190163d-8694-739b-aea5-966c26f8ad9g", "0190163-d8694-739b-aea5-966c26f8ad90",
		"0x90163d-8694-739b-aea5-966c26f8ad90"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(uuid_parse(str_from(bad[i]), &back));
	assert_false(uuid_parse((struct str){0}, &back));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clock__parses),
		cmocka_unit_test(test_clock__refuses),
		cmocka_unit_test(test_clock__formats_what_it_parses),
		cmocka_unit_test(test_clock__runs),
		cmocka_unit_test(test_uuid__version_and_time),
		cmocka_unit_test(test_uuid__ordered_and_distinct_across_threads),
		cmocka_unit_test(test_uuid__text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
