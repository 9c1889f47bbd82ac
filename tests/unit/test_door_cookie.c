/* Cookies as they come. */
#include "check.h"

#include "door/cookie.h"

static void
test_door_cookie__find(void **state)
{
	(void)state;
	struct str header = STR("a=1; __Host-b=two=2; ab=3;c=4; d");
	check_str(cookie__find(header, STR("a")), "1");
	check_str(cookie__find(header, STR("__Host-b")), "two=2");
	check_str(cookie__find(header, STR("ab")), "3");
	check_str(cookie__find(header, STR("c")), "4");
	assert_null(cookie__find(header, STR("b")).ptr);
	assert_null(cookie__find(header, STR("d")).ptr);
	assert_null(cookie__find(header, STR("A")).ptr);
	assert_null(cookie__find((struct str){0}, STR("a")).ptr);
	assert_null(cookie__find(STR(""), STR("a")).ptr);
}

/* Somebody has put a second one there: which is whose cannot be told. */
static void
test_door_cookie__twice_is_none(void **state)
{
	(void)state;
	assert_null(cookie__find(STR("a=1; a=2"), STR("a")).ptr);
	assert_null(cookie__find(STR("a=; a="), STR("a")).ptr);
}

static void
test_door_cookie__one_for_each_issuer(void **state)
{
	(void)state;
	struct cookie_name space;
	struct workspace_id issuer = {{{0}}};
	assert_string_equal(cookie__of_session(&space, issuer), "__Host-thingward");
	assert_true(uuid_parse(STR("01900000-0000-7000-8000-000000000001"), &issuer.id));
	assert_string_equal(cookie__of_session(&space, issuer),
		"__Host-thingward-01900000-0000-7000-8000-000000000001");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_door_cookie__find),
		cmocka_unit_test(test_door_cookie__twice_is_none),
		cmocka_unit_test(test_door_cookie__one_for_each_issuer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
