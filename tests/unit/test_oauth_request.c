/* Authorization requests: what is taken, what is refused, by which name, and where that is told. */
#include "check.h"

#include <stdio.h>

#include "oauth/authorize_request.h"
#include "oauth/redirect.h"

#define CLIENT "01900000-0000-7000-8000-000000000001"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
#define BASE "client_id=" CLIENT "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb&response_type=code"
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

static struct arena *arena;
static struct str uris[] = {
	{"https://app.example/cb", 22},
	{"http://127.0.0.1/cb", 19},
	{"http://[::1]:8000/cb?a=b", 24},
	{"com.example.app:/cb", 19},
};
static struct client_view client;

static int
start(void **state)
{
	(void)state;
	arena = arena_new((size_t)1024 * 1024);
	client = (struct client_view){
		.type = CLIENT_PUBLIC,
		.redirect_uris = {uris, ARRAY_LEN(uris)},
		.require_pkce = true,
	};
	return arena && uuid_parse(STR(CLIENT), &client.id.id) ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct http_form
form_of(const char *text)
{
	struct http_form form;
	struct error err = {0};
	assert_int_equal(http__form_parse(&form, str_from(text), arena, &err), OK);
	return form;
}

/* The error that the client is told, or "" when the request is good; "page" when it is no redirect.
 */
static const char *
outcome(struct ticket *out, const char *text)
{
	static struct error err;
	struct http_form form = form_of(text);
	struct str hint;
	err = (struct error){0};
	if (authorize_place(out, &form, &client, &err) != OK)
		return "page";
	if (authorize_parse(out, &hint, &form, &client, arena, &err) == OK)
		return "";
	/* RFC 6749 section 4.1.2.1: what an error_description may hold. */
	for (const char *c = err.text; *c; c++)
		assert_true(*c >= 0x20 && *c < 0x7f && *c != '"' && *c != '\\');
	return err.code;
}

static void
expect(const char *text, const char *want)
{
	struct ticket ticket;
	const char *got = outcome(&ticket, text);
	if (strcmp(got, want) != 0)
		print_error("%s\n", text);
	assert_string_equal(got, want);
}

static void
test_oauth_request__a_good_one(void **state)
{
	(void)state;
	struct ticket t;
	assert_string_equal(
		outcome(&t,
			BASE PKCE "&state=a%20b%22%26&scope=openid++x:y%20openid"
				  "&nonce=n&login_hint=ada%40example.org&max_age=60"
				  "&prompt=login%20consent%20later&response_mode=form_post"
				  "&resource=urn:api:1&ui_locales=xx&unknown=1&display=page"),
		"");
	check_str(t.redirect_uri, "https://app.example/cb");
	check_str(t.state, "a b\"&");
	check_str(t.scope, "openid x:y");
	check_str(t.challenge, CHALLENGE);
	check_str(t.nonce, "n");
	check_str(t.login_hint, "ada@example.org");
	check_str(t.resource, "urn:api:1");
	assert_int_equal(t.max_age_s, 60);
	assert_int_equal(t.prompt, PROMPT_LOGIN | PROMPT_CONSENT);
	assert_true(t.form_post && t.redirect_stated && !t.subject.ptr);
	assert_true(uuid_eq(t.client.id, client.id.id));
	assert_string_equal(outcome(&t, BASE PKCE), "");
	assert_true(!t.state.ptr && !t.scope.ptr && !t.nonce.ptr && !t.form_post);
	assert_int_equal(t.max_age_s, MAX_AGE_NONE);
}

static void
test_oauth_request__client_id(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "client_id=", "client_id=x", "client_id=" CLIENT "1",
		"client_id=" CLIENT "&client_id=" CLIENT};
	struct principal_id id;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {0};
		struct http_form form = form_of(bad[i]);
		assert_int_equal(authorize_client(&id, &form, &err), ERR_INVALID);
	}
	struct error err = {0};
	struct http_form form = form_of(BASE);
	assert_int_equal(authorize_client(&id, &form, &err), OK);
}

