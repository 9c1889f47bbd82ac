/* Codes that change with the time, by the vectors of RFC 6238 and around its edges. */
#include "check.h"

#include <string.h>

#include "crypto/totp.h"

static const struct totp_secret secret = {"12345678901234567890"};

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	return crypto_init(&err) == OK ? 0 : -1;
}

/* RFC 6238 appendix B, the last six of its eight digits. */
static void
test_totp__rfc6238_vectors(void **state)
{
	(void)state;
	static const struct {
		int64_t time_s;
		const char *code;
	} cases[] = {{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"},
		{1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char code[TOTP_DIGITS + 1];
		struct error err = {0};
		int64_t step = cases[i].time_s / 30, matched;
		assert_int_equal(totp_code(code, &secret, step, &err), OK);
		assert_string_equal(code, cases[i].code);
		struct totp_clock clock = {cases[i].time_s * 1000000, step - 1};
		assert_int_equal(totp_match(&matched, &secret, str_from(code), clock, &err), OK);
		assert_int_equal(matched, step);
	}
}

static int64_t
matched(const char *typed, int64_t step, int64_t last_step)
{
	struct error err = {0};
	int64_t out;
	struct totp_clock clock = {step * TOTP_STEP_US, last_step};
	assert_int_equal(totp_match(&out, &secret, str_from(typed), clock, &err), OK);
	return out;
}

#define STEP 41152263 /* of 1234567890, whose code is 005924 */
#define CODE "005924"

static void
test_totp__one_step_to_either_side(void **state)
{
	(void)state;
	assert_int_equal(matched(CODE, STEP - 2, 0), TOTP_NO_STEP);
	assert_int_equal(matched(CODE, STEP - 1, 0), STEP);
	assert_int_equal(matched(CODE, STEP, 0), STEP);
	assert_int_equal(matched(CODE, STEP + 1, 0), STEP);
	assert_int_equal(matched(CODE, STEP + 2, 0), TOTP_NO_STEP);
}

static void
test_totp__a_step_is_used_once(void **state)
{
	(void)state;
	assert_int_equal(matched(CODE, STEP, STEP - 1), STEP);
	assert_int_equal(matched(CODE, STEP, STEP), TOTP_NO_STEP);
	assert_int_equal(matched(CODE, STEP, STEP + 1), TOTP_NO_STEP);
	assert_int_equal(matched(CODE, STEP + 1, STEP), TOTP_NO_STEP);
}

static void
test_totp__what_may_be_typed(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "00592", "0059244", "5924", "00592a", "00592\t",
		"+05924", " 00 5",
		"\xd9\xa0\xd9\xa0"
		"5924"};
	assert_int_equal(matched("005 924", STEP, 0), STEP);
	assert_int_equal(matched(" 005924 ", STEP, 0), STEP);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(matched(bad[i], STEP, 0), TOTP_NO_STEP);
	assert_int_equal(matched(NULL, STEP, 0), TOTP_NO_STEP);
}

static void
test_totp__secret_for_apps(void **state)
{
	(void)state;
	char text[TOTP_SECRET_TEXT_LEN + 1];
	struct buf uri;
	struct totp_secret one, other;
	totp_secret_text(text, &secret);
	assert_string_equal(text, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
	buf_init(&uri, 512);
	totp_uri(&uri, &secret, STR("Wasser & Wärme"), STR("ada+x@example.org"));
	check_str(buf_view(&uri),
		"otpauth://totp/Wasser%20%26%20W%C3%A4rme:ada%2Bx%40example.org"
		"?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Wasser%20%26%20W%C3%A4rme");
	buf_clear(&uri);
	totp_secret_new(&one);
	totp_secret_new(&other);
	assert_memory_not_equal(&one, &other, sizeof(one));
}

/* RFC 4648 section 10, those without padding. */
static void
test_base32__vectors(void **state)
{
	(void)state;
	char text[17];
	assert_int_equal(crypto_base32(text, sizeof(text), "", 0), 0);
	assert_string_equal(text, "");
	assert_int_equal(crypto_base32(text, sizeof(text), "fooba", 5), 8);
	assert_string_equal(text, "MZXW6YTB");
	assert_int_equal(crypto_base32(text, sizeof(text),
				 "\xff\xff\xff\xff\xff"
				 "fooba",
				 10),
		16);
	assert_string_equal(text, "77777777MZXW6YTB");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_totp__rfc6238_vectors),
		cmocka_unit_test(test_totp__one_step_to_either_side),
		cmocka_unit_test(test_totp__a_step_is_used_once),
		cmocka_unit_test(test_totp__what_may_be_typed),
		cmocka_unit_test(test_totp__secret_for_apps),
		cmocka_unit_test(test_base32__vectors),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
