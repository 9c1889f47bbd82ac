#include "check.h"

#include "api/validate.h"

/* Patterns of the test's own: those of the contract are compiled in test_api_route. */
const char *const schema_patterns[] = {"^[a-z][a-z0-9_-]*$", "^(platform|[0-9]{2})$"};
const unsigned schema_pattern_count = 2;

#define UP_TO(max_) .max = (max_), .low = INT64_MIN, .high = INT64_MAX
#define ANY_SIZE UP_TO(UINT32_MAX)

static const struct schema SLUG = {.types = SCHEMA_STRING, UP_TO(5), .min = 1, .pattern = 1};
static const struct schema COLOUR = {
	.types = SCHEMA_STRING, ANY_SIZE, .values = (const char *const[]){"red", "green", NULL}};
static const struct schema AGE = {.types = SCHEMA_INTEGER, .max = UINT32_MAX, .low = 1, .high = 99};
static const struct schema ID = {.types = SCHEMA_STRING, ANY_SIZE, .format = FORMAT_UUID};
static const struct schema TIME = {
	.types = SCHEMA_STRING | SCHEMA_NULL, ANY_SIZE, .format = FORMAT_DATE_TIME};
static const struct schema EMAIL = {.types = SCHEMA_STRING, ANY_SIZE, .format = FORMAT_IDN_EMAIL};
static const struct schema FLAG = {.types = SCHEMA_BOOLEAN, ANY_SIZE};
static const struct schema RATIO = {.types = SCHEMA_NUMBER, ANY_SIZE};
static const struct schema ANYTHING = {.types = SCHEMA_NULL | SCHEMA_BOOLEAN | SCHEMA_NUMBER |
		SCHEMA_STRING | SCHEMA_ARRAY | SCHEMA_OBJECT,
	ANY_SIZE};
static const struct schema ROLES = {
	.types = SCHEMA_ARRAY, UP_TO(3), .min = 1, .items = &SLUG, .unique = true};
static const struct schema_member INNER_MEMBERS[] = {{"roles", &ROLES, true}};
static const struct schema INNER = {.types = SCHEMA_OBJECT | SCHEMA_NULL,
	ANY_SIZE,
	.members = INNER_MEMBERS,
	.member_count = 1,
	.closed = true};
static const struct schema_member MEMBERS[] = {{"name", &SLUG, true}, {"colour", &COLOUR, false},
	{"age", &AGE, false}, {"id", &ID, false}, {"until", &TIME, false}, {"email", &EMAIL, false},
	{"flag", &FLAG, false}, {"ratio", &RATIO, false}, {"inner", &INNER, false},
	{"value", &ANYTHING, false}};
static const struct schema THING = {.types = SCHEMA_OBJECT,
	ANY_SIZE,
	.members = MEMBERS,
	.member_count = ARRAY_LEN(MEMBERS),
	.closed = true};
static const struct schema PAIR = {.types = SCHEMA_ARRAY, UP_TO(2), .min = 2};
static const struct schema OPEN = {.types = SCHEMA_OBJECT, UP_TO(2)};
static const struct schema_member CHOICE_MEMBERS[] = {
	{"role", &SLUG, false}, {"permission", &SLUG, false}};
static const struct schema CHOICE = {.types = SCHEMA_OBJECT,
	ANY_SIZE,
	.min = 1,
	.members = CHOICE_MEMBERS,
	.member_count = 2,
	.closed = true,
	.one_of = (const char *const[]){"role", "permission", NULL}};

static enum status
validate(const struct schema *schema, const char *text, struct error *err)
{
	struct json *doc;
	if (json_parse(&doc, str_from(text), JSON_LIMITS_DEFAULT, err) != OK)
		fail_msg("%s: %s", text, err->text);
	enum status rc = validate_json(schema, doc, "body", err);
	json_free(&doc);
	return rc;
}

static void
accept(const struct schema *schema, const char *text)
{
	struct error err = {0};
	if (validate(schema, text, &err) != OK)
		fail_msg("refused %s: %s", text, err.text);
}

static void
refuse(const struct schema *schema, const char *text, const char *why)
{
	struct error err = {0};
	if (validate(schema, text, &err) != ERR_INVALID)
		fail_msg("accepted %s", text);
	assert_string_equal(err.code, "invalid-input");
	assert_string_equal(err.text, why);
}

static void
test_validate__members(void **state)
{
	(void)state;
	accept(&THING, "{\"name\":\"a\"}");
	refuse(&THING, "{}", "body: name is missing.");
	refuse(&THING, "{\"name\":\"a\",\"nmae\":1}", "body.nmae: there is no such member.");
	refuse(&THING, "[]", "body: has to be an object.");
	refuse(&THING, "null", "body: has to be an object.");
	accept(&OPEN, "{\"x\":1,\"y\":[]}");
	refuse(&OPEN, "{\"x\":1,\"y\":2,\"z\":3}", "body: at most 2 members.");
}

static void
test_validate__strings(void **state)
{
	(void)state;
	refuse(&THING, "{\"name\":\"\"}", "body.name: must not be empty.");
	refuse(&THING, "{\"name\":\"abcdef\"}", "body.name: at most 5 characters.");
	refuse(&THING, "{\"name\":\"A\"}", "body.name: has to have the form ^[a-z][a-z0-9_-]*$");
	refuse(&THING, "{\"name\":\"a\\nb\"}",
		"body.name: has to have the form ^[a-z][a-z0-9_-]*$");
	refuse(&THING, "{\"name\":7}", "body.name: has to be a string.");
	refuse(&THING, "{\"name\":null}", "body.name: has to be a string.");
	/* Characters are counted, not bytes: five of two bytes each fail by their form alone. */
	refuse(&THING, "{\"name\":\"äääää\"}",
		"body.name: has to have the form ^[a-z][a-z0-9_-]*$");
	accept(&THING, "{\"name\":\"a\",\"colour\":\"green\"}");
	refuse(&THING, "{\"name\":\"a\",\"colour\":\"gree\"}",
		"body.colour: has to be one of red, green.");
}

