#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/form.h"

static struct arena *arena;

static enum status
parse(struct http_form *form, const char *text)
{
	struct error err = {0};
	return http__form_parse(form, str_from(text), arena, &err);
}

static bool
has(const struct http_form *form, const char *name, const char *value)
{
	bool repeated;
	return str_eq(http_form_get(form, name, &repeated), str_from(value)) && !repeated;
}

static void
test_http_form__fields(void **state)
{
	struct http_form form;
	bool repeated;
	(void)state;
	assert_int_equal(parse(&form, "email=a%40b.c&password=%C3%A9+%2B&empty=&bare&&x=1=2"), OK);
	assert_int_equal(form.count, 5);
	assert_true(has(&form, "email", "a@b.c") && has(&form, "password", "\xC3\xA9 +"));
	assert_true(has(&form, "empty", "") && has(&form, "bare", "") && has(&form, "x", "1=2"));
	assert_null(http_form_get(&form, "Email", &repeated).ptr);
	assert_null(http_form_repeated(&form).ptr);
	assert_int_equal(parse(&form, ""), OK);
	assert_int_equal(form.count, 0);
}

static void
test_http_form__repeated(void **state)
{
	struct http_form form;
	bool repeated;
	(void)state;
	assert_int_equal(parse(&form, "a=1&b=2&%61=3"), OK);
	assert_true(str_eq(http_form_get(&form, "a", &repeated), STR("1")) && repeated);
	assert_true(has(&form, "b", "2"));
	assert_true(str_eq(http_form_repeated(&form), STR("a")));
}

static void
test_http_form__refused(void **state)
{
	static const char *const bad[] = {
		"a=%", "a=%4", "a=%zz", "a=%00", "a=b\n", "a=\x7f", "a=\xff", "%c3=%a9", "a=%ff"};
	struct http_form form;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(parse(&form, bad[i]), ERR_INVALID);
}

static void
test_http_form__bounds(void **state)
{
	static char text[HTTP_FORM_MAX + 2];
	struct http_form form;
	(void)state;
	for (size_t i = 0; i < HTTP_FORM_FIELDS_MAX; i++)
		memcpy(text + 2 * i, "a&", 2);
	assert_int_equal(parse(&form, text), OK);
	memcpy(text + (size_t)2 * HTTP_FORM_FIELDS_MAX, "a", 1);
	assert_int_equal(parse(&form, text), ERR_INVALID);
	memset(text, 'a', HTTP_FORM_MAX);
	assert_int_equal(parse(&form, text), OK);
	text[HTTP_FORM_MAX] = 'a';
	assert_int_equal(parse(&form, text), ERR_TOO_LARGE);
}

static int
setup(void **state)
{
	(void)state;
	arena = arena_new((size_t)1024 * 1024);
	return arena ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_form__fields),
		cmocka_unit_test(test_http_form__repeated),
		cmocka_unit_test(test_http_form__refused),
		cmocka_unit_test(test_http_form__bounds),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
