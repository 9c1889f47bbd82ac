#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include "authzen/request.h"

#define SUBJECT "\"subject\":{\"type\":\"member\",\"id\":\"s\"}"
#define ACTION "\"action\":{\"name\":\"a\"}"
#define RESOURCE "\"resource\":{\"type\":\"door\",\"id\":\"r\"}"
#define PARTS SUBJECT "," ACTION "," RESOURCE

static char decoded[64 * 1024];
static const struct access_scratch SCRATCH = {decoded, sizeof(decoded)};

static bool
parse(struct access_request *out, const char *text)
{
	memset(out, 0xff, sizeof(*out));
	return access_request_parse(out, str_from(text), SCRATCH);
}

static const struct attribute *
find(const struct access_request *request, const char *path)
{
	for (uint32_t i = 0; i < request->attribute_count; i++) {
		if (str_eq(request->attributes[i].path, str_from(path)))
			return &request->attributes[i];
	}
	return NULL;
}

static void
check_refused(const char *text, const char *error)
{
	struct access_request request;
	if (parse(&request, text))
		fail_msg("accepted: %s", text);
	assert_non_null(request.error);
	if (!strstr(request.error, error))
		fail_msg("%s: %s", text, request.error);
}

static void
test_authzen_request__reads_the_four_parts(void **state)
{
	(void)state;
	struct access_request request;
	assert_true(parse(&request, " {" PARTS "} "));
	check_str(request.subject_type, "member");
	check_str(request.subject_id, "s");
	check_str(request.action, "a");
	check_str(request.resource_type, "door");
	check_str(request.resource_id, "r");
	assert_null(request.workspace.ptr);
	assert_false(request.explain);
	assert_int_equal(request.at_least, 0);
	assert_true(uuid_is_nil(request.incarnation));
	assert_true(request.max_age_ms == INT64_MAX);
	assert_int_equal(request.attribute_count, 0);
	assert_null(request.error);
}

static void
test_authzen_request__flattens_attributes(void **state)
{
	(void)state;
	struct access_request request;
	assert_true(parse(&request,
		"{\"subject\":{\"properties\":{\"a\":{\"b\":\"x\\u00e9\",\"c\":[1],\"d\":null}},"
		"\"id\":\"s\",\"type\":\"token\",\"more\":{\"z\":1}},"
		"\"action\":{\"properties\":{\"soft\":true},\"name\":\"a\"},"
		"\"resource\":{\"type\":\"t\",\"id\":\"r\",\"properties\":{\"n\":-1.5e1,"
		"\"workspace\":\"w\",\"x.y\":1,\"\":2,\"a b\":3}},"
		"\"context\":{\"address\":\"10.0.0.1\",\"explain\":true,\"at_least\":7,"
		"\"max_age_ms\":20,\"incarnation\":\"00000000-0000-7000-8000-000000000001\","
		"\"nested\":{\"explain\":false,\"at_least\":\"x\"}}}"));
	assert_int_equal(request.attribute_count, 8);
	check_str(find(&request, "subject.properties.a.b")->str, "x\xc3\xa9");
	assert_true(find(&request, "action.properties.soft")->flag);
	assert_true(find(&request, "resource.properties.n")->number == -15.0);
	check_str(find(&request, "context.address")->str, "10.0.0.1");
	assert_int_equal(find(&request, "context.nested.explain")->type, ATTRIBUTE_BOOL);
	check_str(find(&request, "context.nested.at_least")->str, "x");
	assert_null(find(&request, "subject.properties.a.c"));
	check_str(request.workspace, "w");
	assert_true(request.explain);
	assert_int_equal(request.at_least, 7);
	assert_int_equal(request.max_age_ms, 20);
	assert_int_equal(request.incarnation.bytes[15], 1);
}

