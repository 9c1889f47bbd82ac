#include "iam_support.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "iam/principals/clients.h"
#include "iam/tokens/consents.h"
#include "iam/tokens/endings.h"
#include "iam/tokens/families.h"
#include "iam/tree/workspaces.h"

/* Active sessions: what end-users have with clients, how it is listed, and everything that ends
 * it. The rows stand for what the authorization server will have written. */

static struct {
	struct workspace_id workspace;
	struct principal_id client, other_client, ada, eve;
} at;

/* $who has one with $client; the identifier is random. */
#define BEGIN(who, client, extra)                                                                  \
	"INSERT INTO families (org, family, workspace, client_org, client, principal, session, "   \
	"hash,"                                                                                    \
	" pepper, rotations, scope, methods, auth_us, created_us, used_us, expires_us, ends_us)"   \
	" SELECT u.org, randomblob(16), u.workspace, c.org, c.principal, u.principal,"             \
	" X'00000000000000000000000000000001', X'00', 1, 0, 'ingest:write  iam:scopes:read', "     \
	"'email',"                                                                                 \
	" 1, 2, 3, " extra ", 4000000000000000 FROM principals u, principals c"                    \
	" WHERE u.name = '" who "' AND c.name = '" client "'"
#define LIVE "4000000000000000"

static enum status
make_principal(struct principal_id *out, struct call *call, const struct principal_draft *draft,
	struct error *err)
{
	struct principal principal;
	struct issued_secret secret;

	enum status rc = principal_create(&principal, &secret, call, draft, err);
	*out = principal.id;
	return rc;
}

static enum status
make_client(struct principal_id *out, struct call *call, const char *name, struct error *err)
{
	static const struct str back = {"https://app.example.org/back", 28};
	const struct client_draft client = {.stated = CLIENT_TYPE | CLIENT_REDIRECT_URIS,
		.client = {.type = CLIENT_PUBLIC, .redirect_uris = {&back, 1}}};

	return make_principal(out, call,
		&(struct principal_draft){.kind = KIND_APPLICATION,
			.workspace = at.workspace,
			.name = str_from(name),
			.expires_us = NEVER,
			.client = &client},
		err);
}

static enum status
make_user(struct principal_id *out, struct call *call, const char *name, const char *email,
	struct error *err)
{
	return make_principal(out, call,
		&(struct principal_draft){.kind = KIND_END_USER,
			.workspace = at.workspace,
			.name = str_from(name),
			.email = str_from(email),
			.expires_us = NEVER},
		err);
}

static enum status
make_all(struct call *call, void *arg, struct error *err)
{
	struct workspace workspace;
	const struct workspace_draft draft = {.name = STR("Sensors")};

	(void)arg;
	enum status rc = workspace_create(&workspace, call, &draft, err);
	at.workspace = workspace.id;
	if (rc == OK)
		rc = make_client(&at.client, call, "App", err);
	if (rc == OK)
		rc = make_client(&at.other_client, call, "Other", err);
	if (rc == OK)
		rc = make_user(&at.ada, call, "Ada", "ada@example.org", err);
	return rc == OK ? make_user(&at.eve, call, "Eve", "eve@example.org", err) : rc;
}

static int
set_up(void **state)
{
	house_set_up(state);
	house_run(*state, make_all, NULL);
	return 0;
}

struct listing_case {
	struct principal_id principal, client;
	const char *search;
	size_t count;
	struct family first;
	char json[1024];
};

static enum status
list(struct call *call, void *arg, struct error *err)
{
	struct listing_case *c = arg;
	const struct family_filter filter = {at.workspace, c->principal, c->client};
	struct page page = {.limit = 200, .search = str_from(c->search)};
	struct family *families;

	enum status rc = family_list(&families, &c->count, call, &filter, &page, err);
	if (rc == OK && c->count) {
		c->first = families[0];
		struct str json = call_json(call, family_write, &families[0]);
		snprintf(c->json, sizeof(c->json), "%.*s", STR_ARG(json));
	}
	return rc;
}

static size_t
count_of(struct house *h, struct principal_id principal, struct principal_id client)
{
	struct listing_case c = {.principal = principal, .client = client};

	house_run(h, list, &c);
	return c.count;
}

static const struct principal_id ANY;

static size_t
count_all(struct house *h)
{
	return count_of(h, ANY, ANY);
}

static void
test_families__list(void **state)
{
	struct house *h = *state;

	house_tamper(h, BEGIN("Ada", "App", LIVE));
	house_tamper(h, BEGIN("Ada", "Other", LIVE));
	house_tamper(h, BEGIN("Eve", "App", LIVE));
	house_tamper(h, BEGIN("Eve", "Other", "5")); /* long past */
	assert_int_equal(count_all(h), 3);
	assert_int_equal(count_of(h, at.ada, ANY), 2);
	assert_int_equal(count_of(h, ANY, at.client), 2);
	assert_int_equal(count_of(h, at.eve, at.client), 1);
	assert_int_equal(count_of(h, at.eve, at.other_client), 0);
	struct listing_case c = {.search = "Ev"};
	house_run(h, list, &c);
	assert_int_equal(c.count, 1);
	assert_non_null(strstr(c.json, "\"kind\":\"end_user\",\"name\":\"Eve\""));
	assert_non_null(strstr(c.json, "\"email\":\"eve@example.org\""));
	assert_non_null(strstr(c.json, "\"name\":\"App\""));
	assert_non_null(strstr(c.json, "\"scopes\":[\"ingest:write\",\"iam:scopes:read\"]"));
}

