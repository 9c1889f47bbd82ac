/* Documents and the writer. */
#include "check.h"

#include <stdlib.h>

#include "json/json.h"
#include "json/writer.h"

static struct json *
parse(const char *text)
{
	struct json *doc;
	struct error err = {0};
	if (json_parse(&doc, str_from(text), JSON_LIMITS_DEFAULT, &err) != OK)
		fail_msg("refused: %s: %s", text, err.text);
	return doc;
}

static void
refuse(struct str text, struct json_limits limits, enum status status, const char *code)
{
	struct json *doc;
	struct error err = {0};
	if (json_parse(&doc, text, limits, &err) != status)
		fail_msg("not refused as %s: %.*s", code, STR_ARG(text));
	assert_null(doc);
	assert_string_equal(err.code, code);
}

static void
test_json__refuses_malformed(void **state)
{
	(void)state;
	static const char *const bad[] = {"", " ", "{", "}", "[", "[1", "[1,]", "[,1]", "{,}",
		"{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "{'a':1}", "nul", "tru", "True",
		"NaN", "Infinity", "01", "+1", ".5", "1.", "1e", "-", "--1", "0x1", "1 2", "{} {}",
		"[] x", "\"", "\"\\x\"", "\"\\u12\"", "\"\\u0000\"", "\"\\ud800\"", "\"\\udc00\"",
		"\"\\ud800\\u0041\"", "\"\n\"", "\"\x01\"", "\"\xff\"", "\"\xc0\x80\"",
		"\"\xed\xa0\x80\"", "\xef\xbb\xbf{}", "{\"a\":1,\"a\":2}",
		"{\"a\":{\"b\":1,\"\\u0062\":1}}", "9223372036854775808", "-9223372036854775809",
		"1e400", "-1e400", "/**/1", "[1] // x", "\"\\u0000\":1"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		refuse(str_from(bad[i]), JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
	refuse((struct str){0}, JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
	refuse((struct str){"1\0", 2}, JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
	refuse((struct str){"[1\0]", 4}, JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
	refuse((struct str){"\"\0\"", 3}, JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
}

static void
test_json__says_where(void **state)
{
	(void)state;
	struct json *doc;
	struct error err = {0};
	assert_int_equal(json_parse(&doc, STR("{\n \"a\": 1,\n \"a\": \"hunter2\"}"),
				 JSON_LIMITS_DEFAULT, &err),
		ERR_INVALID);
	assert_non_null(strstr(err.text, "line 3"));
	assert_non_null(strstr(err.text, "twice"));
	assert_null(strstr(err.text, "hunter2"));
}

static void
test_json__bounds(void **state)
{
	(void)state;
	struct json_limits limits = {.max_bytes = 24, .max_depth = 2, .max_string = 3};
	struct json *doc;
	struct error err = {0};
	refuse(STR("1                        "), limits, ERR_TOO_LARGE, "json-too-large");
	refuse(STR("[[[]]]"), limits, ERR_INVALID, "json-too-deep");
	refuse(STR("{\"a\":[{}]}"), limits, ERR_INVALID, "json-too-deep");
	refuse(STR("\"abcd\""), limits, ERR_INVALID, "json-string-too-long");
	refuse(STR("[{\"abcd\":1}]"), limits, ERR_INVALID, "json-string-too-long");
	refuse(STR("{\"a\":\"\\u00e9\\u00e9\"}"), limits, ERR_INVALID, "json-string-too-long");
	static const char *const good[] = {"1                       ", "[[1],{}]", "\"abc\"",
		"\"\\u00e9x\"", "{\"abc\":{\"a\":1}}"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		assert_int_equal(json_parse(&doc, str_from(good[i]), limits, &err), OK);
		json_free(&doc);
		assert_null(doc);
	}
	char *deep = malloc(200000);
	assert_non_null(deep);
	memset(deep, '[', 200000);
	refuse((struct str){deep, 200000}, JSON_LIMITS_DEFAULT, ERR_INVALID, "malformed-json");
	free(deep);
}

static void
test_json__accessors(void **state)
{
	(void)state;
	struct json *doc = parse("{\"s\":\"x\",\"i\":-9223372036854775808,\"d\":1.5,\"t\":true,"
				 "\"n\":null,\"a\":[1,2],\"o\":{}}");
	check_str(json_str(json_get(doc, "s")), "x");
	assert_true(json_int(json_get(doc, "i")) == INT64_MIN);
	assert_int_equal(json_type(json_get(doc, "i")), JSON_INTEGER);
	assert_int_equal(json_type(json_get(doc, "d")), JSON_NUMBER);
	assert_true(json_number(json_get(doc, "d")) > 1.4);
	assert_true(json_number(json_at(json_get(doc, "a"), 1)) > 1.9);
	assert_int_equal(json_int(json_get(doc, "d")), 0);
	assert_true(json_bool(json_get(doc, "t")));
	assert_int_equal(json_type(json_get(doc, "t")), JSON_BOOL);
	assert_int_equal(json_type(json_get(doc, "n")), JSON_NULL);
	assert_int_equal(json_count(json_get(doc, "a")), 2);
	assert_int_equal(json_type(json_get(doc, "a")), JSON_ARRAY);
	assert_int_equal(json_count(doc), 7);
	assert_null(json_at(json_get(doc, "a"), 2));
	assert_null(json_get(doc, "absent"));
	assert_null(json_get(json_get(doc, "s"), "s"));
	assert_null(json_get_str(doc, (struct str){0}));
	assert_non_null(json_get_str(doc, (struct str){"sxx", 1}));
	json_free(&doc);
}

static void
test_json__absent_everywhere(void **state)
{
	(void)state;
	struct str name;
	const struct json *value;
	assert_int_equal(json_type(NULL), JSON_ABSENT);
	assert_null(json_get(NULL, "x"));
	assert_null(json_str(NULL).ptr);
	assert_int_equal(json_int(NULL), 0);
	assert_true(json_number(NULL) <= 0);
	assert_false(json_bool(NULL));
	assert_int_equal(json_count(NULL), 0);
	assert_null(json_at(NULL, 0));
	assert_null(json_member(NULL, NULL, &name, &value));
}

static void
test_json__members_keep_their_order(void **state)
{
	(void)state;
	struct json *doc = parse("{\"z\":1,\"a\":2,\"m\":3}");
	char order[4] = "";
	struct str name;
	const struct json *value;
	void *it = NULL;
	for (size_t i = 0; (it = json_member(doc, it, &name, &value)); i++) {
		order[i] = name.ptr[0];
		assert_int_equal(json_int(value), (int64_t)i + 1);
	}
	assert_string_equal(order, "zam");
	json_free(&doc);
}

static void
check_dump(const char *text, bool sorted, const char *want)
{
	struct json *doc = parse(text);
	struct buf out;
	buf_init(&out, 1000);
	json_dump(&out, doc, sorted);
	check_str(buf_view(&out), want);
	buf_clear(&out);
	json_free(&doc);
}

static void
test_json__dumps(void **state)
{
	(void)state;
	check_dump(" { \"b\" : [ 1 , -2 , true , false , null ] , \"a\" : { } } ", false,
		"{\"b\":[1,-2,true,false,null],\"a\":{}}");
	check_dump("{\"b\":1,\"a\":{\"d\":[],\"c\":\"\\u00e9\\n\"},\"B\":2,\"aa\":3}", true,
		"{\"B\":2,\"a\":{\"c\":\"\xc3\xa9\\n\",\"d\":[]},\"aa\":3,\"b\":1}");
	check_dump("[0.1,1.0,1e2,-0.0,1e-7,123456789.125,1e300,5e-324]", false,
		"[0.1,1.0,100.0,-0.0,1e-07,123456789.125,1e+300,4.94065645841247e-324]");
	check_dump("0.30000000000000004", false, "0.30000000000000004");
}

static void
test_json__dump_stops_at_the_maximum(void **state)
{
	(void)state;
	struct json *doc = parse("{\"a\":[1,2,3]}");
	char space[5];
	struct buf out;
	buf_init_fixed(&out, space, sizeof(space));
	json_dump(&out, doc, true);
	assert_true(out.failed);
	json_free(&doc);
}

static void
test_writer__places_commas(void **state)
{
	(void)state;
	struct buf out;
	struct json_writer w;
	struct uuid id;
	assert_true(uuid_parse(STR("0190163d-8694-739b-aea5-966c26f8ad90"), &id));
	buf_init(&out, 1000);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_z(&w, "s", "a\"b");
	jw_str(&w, "absent", (struct str){0});
	jw_array(&w, "list");
	jw_int(&w, NULL, -1);
	jw_object(&w, NULL);
	jw_end_object(&w);
	jw_array(&w, NULL);
	jw_end_array(&w);
	jw_bool(&w, NULL, true);
	jw_end_array(&w);
	jw_null(&w, "n");
	jw_uuid(&w, "id", id);
	jw_uuid(&w, "nil", (struct uuid){{0}});
	jw_time(&w, "at", 1);
	jw_time(&w, "never", 0);
	jw_raw(&w, "raw", STR("[1,2]"));
	jw_end_object(&w);
	check_str(buf_view(&out),
		"{\"s\":\"a\\\"b\",\"absent\":null,\"list\":[-1,{},[],true],\"n\":null,"
		"\"id\":\"0190163d-8694-739b-aea5-966c26f8ad90\",\"nil\":null,"
		"\"at\":\"1970-01-01T00:00:00.000001Z\",\"never\":null,\"raw\":[1,2]}");
	assert_false(out.failed);
	buf_clear(&out);
}

static void
test_writer__nests_32_levels(void **state)
{
	(void)state;
	struct buf out;
	struct json_writer w;
	buf_init(&out, 1000);
	jw_init(&w, &out);
	for (int i = 0; i < 32; i++)
		jw_array(&w, NULL);
	jw_int(&w, NULL, 1);
	jw_int(&w, NULL, 2);
	for (int i = 0; i < 32; i++)
		jw_end_array(&w);
	assert_int_equal(out.len, 67);
	assert_non_null(memmem(out.ptr, out.len, "[1,2]", 5));
	buf_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json__refuses_malformed),
		cmocka_unit_test(test_json__says_where),
		cmocka_unit_test(test_json__bounds),
		cmocka_unit_test(test_json__accessors),
		cmocka_unit_test(test_json__absent_everywhere),
		cmocka_unit_test(test_json__members_keep_their_order),
		cmocka_unit_test(test_json__dumps),
		cmocka_unit_test(test_json__dump_stops_at_the_maximum),
		cmocka_unit_test(test_writer__places_commas),
		cmocka_unit_test(test_writer__nests_32_levels),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
