#include "iam_support.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "iam/tokens/family_tokens.h"

/* Refresh tokens: which one is live, what follows it, and what an old one is known by. */

#define KEY_ONE "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"
#define KEY_TWO "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI"
#define START INT64_C(1800000000000000)
#define DAY_US (INT64_C(86400) * US_PER_S)

static struct {
	struct keyring *old, *both, *new; /* with the first pepper, with both, with the second */
	struct workspace_id workspace;
	struct principal_id client, other_client, user;
	struct family_id family;
	struct secret_text token;
} at;

static struct keyring *
load_ring(struct house *h, const char *text)
{
	char path[128];
	struct keyring *ring = NULL;
	struct error err = {0};
	snprintf(path, sizeof(path), "%s/ring", h->folder);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod(path, 0600), 0);
	assert_int_equal(keyring_load(&ring, path, false, &err), OK);
	assert_int_equal(unlink(path), 0);
	return ring;
}

static int
set_up(void **state)
{
	house_set_up(state);
	at.old = load_ring(*state, "pepper 1 " KEY_ONE "\nmaster 1 " KEY_ONE "\n");
	at.both = load_ring(
		*state, "pepper 1 " KEY_ONE "\npepper 2 " KEY_TWO "\nmaster 1 " KEY_ONE "\n");
	at.new = load_ring(*state, "pepper 2 " KEY_TWO "\nmaster 1 " KEY_ONE "\n");
	at.workspace.id = uuid_new();
	at.client.id = uuid_new();
	at.other_client.id = uuid_new();
	at.user.id = uuid_new();
	return 0;
}

static int
tear_down(void **state)
{
	keyring_free(&at.old);
	keyring_free(&at.both);
	keyring_free(&at.new);
	return house_tear_down(state);
}

static enum status
begin(struct call *call, void *arg, struct error *err)
{
	struct family_row family = {.id = {uuid_new()},
		.workspace = at.workspace,
		.client_org = call->chain.org,
		.client = at.client,
		.principal = at.user,
		.generation = 3,
		.client_generation = 4,
		.scope = STR("openid ingest:write"),
		.nonce = STR("n"),
		.methods = STR("pwd otp"),
		.auth_us = START - 7};
	(void)arg;
	call->now_us = START;
	call->keyring = at.old;
	at.family = family.id;
	return family_begin(
		&family, &at.token, call, (struct family_lives){14 * 86400, 90 * 86400}, err);
}

/* One presentation, and what came of it. */
struct bringing {
	struct str token;
	int64_t when_us;
	const struct keyring *ring;
	bool other_client, other_workspace, looks;
	struct family_rotation found;
	char scope[64];
};

static enum status
bring(struct call *call, void *arg, struct error *err)
{
	struct bringing *b = arg;
	const struct family_presented presented = {.token = b->token,
		.client_org = call->chain.org,
		.client = b->other_client ? at.other_client : at.client,
		.workspace = b->other_workspace ? (struct workspace_id){{{0}}} : at.workspace,
		.lives = {14 * 86400, 90 * 86400}};
	call->now_us = b->when_us;
	call->keyring = b->ring;
	enum status rc = b->looks ? family_look(&b->found, call, &presented, err)
				  : family_rotate(&b->found, call, &presented, err);
	snprintf(b->scope, sizeof(b->scope), "%.*s", STR_ARG(b->found.family.scope));
	return rc;
}

static struct bringing
brought(struct house *h, const char *token, int64_t when_us, const struct keyring *ring)
{
	struct bringing b = {.token = str_from(token), .when_us = when_us, .ring = ring};
	house_run(h, bring, &b);
	return b;
}

static bool
was_ours(const struct bringing *b)
{
	return family_token_was_ours(&b->found, b->ring, b->token);
}

static void
test_family_tokens__follow_one_another(void **state)
{
	struct house *h = *state;
	char used[4][SECRET_TEXT_MAX];
	house_run(h, begin, NULL);
	struct secret_text live = at.token;
	for (int i = 0; i < 4; i++) {
		struct bringing b = brought(h, live.text, START + i * DAY_US, at.old);
		assert_int_equal(b.found.kind, FAMILY_TOKEN_LIVE);
		assert_true(uuid_eq(b.found.family.id.id, at.family.id));
		assert_true(uuid_eq(b.found.family.principal.id, at.user.id));
		assert_int_equal(b.found.family.generation, 3);
		assert_int_equal(b.found.family.client_generation, 4);
		assert_int_equal(b.found.family.auth_us, START - 7);
		assert_string_equal(b.scope, "openid ingest:write");
		assert_string_not_equal(b.found.next.text, live.text);
		memcpy(used[i], live.text, sizeof(used[i]));
		live = b.found.next;
	}
	for (int i = 0; i < 4; i++) {
		struct bringing b = brought(h, used[i], START + 4 * DAY_US, at.old);
		assert_int_equal(b.found.kind, FAMILY_TOKEN_OTHER);
		assert_true(was_ours(&b));
	}
	assert_int_equal(
		brought(h, live.text, START + 4 * DAY_US, at.old).found.kind, FAMILY_TOKEN_LIVE);
}

