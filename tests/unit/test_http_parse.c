#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/parse.h"

static bool
is(struct str got, const char *wanted)
{
	return str_eq(got, str_from(wanted));
}

static void
test_http_parse__target(void **state)
{
	struct http__target t;
	(void)state;
	assert_true(http__target_parse(STR("/a/b?c=d?e"), &t));
	assert_true(is(t.path, "/a/b") && is(t.query, "c=d?e") && !t.authority.ptr);
	assert_true(http__target_parse(STR("/"), &t));
	assert_true(is(t.path, "/") && !t.query.ptr);
	assert_true(http__target_parse(STR("/?"), &t));
	assert_true(is(t.path, "/") && is(t.query, ""));
	assert_true(http__target_parse(STR("hTTp://h:1/a?b"), &t));
	assert_true(is(t.authority, "h:1") && is(t.path, "/a") && is(t.query, "b"));
	assert_true(http__target_parse(STR("https://[::1]?b"), &t));
	assert_true(is(t.authority, "[::1]") && is(t.path, "/") && is(t.query, "b"));
	static const char *const bad[] = {"", "*", "a", "a:80", "http:///a", "http://u@h/",
		"http:/a", "/a b", "/a#", "/\x7f", "/\x80", "/\n", "/a\\"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(http__target_parse(str_from(bad[i]), &t));
}

static void
test_http_parse__query(void **state)
{
	struct str rest = STR("&&a=1=2&b&=c&"), name, value;
	(void)state;
	assert_true(http__query_next(&rest, &name, &value));
	assert_true(is(name, "a") && is(value, "1=2"));
	assert_true(http__query_next(&rest, &name, &value));
	assert_true(is(name, "b") && is(value, ""));
	assert_true(http__query_next(&rest, &name, &value));
	assert_true(is(name, "") && is(value, "c"));
	assert_false(http__query_next(&rest, &name, &value));
	assert_false(http__query_next(&rest, &name, &value));
	rest = (struct str){0};
	assert_false(http__query_next(&rest, &name, &value));
}

static void
test_http_parse__escapes(void **state)
{
	char out[16];
	size_t len = 0;
	(void)state;
	assert_true(http__escapes_ok(STR("")) && http__escapes_ok(STR("a%41%ff")));
	assert_false(http__escapes_ok(STR("%")) || http__escapes_ok(STR("%4")) ||
		http__escapes_ok(STR("%4g")) || http__escapes_ok(STR("a%00")) ||
		http__escapes_ok(STR("%%41")));
	assert_true(is((struct str){out, http__form_decode(out, STR("a+%2B%41"))}, "a +A"));
	assert_true(http__form_equals(STR("a+%2b"), STR("a +")));
	assert_false(
		http__form_equals(STR("ab"), STR("a")) || http__form_equals(STR("a"), STR("ab")));
	assert_true(http__segment_decode(out, STR("a+%20%25"), &len));
	assert_true(is((struct str){out, len}, "a+ %"));
	assert_true(http__segment_decode(out, STR("a%2Fb"), &len));
	assert_true(is((struct str){out, len}, "a/b"));
	assert_false(http__segment_decode(out, STR("a/b"), &len) ||
		http__segment_decode(out, STR("%00"), &len) ||
		http__segment_decode(out, STR("%4"), &len));
}

static void
test_http_parse__headers(void **state)
{
	(void)state;
	/* A control at each place of the eight that are looked at together, and behind them. */
	for (size_t at = 0; at < 20; at++) {
		for (int c = 0; c < 256; c++) {
			char text[20];
			memset(text, 'a', sizeof(text));
			text[at] = (char)c;
			bool ok = (c >= 0x20 || c == '\t') && c != 0x7f;
			assert_int_equal(ok, http__value_ok((struct str){text, sizeof(text)}));
		}
	}
	assert_true(http__name_ok(STR("X-Request_ID!#$")));
	assert_false(
		http__name_ok(STR("")) || http__name_ok(STR("a b")) || http__name_ok(STR("a:")));
	assert_true(http__host_ok(STR("example.com:80")) && http__host_ok(STR("[2001:db8::1]")));
	assert_false(
		http__host_ok(STR("")) || http__host_ok(STR("a/b")) || http__host_ok(STR("a@b")));
	assert_true(http__request_id_ok(STR("0190-a.b:c_d")));
	assert_false(http__request_id_ok(STR("")) || http__request_id_ok(STR("a\"b")) ||
		http__request_id_ok(STR("0123456789012345678901234567890123456789"
					"0123456789012345678901234")));
	assert_true(is(http__trim(STR(" \ta b\t ")), "a b") && is(http__trim(STR(" ")), ""));
	assert_int_equal(HTTP_PATCH, http__method_parse("PATCH"));
	assert_int_equal(HTTP_OTHER, http__method_parse("get"));
	assert_int_equal(HTTP_OTHER, http__method_parse("OPTIONSX"));
}

/* The address of `text` behind 10.0.0.0/8 and fd00::1, one of whom the connection came from. */
static void
check_forwarded(const char *peer, const char *const *lines, const char *wanted)
{
	struct cidr blocks[2];
	struct address got, expected;
	struct str list[8];
	size_t count = 0, block_count;
	assert_int_equal(
		cidr_parse_list(STR("10.0.0.0/8, fd00::1"), blocks, 2, &block_count), CIDR_OK);
	assert_true(address_parse(str_from(peer), &got));
	assert_true(address_parse(str_from(wanted), &expected));
	for (; lines[count]; count++)
		list[count] = str_from(lines[count]);
	http__forwarded(&got, list, count, &(struct http_proxies){blocks, block_count});
	assert_int_equal(got.len, expected.len);
	assert_memory_equal(got.bytes, expected.bytes, got.len);
}
#define FORWARDED(peer, wanted, ...)                                                               \
	check_forwarded(peer, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL}, wanted)

