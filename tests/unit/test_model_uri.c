#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/uri.h"

static enum status
check_native(struct str uri, const char *field, struct error *err)
{
	return redirect_uri_check(uri, true, field, err);
}

static enum status
check_plain(struct str uri, const char *field, struct error *err)
{
	return redirect_uri_check(uri, false, field, err);
}

typedef enum status check(struct str uri, const char *field, struct error *err);
static check *const ALL[] = {check_native, check_plain, endpoint_uri_check, issuer_uri_check};

static bool
takes(check *one, const char *uri)
{
	struct error err = {0};
	enum status rc = one(str_from(uri), "redirect_uris[0]", &err);
	if (rc == OK)
		return true;
	assert_int_equal(rc, ERR_INVALID);
	assert_string_equal(err.code, "invalid-uri");
	assert_non_null(strstr(err.text, "redirect_uris[0]"));
	return false;
}

static void
test_uri__everywhere(void **state)
{
	static const char *const GOOD[] = {"https://app.example.org", "https://app.example.org/",
		"https://app.example.org:8443/a/b%20c;d=e~f", "https://[2001:db8::1]:8443/back",
		"http://127.0.0.1/back", "http://127.0.0.1:51004/back", "http://[::1]:51004/back"};
	static const char *const BAD[] = {"", "/back", "app.example.org/back", "//app.example.org/",
		"https:", "https:/back", "https://", "https:///back", "https://:443/",
		"1ttps://x.org", "https://app.example.org/#top", "https://app.example.org#",
		"https://me@example.org/", "https://me:secret@example.org/",
		"https://exa mple.org/", "https://example.org/\n", "https://example.org/a\\b",
		"https://example.org/\xc3\xa4", "https://ex%61mple.org/", "https://example.org/%zz",
		"https://example.org/%2", "https://example.org:0/", "https://example.org:65536/",
		"https://example.org:80a/", "https://example.org:/", "https://*.example.org/",
		"https://[::1/", "https://[]/", "https://[::1]x/", "http://example.org/back",
		"http://localhost/back", "http://127.0.0.1.example.org/", "http://127.0.0.2/",
		"http://[::2]/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd",
		"ftp://example.org/", "HTTP://example.org/"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(ALL); i++) {
		for (size_t j = 0; j < ARRAY_LEN(GOOD); j++) {
			if (!takes(ALL[i], GOOD[j]))
				fail_msg("%zu refused %s", i, GOOD[j]);
		}
		for (size_t j = 0; j < ARRAY_LEN(BAD); j++) {
			if (takes(ALL[i], BAD[j]))
				fail_msg("%zu took %s", i, BAD[j]);
		}
	}
}

static void
test_uri__own_scheme(void **state)
{
	(void)state;
	assert_true(takes(check_native, "com.example.app:/back"));
	assert_true(takes(check_native, "com.example.app:back?x=1"));
	assert_false(takes(check_native, "com.example.app://host/back"));
	assert_false(takes(check_native, "com.example.app:"));
	assert_false(takes(check_native, "myapp:/back"));
	assert_false(takes(check_plain, "com.example.app:/back"));
	assert_false(takes(endpoint_uri_check, "com.example.app:/back"));
}

static void
test_uri__query_and_star(void **state)
{
	(void)state;
	assert_true(takes(check_plain, "https://example.org/back?keep=me"));
	assert_true(takes(endpoint_uri_check, "https://example.org/jwks?version=2"));
	assert_false(takes(issuer_uri_check, "https://example.org/?tenant=2"));
	assert_false(takes(check_plain, "https://example.org/back/*"));
	assert_true(takes(endpoint_uri_check, "https://example.org/jwks/*"));
}

static void
test_uri__length(void **state)
{
	static char text[URI_MAX_BYTES + 2] = "https://example.org/";

	(void)state;
	memset(text + strlen(text), 'x', URI_MAX_BYTES - strlen(text));
	assert_true(takes(check_plain, text));
	text[URI_MAX_BYTES] = 'x';
	assert_false(takes(check_plain, text));
	struct error err = {0};
	assert_int_equal(
		redirect_uri_check((struct str){0}, true, "redirect_uris[0]", &err), ERR_INVALID);
	struct error nul = {0};
	assert_int_equal(
		endpoint_uri_check(STR("https://example.org/\0x"), "jwks_uri", &nul), ERR_INVALID);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uri__everywhere),
		cmocka_unit_test(test_uri__own_scheme),
		cmocka_unit_test(test_uri__query_and_star),
		cmocka_unit_test(test_uri__length),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
