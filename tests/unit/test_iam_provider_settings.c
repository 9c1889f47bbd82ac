#include "iam_support.h"

#include "iam/access/grants.h"
#include "iam/principals/principals.h"
#include "iam/providers/settings.h"

/* What goes with a provider: what its rules gave, and whom it knows. */

static struct {
	struct provider_id provider;
	struct principal_id member;
	struct grant_id by_rule;
} at;

static enum status
make_all(struct call *call, void *arg, struct error *err)
{
	const struct provider_draft provider_draft = {.stated = PROVIDER_NAME | PROVIDER_ISSUER |
			PROVIDER_CLIENT_ID | PROVIDER_CLIENT_SECRET,
		.name = STR("Upstream"),
		.issuer = STR("https://login.example.org"),
		.client_id = STR("here"),
		.client_secret = STR("not to be shown")};
	const struct principal_draft member_draft = {.kind = KIND_MEMBER,
		.email = STR("ada@example.org"),
		.expires_us = NEVER,
		.roles_stated = true};
	struct provider provider;
	struct principal member;
	struct issued_secret none;

	(void)arg;
	enum status rc = provider_create(&provider, call, &provider_draft, err);
	if (rc == OK)
		rc = principal_create(&member, &none, call, &member_draft, err);
	at.provider = provider.id;
	at.member = member.id;
	return rc;
}

static enum status
give(struct call *call, void *arg, struct error *err)
{
	struct grant grant;
	const struct grant_draft draft = {.holder = at.member.id,
		.role = STR("owner"),
		.node = node_org(call->chain.org),
		.expires_us = NEVER};

	(void)arg;
	enum status rc = grant_create(&grant, call, &draft, err);
	at.by_rule = grant.id;
	return rc;
}

static int
set_up(void **state)
{
	house_set_up(state);
	house_run(*state, make_all, NULL);
	house_run(*state, give, NULL);
	house_tamper(*state,
		"INSERT INTO synced_grants (org, provider, principal, grant_id)"
		" SELECT v.org, v.provider, g.holder, g.grant_id"
		" FROM providers v JOIN grants g ON g.org = v.org"
		" JOIN principals p ON p.org = g.org AND p.principal = g.holder"
		" WHERE p.kind = 1");
	house_tamper(*state,
		"INSERT INTO identities (org, provider, subject, person, principal, email,"
		" created_us, used_us) SELECT v.org, v.provider, 'ada', p.person, p.principal,"
		" p.email, 1, 1 FROM providers v JOIN principals p ON p.org = v.org"
		" WHERE p.kind = 1");
	return 0;
}

static enum status delete (struct call *call, void *arg, struct error *err) {
	(void)arg; return provider_delete(call, at.provider, 0, err);
}

static enum status
load_grant(struct call *call, void *arg, struct error *err)
{
	struct grant grant;

	return grant_load(&grant, call, *(struct grant_id *)arg, err);
}

static enum status
count_rest(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql REST =
		SQL("SELECT (SELECT COUNT(*) FROM synced_grants WHERE org = $1)"
		    " + (SELECT COUNT(*) FROM identities WHERE org = $1)");
	struct query q;

	enum status rc = query_begin(&q, tx, &REST, err);
	assert_int_equal(rc, OK);
	query_bind_uuid(&q, 1, ((const struct house *)arg)->org.id);
	rc = query_next(&q, err);
	assert_true(q.row);
	assert_int_equal(query_int(&q, 0), 0);
	query_end(&q);
	return rc;
}

static void
test_provider__deleted(void **state)
{
	struct house *h = *state;

	house_run(h, load_grant, &at.by_rule);
	house_run(h, delete, NULL);
	house_refused(h, &h->owner, load_grant, &at.by_rule, "grant-not-found");
	house_refused(h, &h->owner, delete, NULL, "provider-not-found");
	house_read(h, count_rest, h);
}

static enum status
open_secret(struct call *call, void *arg, struct error *err)
{
	struct provider provider;
	struct str secret;

	(void)arg;
	enum status rc = provider_load(&provider, call, at.provider, err);
	if (rc == OK)
		rc = provider_open_secret(&secret, &provider, call->keyring, call->arena, err);
	if (rc == OK)
		assert_true(str_eq(secret, STR("not to be shown")));
	return rc;
}

/* Where a sign-in looks for it. */
static void
test_provider__secret(void **state)
{
	house_run(*state, open_secret, NULL);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_provider__deleted),
		TEST(test_provider__secret),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
