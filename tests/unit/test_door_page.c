/* Where a page may lead, as its policy names it. */
#include "check.h"

#include "door/page.h"

static void
expect(const char *address, const char *want)
{
	char space[256];
	struct buf out;
	buf_init_fixed(&out, space, sizeof(space));
	page__source(&out, str_from(address));
	assert_false(out.failed);
	check_str(buf_view(&out), want);
}

static void
test_door_page__sources(void **state)
{
	(void)state;
	expect("https://app.example/cb?a=b", "https://app.example");
	expect("https://app.example", "https://app.example");
	expect("https://App.Example:8443/", "https://App.Example:8443");
	expect("http://127.0.0.1:8080/cb", "http://127.0.0.1:8080");
	expect("http://[::1]:8080/cb", "http:");
	expect("com.example.app:/cb", "com.example.app:");
	expect("com.example.app://cb", "com.example.app://cb");
}

/* What could end the source, or the policy, is in none. */
static void
test_door_page__sources_stay_one(void **state)
{
	(void)state;
	expect("https://a.example;script-src *", "https://a.example");
	expect("https://a.example 'unsafe-inline'", "https://a.example");
	expect("https://a.example,default-src *", "https://a.example");
	expect("https://*", "https:");
	expect("a b:c", "");
	expect("/path", "");
	expect("", "");
	expect(":", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_page__sources),
		cmocka_unit_test(test_door_page__sources_stay_one),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
