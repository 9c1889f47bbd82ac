/* The pull reader of hot requests. */
#include "check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "json/reader.h"

static char scratch[256];

static void
start(struct json_reader *r, const char *text)
{
	json_reader_init(r, str_from(text), 4, 16, scratch, sizeof(scratch));
}

static bool
accepts(const char *text)
{
	struct json_reader r;
	start(&r, text);
	return json_reader_skip(&r, NULL) && json_reader_end(&r);
}

static void
test_reader__walks(void **state)
{
	(void)state;
	struct json_reader r;
	struct str name, text;
	bool flag = false, is_integer = false;
	double number = 0;
	int64_t integer = 0;
	start(&r,
		" { \"s\" : \"x\" , \"a\" : [ 1 , -2.5 ] , \"o\" : { \"t\" : true } , \"n\":null "
		"} ");
	assert_true(json_reader_enter_object(&r));
	assert_true(json_reader_next_member(&r, &name));
	check_str(name, "s");
	assert_int_equal(json_reader_peek(&r), '"');
	assert_true(json_reader_string(&r, &text));
	check_str(text, "x");
	assert_true(json_reader_next_member(&r, &name));
	assert_int_equal(json_reader_peek(&r), '[');
	assert_true(json_reader_enter_array(&r));
	assert_true(json_reader_next_element(&r));
	assert_int_equal(json_reader_peek(&r), '0');
	assert_true(json_reader_number(&r, &number, &is_integer, &integer));
	assert_true(is_integer && integer == 1);
	assert_true(json_reader_next_element(&r));
	assert_true(json_reader_number(&r, &number, &is_integer, &integer));
	assert_true(!is_integer && integer == 0 && number < -2.4 && number > -2.6);
	assert_false(json_reader_next_element(&r));
	assert_false(r.failed);
	assert_true(json_reader_next_member(&r, &name));
	assert_true(json_reader_enter_object(&r));
	assert_true(json_reader_next_member(&r, &name));
	assert_true(json_reader_bool(&r, &flag));
	assert_true(flag);
	assert_false(json_reader_next_member(&r, &name));
	assert_false(json_reader_end(&r));
	assert_true(json_reader_next_member(&r, &name));
	assert_true(json_reader_null(&r));
	assert_false(json_reader_next_member(&r, &name));
	assert_false(r.failed);
	assert_true(json_reader_end(&r));
}

