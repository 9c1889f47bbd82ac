/* Tickets: what goes in comes out, for its kind and issuer alone, and for an hour. */
#include "keyring_support.h"

#include "signin/ticket.h"

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

#define NOW_US (INT64_C(1700000000) * US_PER_S)

static struct str
sealed(const struct ticket *ticket, struct workspace_id issuer)
{
	struct error err = {0};
	struct str text;
	assert_int_equal(ticket_seal(&text, ticket, issuer, ring, arena, &err), OK);
	assert_true(text.len <= TICKET_TEXT_MAX && text.ptr[text.len] == '\0');
	return text;
}

static enum status
opened(struct ticket *out, struct str text, const struct ticket_source *source)
{
	struct error err = {0};
	enum status rc = ticket_open(out, text, source, arena, &err);
	assert_int_equal(rc, err.status);
	return rc;
}

static struct ticket_source
source_of(enum ticket_kind kind, struct workspace_id issuer)
{
	return (struct ticket_source){
		.kind = kind, .issuer = issuer, .ring = ring, .now_us = NOW_US};
}

static const struct workspace_id installation;

static void
test_ticket__round_trip(void **state)
{
	(void)state;
	struct workspace_id issuer = {uuid_new()};
	struct ticket out,
		in = {
			.kind = TICKET_AUTHORIZE,
			.started_us = NOW_US,
			.client = {uuid_new()},
			.redirect_uri = STR("https://app.example/cb?a=b"),
			.state = STR("a\"b\\c\x01\n<&> \xC3\xA9"),
			.redirect_stated = true,
			.form_post = true,
			.prompt = PROMPT_LOGIN | PROMPT_CONSENT,
			.max_age_s = 0,
			.second = SECOND_NEEDED,
			.scope = STR("openid telemetry:read"),
			.challenge = STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
			.nonce = STR("n"),
			.resource = STR("https://api.example/"),
			.login_hint = STR("ada@example.org"),
			.claims = STR("{\"id_token\":{\"email\":null}}"),
			.subject = STR("0190"),
			.account = uuid_new(),
			.organisation = {uuid_new()},
			.denied = true,
		};
	struct ticket_source source = source_of(TICKET_AUTHORIZE, issuer);
	assert_int_equal(opened(&out, sealed(&in, issuer), &source), OK);
	assert_int_equal(out.started_us, in.started_us);
	assert_true(uuid_eq(out.client.id, in.client.id));
	assert_true(str_eq(out.redirect_uri, in.redirect_uri) && str_eq(out.state, in.state));
	assert_true(out.redirect_stated && out.form_post && out.denied);
	assert_int_equal(out.prompt, in.prompt);
	assert_int_equal(out.max_age_s, 0);
	assert_int_equal(out.second, SECOND_NEEDED);
	assert_true(str_eq(out.scope, in.scope) && str_eq(out.challenge, in.challenge));
	assert_true(str_eq(out.nonce, in.nonce) && str_eq(out.resource, in.resource));
	assert_true(str_eq(out.login_hint, in.login_hint) && str_eq(out.claims, in.claims));
	assert_true(str_eq(out.subject, in.subject) && uuid_eq(out.account, in.account));
	assert_true(uuid_eq(out.organisation.id, in.organisation.id));
}

static void
test_ticket__what_is_absent_stays_absent(void **state)
{
	(void)state;
	struct ticket out,
		in = {.kind = TICKET_SIGN_OUT,
			.started_us = NOW_US,
			.max_age_s = MAX_AGE_NONE,
			.state = STR("")};
	struct ticket_source source = source_of(TICKET_SIGN_OUT, installation);
	assert_int_equal(opened(&out, sealed(&in, installation), &source), OK);
	assert_true(uuid_is_nil(out.client.id) && uuid_is_nil(out.account));
	assert_true(!out.redirect_uri.ptr && !out.scope.ptr && !out.subject.ptr);
	assert_true(out.state.ptr && out.state.len == 0);
	assert_int_equal(out.max_age_s, MAX_AGE_NONE);
}

static void
test_ticket__of_another_issuer_or_kind_is_none(void **state)
{
	(void)state;
	struct workspace_id one = {uuid_new()}, other = {uuid_new()};
	struct ticket out, in = {.kind = TICKET_AUTHORIZE, .started_us = NOW_US};
	struct str text = sealed(&in, one);
	struct ticket_source source = source_of(TICKET_AUTHORIZE, one);
	assert_int_equal(opened(&out, text, &source), OK);
	source.issuer = other;
	assert_int_equal(opened(&out, text, &source), ERR_INVALID);
	source.issuer = installation;
	assert_int_equal(opened(&out, text, &source), ERR_INVALID);
	source = source_of(TICKET_SIGN_OUT, one);
	assert_int_equal(opened(&out, text, &source), ERR_INVALID);
}

static void
test_ticket__lives_an_hour(void **state)
{
	(void)state;
	struct ticket out, in = {.kind = TICKET_AUTHORIZE, .started_us = NOW_US};
	struct str text = sealed(&in, installation);
	struct ticket_source source = source_of(TICKET_AUTHORIZE, installation);
	source.now_us = NOW_US + TICKET_LIFE_US - 1;
	assert_int_equal(opened(&out, text, &source), OK);
	source.now_us++;
	assert_int_equal(opened(&out, text, &source), ERR_INVALID);
}

static void
test_ticket__not_one_bit_may_differ(void **state)
{
	(void)state;
	struct ticket out, in = {.kind = TICKET_AUTHORIZE, .started_us = NOW_US};
	struct str text = sealed(&in, installation);
	struct ticket_source source = source_of(TICKET_AUTHORIZE, installation);
	char changed[TICKET_TEXT_MAX];
	for (size_t i = 0; i < text.len; i++) {
		memcpy(changed, text.ptr, text.len);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		struct str bad = {changed, text.len}, cut = {text.ptr, i};
		assert_int_equal(opened(&out, bad, &source), ERR_INVALID);
		assert_int_equal(opened(&out, cut, &source), ERR_INVALID);
	}
	assert_int_equal(opened(&out, (struct str){0}, &source), ERR_INVALID);
}

static void
test_ticket__is_bounded(void **state)
{
	(void)state;
	char longest[TICKET_TEXT_MAX + 8];
	struct error err = {0};
	struct ticket out, in = {.kind = TICKET_AUTHORIZE, .started_us = NOW_US};
	struct ticket_source source = source_of(TICKET_AUTHORIZE, installation);
	struct str text;
	memset(longest, 'a', sizeof(longest));
	in.scope = (struct str){longest, 2000};
	assert_int_equal(opened(&out, sealed(&in, installation), &source), OK);
	in.scope.len = 2400;
	assert_int_equal(ticket_seal(&text, &in, installation, ring, arena, &err), ERR_INVALID);
	assert_string_equal(err.code, "ticket-too-long");
	assert_int_equal(
		opened(&out, (struct str){longest, sizeof(longest)}, &source), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ticket__round_trip),
		cmocka_unit_test(test_ticket__what_is_absent_stays_absent),
		cmocka_unit_test(test_ticket__of_another_issuer_or_kind_is_none),
		cmocka_unit_test(test_ticket__lives_an_hour),
		cmocka_unit_test(test_ticket__not_one_bit_may_differ),
		cmocka_unit_test(test_ticket__is_bounded),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
