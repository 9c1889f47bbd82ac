#include "directory_support.h"
#include "keyring_support.h"

#include "base/clock.h"
#include "crypto/secret.h"
#include "signin/credential.h"

#define NOW INT64_C(1800000000000000)
#define DAY (INT64_C(86400) * US_PER_S)

static const struct sql ADD_CREDENTIAL =
	SQL("INSERT INTO credentials (org, credential, principal, name, hash, pepper, state, "
	    "expires_us, created_us) VALUES ($1, $2, $3, 'key', $4, $5, $6, $7, 0)");
static const struct sql SET_ORG_STATE =
	SQL("UPDATE orgs SET state = $2, revision = $3, skeleton = $3 WHERE org = $1");

static struct keyring *ring;

/* One principal with one secret, as each case wants it. */
struct made {
	const char *prefix;
	enum state org, workspace, principal, credential; /* STATE_NONE of a workspace: has none */
	int64_t principal_expires_us, credential_expires_us; /* 0: never */
	struct secret_text secret;
};

static void
add_credential(struct tx *tx, const struct made *m, struct str secret, struct uuid id)
{
	struct error err = {0};
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;
	keyring_hash(ring, hash, &pepper, secret);
	assert_int_equal(query_begin(&q, tx, &ADD_CREDENTIAL, &err), OK);
	query_bind_uuid(&q, 1, ORG_A.id);
	query_bind_uuid(&q, 2, id);
	query_bind_uuid(&q, 3, id_of(2, 1));
	query_bind_bytes(&q, 4, hash, sizeof(hash));
	query_bind_int(&q, 5, pepper);
	query_bind_int(&q, 6, m->credential);
	query_bind_int_or_null(&q, 7, m->credential_expires_us);
	assert_int_equal(query_run(&q, NULL, &err), OK);
}

static void
write_made(struct tx *tx, const void *arg)
{
	const struct made *m = arg;
	struct error err = {0};
	struct query q;
	put(tx, &INSERT_ORG, "uii", ORG_A.id, 1, 1);
	put(tx, &SET_ORG_STATE, "uii", ORG_A.id, (int)m->org, 1);
	struct uuid workspace = m->workspace ? id_of(3, 1) : (struct uuid){{0}};
	if (m->workspace)
		put(tx, &INSERT_WORKSPACE, "uuis", ORG_A.id, workspace, (int)m->workspace, "w");
	assert_int_equal(query_begin(&q, tx, &INSERT_PRINCIPAL, &err), OK);
	query_bind_uuid(&q, 1, ORG_A.id);
	query_bind_uuid(&q, 2, id_of(2, 1));
	query_bind_int(&q, 3, m->workspace ? KIND_DEVICE : KIND_API_KEY);
	query_bind_uuid(&q, 4, workspace);
	query_bind_str(&q, 5, STR("label"));
	query_bind_int(&q, 6, m->principal);
	query_bind_int_or_null(&q, 7, m->principal_expires_us);
	query_bind_int(&q, 8, 0);
	assert_int_equal(query_run(&q, NULL, &err), OK);
	add_credential(tx, m, str_from(m->secret.text), id_of(4, 1));
}

static struct made
make(struct fixture *f, struct made m)
{
	secret_issue(&m.secret, m.prefix, ORG_A.id, id_of(4, 1));
	change(f, write_made, &m);
	return m;
}

/* Asks, loading what is missing, as a door does. */
static enum status
ask(struct fixture *f, struct caller *caller, struct str header, struct error *err)
{
	const struct signin signin = {
		.directory = f->directory, .keyring = ring, .base_url = STR("http://127.0.0.1")};
	const struct proof proof = {header, NOW, NULL};
	for (int i = 0; i < 8; i++) {
		struct misses misses = {0};
		directory_enter();
		enum status rc = signin_bearer(caller, &signin, &proof, &misses, err);
		directory_leave();
		if (misses.count == 0)
			return rc;
		assert_int_equal(rc, ERR_UNAUTHENTICATED);
		assert_int_equal(err->status, OK);
		assert_int_equal(fetch(f->directory, &misses), OK);
	}
	fail_msg("never loaded");
	return ERR_INTERNAL;
}

static struct str
bearer(char space[128], const char *scheme, const char *secret)
{
	snprintf(space, 128, "%s%s", scheme, secret);
	return str_from(space);
}

static void
check_refused(struct fixture *f, struct str header)
{
	struct error err = {0};
	struct caller caller;
	memset(&caller, 0xff, sizeof(caller));
	assert_int_equal(ask(f, &caller, header, &err), ERR_UNAUTHENTICATED);
	assert_string_equal(err.code, "unauthenticated");
	assert_true(uuid_is_nil(caller.principal.id) && caller.kind == KIND_NONE);
	/* The same words whatever was wrong. */
	static char words[ERROR_TEXT_MAX];
	if (!words[0])
		memcpy(words, err.text, sizeof(words));
	assert_string_equal(err.text, words);
	assert_string_equal(err.detail, "");
}

static const struct made GOOD = {.prefix = "twk_",
	.org = STATE_ACTIVE,
	.principal = STATE_ACTIVE,
	.credential = STATE_ACTIVE};

