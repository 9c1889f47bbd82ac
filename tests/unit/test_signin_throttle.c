#include "check.h"

#include <stdio.h>

#include "base/clock.h"
#include "signin/throttle.h"

static struct throttle *throttle;

static int
set_up(void **state)
{
	struct error err = {0};

	(void)state;
	return throttle_new(&throttle, &err) == OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	throttle_free(&throttle);
	return 0;
}

/* Tries until one has to wait; how many went through. */
static int
tries(struct try try)
{
	int count = 0;

	while (throttle_try(throttle, &try) == 0 && count < 1000)
		count++;
	return count;
}

static const struct try ADA = {
	.account = {"ada", 3}, .address = {"192.0.2.1", 9}, .now_us = 1000 * US_PER_S};

static void
test_throttle__waits_double(void **state)
{
	struct try try = ADA;
	int64_t waited_us = 0;

	(void)state;
	assert_int_equal(tries(try), 5);
	for (int64_t wait_s = 1; wait_s <= 32; wait_s *= 2) {
		waited_us = throttle_try(throttle, &try);
		assert_int_equal(waited_us, wait_s * US_PER_S);
		try.now_us += waited_us;
		assert_int_equal(throttle_try(throttle, &try), 0);
	}
	/* Up to a bound, and being turned away costs nothing. */
	for (int i = 0; i < 10; i++) {
		waited_us = throttle_try(throttle, &try);
		assert_int_equal(throttle_try(throttle, &try), waited_us);
		try.now_us += waited_us;
		assert_int_equal(throttle_try(throttle, &try), 0);
	}
	assert_int_equal(waited_us, 60 * US_PER_S);
	/* Forgotten after a while. */
	try.now_us += 3601 * US_PER_S;
	assert_int_equal(tries(try), 5);
}

static void
test_throttle__known_browser_is_apart(void **state)
{
	struct try known = ADA, other = ADA;

	(void)state;
	known.browser = STR("of ada");
	assert_int_equal(tries(ADA), 5);
	assert_int_equal(throttle_try(throttle, &known), 0);
	throttle_succeeded(throttle, &known);
	assert_int_equal(tries(known), 10);
	/* What it tried does not make others wait longer, nor the other way about. */
	other.account = STR("bob");
	assert_int_equal(throttle_try(throttle, &other), 0);
}

static void
test_throttle__success_forgets(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(throttle_try(throttle, &ADA), 0);
		throttle_succeeded(throttle, &ADA);
	}
}

static void
test_throttle__address(void **state)
{
	char name[32];
	struct try try = {.address = STR("2001:db8::1"), .now_us = US_PER_S};
	int count = 0;

	(void)state;
	for (; count < 1000; count++) {
		snprintf(name, sizeof(name), "account %d", count);
		try.account = str_from(name);
		if (throttle_try(throttle, &try) > 0)
			break;
	}
	assert_int_equal(count, 60);
	/* Of the same network; of another one; of another kind. */
	try.address = STR("2001:db8::ffff:1");
	assert_true(throttle_try(throttle, &try) > 0);
	try.kind = TRY_MAIL;
	assert_int_equal(throttle_try(throttle, &try), 0);
	try.kind = TRY_PASSWORD;
	try.address = STR("2001:db8:0:1::1");
	assert_int_equal(throttle_try(throttle, &try), 0);
}

static void
test_throttle__issuers_are_apart(void **state)
{
	struct try try = ADA;

	(void)state;
	assert_int_equal(tries(try), 5);
	try.issuer.id = uuid_new();
	assert_int_equal(throttle_try(throttle, &try), 0);
}

/* A flood of others does not make forget who is tried again and again. */
static void
test_throttle__bounded(void **state)
{
	char name[32], address[64];

	(void)state;
	assert_int_equal(tries(ADA), 5);
	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		snprintf(address, sizeof(address), "2001:db8:%x:%x::", i >> 16, i & 0xffff);
		const struct try flood = {.account = str_from(name),
			.address = str_from(address),
			.now_us = ADA.now_us};
		(void)throttle_try(throttle, &flood);
	}
	assert_true(throttle_try(throttle, &ADA) > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
		CASE(test_throttle__waits_double),
		CASE(test_throttle__known_browser_is_apart),
		CASE(test_throttle__success_forgets),
		CASE(test_throttle__address),
		CASE(test_throttle__issuers_are_apart),
		CASE(test_throttle__bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