static void
test_authzen_request__ignores_what_it_does_not_know(void **state)
{
	(void)state;
	struct access_request request;
	assert_true(parse(&request,
		"{" PARTS ",\"foo\":\"bar\",\"futureField\":{\"nested\":true},"
		"\"evaluations\":3,\"options\":null}"));
	assert_int_equal(request.attribute_count, 0);
	assert_true(parse(&request, "{" PARTS ",\"context\":{\"explain\":\"yes\"}}"));
	assert_false(request.explain);
}

static void
test_authzen_request__refuses_what_is_missing(void **state)
{
	(void)state;
	check_refused("{}", "subject.type is required");
	check_refused("{" ACTION "," RESOURCE "}", "subject.type is required");
	check_refused("{" SUBJECT "," RESOURCE "}", "action.name is required");
	check_refused("{" SUBJECT "," ACTION "}", "resource.type is required");
	check_refused(
		"{\"subject\":{\"type\":\"t\"}," ACTION "," RESOURCE "}", "subject.id is required");
	check_refused("{" SUBJECT ",\"action\":{}," RESOURCE "}", "action.name is required");
	check_refused("{" SUBJECT "," ACTION ",\"resource\":{\"id\":\"r\"}}",
		"resource.type is required");
	check_refused("{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"t\"}}",
		"resource.id is required");
}

static void
test_authzen_request__refuses_wrong_types(void **state)
{
	(void)state;
	check_refused("{\"subject\":\"s\"," ACTION "," RESOURCE "}", "subject must be an object");
	check_refused("{\"subject\":null," ACTION "," RESOURCE "}", "subject must be an object");
	check_refused("{" SUBJECT ",\"action\":{\"name\":123}," RESOURCE "}",
		"action.name must be a string");
	check_refused("{" SUBJECT ",\"action\":[]," RESOURCE "}", "action must be an object");
	check_refused("{" SUBJECT "," ACTION ",\"resource\":{\"type\":\"t\",\"id\":7}}",
		"resource.type and resource.id");
	check_refused("{" SUBJECT "," ACTION
		      ",\"resource\":{\"type\":\"t\",\"id\":\"r\",\"properties\":[]}}",
		"resource.properties must be an object");
	check_refused("{" PARTS ",\"context\":[]}", "context must be an object");
	check_refused("{" PARTS ",\"context\":{\"at_least\":\"7\"}}", "context.at_least");
	check_refused("{" PARTS ",\"context\":{\"at_least\":1.5}}", "context.at_least");
	check_refused("{" PARTS ",\"context\":{\"at_least\":-1}}", "context.at_least");
	check_refused("{" PARTS ",\"context\":{\"max_age_ms\":null}}", "context.max_age_ms");
}

static void
test_authzen_request__refuses_malformed_texts(void **state)
{
	(void)state;
	static const char *const texts[] = {"", " ", "null", "[]", "\"x\"", "{" PARTS,
		"{" PARTS "}}", "{" PARTS ",}", "{" PARTS "," SUBJECT "}",
		"{" PARTS ",\"a\":1,\"a\":2}", "{" PARTS ",\"a\":01}", "{" PARTS ",\"a\":NaN}",
		"{" PARTS ",\"a\":\"\\u0000\"}", "{" PARTS ",\"a\":\"\xff\"}", "{" PARTS ",'a':1}",
		"\xef\xbb\xbf{" PARTS "}"};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		check_refused(texts[i], "not a well-formed JSON object");
}

/* Of what cannot be seen whole nothing is decided: `exists: false` would be met by dropping it. */
static void
test_authzen_request__refuses_more_attributes_than_it_holds(void **state)
{
	(void)state;
	char text[32 * 1024];
	size_t len = (size_t)snprintf(text, sizeof(text), "{" PARTS ",\"context\":{\"x\":{\"p\":0");
	for (int i = 0; i < 40; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"a%d\":%d", i, i);
	len += (size_t)snprintf(text + len, sizeof(text) - len, "},\"y\":{\"p\":0");
	for (int i = 0; i < 22; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\"a%d\":%d", i, i);
	snprintf(text + len, sizeof(text) - len, "}}}");
	struct access_request request;
	assert_true(parse(&request, text));
	assert_int_equal(request.attribute_count, 64);
	snprintf(text + len, sizeof(text) - len, ",\"z\":1}}}");
	check_refused(text, "more than 64 attributes");
}

