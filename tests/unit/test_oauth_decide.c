/* What comes next for an authorization request, for each of its wishes. */
#include "check.h"

#include "oauth/authorize_decide.h"

#define NOW_US (INT64_C(1700000000) * US_PER_S)
#define ONE "01900000-0000-7000-8000-000000000001"

static struct ticket ticket;
static struct authorize_who who;
static struct membership memberships[3];
static struct error err;

static struct uuid
id(unsigned char n)
{
	return (struct uuid){{1, [15] = n}};
}

/* A person, signed in a minute before the request came, and member of one organisation. */
static int
start(void **state)
{
	(void)state;
	ticket = (struct ticket){
		.kind = TICKET_AUTHORIZE, .started_us = NOW_US, .max_age_s = MAX_AGE_NONE};
	for (unsigned char i = 0; i < 3; i++)
		memberships[i] = (struct membership){.org = {id((unsigned char)(10 + i))},
			.principal = {id((unsigned char)(20 + i))},
			.state = STATE_ACTIVE};
	who = (struct authorize_who){
		.found = true,
		.session = {.person = {id(1)}, .auth_us = NOW_US - 60 * US_PER_S},
		.memberships = memberships,
		.count = 1,
	};
	return 0;
}

static enum authorize_step
decided(void)
{
	err = (struct error){0};
	return authorize_decide(&ticket, &who, NOW_US + US_PER_S, &err);
}

/* With prompt none the client is told instead. */
static void
expect(enum authorize_step step, const char *code)
{
	assert_int_equal(decided(), step);
	ticket.prompt |= PROMPT_NONE;
	assert_int_equal(decided(), AUTHORIZE_REFUSE);
	assert_string_equal(err.code, code);
	ticket.prompt &= ~(unsigned)PROMPT_NONE;
}

static void
expect_refused(const char *code)
{
	assert_int_equal(decided(), AUTHORIZE_REFUSE);
	assert_string_equal(err.code, code);
}

/* Only the consent is left. */
static void
expect_good(void)
{
	assert_int_equal(decided(), AUTHORIZE_CONSENT);
	assert_int_equal(err.status, OK);
}

static void
test_oauth_decide__somebody_has_to_be_signed_in(void **state)
{
	(void)state;
	expect_good();
	who.found = false;
	expect(AUTHORIZE_SIGN_IN, "login_required");
}

static void
test_oauth_decide__who_refuses_is_believed(void **state)
{
	(void)state;
	ticket.denied = true;
	expect_refused("access_denied");
	who.found = false;
	expect_refused("access_denied");
}

static void
test_oauth_decide__prompt_login(void **state)
{
	(void)state;
	ticket.prompt = PROMPT_LOGIN;
	assert_int_equal(decided(), AUTHORIZE_SIGN_IN);
	who.session.auth_us = ticket.started_us;
	expect_good();
}

static void
test_oauth_decide__max_age(void **state)
{
	(void)state;
	ticket.max_age_s = 60;
	expect(AUTHORIZE_SIGN_IN, "login_required");
	ticket.max_age_s = 61;
	expect_good();
	ticket.max_age_s = 0;
	expect(AUTHORIZE_SIGN_IN, "login_required");
	who.session.auth_us = ticket.started_us; /* a second ago, and since the request */
	expect_good();
}

static void
test_oauth_decide__prompt_select_account(void **state)
{
	(void)state;
	ticket.prompt = PROMPT_SELECT_ACCOUNT;
	assert_int_equal(decided(), AUTHORIZE_SELECT_ACCOUNT);
	ticket.account = id(2);
	assert_int_equal(decided(), AUTHORIZE_SELECT_ACCOUNT);
	ticket.account = id(1);
	expect_good();
	ticket.account = id(2);
	who.session.auth_us = ticket.started_us;
	expect_good();
}

static void
test_oauth_decide__a_second_factor(void **state)
{
	(void)state;
	ticket.second = SECOND_WANTED;
	expect_good();
	who.has_second = true;
	expect(AUTHORIZE_SECOND_FACTOR, "interaction_required");
	who.session.second_us = NOW_US;
	expect_good();
	who.session.second_us = 0;
	ticket.second = SECOND_NEEDED;
	expect(AUTHORIZE_SECOND_FACTOR, "interaction_required");
	who.has_second = false;
	expect_refused("unmet_authentication_requirements");
}