static void
test_signin__proves_who_calls(void **state)
{
	struct fixture *f = *state;
	struct made m = make(f, GOOD);
	char space[128];
	static const char *const schemes[] = {"Bearer ", "bearer ", "BEARER   "};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		struct error err = {0};
		struct caller caller;
		assert_int_equal(
			ask(f, &caller, bearer(space, schemes[i], m.secret.text), &err), OK);
		assert_true(uuid_eq(caller.org.id, ORG_A.id));
		assert_true(uuid_eq(caller.principal.id, id_of(2, 1)));
		assert_true(uuid_eq(caller.credential.id, id_of(4, 1)));
		assert_int_equal(caller.kind, KIND_API_KEY);
	}
	struct credential_use uses[4];
	assert_int_equal(directory_take_used(f->directory, uses, 4), 1);
	assert_true(uuid_eq(uses[0].id.id, id_of(4, 1)));
}

static void
test_signin__other_headers_are_refused(void **state)
{
	struct fixture *f = *state;
	struct made m = make(f, GOOD);
	char space[128];
	check_refused(f, (struct str){NULL, 0});
	static const char *const headers[] = {"", "Bearer", "Bearer ", "Bearer x", "Basic YTpi"};
	for (size_t i = 0; i < ARRAY_LEN(headers); i++)
		check_refused(f, str_from(headers[i]));
	check_refused(f, str_from(m.secret.text));
	check_refused(f, bearer(space, "Basic ", m.secret.text));
	bearer(space, "Bearer ", m.secret.text);
	size_t len = strlen(space);
	check_refused(f, (struct str){space, len - 1});
	space[len] = ' ';
	check_refused(f, (struct str){space, len + 1});
}

static void
test_signin__a_secret_that_nobody_was_given(void **state)
{
	struct fixture *f = *state;
	make(f, GOOD);
	struct secret_text other;
	char space[128];
	/* Right in form, of a credential that exists: only the hash can tell. */
	secret_issue(&other, "twk_", ORG_A.id, id_of(4, 1));
	check_refused(f, bearer(space, "Bearer ", other.text));
	secret_issue(&other, "twk_", ORG_A.id, id_of(4, 2));
	check_refused(f, bearer(space, "Bearer ", other.text));
	secret_issue(&other, "twk_", ORG_B.id, id_of(4, 1));
	check_refused(f, bearer(space, "Bearer ", other.text));
	struct credential_use uses[4];
	assert_int_equal(directory_take_used(f->directory, uses, 4), 0);
}

/* One case for each test, as each needs a store of its own. */
static void
check_made_refused(void **state, struct made m)
{
	struct fixture *f = *state;
	char space[128];
	m = make(f, m);
	check_refused(f, bearer(space, "Bearer ", m.secret.text));
}

#define REFUSED(name, ...)                                                                         \
	static void test_signin__##name(void **state)                                              \
	{                                                                                          \
		struct made m = GOOD;                                                              \
		__VA_ARGS__;                                                                       \
		check_made_refused(state, m);                                                      \
	}
REFUSED(suspended_org, m.org = STATE_SUSPENDED)
REFUSED(deleted_org, m.org = STATE_DELETED)
REFUSED(suspended_workspace, m.workspace = STATE_SUSPENDED)
REFUSED(suspended_principal, m.principal = STATE_SUSPENDED)
REFUSED(invited_principal, m.principal = STATE_INVITED)
REFUSED(revoked_credential, m.credential = STATE_REVOKED)
REFUSED(expired_principal, m.principal_expires_us = NOW)
REFUSED(expired_credential, m.credential_expires_us = NOW)
REFUSED(secret_of_a_client, m.prefix = "twc_")
REFUSED(refresh_token, m.prefix = "twr_")

static void
test_signin__a_device_until_its_last_moment(void **state)
{
	struct fixture *f = *state;
	struct made m = GOOD;
	m.prefix = "twd_";
	m.workspace = STATE_ACTIVE;
	m.principal_expires_us = NOW + 1;
	m.credential_expires_us = NOW + DAY;
	m = make(f, m);
	struct error err = {0};
	struct caller caller;
	char space[128];
	assert_int_equal(ask(f, &caller, bearer(space, "Bearer ", m.secret.text), &err), OK);
	assert_int_equal(caller.kind, KIND_DEVICE);
}

static int
start(void **state)
{
	(void)state;
	ring = make_keyring();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	keyring_free(&ring);
	return 0;
}

#define TEST(name)                                                                                 \
	cmocka_unit_test_setup_teardown(test_signin__##name, fixture_set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(proves_who_calls),
		TEST(other_headers_are_refused),
		TEST(a_secret_that_nobody_was_given),
		TEST(suspended_org),
		TEST(deleted_org),
		TEST(suspended_workspace),
		TEST(suspended_principal),
		TEST(invited_principal),
		TEST(revoked_credential),
		TEST(expired_principal),
		TEST(expired_credential),
		TEST(secret_of_a_client),
		TEST(refresh_token),
		TEST(a_device_until_its_last_moment),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