static void
test_authzen_request__refuses_longer_paths_than_it_holds(void **state)
{
	(void)state;
	char text[8 * 1024], name[61];
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	size_t len = (size_t)snprintf(text, sizeof(text), "{" PARTS ",\"context\":{");
	for (int i = 0; i < 6; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "\"%s\":{", name);
	for (int i = 0; i < 30; i++)
		len += (size_t)snprintf(
			text + len, sizeof(text) - len, "%s\"a%d\":1", i ? "," : "", i);
	snprintf(text + len, sizeof(text) - len, "}}}}}}}}");
	check_refused(text, "names of the attributes are too long");
}

static void
test_authzen_request__passes_over_paths_that_no_condition_has(void **state)
{
	(void)state;
	struct access_request request;
	assert_true(parse(&request,
		"{" PARTS ",\"context\":{\"a\":{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":1,"
		"\"deep\":{\"h\":2}}}}}}}}}"));
	assert_int_equal(request.attribute_count, 1);
	assert_non_null(find(&request, "context.a.b.c.d.e.f.g"));
}

struct batch_test {
	struct arena *arena;
	struct access_batch batch;
};

static bool
parse_batch(struct batch_test *t, const char *text)
{
	arena_reset(t->arena);
	return access_batch_parse(&t->batch, str_from(text), SCRATCH, t->arena);
}

static void
check_batch_refused(struct batch_test *t, const char *text, const char *error)
{
	if (parse_batch(t, text))
		fail_msg("accepted: %s", text);
	if (!strstr(t->batch.error, error))
		fail_msg("%s: %s", text, t->batch.error);
}

static void
test_authzen_request__items_replace_defaults_whole(void **state)
{
	struct batch_test *t = *state;
	struct access_request request;
	assert_true(parse_batch(t,
		"{\"subject\":{\"type\":\"member\",\"id\":\"s\",\"properties\":{\"x\":1}}," ACTION
		",\"resource\":{\"type\":\"door\"},\"context\":{\"c\":\"\\u0041\"},"
		"\"evaluations\":[{\"resource\":{\"type\":\"door\",\"id\":\"1\"}},"
		"{\"resource\":{\"id\":\"2\"}},"
		"{\"subject\":{\"type\":\"device\",\"id\":\"d\"},\"context\":{},"
		"\"resource\":{\"type\":\"gate\",\"id\":\"\\u0042\"}},"
		"7,{}]}"));
	assert_int_equal(t->batch.count, 5);
	assert_int_equal(t->batch.semantic, ACCESS_EXECUTE_ALL);
	assert_true(access_batch_request(&request, &t->batch, 0, SCRATCH));
	check_str(request.resource_id, "1");
	assert_int_equal(request.attribute_count, 2);
	check_str(find(&request, "context.c")->str, "A");
	/* Never merged: the type of the default does not help. */
	assert_false(access_batch_request(&request, &t->batch, 1, SCRATCH));
	assert_string_equal(request.error, "resource.type is required.");
	assert_true(access_batch_request(&request, &t->batch, 2, SCRATCH));
	check_str(request.subject_type, "device");
	check_str(request.resource_id, "B");
	assert_int_equal(request.attribute_count, 0);
	assert_false(access_batch_request(&request, &t->batch, 3, SCRATCH));
	assert_string_equal(request.error, "An evaluation must be an object.");
	assert_false(access_batch_request(&request, &t->batch, 4, SCRATCH));
	assert_string_equal(request.error, "resource.id is required.");
}

