#include "iam_support.h"

#include <stdlib.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "iam/tokens/key_rotation.h"

/* Signing keys of the organisation's own issuer of none: the workspace does not matter here. Time
 * passes by moving the rows back. */

static const struct workspace_id HERE;

struct keys {
	struct signing_key keys[KEYS_PER_ISSUER_MAX];
	size_t count;
};

static enum status
list(struct call *call, void *arg, struct error *err)
{
	struct keys *out = arg;
	struct signing_key *keys;

	enum status rc = signing_key_list(&keys, &out->count, call, HERE, err);
	for (size_t i = 0; rc == OK && i < out->count; i++)
		out->keys[i] = keys[i];
	return rc;
}

static size_t
count_of(struct house *h, enum key_state state)
{
	struct keys all;
	size_t count = 0;

	house_run(h, list, &all);
	for (size_t i = 0; i < all.count; i++)
		count += all.keys[i].state == state;
	return count;
}

static struct uuid
signing(struct house *h)
{
	struct keys all;

	house_run(h, list, &all);
	for (size_t i = 0; i < all.count; i++) {
		if (all.keys[i].state == KEY_SIGNS)
			return all.keys[i].id;
	}
	fail_msg("none signs");
	return HERE.id;
}

static void
expect(struct house *h, size_t next, size_t signs, size_t retired)
{
	assert_int_equal(count_of(h, KEY_NEXT), next);
	assert_int_equal(count_of(h, KEY_SIGNS), signs);
	assert_int_equal(count_of(h, KEY_RETIRED), retired);
}

static enum status
make_first(struct call *call, void *arg, struct error *err)
{
	struct signing_key_draft draft = {.org = call->chain.org, .alg = SIGN_ES256};

	(void)arg;
	enum status rc = signing_key_make(&draft, call->keyring, call->arena, err);
	return rc == OK ? signing_key_ensure(call, &draft, err) : rc;
}

static enum status
rotate(struct call *call, void *arg, struct error *err)
{
	return signing_keys_rotate(call, HERE, arg ? *(enum sign_alg *)arg : SIGN_ES256, err);
}

static enum status
withdraw(struct call *call, void *arg, struct error *err)
{
	return signing_key_withdraw(call, HERE, *(struct uuid *)arg, err);
}

struct due {
	struct key_turn turns[8];
	size_t count;
};

static enum status
ask(struct tx *tx, void *arg, struct error *err)
{
	struct due *due = arg;

	return signing_keys_due(due->turns, &due->count, 8, tx, clock_now_us(), err);
}

static size_t
due(struct house *h)
{
	struct due asked;

	house_read(h, ask, &asked);
	return asked.count;
}

static enum status
turn(struct call *call, void *arg, struct error *err)
{
	const struct key_turn it = {call->chain.org, HERE, SIGN_ES256};
	struct signing_key_draft made = {.org = call->chain.org, .alg = SIGN_ES256};

	(void)arg;
	enum status rc = signing_key_make(&made, call->keyring, call->arena, err);
	return rc == OK ? signing_keys_turn(call, &it, &made, err) : rc;
}

static int
set_up(void **state)
{
	house_set_up(state);
	house_run(*state, make_first, NULL);
	return 0;
}

#define DAYS(n) "86400000000 * " #n
#define PASS(n)                                                                                    \
	"UPDATE signing_keys SET created_us = created_us - " DAYS(n) ", activated_us = "           \
								     "activated_us - " DAYS(       \
									     n) ", retired_us = "  \
										"retired_us "      \
										"- " DAYS(n)

static void
test_keys__schedule(void **state)
{
	struct house *h = *state;

	expect(h, 0, 1, 0);
	house_tamper(h, PASS(82));
	assert_int_equal(due(h), 0);
	house_run(h, turn, NULL);
	expect(h, 0, 1, 0);
	/* A week before it retires the next one is announced, once. */
	house_tamper(h, PASS(2));
	assert_int_equal(due(h), 1);
	house_run(h, turn, NULL);
	expect(h, 1, 1, 0);
	assert_int_equal(due(h), 0);
	house_run(h, turn, NULL);
	expect(h, 1, 1, 0);
	struct uuid before = signing(h);
	house_tamper(h, PASS(7));
	assert_int_equal(due(h), 1);
	house_run(h, turn, NULL);
	expect(h, 0, 1, 1);
	assert_false(uuid_eq(before, signing(h)));
	assert_int_equal(due(h), 0);
	house_tamper(h, PASS(3));
	assert_int_equal(due(h), 1);
	house_run(h, turn, NULL);
	expect(h, 0, 1, 0);
	assert_int_equal(due(h), 0);
}

/* After a long sleep: nothing signs before it has been published for a day. */
static void
test_keys__late(void **state)
{
	struct house *h = *state;

	house_tamper(h, PASS(400));
	house_run(h, turn, NULL);
	expect(h, 1, 1, 0);
	struct uuid before = signing(h);
	house_run(h, turn, NULL);
	assert_true(uuid_eq(before, signing(h)));
	house_tamper(h, PASS(2));
	house_run(h, turn, NULL);
	expect(h, 0, 1, 1);
}

static void
test_keys__rotate(void **state)
{
	struct house *h = *state;
	struct uuid first = signing(h);

	house_run(h, rotate, NULL);
	expect(h, 0, 1, 1);
	struct uuid second = signing(h);
	assert_false(uuid_eq(first, second));
	house_refused(h, &h->owner, withdraw, &second, "key-signs");
	house_run(h, withdraw, &first);
	expect(h, 0, 1, 0);
	house_refused(h, &h->owner, withdraw, &first, "signing-key-not-found");
	/* The next one, where it is announced. */
	house_tamper(h, PASS(84));
	house_run(h, turn, NULL);
	house_run(h, rotate, NULL);
	expect(h, 0, 1, 1);
}

static void
test_keys__rotate_without_end(void **state)
{
	struct house *h = *state;
	enum sign_alg rsa = SIGN_RS256;

	for (int i = 1; i < KEYS_PER_ISSUER_MAX - 1; i++)
		house_run(h, rotate, NULL);
	house_refused(h, &h->owner, rotate, NULL, "too-many-keys");
	house_refused(h, &h->owner, rotate, &rsa, "no-signing-key");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_keys__schedule),
		TEST(test_keys__late),
		TEST(test_keys__rotate),
		TEST(test_keys__rotate_without_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
