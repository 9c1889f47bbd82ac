/*
 * Every page with every value and with hardly any: nothing is missing, and what comes out is sound
 * HTML under a strict policy. With PAGES_TO=FOLDER they are left there, to be looked at.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "pages/assets.h"
#include "pages/templates.h"

#define PAGE_MAX ((size_t)64 * 1024)
#define OPEN_MAX 32

/* As constants, which the macros of html.h cannot be. */
#define TEXT(name_, literal)                                                                       \
	{                                                                                          \
		.name = (name_), .type = HTML_TEXT, .text = { literal, sizeof(literal) - 1 }       \
	}
#define FLAG(name_, flag_)                                                                         \
	{                                                                                          \
		.name = (name_), .type = HTML_FLAG, .flag = (flag_)                                \
	}
#define LIST(array)                                                                                \
	{                                                                                          \
		.name = #array, .type = HTML_LIST, .list = { array, ARRAY_LEN(array) }             \
	}
#define ITEM(...)                                                                                  \
	{                                                                                          \
		(const struct html_value[]){__VA_ARGS__},                                          \
			ARRAY_LEN(((const struct html_value[]){__VA_ARGS__}))                      \
	}

static const struct html_map providers[] = {
	ITEM(TEXT("link", "/sign-in/provider?provider=p1"), TEXT("name", "Example Identity")),
	ITEM(TEXT("link", "/sign-in/provider?provider=p2"), TEXT("name", "Another & Co")),
};
static const struct html_map scopes[] = {
	ITEM(TEXT("name", "telemetry:read"), TEXT("description", "Read what your devices send")),
	ITEM(TEXT("name", "commands:send"), TEXT("description", "Send commands to devices")),
	ITEM(TEXT("name", "offline_access"),
		TEXT("description", "Stay connected when you are away")),
};
static const struct html_map organisations[] = {
	ITEM(TEXT("id", "o1"), TEXT("name", "Northwind Energy")),
	ITEM(TEXT("id", "o2"), TEXT("name", "Harbour Logistics")),
	ITEM(TEXT("id", "o3"), TEXT("name", "Test bench")),
};
static const struct html_map accounts[] = {
	ITEM(TEXT("id", "a1"), TEXT("name", "Ada Moreau"), TEXT("email", "ada.moreau@example.org")),
	ITEM(TEXT("id", "a2"), TEXT("name", "Ada (on call)"), TEXT("email", "oncall@example.org")),
};
static const struct html_map roles[] = {
	ITEM(TEXT("name", "Operator")),
	ITEM(TEXT("name", "Billing administrator")),
};
static const struct html_map fields[] = {
	ITEM(TEXT("name", "code"), TEXT("value", "twx_example")),
	ITEM(TEXT("name", "state"), TEXT("value", "a\"b<c>&d")),
};
static const struct html_map sessions[] = {
	ITEM(TEXT("id", "s1"), TEXT("what", "Firefox on Linux"), TEXT("address", "192.0.2.17"),
		TEXT("since", "3 March"), TEXT("used", "now"), FLAG("current", true)),
	ITEM(TEXT("id", "s2"), TEXT("what", "Safari on iPhone"), TEXT("address", "2001:db8::4"),
		TEXT("since", "28 February"), TEXT("used", "yesterday"), FLAG("current", false)),
};
static const struct html_map clients[] = {
	ITEM(TEXT("id", "c1"), TEXT("name", "Fleet Console"),
		TEXT("organisation", "Northwind Energy"), TEXT("given", "3 March"),
		TEXT("scope", "openid telemetry:read")),
};
static const struct html_map passkeys[] = {
	ITEM(TEXT("id", "k1"), TEXT("name", "Blue security key"), TEXT("created", "12 January"),
		TEXT("used", "yesterday")),
};
static const struct html_map codes[] = {
	ITEM(TEXT("code", "7fqk-2m9x-w4ta")),
	ITEM(TEXT("code", "p3ve-88rd-jc6n")),
	ITEM(TEXT("code", "h5yb-t0gs-4kzu")),
	ITEM(TEXT("code", "xn2c-6wqe-91mf")),
};

