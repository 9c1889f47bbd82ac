#include "keyring_support.h"

#include "signin/browser.h"

static struct arena *arena;
static struct keyring *ring;

static int
set_up(void **state)
{
	(void)state;
	ring = make_keyring();
	arena = arena_new((size_t)1024 * 1024);
	return arena ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	keyring_free(&ring);
	arena_free(&arena);
	return 0;
}

static struct browser
make(void)
{
	struct browser browser;
	struct error err = {0};

	assert_int_equal(browser_make(&browser, arena, &err), OK);
	return browser;
}

static struct browser
remember(struct browser browser, const struct browser_account *account)
{
	struct error err = {0};
	struct str cookie;

	assert_int_equal(browser_remember(&cookie, &browser, ring, account, arena, &err), OK);
	browser_parse(&browser, cookie);
	return browser;
}

static void
test_browser__cookie(void **state)
{
	static const char *const bad[] = {"", ".", "short", ".x",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
		"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+A"};
	struct browser made = make(), again;

	(void)state;
	browser_parse(&again, made.id);
	assert_true(str_eq(again.id, made.id) && again.mark_count == 0);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		browser_parse(&again, str_from(bad[i]));
		assert_null(again.id.ptr);
	}
	browser_parse(&again, (struct str){0});
	assert_null(again.id.ptr);
}

static void
test_browser__accounts(void **state)
{
	const struct browser_account ada = {.email_normal = STR("ada@example.org")};
	struct browser_account other = {{uuid_new()}, STR("ada@example.org")};
	struct browser one = make(), two = make();

	(void)state;
	assert_false(browser_knows(&one, ring, &ada));
	one = remember(one, &ada);
	assert_true(browser_knows(&one, ring, &ada));
	assert_false(browser_knows(&one, ring, &other));
	one = remember(remember(one, &ada), &other);
	assert_int_equal(one.mark_count, 2);
	assert_true(browser_knows(&one, ring, &ada) && browser_knows(&one, ring, &other));
	/* What one browser knows is of no use to another. */
	two.marks[0] = one.marks[1];
	two.mark_count = 1;
	assert_false(browser_knows(&two, ring, &ada));
	/* The oldest is forgotten. */
	for (int i = 0; i < BROWSER_ACCOUNTS_MAX - 1; i++) {
		other.issuer.id = uuid_new();
		one = remember(one, &other);
	}
	assert_int_equal(one.mark_count, BROWSER_ACCOUNTS_MAX);
	assert_false(browser_knows(&one, ring, &ada));
	assert_true(browser_knows(&one, ring, &other));
}

static void
test_browser__csrf(void **state)
{
	const struct session_id session = {uuid_new()}, none = {{{0}}};
	struct browser one = make(), two = make();
	char token[CSRF_TEXT_MAX], own[CSRF_TEXT_MAX];

	(void)state;
	csrf_token(token, &one, none, ring);
	assert_true(csrf_check(str_from(token), &one, none, ring));
	assert_false(csrf_check(str_from(token), &two, none, ring));
	assert_false(csrf_check(str_from(token), &one, session, ring));
	csrf_token(own, &one, session, ring);
	assert_true(csrf_check(str_from(own), &one, session, ring));
	assert_false(csrf_check(str_from(own), &one, none, ring));
	assert_false(csrf_check(STR(""), &one, none, ring));
	assert_false(csrf_check((struct str){0}, &one, none, ring));
	assert_false(csrf_check(str_from(token), &(struct browser){0}, none, ring));
	token[5] ^= 1;
	assert_false(csrf_check(str_from(token), &one, none, ring));
}

static void
test_browser__origin(void **state)
{
	const struct str base = STR("https://iam.example.org"), none = {0};

	(void)state;
	assert_true(csrf_origin_ok(base, STR("same-origin"), STR("null")));
	assert_true(csrf_origin_ok(base, none, base));
	assert_true(csrf_origin_ok(base, none, STR("null")));
	assert_true(csrf_origin_ok(base, none, none));
	assert_false(csrf_origin_ok(base, STR("same-site"), base));
	assert_false(csrf_origin_ok(base, STR("cross-site"), base));
	assert_false(csrf_origin_ok(base, STR("none"), none));
	assert_false(csrf_origin_ok(base, none, STR("https://evil.example")));
	assert_false(csrf_origin_ok(base, none, STR("http://iam.example.org")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_browser__cookie),
		cmocka_unit_test(test_browser__accounts),
		cmocka_unit_test(test_browser__csrf),
		cmocka_unit_test(test_browser__origin),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