static void
test_oauth_request__redirects(void **state)
{
	(void)state;
	static const char *const good[] = {"https://app.example/cb", "http://127.0.0.1/cb",
		"http://127.0.0.1:1/cb", "http://127.0.0.1:65535/cb", "http://[::1]/cb?a=b",
		"http://[::1]:9/cb?a=b", "com.example.app:/cb"};
	static const char *const bad[] = {"https://app.example/cb/", "https://app.example/cb?",
		"https://app.example/cb#", "https://app.example/c", "https://app.example/cb/../x",
		"https://app.example:443/cb", "https://APP.example/cb", "HTTPS://app.example/cb",
		"https://app.example@evil.example/cb", "https://app.example.evil.example/cb",
		"https://app.example\\@evil.example/cb", "https://app.example%2Fcb",
		"https://app.example/cb%00", "//app.example/cb", "/cb", "javascript:alert(1)",
		"http://127.0.0.1:80@evil.example/cb", "http://127.0.0.1@evil.example/cb",
		"http://127.0.0.1:/cb", "http://127.0.0.1:123456/cb", "http://127.0.0.1:8a/cb",
		"http://127.0.0.1.evil.example/cb", "http://127.0.0.1\\/cb", "http://127.0.0.1",
		"http://127.0.0.1/cb?a=b", "http://127.0.0.1:80/cb#", "http://127.0.0.2/cb",
		"http://127.1/cb", "https://127.0.0.1/cb", "http://localhost/cb",
		"http://[::1]:9/cb", "http://[::1]]:9/cb?a=b", "http://[::ffff:127.0.0.1]/cb?a=b",
		"com.example.app://cb", "com.example.app:/cb:1", " https://app.example/cb",
		"https://app.example/cb\n", ""};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(redirect_is_registered(&client.redirect_uris, str_from(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		if (redirect_is_registered(&client.redirect_uris, str_from(bad[i])))
			fail_msg("%s", bad[i]);
	assert_false(redirect_is_registered(&client.redirect_uris, (struct str){0}));
}

static void
test_oauth_request__a_redirect_left_out(void **state)
{
	(void)state;
	const char *without = "client_id=" CLIENT "&response_type=code" PKCE;
	const char *openid = "client_id=" CLIENT "&response_type=code&scope=x+openid" PKCE;
	const char *twice = BASE PKCE "&redirect_uri=https%3A%2F%2Fapp.example%2Fcb";
	struct ticket t;
	expect(without, "page");
	client.redirect_uris.count = 1;
	assert_string_equal(outcome(&t, without), "");
	check_str(t.redirect_uri, "https://app.example/cb");
	assert_false(t.redirect_stated);
	expect(openid, "page");
	expect(twice, "page");
	client.redirect_uris.count = 0;
	expect(without, "page");
	client.redirect_uris.count = ARRAY_LEN(uris);
}

static void
test_oauth_request__errors_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *more, *want;
	} cases[] = {
		{PKCE "&state=a&state=a", "invalid_request"},
		{PKCE "&unknown=a&unknown=b", "invalid_request"},
		{PKCE "&resource=urn:a&resource=urn:b", "invalid_target"},
		{PKCE "&resource=relative", "invalid_target"},
		{PKCE "&resource=urn:a%23b", "invalid_target"},
		{PKCE "&resource=1:a", "invalid_target"},
		{PKCE "&resource=a/b:c", "invalid_target"},
		{PKCE "&request=x", "request_not_supported"},
		{PKCE "&request_uri=x", "request_uri_not_supported"},
		{PKCE "&registration=%7B%7D", "registration_not_supported"},
		{PKCE "&response_mode=fragment", "invalid_request"},
		{PKCE "&scope=a%22b", "invalid_scope"},
		{PKCE "&scope=a%0Ab", "invalid_scope"},
		{PKCE "&scope=%C3%A9", "invalid_scope"},
		{PKCE "&prompt=none%20login", "invalid_request"},
		{PKCE "&prompt=none%20none", ""},
		{PKCE "&prompt=", ""},
		{PKCE "&max_age=-1", "invalid_request"},
		{PKCE "&max_age=1.5", "invalid_request"},
		{PKCE "&max_age=99999999999999999999", "invalid_request"},
		{PKCE "&max_age=999999999999", ""},
		{PKCE "&organization=x", "invalid_request"},
		{PKCE "&claims=x", "invalid_request"},
		{PKCE "&claims=%5B%5D", "invalid_request"},
		{PKCE "&claims=%7B%22id_token%22:1%7D", "invalid_request"},
		{PKCE "&claims=%7B%22userinfo%22:%7B%22a%22:1%7D%7D", "invalid_request"},
		{PKCE "&claims=%7B%22other%22:1%7D", ""},
		{"", "invalid_request"},
		{"&code_challenge=" CHALLENGE, "invalid_request"},
		{"&code_challenge_method=S256", "invalid_request"},
		{"&code_challenge=" CHALLENGE "&code_challenge_method=plain", "invalid_request"},
		{"&code_challenge=" CHALLENGE "&code_challenge_method=s256", "invalid_request"},
		{"&code_challenge=" CHALLENGE "A&code_challenge_method=S256", "invalid_request"},
		{"&code_challenge=" CHALLENGE "%3D&code_challenge_method=S256", "invalid_request"},
		{"&code_challenge=short&code_challenge_method=S256", "invalid_request"},
	};
	char text[1024];
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		snprintf(text, sizeof(text), "%s%s", BASE, cases[i].more);
		expect(text, cases[i].want);
	}
#define WITHOUT_TYPE "client_id=" CLIENT "&redirect_uri=https://app.example/cb" PKCE
	expect(WITHOUT_TYPE, "invalid_request");
	expect(WITHOUT_TYPE "&response_type=token", "unsupported_response_type");
	expect(WITHOUT_TYPE "&response_type=code+id_token", "unsupported_response_type");
	expect(WITHOUT_TYPE "&response_type=code+code", "unsupported_response_type");
}

