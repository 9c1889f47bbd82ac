/* What counts once, and for how long it is remembered. */
#include "check.h"

#include <stdio.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "signin/replays.h"

#define NOW INT64_C(1800000000000000)

static int
set_up(void **state)
{
	struct replays *replays = NULL;
	struct error err = {0};
	assert_int_equal(crypto_init(&err), OK);
	assert_int_equal(replays_new(&replays, &err), OK);
	*state = replays;
	return 0;
}

static int
tear_down(void **state)
{
	struct replays *replays = *state;
	replays_free(&replays);
	assert_null(replays);
	return 0;
}

static enum status
add_of(struct replays *r, struct org_id org, struct principal_id whose, const char *id,
	int64_t now_us)
{
	const struct replay replay = {org, whose, str_from(id), now_us + 60 * US_PER_S};
	struct error err = {0};
	return replays_add(r, &replay, now_us, &err);
}

static enum status
add(struct replays *r, struct principal_id whose, const char *id, int64_t now_us)
{
	return add_of(r, (struct org_id){{{1}}}, whose, id, now_us);
}

static void
test_replays__once(void **state)
{
	struct principal_id ada = {uuid_new()}, eve = {uuid_new()};
	assert_int_equal(add(*state, ada, "one", NOW), OK);
	assert_int_equal(add(*state, ada, "one", NOW), ERR_UNAUTHENTICATED);
	assert_int_equal(add(*state, ada, "two", NOW), OK);
	assert_int_equal(add(*state, eve, "one", NOW), OK);
	assert_int_equal(add(*state, ada, "one", NOW + 59 * US_PER_S), ERR_UNAUTHENTICATED);
	assert_int_equal(add(*state, ada, "one", NOW + 60 * US_PER_S), OK);
	assert_int_equal(add(*state, ada, "one", NOW + 60 * US_PER_S), ERR_UNAUTHENTICATED);
}

/* Once there is no room, nothing is forgotten before its time: it is refused until there is. */
static void
test_replays__full(void **state)
{
	struct principal_id ada = {uuid_new()};
	char id[16], full[16] = "";
	assert_int_equal(add(*state, ada, "first", NOW), OK);
	for (int i = 0; i < 200000 && !full[0]; i++) {
		snprintf(id, sizeof(id), "%d", i);
		enum status rc = add(*state, ada, id, NOW);
		assert_true(rc == OK || rc == ERR_BUSY);
		if (rc == ERR_BUSY)
			memcpy(full, id, sizeof(full));
	}
	assert_true(full[0]);
	assert_int_equal(add(*state, ada, "first", NOW), ERR_UNAUTHENTICATED);
	assert_int_equal(add(*state, ada, full, NOW + 60 * US_PER_S), OK);
}

/* As much as one organisation may bring: others have room as before. */
static void
test_replays__one_does_not_fill_it(void **state)
{
	const struct org_id one = {{{1}}}, other = {{{2}}};
	struct principal_id ada = {uuid_new()}, eve = {uuid_new()};
	char id[16];
	unsigned refused = 0;

	for (int i = 0; i < 200000; i++) {
		snprintf(id, sizeof(id), "%d", i);
		refused += add_of(*state, one, eve, id, NOW) == ERR_BUSY;
	}
	assert_true(refused > 100000);
	for (int i = 0; i < 2048; i++) {
		snprintf(id, sizeof(id), "%d", i);
		assert_int_equal(add_of(*state, other, ada, id, NOW), OK);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {TEST(test_replays__once), TEST(test_replays__full),
		TEST(test_replays__one_does_not_fill_it)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