static enum status
end_one(struct call *call, void *arg, struct error *err)
{
	return family_end(call, at.workspace, *(struct family_id *)arg, err);
}

static enum status
end_elsewhere(struct call *call, void *arg, struct error *err)
{
	return family_end(call, (struct workspace_id){{{0}}}, *(struct family_id *)arg, err);
}

struct refused_case {
	struct org_id org;
	struct uuid id;
	int64_t until_us, count;
};

static enum status
read_refusal(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql ONE =
		SQL("SELECT until_us FROM refusals WHERE org = $1 AND refused = $2");
	static const struct sql ALL = SQL("SELECT COUNT(*) FROM refusals WHERE org = $1");
	struct refused_case *c = arg;
	struct query q;

	enum status rc = query_begin(&q, tx, uuid_is_nil(c->id) ? &ALL : &ONE, err);
	assert_int_equal(rc, OK);
	query_bind_uuid(&q, 1, c->org.id);
	if (!uuid_is_nil(c->id))
		query_bind_uuid(&q, 2, c->id);
	rc = query_next(&q, err);
	*(uuid_is_nil(c->id) ? &c->count : &c->until_us) = q.row ? query_int(&q, 0) : 0;
	query_end(&q);
	return rc;
}

static void
test_families__end(void **state)
{
	struct house *h = *state;
	struct listing_case c = {.count = 0};

	house_tamper(h, BEGIN("Ada", "App", LIVE));
	house_tamper(h, BEGIN("Eve", "App", LIVE));
	house_run(h, list, &c);
	house_refused(h, &h->owner, end_elsewhere, &c.first.id, "session-not-found");
	house_run(h, end_one, &c.first.id);
	assert_int_equal(count_all(h), 1);
	house_refused(h, &h->owner, end_one, &c.first.id, "session-not-found");
	struct refused_case refused = {.org = h->org, .id = c.first.id.id};
	house_read(h, read_refusal, &refused);
	/* Longer than any access token lives. */
	assert_true(refused.until_us > clock_now_us() + 86000 * US_PER_S);
}

static enum status
end_browser(struct call *call, void *arg, struct error *err)
{
	struct session_id session = {{{[15] = 1}}};

	(void)arg;
	return endings_of_session(call, session, err);
}

static void
test_families__end_of_session(void **state)
{
	struct house *h = *state;

	for (int i = 0; i < 300; i++)
		house_tamper(h, BEGIN("Ada", "App", LIVE));
	house_run(h, end_browser, NULL);
	assert_int_equal(count_all(h), 0);
	struct refused_case refused = {.org = h->org};
	house_read(h, read_refusal, &refused);
	assert_int_equal(refused.count, 300);
}

static enum status
withdraw(struct call *call, void *arg, struct error *err)
{
	(void)arg;
	enum status rc = consent_give(call, at.ada, at.client, STR("openid"), err);
	return rc == OK ? consent_withdraw(call, at.ada, at.client, err) : rc;
}

static void
test_families__end_of_consent(void **state)
{
	struct house *h = *state;

	for (int i = 0; i < 100; i++)
		house_tamper(h, BEGIN("Ada", "App", LIVE));
	house_tamper(h, BEGIN("Ada", "Other", LIVE));
	house_tamper(h, BEGIN("Eve", "App", LIVE));
	house_run(h, withdraw, NULL);
	assert_int_equal(count_of(h, at.ada, at.client), 0);
	assert_int_equal(count_of(h, at.ada, at.other_client), 1);
	assert_int_equal(count_of(h, at.eve, at.client), 1);
	struct refused_case refused = {.org = h->org};
	house_read(h, read_refusal, &refused);
	assert_int_equal(refused.count, 100);
}

static enum status
suspend(struct call *call, void *arg, struct error *err)
{
	struct principal principal;
	const struct principal_update update = {.state = STATE_SUSPENDED};

	return principal_update(&principal, call, *(struct principal_id *)arg, &update, err);
}

static enum status delete (struct call *call, void *arg, struct error *err) {
	return principal_delete(call, *(struct principal_id *)arg, 0, err);
}

/* Of four, two each: of whoever goes none is left, of the others all but those. */
static void
check_end(struct house *h, use_case *end, struct principal_id *who)
{
	house_tamper(h, BEGIN("Ada", "App", LIVE));
	house_tamper(h, BEGIN("Ada", "Other", LIVE));
	house_tamper(h, BEGIN("Eve", "App", LIVE));
	house_tamper(h, BEGIN("Eve", "Other", LIVE));
	house_run(h, end, who);
	assert_int_equal(count_all(h), 2);
	assert_int_equal(count_of(h, *who, ANY) + count_of(h, ANY, *who), 0);
}

static void
test_families__suspended_user(void **state)
{
	check_end(*state, suspend, &at.ada);
}

static void
test_families__deleted_user(void **state)
{
	check_end(*state, delete, &at.ada);
}

static void
test_families__suspended_client(void **state)
{
	check_end(*state, suspend, &at.client);
}

static void
test_families__deleted_client(void **state)
{
	check_end(*state, delete, &at.client);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_families__list),
		TEST(test_families__end),
		TEST(test_families__end_of_session),
		TEST(test_families__end_of_consent),
		TEST(test_families__suspended_user),
		TEST(test_families__deleted_user),
		TEST(test_families__suspended_client),
		TEST(test_families__deleted_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