static void
test_validate__formats(void **state)
{
	(void)state;
	accept(&THING, "{\"name\":\"a\",\"id\":\"0193a5c0-1111-7222-8333-444455556666\"}");
	refuse(&THING, "{\"name\":\"a\",\"id\":\"0193a5c0\"}", "body.id: has to be a UUID.");
	accept(&THING, "{\"name\":\"a\",\"until\":\"2030-01-31T12:00:00Z\"}");
	accept(&THING, "{\"name\":\"a\",\"until\":null}");
	refuse(&THING, "{\"name\":\"a\",\"until\":\"2030-02-30T12:00:00Z\"}",
		"body.until: has to be a time like 2030-01-31T12:00:00Z.");
	refuse(&THING, "{\"name\":\"a\",\"until\":0}", "body.until: has to be a string or null.");
	accept(&THING, "{\"name\":\"a\",\"email\":\"a@b.example\"}");
	refuse(&THING, "{\"name\":\"a\",\"email\":\"ab\"}",
		"body.email: has to be an e-mail address.");
}

static void
test_validate__numbers(void **state)
{
	(void)state;
	accept(&THING, "{\"name\":\"a\",\"age\":99,\"flag\":false,\"ratio\":0.5}");
	accept(&THING, "{\"name\":\"a\",\"ratio\":2}");
	refuse(&THING, "{\"name\":\"a\",\"age\":0}", "body.age: has to be 1 to 99.");
	refuse(&THING, "{\"name\":\"a\",\"age\":100}", "body.age: has to be 1 to 99.");
	refuse(&THING, "{\"name\":\"a\",\"age\":1.5}", "body.age: has to be an integer.");
	refuse(&THING, "{\"name\":\"a\",\"age\":\"1\"}", "body.age: has to be an integer.");
	refuse(&THING, "{\"name\":\"a\",\"flag\":0}", "body.flag: has to be true or false.");
	refuse(&THING, "{\"name\":\"a\",\"ratio\":true}", "body.ratio: has to be a number.");
}

static void
test_validate__lists(void **state)
{
	(void)state;
	accept(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":[\"x\",\"y\"]}}");
	accept(&THING, "{\"name\":\"a\",\"inner\":null}");
	refuse(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":[]}}",
		"body.inner.roles: must not be empty.");
	refuse(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":[\"a\",\"b\",\"c\",\"d\"]}}",
		"body.inner.roles: at most 3 entries.");
	refuse(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":[\"a\",\"b\",\"toolong\"]}}",
		"body.inner.roles[2]: at most 5 characters.");
	refuse(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":[\"a\",\"b\",\"a\"]}}",
		"body.inner.roles[2]: is there twice.");
	refuse(&THING, "{\"name\":\"a\",\"inner\":{\"roles\":\"a\"}}",
		"body.inner.roles: has to be a list.");
	refuse(&PAIR, "[1]", "body: at least 2 entries.");
	accept(&THING, "{\"name\":\"a\",\"value\":[{\"x\":null},1.5,true]}");
}

static void
test_validate__one_of(void **state)
{
	(void)state;
	accept(&CHOICE, "{\"role\":\"a\"}");
	accept(&CHOICE, "{\"permission\":\"a\"}");
	refuse(&CHOICE, "{}", "body: must not be empty.");
	refuse(&CHOICE, "{\"role\":\"a\",\"permission\":\"b\"}",
		"body: state exactly one of role and permission.");
}

static void
test_validate__long_places_are_cut(void **state)
{
	(void)state;
	char text[2048] = "{\"name\":\"a\",\"";
	memset(text + strlen(text), 'x', 1500);
	memcpy(text + strlen(text), "\":1}", 5);
	struct error err = {0};
	assert_int_equal(validate(&THING, text, &err), ERR_INVALID);
	assert_true(strlen(err.text) < 120);
}

static void
check_text(const struct schema *schema, const char *text, const char *why)
{
	struct error err = {0};
	enum status rc = validate_text(schema, str_from(text), "query.x", &err);
	if (why)
		assert_string_equal(err.text, why);
	else if (rc != OK)
		fail_msg("refused %s: %s", text, err.text);
}

static void
test_validate__texts(void **state)
{
	(void)state;
	check_text(&AGE, "50", NULL);
	check_text(&AGE, "050", "query.x: has to be an integer.");
	check_text(&AGE, "100", "query.x: has to be 1 to 99.");
	check_text(&AGE, "", "query.x: has to be an integer.");
	check_text(&FLAG, "true", NULL);
	check_text(&FLAG, "1", "query.x: has to be true or false.");
	check_text(&SLUG, "abc", NULL);
	check_text(&SLUG, "", "query.x: must not be empty.");
	check_text(&COLOUR, "blue", "query.x: has to be one of red, green.");
	check_text(&ID, "x", "query.x: has to be a UUID.");
}

static int
set_up(void **state)
{
	(void)state;
	struct error err = {0};
	return validate_init(&err) == OK ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate__members),
		cmocka_unit_test(test_validate__strings),
		cmocka_unit_test(test_validate__formats),
		cmocka_unit_test(test_validate__numbers),
		cmocka_unit_test(test_validate__lists),
		cmocka_unit_test(test_validate__one_of),
		cmocka_unit_test(test_validate__long_places_are_cut),
		cmocka_unit_test(test_validate__texts),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
