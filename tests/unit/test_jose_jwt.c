/* Claims: read strictly, written back, and checked for issuer, audience, time and type. */
#include "check.h"

#include "base/clock.h"
#include "jose/jwt.h"

static struct arena *arena;

static int
start(void **state)
{
	(void)state;
	arena = arena_new(1 << 20);
	return arena ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static int
forget(void **state)
{
	(void)state;
	arena_reset(arena);
	return 0;
}

static struct jwt_claims
parse(const char *json)
{
	struct error err = {0};
	struct jwt_claims claims;
	assert_int_equal(jwt_claims_parse(&claims, arena, str_from(json), &err), OK);
	return claims;
}

static void
check_malformed(const char *json)
{
	struct error err = {0};
	struct jwt_claims claims;
	assert_int_equal(
		jwt_claims_parse(&claims, arena, str_from(json), &err), ERR_UNAUTHENTICATED);
	assert_string_equal(err.code, "jwt-malformed");
	assert_string_equal(err.text, "The token is not valid.");
}

static void
test_jwt_claims_parse__all(void **state)
{
	(void)state;
	struct jwt_claims claims = parse(
		" {\"iss\":\"https:\\/\\/issuer.example\", "
		"\"sub\":\"24400320\",\"aud\":[\"one\",\"t"
		"wo\"],\"exp\":1311281970,\"nbf\":1311280000.5,\"iat\":1.31128097e9,\"jti\":\"j\","
		"\"scope\":\"a b\", \"gen\" : -7 ,\"email_verified\": true,\"off\":false,\"n\\u0061"
		"me\":\"J\\u00f6rg\",\"deep\":{\"a\":[1,2]}} ");
	check_str(claims.iss, "https://issuer.example");
	check_str(claims.sub, "24400320");
	check_str(claims.jti, "j");
	assert_int_equal(claims.aud_count, 2);
	check_str(claims.aud[0], "one");
	check_str(claims.aud[1], "two");
	assert_true(jwt_has_aud(&claims, STR("two")));
	assert_false(jwt_has_aud(&claims, STR("three")));
	assert_false(jwt_has_aud(&claims, (struct str){0}));
	assert_int_equal(claims.exp_us, 1311281970 * US_PER_S);
	assert_int_equal(claims.nbf_us, 1311280000 * US_PER_S + US_PER_S / 2);
	assert_int_equal(claims.iat_us, 1311280970 * US_PER_S);
	assert_int_equal(claims.member_count, 13);

	int64_t number = 0;
	check_str(jwt_get_str(&claims, arena, STR("scope")), "a b");
	check_str(jwt_get_str(&claims, arena, STR("name")), "J\xc3\xb6rg");
	assert_null(jwt_get_str(&claims, arena, STR("gen")).ptr);
	assert_null(jwt_get_str(&claims, arena, STR("missing")).ptr);
	assert_true(jwt_get_int(&claims, STR("gen"), &number));
	assert_int_equal(number, -7);
	assert_false(jwt_get_int(&claims, STR("nbf"), &number));
	assert_false(jwt_get_int(&claims, STR("sub"), &number));
	assert_false(jwt_get_int(&claims, STR("missing"), &number));
	check_str(jwt_get(&claims, STR("deep")), "{\"a\":[1,2]}");
	assert_null(jwt_get(&claims, STR("missing")).ptr);
}

static void
test_jwt_claims_parse__little(void **state)
{
	(void)state;
	struct jwt_claims claims = parse("{}");
	assert_null(claims.iss.ptr);
	assert_null(claims.sub.ptr);
	assert_null(claims.jti.ptr);
	assert_int_equal(claims.aud_count, 0);
	assert_int_equal(claims.exp_us, 0);
	claims = parse("{\"aud\":\"one\",\"exp\":253402300799}");
	assert_int_equal(claims.aud_count, 1);
	check_str(claims.aud[0], "one");
	assert_int_equal(claims.exp_us, INT64_C(253402300799) * US_PER_S);
	assert_int_equal(parse("{\"aud\":[]}").aud_count, 0);
}

static void
test_jwt_claims_parse__malformed(void **state)
{
	(void)state;
	const char *const malformed[] = {"", "null", "[]", "\"sub\"", "{", "{}{}", "{\"sub\":}",
		"{\"sub\":\"a\",\"sub\":\"b\"}", "{\"x\":1,\"x\":1}", "{\"x\":{\"y\":1,\"y\":1}}",
		"{\"iss\":1}", "{\"iss\":null}", "{\"sub\":[\"a\"]}", "{\"jti\":{}}",
		"{\"sub\":\"\\u0000\"}", "{\"sub\":\"\xc3\"}", "{\"aud\":1}", "{\"aud\":null}",
		"{\"aud\":{}}", "{\"aud\":[1]}", "{\"aud\":[\"a\",null]}", "{\"aud\":[[\"a\"]]}",
		"{\"exp\":\"1311281970\"}", "{\"exp\":null}", "{\"exp\":true}", "{\"exp\":-1}",
		"{\"exp\":-0.5}", "{\"exp\":253402300800}", "{\"exp\":253402300799.5}",
		"{\"exp\":1e300}", "{\"exp\":9223372036854775807}",
		"{\"exp\":99999999999999999999}", "{\"exp\":1e999}", "{\"exp\":NaN}",
		"{\"nbf\":-1}", "{\"iat\":\"now\"}", "{\"x\":[[[[[[[[[]]]]]]]]]}"};
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		check_malformed(malformed[i]);
}

static void
test_jwt_claims_parse__bounds(void **state)
{
	(void)state;
	struct buf text;
	struct error err = {0};
	struct jwt_claims claims;
	buf_init(&text, 1 << 16);
	for (int count = 16; count <= 17; count++) {
		buf_reset(&text);
		buf_str(&text, STR("{\"aud\":[\"0\""));
		for (int i = 1; i < count; i++)
			buf_printf(&text, ",\"%d\"", i);
		buf_append(&text, "]}", 3);
		if (count <= JWT_AUD_MAX)
			assert_int_equal(parse(text.ptr).aud_count, count);
		else
			check_malformed(text.ptr);
	}
	for (int count = 64; count <= 65; count++) {
		buf_reset(&text);
		for (int i = 0; i < count; i++)
			buf_printf(&text, "%c\"m%d\":%d", i == 0 ? '{' : ',', i, i);
		buf_append(&text, "}", 2);
		if (count <= JSON_READER_MEMBERS_MAX)
			assert_int_equal(parse(text.ptr).member_count, count);
		else
			check_malformed(text.ptr);
	}
	buf_clear(&text);
	struct arena *small = arena_new(64);
	assert_non_null(small);
	assert_int_equal(jwt_claims_parse(&claims, small, STR("{}"), &err), ERR_NO_MEMORY);
	arena_free(&small);
}

static void
check_written(const struct jwt_claims *claims, const char *want)
{
	struct buf out;
	struct json_writer w;
	buf_init(&out, 4096);
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jwt_claims_write(&w, claims);
	jw_z(&w, "scope", "a");
	jw_end_object(&w);
	check_str(buf_view(&out), want);
	buf_clear(&out);
}

static void
test_jwt_claims_write__what_there_is(void **state)
{
	(void)state;
	struct jwt_claims claims = {0};
	check_written(&claims, "{\"scope\":\"a\"}");
	claims = (struct jwt_claims){.iss = STR("i"),
		.sub = STR("\"s\""),
		.jti = STR("j"),
		.aud = {STR("one"), STR("two")},
		.aud_count = 1,
		.exp_us = 1700000600 * US_PER_S + 999999,
		.nbf_us = 1700000000 * US_PER_S,
		.iat_us = 1700000001 * US_PER_S};
	check_written(&claims,
		"{\"iss\":\"i\",\"sub\":\"\\\"s\\\"\",\"aud\":\"one\",\"exp\":1700000600,\"nbf\":"
		"1700000000,\"iat\":1700000001,\"jti\":\"j\",\"scope\":\"a\"}");
	claims = (struct jwt_claims){.aud = {STR("one"), STR("two")}, .aud_count = 2};
	check_written(&claims, "{\"aud\":[\"one\",\"two\"],\"scope\":\"a\"}");
}

#define NOW_S INT64_C(1700000000)

static void
check_claims(const char *json, struct str typ, const struct jwt_expect *expect, const char *code)
{
	struct error err = {0};
	struct jwt_claims claims = parse(json);
	enum status rc = jwt_check(&claims, typ, expect, &err);
	assert_int_equal(rc, code ? ERR_UNAUTHENTICATED : OK);
	if (code)
		assert_string_equal(err.code, code);
	if (code)
		assert_string_equal(err.text, "The token is not valid.");
}

static void
test_jwt_check__each_reason(void **state)
{
	(void)state;
	const struct str mine[] = {STR("me"), STR("https://me.example")};
	const struct jwt_expect expect = {.typ = STR("at+jwt"),
		.iss = STR("i"),
		.aud = mine,
		.aud_count = 2,
		.now_us = NOW_S * US_PER_S};
	const struct {
		const char *json, *typ, *code;
	} cases[] = {
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000001}", "at+jwt", NULL},
		{"{\"iss\":\"i\",\"aud\":[\"x\",\"https://me.example\"],\"exp\":1700000000.5}",
			"application/at+jwt", NULL},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000001,\"nbf\":1700000000}", "at+jwt",
			NULL},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000001}", "JWT", "jwt-typ"},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000001}", NULL, "jwt-typ"},
		{"{\"aud\":\"me\",\"exp\":1700000001}", "at+jwt", "jwt-issuer"},
		{"{\"iss\":\"i/\",\"aud\":\"me\",\"exp\":1700000001}", "at+jwt", "jwt-issuer"},
		{"{\"iss\":\"i\",\"exp\":1700000001}", "at+jwt", "jwt-audience"},
		{"{\"iss\":\"i\",\"aud\":[],\"exp\":1700000001}", "at+jwt", "jwt-audience"},
		{"{\"iss\":\"i\",\"aud\":[\"you\"],\"exp\":1700000001}", "at+jwt", "jwt-audience"},
		{"{\"iss\":\"i\",\"aud\":\"me\"}", "at+jwt", "jwt-no-expiry"},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":0}", "at+jwt", "jwt-no-expiry"},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000000}", "at+jwt", "jwt-expired"},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1}", "at+jwt", "jwt-expired"},
		{"{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000009,\"nbf\":1700000001}", "at+jwt",
			"jwt-not-yet-valid"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		check_claims(cases[i].json, str_from(cases[i].typ), &expect, cases[i].code);
}