#define OPTIONS "{\"challenge\":\"AAAA\",\"user\":{\"id\":\"AAAA\"},\"rpId\":\"localhost\"}"

static const struct html_value everything[] = {
	TEXT("brand", "Northwind Energy"),
	TEXT("action", "/sign-in"),
	TEXT("csrf", "c5rf"),
	TEXT("ticket", "t1cket"),
	TEXT("error", "That is not right. Look at what you typed, and try again."),
	TEXT("notice", "Saved."),
	TEXT("client", "Fleet Console"),
	TEXT("email", "ada.moreau@example.org"),
	TEXT("name", "Ada Moreau"),
	TEXT("organisation", "Northwind Energy"),
	TEXT("inviter", "Sam Okafor"),
	TEXT("back", "/sign-in"),
	TEXT("next", "/"),
	TEXT("next_name", "Sign in again"),
	TEXT("sign_in", "/sign-in"),
	TEXT("sign_up", "/sign-up"),
	TEXT("sign_out", "/sign-out"),
	TEXT("reset", "/reset"),
	TEXT("link_action", "/link"),
	TEXT("minutes", "15"),
	TEXT("password_least", "15"),
	TEXT("passkey_options", OPTIONS),
	TEXT("redirect_host", "fleet.example.org"),
	TEXT("scope", "openid telemetry:read"),
	TEXT("heading", "This link has expired"),
	TEXT("text", "A sign-in link works for 15 minutes and only once. Ask for another one."),
	TEXT("code", "link-expired"),
	TEXT("request_id", "01HZX3V5T8"),
	TEXT("target", "https://fleet.example.org/callback"),
	TEXT("sessions_action", "/account/sessions"),
	TEXT("account", "/account"),
	TEXT("clients_action", "/account/clients"),
	TEXT("password_action", "/account/password"),
	TEXT("totp_action", "/account/totp"),
	TEXT("passkeys_action", "/account/passkeys"),
	TEXT("recovery_left", "8"),
	TEXT("secret", "JBSW Y3DP EHPK 3PXP JBSW Y3DP EHPK 3PXP"),
	TEXT("qr", "M0 0h7v7H0zM1 1v5h5V1zM2 2h3v3H2zM14 0h7v7h-7zM15 1v5h5V1zM16 2h3v3h-3z"),
	TEXT("qr_box", "-1 -1 23 23"),
	FLAG("by_email", true),
	FLAG("second", true),
	FLAG("passkey_later", true),
	FLAG("passwords", true),
	FLAG("links", true),
	FLAG("others", true),
	FLAG("elsewhere", true),
	FLAG("totp", true),
	FLAG("recovery", true),
	FLAG("recovery_open", true),
	FLAG("for_sign_in", true),
	FLAG("for_reset", false),
	FLAG("for_sign_up", false),
	FLAG("any_scope", true),
	FLAG("any_role", true),
	FLAG("new_account", true),
	FLAG("any_client", true),
	FLAG("person", true),
	FLAG("has_password", true),
	FLAG("passkeys_possible", true),
	FLAG("signing_up", false),
	FLAG("other_sessions", true),
	LIST(providers),
	LIST(scopes),
	LIST(organisations),
	LIST(accounts),
	LIST(clients),
	LIST(roles),
	LIST(fields),
	LIST(sessions),
	LIST(passkeys),
	LIST(codes),
};
static struct html_value little[ARRAY_LEN(everything)];

static struct buf out;
static char *page; /* `out`, terminated */

/* What must be there to be on the page at all. */
static bool
is_needed(const char *name)
{
	static const char *const needed[] = {"brand", "action", "email", "back", "sign_in", "reset",
		"link_action", "minutes", "password_least", "sign_out", "heading", "text",
		"request_id", "target", "sessions_action", "password_action", "totp_action",
		"passkeys_action", "recovery_left", "secret", "redirect_host", "organisation",
		"csrf", "ticket", "name", "organisations"};
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		if (strcmp(needed[i], name) == 0)
			return true;
	}
	return false;
}