static void
test_oauth_request__a_secret_may_stand_for_pkce(void **state)
{
	(void)state;
	client.type = CLIENT_CONFIDENTIAL;
	expect(BASE, "invalid_request");
	client.require_pkce = false;
	expect(BASE, "");
	expect(BASE "&code_challenge=" CHALLENGE, "invalid_request");
	expect(BASE PKCE, "");
	client.type = CLIENT_PUBLIC;
	expect(BASE, "invalid_request");
	client.require_pkce = true;
}

static void
test_oauth_request__form_post_needs_an_address_for_forms(void **state)
{
	(void)state;
	struct ticket t;
	const char *text = "client_id=" CLIENT "&redirect_uri=com.example.app:/cb"
			   "&response_type=code&response_mode=form_post" PKCE;
	assert_string_equal(outcome(&t, text), "invalid_request");
	assert_false(t.form_post);
}

static enum ticket_second
second_of(const char *more, const char *want)
{
	struct ticket t;
	char text[1024];
	snprintf(text, sizeof(text), "%s%s", BASE PKCE, more);
	assert_string_equal(outcome(&t, text), want);
	return t.second;
}

#define ACR(json) "&claims=%7B%22id_token%22:%7B%22acr%22:" json "%7D%7D"

static void
test_oauth_request__acr(void **state)
{
	(void)state;
	assert_int_equal(second_of("&acr_values=urn:thingward:acr:2", ""), SECOND_WANTED);
	assert_int_equal(second_of("&acr_values=urn:x+urn:thingward:acr:2+urn:thingward:acr:1", ""),
		SECOND_WANTED);
	assert_int_equal(second_of("&acr_values=urn:thingward:acr:1+urn:thingward:acr:2", ""),
		SECOND_NOT_ASKED);
	assert_int_equal(second_of("&acr_values=gold", ""), SECOND_NOT_ASKED);
	assert_int_equal(second_of(ACR("null"), ""), SECOND_NOT_ASKED);
	assert_int_equal(second_of(ACR("%7B%22essential%22:true%7D"), ""), SECOND_NOT_ASKED);
	assert_int_equal(
		second_of(ACR("%7B%22value%22:%22urn:thingward:acr:2%22%7D"), ""), SECOND_WANTED);
	assert_int_equal(
		second_of(ACR("%7B%22essential%22:true,%22value%22:%22urn:thingward:acr:2%22%7D"),
			""),
		SECOND_NEEDED);
	assert_int_equal(second_of(ACR("%7B%22essential%22:true,%22values%22:%5B%22urn:thingward:"
				       "acr:2%22,%22urn:thingward:acr:1%22"
				       "%5D%7D"),
				 ""),
		SECOND_NOT_ASKED);
	(void)second_of(ACR("%7B%22essential%22:true,%22values%22:%5B%22gold%22%5D%7D"),
		"unmet_authentication_requirements");
	(void)second_of(ACR("%7B%22values%22:%5B%22gold%22%5D%7D"), "");
}

static void
test_oauth_request__who_it_has_to_be(void **state)
{
	(void)state;
	struct ticket t;
	const char *claims = "%7B%22id_token%22:%7B%22sub%22:%7B%22value%22:%22me%22%7D%7D%7D";
	char text[1024];
	snprintf(text, sizeof(text), "%s&claims=%s&organization=%s", BASE PKCE, claims, CLIENT);
	assert_string_equal(outcome(&t, text), "");
	check_str(t.subject, "me");
	assert_true(uuid_eq(t.organisation.id, client.id.id));
	client.workspace.id = client.id.id;
	assert_string_equal(outcome(&t, text), "");
	assert_true(uuid_is_nil(t.organisation.id));
	client.workspace = (struct workspace_id){0};
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_oauth_request__a_good_one),
		cmocka_unit_test(test_oauth_request__client_id),
		cmocka_unit_test(test_oauth_request__redirects),
		cmocka_unit_test(test_oauth_request__a_redirect_left_out),
		cmocka_unit_test(test_oauth_request__errors_by_name),
		cmocka_unit_test(test_oauth_request__a_secret_may_stand_for_pkce),
		cmocka_unit_test(test_oauth_request__form_post_needs_an_address_for_forms),
		cmocka_unit_test(test_oauth_request__acr),
		cmocka_unit_test(test_oauth_request__who_it_has_to_be),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
