/* Between the two steps of a sign-in: what a browser carries, and what it comes to. */
#include "keyring_support.h"

#include <string.h>

#include "signin/acr.h"
#include "signin/second_factor.h"

#define NOW_US (INT64_C(1700000000) * US_PER_S)

static struct keyring *ring;
static struct arena *arena;

static int
start(void **state)
{
	(void)state;
	ring = make_keyring();
	arena = arena_new((size_t)1024 * 1024);
	return arena ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	keyring_free(&ring);
	arena_free(&arena);
	return 0;
}

static struct first_factor_seal
seal_of(const char *browser, int64_t after_us)
{
	return (struct first_factor_seal){str_from(browser), ring, NOW_US + after_us, arena};
}

static struct str
closed(const struct first_factor *first)
{
	struct first_factor_seal seal = seal_of("browser", 0);
	struct error err = {0};
	struct str text;
	assert_int_equal(first_factor_close(&text, first, &seal, &err), OK);
	assert_true(text.len < FIRST_FACTOR_TEXT_MAX);
	return text;
}

static bool
opens(struct first_factor *out, struct str text, const struct first_factor_seal *seal)
{
	struct error err = {0};
	bool found;
	assert_int_equal(first_factor_open(out, &found, text, seal, &err), OK);
	return found;
}

static void
test_first_factor__round_trip(void **state)
{
	(void)state;
	struct first_factor in = {.person = {uuid_new()},
		.generation = INT64_MAX,
		.only_org = {uuid_new()},
		.provider = uuid_new(),
		.methods = STR("pwd email aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"),
		.auth_us = NOW_US - 5};
	struct first_factor_seal seal = seal_of("browser", FIRST_FACTOR_LIFE_US - 1);
	struct first_factor out;
	assert_true(opens(&out, closed(&in), &seal));
	assert_true(uuid_eq(out.person.id, in.person.id));
	assert_true(uuid_eq(out.only_org.id, in.only_org.id) && uuid_eq(out.provider, in.provider));
	assert_true(out.generation == INT64_MAX && out.auth_us == NOW_US - 5);
	assert_true(str_eq(out.methods, in.methods));
	in = (struct first_factor){.person = in.person, .methods = STR("pwd"), .auth_us = NOW_US};
	assert_true(opens(&out, closed(&in), &seal));
	assert_true(uuid_is_nil(out.only_org.id) && uuid_is_nil(out.provider));
}

static void
test_first_factor__of_this_browser_and_for_a_while(void **state)
{
	(void)state;
	struct first_factor out, in = {.person = {uuid_new()}, .methods = STR("pwd")};
	struct str text = closed(&in);
	struct first_factor_seal other = seal_of("browsen", 0), none = seal_of("", 0);
	struct first_factor_seal late = seal_of("browser", FIRST_FACTOR_LIFE_US);
	struct first_factor_seal early = seal_of("browser", -1), now = seal_of("browser", 0);
	assert_true(opens(&out, text, &now));
	assert_false(opens(&out, text, &other));
	assert_false(opens(&out, text, &none));
	assert_false(opens(&out, text, &late));
	assert_false(opens(&out, text, &early));
	assert_false(opens(&out, (struct str){NULL, 0}, &now));
	for (size_t i = 0; i < text.len; i++) {
		char changed[FIRST_FACTOR_TEXT_MAX];
		memcpy(changed, text.ptr, text.len);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(opens(&out, (struct str){changed, text.len}, &now));
		assert_false(opens(&out, (struct str){text.ptr, i}, &now));
	}
}

static void
check_methods(struct str methods, struct str method, const char *want)
{
	struct error err = {0};
	struct str out;
	assert_int_equal(methods_with_second(&out, methods, method, arena, &err), OK);
	check_str(out, want);
	check_str(acr_of_methods(out), "urn:thingward:acr:2");
}

static void
test_methods__with_a_second(void **state)
{
	(void)state;
	check_methods(STR("pwd"), METHOD_OTP, "pwd otp mfa");
	check_methods(STR("pwd otp mfa"), METHOD_OTP, "pwd otp mfa");
	check_methods(STR("pwd otp mfa"), METHOD_HARDWARE, "pwd otp mfa hwk");
	check_methods(STR(""), METHOD_SOFTWARE, "swk mfa");
	check_str(acr_of_methods(STR("pwd")), "urn:thingward:acr:1");
	check_str(acr_of_methods(STR("hwk mfaa")), "urn:thingward:acr:1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_factor__round_trip),
		cmocka_unit_test(test_first_factor__of_this_browser_and_for_a_while),
		cmocka_unit_test(test_methods__with_a_second),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