static void
test_family_tokens__again_within_the_grace(void **state)
{
	struct house *h = *state;
	house_run(h, begin, NULL);
	struct bringing first = brought(h, at.token.text, START, at.old);
	struct bringing again = brought(h, at.token.text, START + FAMILY_GRACE_US - 1, at.old);
	assert_int_equal(again.found.kind, FAMILY_TOKEN_AGAIN);
	assert_string_equal(again.found.next.text, first.found.next.text);
	struct bringing late = brought(h, at.token.text, START + FAMILY_GRACE_US, at.old);
	assert_int_equal(late.found.kind, FAMILY_TOKEN_OTHER);
	assert_true(was_ours(&late));
	/* Once the successor was used, it is too late as well. */
	assert_int_equal(
		brought(h, first.found.next.text, START, at.old).found.kind, FAMILY_TOKEN_LIVE);
	late = brought(h, at.token.text, START, at.old);
	assert_int_equal(late.found.kind, FAMILY_TOKEN_OTHER);
	assert_true(was_ours(&late));
}

static void
test_family_tokens__looking_changes_nothing(void **state)
{
	struct house *h = *state;
	house_run(h, begin, NULL);
	for (int i = 0; i < 3; i++) {
		struct bringing b = {.token = str_from(at.token.text),
			.when_us = START,
			.ring = at.old,
			.looks = true};
		house_run(h, bring, &b);
		assert_int_equal(b.found.kind, FAMILY_TOKEN_LIVE);
	}
}

static void
test_family_tokens__never_given(void **state)
{
	struct house *h = *state;
	struct secret_text made;
	house_run(h, begin, NULL);
	secret_issue(&made, "twr_", h->org.id, at.family.id);
	struct bringing b = brought(h, made.text, START, at.old);
	assert_int_equal(b.found.kind, FAMILY_TOKEN_OTHER);
	assert_false(was_ours(&b));
	secret_issue(&made, "twg_", h->org.id, at.family.id);
	assert_int_equal(brought(h, made.text, START, at.old).found.kind, FAMILY_TOKEN_NONE);
	secret_issue(&made, "twr_", uuid_new(), at.family.id);
	assert_int_equal(brought(h, made.text, START, at.old).found.kind, FAMILY_TOKEN_NONE);
	secret_issue(&made, "twr_", h->org.id, uuid_new());
	assert_int_equal(brought(h, made.text, START, at.old).found.kind, FAMILY_TOKEN_NONE);
	assert_int_equal(brought(h, "x", START, at.old).found.kind, FAMILY_TOKEN_NONE);
	b = (struct bringing){.token = str_from(at.token.text),
		.when_us = START,
		.ring = at.old,
		.other_client = true};
	house_run(h, bring, &b);
	assert_int_equal(b.found.kind, FAMILY_TOKEN_NONE);
	b.other_client = false;
	b.other_workspace = true;
	house_run(h, bring, &b);
	assert_int_equal(b.found.kind, FAMILY_TOKEN_NONE);
	assert_int_equal(brought(h, at.token.text, START, at.old).found.kind, FAMILY_TOKEN_LIVE);
}

static void
test_family_tokens__end(void **state)
{
	struct house *h = *state;
	house_run(h, begin, NULL);
	struct secret_text live = at.token;
	/* Used on each 13th day, it still ends on the 90th. */
	for (int day = 13; day < 90; day += 13) {
		struct bringing b = brought(h, live.text, START + day * DAY_US, at.old);
		assert_int_equal(b.found.kind, FAMILY_TOKEN_LIVE);
		live = b.found.next;
	}
	assert_int_equal(
		brought(h, live.text, START + 90 * DAY_US, at.old).found.kind, FAMILY_TOKEN_NONE);
	house_run(h, begin, NULL);
	assert_int_equal(brought(h, at.token.text, START + 14 * DAY_US, at.old).found.kind,
		FAMILY_TOKEN_NONE);
	assert_int_equal(brought(h, at.token.text, START + 14 * DAY_US - 1, at.old).found.kind,
		FAMILY_TOKEN_LIVE);
}

static void
test_family_tokens__the_pepper_changes(void **state)
{
	struct house *h = *state;
	house_run(h, begin, NULL);
	struct bringing first = brought(h, at.token.text, START, at.old);
	struct bringing second = brought(h, first.found.next.text, START, at.both);
	assert_int_equal(second.found.kind, FAMILY_TOKEN_LIVE);
	assert_int_equal(second.found.pepper, 2);
	struct bringing again = brought(h, first.found.next.text, START, at.both);
	assert_int_equal(again.found.kind, FAMILY_TOKEN_AGAIN);
	assert_string_equal(again.found.next.text, second.found.next.text);
	struct bringing third = brought(h, second.found.next.text, START, at.both);
	assert_int_equal(third.found.kind, FAMILY_TOKEN_LIVE);
	struct bringing late = brought(h, first.found.next.text, START, at.both);
	assert_int_equal(late.found.kind, FAMILY_TOKEN_OTHER);
	assert_true(was_ours(&late));
	/* Without the first pepper nothing that it hashed is known any more. */
	house_run(h, begin, NULL);
	assert_int_equal(brought(h, at.token.text, START, at.new).found.kind, FAMILY_TOKEN_OTHER);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_family_tokens__follow_one_another),
		TEST(test_family_tokens__again_within_the_grace),
		TEST(test_family_tokens__looking_changes_nothing),
		TEST(test_family_tokens__never_given),
		TEST(test_family_tokens__end),
		TEST(test_family_tokens__the_pepper_changes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