static void
test_authzen_request__semantics(void **state)
{
	struct batch_test *t = *state;
	static const char *const names[] = {
		"execute_all", "deny_on_first_deny", "permit_on_first_permit"};
	char text[256];
	for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(text, sizeof(text),
			"{\"options\":{\"evaluations_semantic\":\"%s\",\"other\":[]},"
			"\"evaluations\":[{}]}",
			names[i]);
		assert_true(parse_batch(t, text));
		assert_int_equal(t->batch.semantic, i);
	}
	check_batch_refused(t,
		"{\"evaluations\":[{}],\"options\":{\"evaluations_semantic\":\"any\"}}",
		"must be execute_all");
	check_batch_refused(t, "{\"evaluations\":[{}],\"options\":{\"evaluations_semantic\":1}}",
		"must be a string");
	check_batch_refused(t, "{\"evaluations\":[{}],\"options\":[]}", "options must be");
}

static void
test_authzen_request__a_batch_is_refused_as_a_whole(void **state)
{
	struct batch_test *t = *state;
	check_batch_refused(t, "", "not a well-formed");
	check_batch_refused(t, "{\"evaluations\":[{]}", "not a well-formed");
	check_batch_refused(t, "{\"evaluations\":[{\"a\":1,\"a\":2}]}", "not a well-formed");
	check_batch_refused(t, "{\"evaluations\":{}}", "evaluations must be an array");
	check_batch_refused(t, "{\"evaluations\":null}", "evaluations must be an array");
	check_batch_refused(t, "{\"evaluations\":[{}],\"subject\":7}", "subject must be an object");
	check_batch_refused(t, "{\"evaluations\":[{}],\"action\":{\"name\":1}}",
		"action.name must be a string");
}

static void
test_authzen_request__without_evaluations_it_is_single(void **state)
{
	struct batch_test *t = *state;
	assert_true(parse_batch(t, "{" PARTS "}"));
	assert_int_equal(t->batch.count, 0);
	assert_true(parse_batch(t, "{" PARTS ",\"evaluations\":[ ]}"));
	assert_int_equal(t->batch.count, 0);
}

static void
test_authzen_request__at_most_a_thousand(void **state)
{
	struct batch_test *t = *state;
	static char text[8192];
	size_t len = (size_t)snprintf(text, sizeof(text), "{\"evaluations\":[0");
	for (int i = 1; i < ACCESS_ITEMS_MAX; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",0");
	snprintf(text + len, sizeof(text) - len, "]}");
	assert_true(parse_batch(t, text));
	assert_int_equal(t->batch.count, ACCESS_ITEMS_MAX);
	snprintf(text + len, sizeof(text) - len, ",0]}");
	check_batch_refused(t, text, "more than 1000");
}

static int
set_up(void **state)
{
	struct batch_test *t = calloc(1, sizeof(*t));
	if (!t)
		return -1;
	t->arena = arena_new(1 << 20);
	*state = t;
	return t->arena ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct batch_test *t = *state;
	arena_free(&t->arena);
	free(t);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_authzen_request__reads_the_four_parts),
		cmocka_unit_test(test_authzen_request__flattens_attributes),
		cmocka_unit_test(test_authzen_request__ignores_what_it_does_not_know),
		cmocka_unit_test(test_authzen_request__refuses_what_is_missing),
		cmocka_unit_test(test_authzen_request__refuses_wrong_types),
		cmocka_unit_test(test_authzen_request__refuses_malformed_texts),
		cmocka_unit_test(test_authzen_request__refuses_more_attributes_than_it_holds),
		cmocka_unit_test(test_authzen_request__refuses_longer_paths_than_it_holds),
		cmocka_unit_test(test_authzen_request__passes_over_paths_that_no_condition_has),
		cmocka_unit_test(test_authzen_request__items_replace_defaults_whole),
		cmocka_unit_test(test_authzen_request__semantics),
		cmocka_unit_test(test_authzen_request__a_batch_is_refused_as_a_whole),
		cmocka_unit_test(test_authzen_request__without_evaluations_it_is_single),
		cmocka_unit_test(test_authzen_request__at_most_a_thousand),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