static void
test_jwt_check__leeway_and_absence(void **state)
{
	(void)state;
	const struct str mine[] = {STR("me")}, nobody[] = {{NULL, 0}};
	struct jwt_expect expect = {.iss = STR("i"),
		.aud = mine,
		.aud_count = 1,
		.now_us = NOW_S * US_PER_S,
		.leeway_s = 60};
	struct str none = {0};
	check_claims("{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1699999941}", none, &expect, NULL);
	check_claims("{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1699999940}", STR("any"), &expect,
		"jwt-expired");
	check_claims("{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000999,\"nbf\":1700000060}", none,
		&expect, NULL);
	check_claims("{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000999,\"nbf\":1700000061}", none,
		&expect, "jwt-not-yet-valid");
	const char *good = "{\"iss\":\"i\",\"aud\":\"me\",\"exp\":1700000999}";
	expect.aud_count = 0;
	check_claims(good, none, &expect, "jwt-audience");
	expect.aud_count = 1;
	expect.aud = nobody;
	check_claims(good, none, &expect, "jwt-audience");
	expect.aud = mine;
	expect.iss = none;
	check_claims(good, none, &expect, "jwt-issuer");
	check_claims("{\"aud\":\"me\",\"exp\":1700000999}", none, &expect, "jwt-issuer");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_jwt_claims_parse__all, forget),
		cmocka_unit_test_setup(test_jwt_claims_parse__little, forget),
		cmocka_unit_test_setup(test_jwt_claims_parse__malformed, forget),
		cmocka_unit_test_setup(test_jwt_claims_parse__bounds, forget),
		cmocka_unit_test_setup(test_jwt_claims_write__what_there_is, forget),
		cmocka_unit_test_setup(test_jwt_check__each_reason, forget),
		cmocka_unit_test_setup(test_jwt_check__leeway_and_absence, forget),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