static void
test_reader__decodes_into_scratch(void **state)
{
	(void)state;
	struct json_reader r;
	struct str a, b;
	start(&r, "[\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\",\"\\u00e9\\u20AC\\ud83d\\ude00\"]");
	assert_true(json_reader_enter_array(&r) && json_reader_next_element(&r));
	assert_true(json_reader_string(&r, &a));
	assert_true(json_reader_next_element(&r));
	assert_true(json_reader_string(&r, &b));
	check_str(a, "a\"\\/\b\f\n\r\tz");
	check_str(b, "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	assert_false(json_reader_next_element(&r));
	assert_true(json_reader_end(&r));
}

static void
test_reader__scratch_is_bounded_and_given_back(void **state)
{
	(void)state;
	struct json_reader r;
	struct str s;
	char small[3];
	json_reader_init(&r, STR("[\"\\nab\",\"\\n\"]"), 4, 16, small, sizeof(small));
	assert_true(json_reader_enter_array(&r) && json_reader_next_element(&r));
	assert_true(json_reader_string(&r, &s) && json_reader_next_element(&r));
	assert_false(json_reader_string(&r, &s));
	assert_true(r.failed);
	json_reader_init(&r, STR("[{\"\\n1\":1},{\"\\n1\":1}]"), 4, 16, small, sizeof(small));
	assert_true(json_reader_enter_array(&r));
	for (int i = 0; i < 2; i++) {
		assert_true(json_reader_next_element(&r));
		assert_true(json_reader_skip(&r, NULL));
	}
	json_reader_init(&r, STR("\"\\n\""), 4, 16, NULL, 0);
	assert_true(json_reader_skip(&r, &s));
	json_reader_init(&r, STR("\"\\n\""), 4, 16, NULL, 0);
	assert_false(json_reader_string(&r, &s));
}

static void
test_reader__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "{", "}", "[", "]", "[1", "[1,]", "[,1]",
		"[1 2]", "{,}", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{a:1}",
		"{1:1}", "[}", "{]", "nul", "nulll", "truex", "True", "NaN", "01", "-01", "+1",
		".5", "1.", "1.e1", "1e", "1e+", "-", "--1", "0x1", "1 2", "{}{}", "\"", "\"\\\"",
		"\"\\", "\"\\u", "\"\\x\"", "\"\\u12\"", "\"\\u00g0\"", "\"\\u0000\"",
		"\"\\ud800\"", "\"\\ud800x\"", "\"\\udc00\"", "\"\\ud800\\u0041\"",
		"\"\\ud800\\ud800\"", "\"\n\"", "\"\x1f\"", "\"\x80\"", "\"\xed\xa0\x80\"",
		"\"a\\n\xff\"", "\xef\xbb\xbf{}", "9223372036854775808", "-9223372036854775809",
		"1e309", "-1e309", "[[[[[]]]]]", "\"12345678901234567\"",
		"\"1234567890123\\u20ac\\u20ac\"", "{\"12345678901234567\":1}", "{\"a\":1,\"a\":2}",
		"{\"a\":1,\"\\u0061\":2}", "[{\"b\":{\"a\":1,\"a\":1}}]"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (accepts(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	}
	struct json_reader r;
	json_reader_init(&r, (struct str){"1\0", 2}, 4, 16, NULL, 0);
	assert_true(json_reader_skip(&r, NULL));
	assert_false(json_reader_end(&r));
	json_reader_init(&r, (struct str){0}, 4, 16, NULL, 0);
	assert_false(json_reader_skip(&r, NULL));
}

static void
test_reader__accepts(void **state)
{
	(void)state;
	static const char *const good[] = {"1", "-0", "0", "-0.0", "1e5", "1E-5", "[[[[]]]]",
		"\"\"", " \t\r\n[ ] ", "{\"\":1}", "{\"a\":{\"a\":1},\"b\":{\"a\":1}}",
		"\"1234567890123456\"", "\"\\u20ac\\u20ac\\u20ac\\u20ac\\u20ac1\"",
		"9223372036854775807", "-9223372036854775808", "1e308", "1e-9999999999999999999",
		"0e9999999999999999999", "\"\x7f\xc2\x80\"", "[{\"a\":1},{\"a\":1}]",
		"[true,false,null]"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		if (!accepts(good[i]))
			fail_msg("refused: %s", good[i]);
	}
}

static void
test_reader__members_are_bounded(void **state)
{
	(void)state;
	char text[2000];
	for (int count = 64; count <= 65; count++) {
		int at = snprintf(text, sizeof(text), "[{");
		for (int i = 0; i < count; i++)
			at += snprintf(text + at, sizeof(text) - (size_t)at, "%s\"m%d\":{\"x\":1}",
				i ? "," : "", i);
		snprintf(text + at, sizeof(text) - (size_t)at, "}]");
		assert_int_equal(accepts(text), count == 64);
	}
}

static void
test_reader__refuses_duplicates_among_entered_members(void **state)
{
	(void)state;
	struct json_reader r;
	struct str name;
	start(&r, "{\"a\":{\"b\":1},\"b\":2,\"\\u0061\":3}");
	assert_true(json_reader_enter_object(&r));
	assert_true(json_reader_next_member(&r, &name) && json_reader_skip(&r, NULL));
	assert_true(json_reader_next_member(&r, &name) && json_reader_skip(&r, NULL));
	assert_false(json_reader_next_member(&r, &name));
	assert_true(r.failed);
}

static void
test_reader__failure_latches(void **state)
{
	(void)state;
	struct json_reader r;
	struct str s;
	bool flag;
	double number;
	int64_t integer;
	start(&r, "[1,2]");
	assert_false(json_reader_enter_object(&r));
	assert_false(json_reader_enter_array(&r));
	assert_false(json_reader_next_element(&r));
	assert_false(json_reader_next_member(&r, &s));
	assert_false(json_reader_string(&r, &s));
	assert_false(json_reader_bool(&r, &flag));
	assert_false(json_reader_null(&r));
	assert_false(json_reader_number(&r, &number, &flag, &integer));
	assert_false(json_reader_skip(&r, &s));
	assert_int_equal(json_reader_peek(&r), 0);
	assert_false(json_reader_end(&r));
}

static void
test_reader__raw_slices(void **state)
{
	(void)state;
	struct json_reader r;
	struct str name, raw;
	start(&r, "{\"a\": [1, {\"b\":2}] ,\"c\":3}");
	assert_true(json_reader_enter_object(&r) && json_reader_next_member(&r, &name));
	assert_true(json_reader_skip(&r, &raw));
	check_str(raw, "[1, {\"b\":2}]");
	assert_true(json_reader_next_member(&r, &name) && json_reader_skip(&r, &raw));
	check_str(raw, "3");
}

static void
check_number(const char *text)
{
	struct json_reader r;
	double got = NAN, want = strtod(text, NULL);
	bool is_integer;
	int64_t integer;
	start(&r, text);
	if (!json_reader_number(&r, &got, &is_integer, &integer) || !json_reader_end(&r))
		fail_msg("refused: %s", text);
	if (memcmp(&got, &want, sizeof(got)) != 0 && strcmp(text, "-0") != 0)
		fail_msg("%s read as %.17g", text, got);
}

static void
test_reader__doubles_are_exact(void **state)
{
	(void)state;
	static const char *const texts[] = {"0.1", "-0.0", "0.000", "1e0", "123.456e-7", "5e-324",
		"2.2250738585072014e-308", "1.7976931348623157e308", "1.7976931348623158e308",
		"9007199254740993.0", "100000000000000000000000.0", "0.0000000000000000000000001",
		"2.4703282292062327208e-324", "1e-400", "3.0e1", "12e+3"};
	char text[4000];
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_number(texts[i]);
	/* The midpoint of 1 and the next double, and one part in 10^2000 above it. */
	memset(text, '0', sizeof(text));
	memcpy(text, "1.00000000000000011102230246251565404236316680908203125", 55);
	text[2055] = '\0';
	check_number(text);
	memcpy(text + 2055, "1", 2);
	check_number(text);
	/* Many zeros, made up for by the exponent. */
	memset(text, '0', 3000);
	text[1] = '.';
	memcpy(text + 3000, "7e2999", 7);
	check_number(text);
	memset(text + 1, '0', 2999);
	text[0] = '3';
	memcpy(text + 3000, ".5e-2999", 9);
	check_number(text);
	srand(7);
	for (int i = 0; i < 100000; i++) {
		snprintf(text, sizeof(text), "%d.%d%de%d", rand() % 1000, rand(), rand(),
			rand() % 640 - 330);
		if (isfinite(strtod(text, NULL)))
			check_number(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader__walks),
		cmocka_unit_test(test_reader__decodes_into_scratch),
		cmocka_unit_test(test_reader__scratch_is_bounded_and_given_back),
		cmocka_unit_test(test_reader__refuses),
		cmocka_unit_test(test_reader__accepts),
		cmocka_unit_test(test_reader__members_are_bounded),
		cmocka_unit_test(test_reader__refuses_duplicates_among_entered_members),
		cmocka_unit_test(test_reader__failure_latches),
		cmocka_unit_test(test_reader__raw_slices),
		cmocka_unit_test(test_reader__doubles_are_exact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