static int
start(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(everything); i++) {
		little[i] = everything[i];
		if (is_needed(everything[i].name))
			continue;
		if (everything[i].type == HTML_TEXT)
			little[i].text = STR("");
		if (everything[i].type == HTML_FLAG)
			little[i].flag = false;
		if (everything[i].type == HTML_LIST)
			little[i].list.count = 0;
	}
	buf_init(&out, PAGE_MAX);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	buf_clear(&out);
	return 0;
}

static void
show(const struct html_template *html, const struct html_value *values)
{
	struct error err = {0};
	struct html_map map = {values, ARRAY_LEN(everything)};
	buf_reset(&out);
	if (html_render(&out, html, &map, &err) != OK)
		fail_msg("%s", err.detail);
	buf_char(&out, '\0');
	assert_false(out.failed);
	page = out.ptr;
}

static unsigned
times(const char *what)
{
	unsigned found = 0;
	for (const char *at = page; (at = strstr(at, what)); at++)
		found++;
	return found;
}

static void
keep(const char *name, const char *which)
{
	char path[512];
	const char *folder = getenv("PAGES_TO");
	if (!folder)
		return;
	snprintf(path, sizeof(path), "%s/%s-%s", folder, which, name);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(page, f);
	assert_int_equal(0, fclose(f));
}

/* One after the other, with both sets of values. */
static void
on_every_page(void (*check)(const char *name))
{
	assert_true(page_template_count >= 18);
	for (size_t i = 0; i < page_template_count; i++) {
		show(page_templates[i], everything);
		keep(page_templates[i]->name, "full");
		check(page_templates[i]->name);
		show(page_templates[i], little);
		keep(page_templates[i]->name, "bare");
		check(page_templates[i]->name);
	}
}

static bool
is_void(const char *name)
{
	static const char *const voids[] = {"meta", "link", "input", "hr", "br"};
	for (size_t i = 0; i < ARRAY_LEN(voids); i++) {
		if (strcmp(voids[i], name) == 0)
			return true;
	}
	return false;
}

static void
check_nesting(const char *name)
{
	char open[OPEN_MAX][16];
	unsigned depth = 0;
	for (const char *at = page; (at = strchr(at, '<')); at++) {
		char tag[16] = "";
		bool closes = at[1] == '/';
		size_t len = strcspn(at + 1 + closes, " />\n");
		const char *end = strchr(at, '>');
		assert_true(len > 0 && len < sizeof(tag) && end);
		memcpy(tag, at + 1 + closes, len);
		if (tag[0] == '!' || is_void(tag) || end[-1] == '/')
			continue;
		if (!closes) {
			assert_true(depth < OPEN_MAX);
			memcpy(open[depth++], tag, sizeof(tag));
		} else if (depth == 0 || strcmp(open[--depth], tag) != 0) {
			fail_msg("%s: </%s> closes <%s>", name, tag, depth ? open[depth] : "");
		}
	}
	assert_int_equal(0, depth);
}

static void
test_pages__elements_nest(void **state)
{
	(void)state;
	on_every_page(check_nesting);
}

/* Content-Security-Policy: default-src 'none'; style-src, script-src, img-src, form-action 'self'
 */
static void
check_policy(const char *name)
{
	static const char *const refused[] = {" style=\"", "<style", "javascript:", " onclick",
		" onload", " onsubmit", "<iframe", "<base", "http-equiv"};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		if (strcasestr(page, refused[i]))
			fail_msg("%s: %s", name, refused[i]);
	}
	assert_int_equal(times("<script"), times("<script src=\"/assets/"));
	for (const char *at = page; (at = strstr(at, "\"/assets/")); at++) {
		struct str path = {at + 1, strcspn(at + 1, "\"")};
		bool found = false;
		for (size_t i = 0; i < page_asset_count; i++)
			found = found || str_eq(page_assets[i].path, path);
		if (!found)
			fail_msg("%s: there is no %.*s", name, STR_ARG(path));
	}
}

