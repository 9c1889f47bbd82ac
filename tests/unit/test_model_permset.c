#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/ceiling.h"
#include "model/kinds.h"
#include "permset_support.h"

static struct arena *arena;

static int
setup(void **state)
{
	(void)state;
	arena = arena_new(64 * 1024);
	return arena ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static struct permset
set_of(uint32_t limit, const uint32_t *numbers, size_t count)
{
	struct permset set;
	assert_true(permset_init(&set, arena, limit));
	for (size_t i = 0; i < count; i++)
		permset_add(&set, numbers[i]);
	return set;
}

#define SET(limit, ...)                                                                            \
	set_of(limit, (const uint32_t[]){__VA_ARGS__},                                             \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void
test_permset__add(void **state)
{
	(void)state;
	struct permset set = SET(200, 0, 63, 64, 199);
	assert_true(permset_has(&set, 0));
	assert_true(permset_has(&set, 63));
	assert_true(permset_has(&set, 64));
	assert_true(permset_has(&set, 199));
	assert_false(permset_has(&set, 1));
	assert_false(permset_has(&set, 65));
	assert_int_equal(count_of(&set), 4);
}

static void
test_permset__beyond_its_words_is_empty(void **state)
{
	(void)state;
	struct permset set = SET(64, 5);
	assert_false(permset_has(&set, 64));
	assert_false(permset_has(&set, PERMISSION_LIMIT));
	assert_false(permset_has(&set, PERMISSION_NONE));
	assert_int_equal(permset_next(&set, 6), PERMISSION_NONE);
	assert_int_equal(permset_next(&set, PERMISSION_NONE), PERMISSION_NONE);
}

static void
test_permset__none(void **state)
{
	(void)state;
	struct permset none;
	assert_true(permset_init(&none, arena, 0));
	assert_true(permset_is_empty(&none));
	assert_false(permset_has(&none, 0));
	assert_int_equal(permset_next(&none, 0), PERMISSION_NONE);
	struct permset some = SET(64, 1);
	assert_true(permset_contains(&some, &none));
	assert_true(permset_contains(&none, &none));
	assert_false(permset_contains(&none, &some));
}

static void
test_permset__no_memory(void **state)
{
	(void)state;
	struct permset set;
	struct arena *small = arena_new(16);
	assert_false(permset_init(&set, small, PERMISSION_LIMIT));
	assert_false(permset_has(&set, 0));
	assert_true(permset_is_empty(&set));
	arena_free(&small);
}

static void
test_permset__unite_and_contain(void **state)
{
	(void)state;
	struct permset large = SET(2048, 3, 1024);
	struct permset small = SET(64, 7);
	assert_false(permset_contains(&large, &small));
	permset_unite(&large, &small);
	assert_true(permset_contains(&large, &small));
	assert_false(permset_contains(&small, &large));
	assert_int_equal(count_of(&large), 3);
	/* A larger set whose upper words are empty is still a subset. */
	struct permset sparse = SET(8192, 7);
	assert_true(permset_contains(&small, &sparse));
}

static void
test_permset__subtract(void **state)
{
	(void)state;
	struct permset large = SET(2048, 3, 7, 64, 1024);
	struct permset small = SET(64, 7, 9);
	permset_subtract(&large, &small);
	assert_int_equal(count_of(&large), 3);
	assert_false(permset_has(&large, 7));
	/* What the larger one has beyond the words of the smaller does not matter. */
	struct permset wide = SET(8192, 9, 8000);
	permset_subtract(&small, &wide);
	assert_int_equal(count_of(&small), 1);
	assert_true(permset_has(&small, 7));
	permset_subtract(&large, &large);
	assert_true(permset_is_empty(&large));
}

static void
test_permset__walk(void **state)
{
	(void)state;
	const uint32_t numbers[] = {0, 1, 63, 64, 127, 1023, 1024, 8191};
	struct permset set = set_of(8192, numbers, ARRAY_LEN(numbers));
	size_t seen = 0;
	for (uint32_t p = permset_next(&set, 0); p != PERMISSION_NONE;
		p = permset_next(&set, p + 1)) {
		assert_true(seen < ARRAY_LEN(numbers));
		assert_int_equal(p, numbers[seen++]);
	}
	assert_int_equal(seen, ARRAY_LEN(numbers));
}

static void
test_ceiling__allows(void **state)
{
	(void)state;
	struct ceiling only = {false, SET(64, 5)};
	struct ceiling except = {true, SET(64, 5)};
	assert_true(ceiling_allows(&only, 5));
	assert_false(ceiling_allows(&only, 6));
	assert_false(ceiling_allows(&only, 5000));
	assert_false(ceiling_allows(&except, 5));
	assert_true(ceiling_allows(&except, 6));
	/* What comes later is included. */
	assert_true(ceiling_allows(&except, 5000));
}

static enum status
check_ceiling(const char *text, struct error *err)
{
	struct json *doc = NULL;
	*err = (struct error){0};
	enum status rc = json_parse(&doc, str_from(text), JSON_LIMITS_DEFAULT, err);
	if (rc == OK)
		rc = ceiling_check(doc, err);
	json_free(&doc);
	return rc;
}

static void
test_ceiling__form(void **state)
{
	(void)state;
	struct error err;
	assert_int_equal(check_ceiling("{\"only\":[]}", &err), OK);
	assert_int_equal(check_ceiling("{\"only\":[\"devices:read\"]}", &err), OK);
	assert_int_equal(check_ceiling("{\"except\":[\"iam:groups:read\"]}", &err), OK);
	const char *const refused[] = {"[]", "{}", "\"only\"", "null", "{\"only\":null}",
		"{\"only\":\"devices:read\"}", "{\"only\":[],\"except\":[]}", "{\"all\":[]}",
		"{\"only\":{}}"};
	for (size_t i = 0; i < ARRAY_LEN(refused); i++) {
		assert_int_equal(check_ceiling(refused[i], &err), ERR_INVALID);
		assert_string_equal(err.code, "invalid-ceiling");
	}
	assert_int_equal(check_ceiling("{\"except\":[\"a:b\",7]}", &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "ceiling.except[1]"));
	assert_int_equal(check_ceiling("{\"only\":[\"a:b\",\"a\"]}", &err), ERR_INVALID);
	assert_non_null(strstr(err.text, "ceiling.only[1]"));
}

static void
test_ceiling__too_many(void **state)
{
	(void)state;
	struct buf text;
	struct error err;
	for (unsigned extra = 0; extra < 2; extra++) {
		buf_init(&text, 16384);
		buf_str(&text, STR("{\"only\":[\"a:b\""));
		for (unsigned i = 1; i < CEILING_NAMES_MAX + extra; i++)
			buf_str(&text, STR(",\"a:b\""));
		buf_append(&text, "]}", 3);
		assert_false(text.failed);
		assert_int_equal(check_ceiling(text.ptr, &err), extra ? ERR_INVALID : OK);
		buf_clear(&text);
	}
}

static void
test_kinds__names_return(void **state)
{
	(void)state;
	for (int k = KIND_MEMBER; k < KIND_COUNT; k++)
		assert_int_equal(kind_parse(str_from(kind_name((enum principal_kind)k))), k);
	for (int s = STATE_ACTIVE; s <= STATE_REVOKED; s++)
		assert_int_equal(state_parse(str_from(state_name((enum state)s))), s);
	for (int n = NODE_PLATFORM; n <= NODE_RESOURCE; n++)
		assert_int_equal(node_kind_parse(str_from(node_kind_name((enum node_kind)n))), n);
	for (int c = CLASS_READ; c <= CLASS_DESTRUCTIVE; c++)
		assert_int_equal(permission_class_parse(
					 str_from(permission_class_name((enum permission_class)c))),
			c);
	assert_string_equal(kind_name(KIND_END_USER), "end_user");
	assert_string_equal(node_kind_name(NODE_ORG), "organisation");
}

static void
test_kinds__unknown(void **state)
{
	(void)state;
	assert_int_equal(kind_parse(STR("Member")), KIND_NONE);
	assert_int_equal(kind_parse(STR("")), KIND_NONE);
	assert_int_equal(kind_parse((struct str){0}), KIND_NONE);
	assert_int_equal(kind_parse(STR("none")), KIND_NONE);
	assert_int_equal(state_parse(STR("activ")), STATE_NONE);
	assert_int_equal(node_kind_parse(STR("org")), NODE_NONE);
	assert_int_equal(permission_class_parse(STR("admin")), CLASS_NONE);
	assert_string_equal(kind_name(KIND_NONE), "none");
	assert_string_equal(state_name((enum state)99), "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permset__add),
		cmocka_unit_test(test_permset__beyond_its_words_is_empty),
		cmocka_unit_test(test_permset__none),
		cmocka_unit_test(test_permset__no_memory),
		cmocka_unit_test(test_permset__unite_and_contain),
		cmocka_unit_test(test_permset__subtract),
		cmocka_unit_test(test_permset__walk),
		cmocka_unit_test(test_ceiling__allows),
		cmocka_unit_test(test_ceiling__form),
		cmocka_unit_test(test_ceiling__too_many),
		cmocka_unit_test(test_kinds__names_return),
		cmocka_unit_test(test_kinds__unknown),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
