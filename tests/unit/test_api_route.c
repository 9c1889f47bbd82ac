#include "check.h"

#include <stdio.h>

#include "api/cursor.h"
#include "api/route.h"
#include "model/catalogue.h"

#define ORG "0193a5c0-1111-7222-8333-444455556666"

static const char *
template_of(const char *path, enum http_method method)
{
	struct route_match match;
	if (!route_find(&match, str_from(path), method))
		return NULL;
	return match.path->template;
}

/* Each template, its parameters filled in, leads to itself with every method that it has. */
static void
test_route__every_path_finds_itself(void **state)
{
	(void)state;
	unsigned next = 0;
	for (unsigned i = 0; i < route_path_count; i++) {
		const struct route_path *path = &route_paths[i];
		char text[256] = "";
		size_t used = 0;
		unsigned parameters = 0;
		for (unsigned s = 0; s < path->segment_count; s++) {
			parameters += path->segments[s] == NULL;
			used += (size_t)snprintf(text + used, sizeof(text) - used, "/%s",
				path->segments[s] ? path->segments[s] : "v");
		}
		assert_int_equal(path->first, next);
		for (unsigned m = 0; m < path->method_count; m++, next++) {
			struct route_match match;
			assert_true(route_find(&match, str_from(text), path->methods[m]));
			assert_string_equal(match.path->template, path->template);
			assert_int_equal(match.route, next);
			assert_int_equal(match.parameter_count, parameters);
			for (unsigned p = 0; p < parameters; p++)
				check_str(match.parameters[p], "v");
		}
	}
	assert_true(next > 100);
}

static void
test_route__literals_come_first(void **state)
{
	(void)state;
	assert_string_equal(template_of("/api/orgs/" ORG "/roles/reference", HTTP_GET),
		"/api/orgs/{org}/roles/reference");
	assert_string_equal(template_of("/api/orgs/" ORG "/roles/" ORG, HTTP_GET),
		"/api/orgs/{org}/roles/{role}");
}

static void
test_route__parameters_are_as_sent(void **state)
{
	(void)state;
	struct route_match match;
	assert_true(
		route_find(&match, STR("/api/workspaces/w/resources/model/a%2Fb%20c"), HTTP_GET));
	assert_int_equal(match.parameter_count, 3);
	check_str(match.parameters[0], "w");
	check_str(match.parameters[1], "model");
	check_str(match.parameters[2], "a%2Fb%20c");
}

static void
test_route__strange_paths_are_none(void **state)
{
	(void)state;
	static const char *const paths[] = {"", "/", "api/orgs", "/api", "/api/", "/api/orgs/",
		"//api/orgs", "/api//orgs", "/api/orgs//groups", "/API/orgs", "/api/orgs/x/groups/",
		"/api/orgs/x/nothing", "/api/orgs/x/groups/y/members/z/more", "/healthz",
		"/access/v1/evaluation", "/api/%6frgs"};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		if (template_of(paths[i], HTTP_GET))
			fail_msg("%s leads somewhere", paths[i]);
	}
	struct route_match match;
	assert_false(route_find(&match, (struct str){NULL, 0}, HTTP_GET));
}

static void
test_route__methods(void **state)
{
	(void)state;
	struct route_match get, head, put;
	char allow[ROUTE_ALLOW_MAX];
	assert_true(route_find(&get, STR("/api/orgs"), HTTP_GET));
	assert_true(route_find(&head, STR("/api/orgs"), HTTP_HEAD));
	assert_int_equal(get.route, head.route);
	assert_true(route_find(&put, STR("/api/orgs"), HTTP_PUT));
	assert_int_equal(put.route, ROUTE_NONE);
	route_allow(allow, put.path);
	assert_string_equal(allow, "GET, HEAD, POST");
	assert_true(route_find(&put, STR("/api/orgs"), HTTP_OTHER));
	assert_int_equal(put.route, ROUTE_NONE);
}

static void
test_route__patterns_of_the_contract_compile(void **state)
{
	(void)state;
	struct error err = {0};
	assert_true(schema_pattern_count > 0);
	if (validate_init(&err) != OK)
		fail_msg("%s", err.text);
}

static void
test_cursor__goes_around(void **state)
{
	(void)state;
	struct uuid id = uuid_new(), back;
	char text[CURSOR_TEXT_MAX];
	cursor_format(text, id);
	assert_true(cursor_parse(str_from(text), &back));
	assert_true(uuid_eq(id, back));
}

static void
test_cursor__anything_else_is_refused(void **state)
{
	(void)state;
	struct uuid id = uuid_new(), back;
	char text[CURSOR_TEXT_MAX];
	cursor_format(text, id);
	static const char *const wrong[] = {"", "x", "AQ", "not a cursor",
		"AAAAAAAAAAAAAAAAAAAAAAA", "AgAAAAAAAAAAAAAAAAAAAAA", "AQAAAAAAAAAAAAAAAAAAAAAA",
		"AQAAAAAAAAAAAAAAAAAAAAA="};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		if (cursor_parse(str_from(wrong[i]), &back))
			fail_msg("took %s", wrong[i]);
	}
	assert_false(cursor_parse((struct str){text, strlen(text) - 1}, &back));
	assert_false(cursor_parse((struct str){NULL, 0}, &back));
}

/* The generated catalogue: by name, by number, and nothing else. */
static void
test_catalogue__look_ups(void **state)
{
	(void)state;
	assert_int_equal(catalogue_find(STR("iam:groups:create"))->number, IAM_GROUPS_CREATE);
	for (uint32_t i = 0; i < catalogue_count; i++) {
		assert_ptr_equal(catalogue_find(str_from(catalogue[i].name)), &catalogue[i]);
		assert_ptr_equal(catalogue_at(catalogue[i].number), &catalogue[i]);
		assert_true(i == 0 || catalogue[i].number > catalogue[i - 1].number);
	}
	static const char *const unknown[] = {"", "iam", "iam:groups", "iam:groups:creat",
		"iam:groups:created", "zzz:zzz", "IAM:GROUPS:CREATE"};
	for (size_t i = 0; i < ARRAY_LEN(unknown); i++)
		assert_null(catalogue_find(str_from(unknown[i])));
	assert_null(catalogue_find((struct str){NULL, 0}));
	assert_null(catalogue_at(7));
	assert_null(catalogue_at(CATALOGUE_END));
	assert_null(catalogue_at(PERMISSION_NONE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route__every_path_finds_itself),
		cmocka_unit_test(test_route__literals_come_first),
		cmocka_unit_test(test_route__parameters_are_as_sent),
		cmocka_unit_test(test_route__strange_paths_are_none),
		cmocka_unit_test(test_route__methods),
		cmocka_unit_test(test_route__patterns_of_the_contract_compile),
		cmocka_unit_test(test_cursor__goes_around),
		cmocka_unit_test(test_cursor__anything_else_is_refused),
		cmocka_unit_test(test_catalogue__look_ups),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