static void
test_pages__fit_a_strict_policy(void **state)
{
	(void)state;
	on_every_page(check_policy);
}

static void
check_forms(const char *name)
{
	if (strcmp(name, "form_post.html") == 0) {
		assert_int_equal(0, times("csrf"));
		return;
	}
	assert_int_equal(times("<form "), times("<form method=\"post\" action=\"/"));
	assert_int_equal(times("<form "), times("name=\"csrf\" value=\"c5rf\">"));
	assert_int_equal(times("<form "), times("name=\"ticket\" value=\"t1cket\">"));
	for (const char *at = page, *end; (at = strstr(at, "<form ")); at = end) {
		end = strstr(at, "</form>");
		assert_non_null(end);
		if (!memmem(at, (size_t)(end - at), "<button", 7))
			fail_msg("%s: a form without a button", name);
	}
}

static void
test_pages__every_form_is_a_post_with_its_hidden_fields(void **state)
{
	(void)state;
	on_every_page(check_forms);
}

/* The value of the attribute `name` in the tag at `at`. */
static struct str
attribute(const char *at, const char *name)
{
	size_t len = strlen(name);
	for (const char *end = strchr(at, '>'); (at = strstr(at, name)) && at < end; at++) {
		if (at[-1] == ' ' && at[len] == '=' && at[len + 1] == '"')
			return (struct str){at + len + 2, strcspn(at + len + 2, "\"")};
	}
	return (struct str){0};
}

static unsigned
elements_with(const char *name, struct str value)
{
	unsigned found = 0;
	for (const char *at = page; (at = strchr(at, '<')); at++)
		found += str_eq(attribute(at, name), value);
	return found;
}

static void
check_labels(const char *name)
{
	for (const char *at = page; (at = strchr(at, '<')); at++) {
		struct str id = attribute(at, "id");
		if (id.ptr && elements_with("id", id) != 1)
			fail_msg("%s: several are called %.*s", name, STR_ARG(id));
		struct str by = attribute(at, "aria-describedby");
		if (by.ptr && elements_with("id", by) != 1)
			fail_msg("%s: nothing is called %.*s", name, STR_ARG(by));
		struct str type = attribute(at, "type");
		if (strncmp(at, "<input ", 7) != 0 || str_eq(type, STR("hidden")) ||
			str_eq(type, STR("checkbox")))
			continue;
		if (!id.ptr || elements_with("for", id) != 1)
			fail_msg("%s: a field without a label: %.40s", name, at);
	}
}

static void
test_pages__every_field_has_a_label(void **state)
{
	(void)state;
	on_every_page(check_labels);
}

static void
check_headings(const char *name)
{
	(void)name;
	assert_int_equal(1, times("<h1>"));
	assert_int_equal(1, times("<main "));
	assert_int_equal(1, times("<title>"));
	assert_int_equal(0, times("<title> "));
	assert_true(times(" autofocus") <= 1);
	assert_true(str_starts(str_from(page), STR("<!doctype html>\n<html lang=\"en\">\n")));
}

static void
test_pages__have_a_title_and_one_heading(void **state)
{
	(void)state;
	on_every_page(check_headings);
}

static void
test_pages__assets_are_whole(void **state)
{
	(void)state;
	assert_int_equal(4, page_asset_count);
	for (size_t i = 0; i < page_asset_count; i++) {
		const struct page_asset *asset = &page_assets[i];
		assert_int_equal(18, asset->etag.len);
		assert_true(str_is_utf8(asset->bytes));
		assert_int_equal('\n', asset->bytes.ptr[asset->bytes.len - 1]);
		assert_int_equal(strlen(asset->bytes.ptr), asset->bytes.len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages__elements_nest),
		cmocka_unit_test(test_pages__fit_a_strict_policy),
		cmocka_unit_test(test_pages__every_form_is_a_post_with_its_hidden_fields),
		cmocka_unit_test(test_pages__every_field_has_a_label),
		cmocka_unit_test(test_pages__have_a_title_and_one_heading),
		cmocka_unit_test(test_pages__assets_are_whole),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