static void
test_oauth_decide__where_to_act(void **state)
{
	(void)state;
	who.count = 3;
	expect(AUTHORIZE_SELECT_ORGANISATION, "interaction_required");
	ticket.organisation.id = id(11);
	expect_good();
	memberships[1].state = STATE_SUSPENDED;
	expect(AUTHORIZE_NOWHERE, "access_denied");
	ticket.organisation.id = id(99);
	expect(AUTHORIZE_NOWHERE, "access_denied");
	ticket.organisation = PLATFORM;
	memberships[0].state = STATE_INVITED;
	expect_good(); /* one is left */
	who.session.only_org.id = id(10);
	expect(AUTHORIZE_NOWHERE, "access_denied");
	who.count = 0;
	expect(AUTHORIZE_NOWHERE, "access_denied");
}

static void
test_oauth_decide__where_opens_what_it_opens(void **state)
{
	(void)state;
	who.count = 3;
	who.session.only_org.id = id(12);
	expect_good();
	ticket.organisation.id = id(11);
	expect(AUTHORIZE_NOWHERE, "access_denied");
}

static void
test_oauth_decide__who_it_has_to_be(void **state)
{
	(void)state;
	char text[UUID_TEXT_LEN + 1];
	ticket.subject = STR(ONE);
	expect(AUTHORIZE_SIGN_IN, "login_required");
	who.session.auth_us = ticket.started_us;
	expect_refused("login_required");
	uuid_format(text, memberships[0].principal.id);
	ticket.subject = str_from(text);
	expect_good();
}

static void
test_oauth_decide__an_end_user_acts_in_one_place(void **state)
{
	(void)state;
	bool several;
	who.session.person = (struct person_id){0};
	who.session.principal.id = id(30);
	who.session.org.id = id(40);
	who.count = 0;
	expect_good();
	authorize_choose(&who, &ticket, &several);
	assert_true(!several && uuid_eq(who.principal.id, id(30)) && uuid_eq(who.org.id, id(40)));
	ticket.prompt = PROMPT_SELECT_ACCOUNT;
	ticket.account = id(30);
	expect_good();
}

static enum authorize_step
consented(struct str scope)
{
	err = (struct error){0};
	return authorize_decide_consent(&ticket, &who, scope, &err);
}

static void
test_oauth_decide__consent(void **state)
{
	(void)state;
	assert_int_equal(consented(STR("")), AUTHORIZE_CONSENT);
	who.consented = true;
	who.consent.scope = STR("openid a:b");
	who.consent.given_us = NOW_US - 1;
	assert_int_equal(consented(STR("")), AUTHORIZE_ALLOW);
	assert_int_equal(consented(STR("a:b")), AUTHORIZE_ALLOW);
	assert_int_equal(consented(STR("a:b a:c")), AUTHORIZE_CONSENT);
	ticket.prompt = PROMPT_CONSENT;
	assert_int_equal(consented(STR("a:b")), AUTHORIZE_CONSENT);
	who.consent.given_us = NOW_US;
	assert_int_equal(consented(STR("a:b")), AUTHORIZE_ALLOW);
	ticket.prompt = PROMPT_NONE;
	assert_int_equal(consented(STR("a:c")), AUTHORIZE_REFUSE);
	assert_string_equal(err.code, "consent_required");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_oauth_decide__somebody_has_to_be_signed_in, start),
		cmocka_unit_test_setup(test_oauth_decide__who_refuses_is_believed, start),
		cmocka_unit_test_setup(test_oauth_decide__prompt_login, start),
		cmocka_unit_test_setup(test_oauth_decide__max_age, start),
		cmocka_unit_test_setup(test_oauth_decide__prompt_select_account, start),
		cmocka_unit_test_setup(test_oauth_decide__a_second_factor, start),
		cmocka_unit_test_setup(test_oauth_decide__where_to_act, start),
		cmocka_unit_test_setup(test_oauth_decide__where_opens_what_it_opens, start),
		cmocka_unit_test_setup(test_oauth_decide__who_it_has_to_be, start),
		cmocka_unit_test_setup(test_oauth_decide__an_end_user_acts_in_one_place, start),
		cmocka_unit_test_setup(test_oauth_decide__consent, start),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