static void
test_http_parse__forwarded(void **state)
{
	char many[512] = "192.0.2.1";
	(void)state;
	FORWARDED("10.0.0.1", "192.0.2.1", "192.0.2.1");
	FORWARDED("fd00::1", "2001:db8::7", "2001:db8::7");
	FORWARDED("10.0.0.1", "192.0.2.1", " ::ffff:192.0.2.1 \t");
	/* What a client claims stands before what the proxy appends. */
	FORWARDED("10.0.0.1", "192.0.2.1", "203.0.113.1, 192.0.2.1");
	FORWARDED("10.0.0.1", "192.0.2.1", "10.9.9.9,192.0.2.1");
	FORWARDED("10.0.0.1", "192.0.2.1", "203.0.113.1", "192.0.2.1");
	/* Proxies behind each other, each in a header or an entry of its own. */
	FORWARDED("10.0.0.1", "192.0.2.1", "203.0.113.1, 192.0.2.1, 10.0.0.2, 10.0.0.3");
	FORWARDED("10.0.0.1", "192.0.2.1", "192.0.2.1", "10.0.0.2", "fd00::1,10.0.0.3");
	FORWARDED("10.0.0.1", "10.0.0.3", "10.0.0.3,10.0.0.2");
	/* A stranger is who he is. */
	FORWARDED("192.0.2.9", "192.0.2.9", "192.0.2.1");
	FORWARDED("fd00::2", "fd00::2", "192.0.2.1");
	/* What is no address says nothing, and nothing before it counts. */
	FORWARDED("10.0.0.1", "10.0.0.1", "unknown");
	FORWARDED("10.0.0.1", "10.0.0.2", "192.0.2.1, unknown, 10.0.0.2");
	FORWARDED("10.0.0.1", "10.0.0.1", "192.0.2.1,");
	FORWARDED("10.0.0.1", "10.0.0.1", "192.0.2.1:80");
	FORWARDED("10.0.0.1", "10.0.0.1", "192.0.2.1", "");
	FORWARDED("10.0.0.1", "10.0.0.1");
	/* A way that is too long to be one. */
	for (size_t i = 0; i < 40; i++)
		snprintf(many + 9 + 9 * i, 10, ",10.0.0.2");
	FORWARDED("10.0.0.1", "10.0.0.2", many);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_parse__target),
		cmocka_unit_test(test_http_parse__query),
		cmocka_unit_test(test_http_parse__escapes),
		cmocka_unit_test(test_http_parse__headers),
		cmocka_unit_test(test_http_parse__forwarded),
	};
	return cmocka_run_group_tests_name("http_parse", tests, NULL, NULL);
}
