#include "iam_support.h"

#include <stdio.h>

#include "directory/rows.h"
#include "iam/access/grants.h"
#include "iam/access/permissions.h"
#include "iam/access/role_names.h"
#include "iam/access/roles.h"
#include "iam/blueprints/blueprints.h"
#include "iam/records.h"
#include "iam/upkeep/verify.h"
#include "policy/lookup.h"

/* The five that are shipped, and small ones of our own that grow, shrink and collide. */

static const char *const SHIPPED[] = {"organisation-access", "tenant-workspaces",
	"communications-platform", "device-platform", "sensor-workspace"};

struct applying {
	const char *text; /* a document, or the name of a shipped one */
	bool shipped, preview;
	bool changed;
	size_t changes;
	int64_t revision;
	char json[8192];
};

static enum status
apply(struct call *call, void *arg, struct error *err)
{
	struct applying *a = arg;
	struct blueprint_result result;
	const struct blueprint_options options = {.preview = a->preview};
	struct json *document = NULL;
	enum status rc;

	if (a->shipped) {
		rc = blueprint_apply_shipped(&result, call, str_from(a->text), &options, err);
	} else {
		rc = json_parse(&document, str_from(a->text), JSON_LIMITS_DEFAULT, err);
		if (rc == OK)
			rc = blueprint_apply(&result, call, document, &options, err);
		json_free(&document);
	}
	if (rc != OK)
		return rc;
	struct str text = call_json(call, blueprint_result_write, &result);
	snprintf(a->json, sizeof(a->json), "%.*s", STR_ARG(text));
	a->changed = result.changed;
	a->changes = result.change_count;
	a->revision = call->chain.revision;
	return OK;
}

static struct applying
applied(struct house *h, const char *text)
{
	struct applying a = {.text = text};

	house_run(h, apply, &a);
	return a;
}

static void
refused(struct house *h, const char *text, const char *code)
{
	struct applying a = {.text = text};

	house_refused(h, &h->owner, apply, &a, code);
}

static void
test_shipped__all_in_one_organisation(void **state)
{
	struct house *h = *state;

	for (size_t i = 0; i < ARRAY_LEN(SHIPPED); i++) {
		struct applying first = {.text = SHIPPED[i], .shipped = true, .preview = true};
		house_run(h, apply, &first);
		struct applying second = {.text = SHIPPED[i], .shipped = true};
		house_run(h, apply, &second);
		struct applying third = {.text = SHIPPED[i], .shipped = true};
		house_run(h, apply, &third);

		assert_true(first.changed);
		assert_true(first.changes > 0);
		assert_int_equal(second.changes, first.changes);
		assert_int_equal(second.revision, first.revision + 1);
		assert_false(third.changed);
		assert_int_equal(third.changes, 0);
		assert_int_equal(third.revision, second.revision);
	}
}

static void
ignore_chain(void *context, const struct chain_report *report)
{
	(void)context;
	(void)report;
}

static void
ignore_rule(void *context, const struct invariant_report *report)
{
	(void)context;
	(void)report;
}

static enum status
verify_all(struct tx *tx, void *arg, struct error *err)
{
	const struct store_verify_listener listener = {ignore_chain, ignore_rule, NULL};

	return store_verify(arg, tx, &listener, err);
}

static enum status
look(struct call *call, void *arg, struct error *err)
{
	const struct org_view *org = call->org;
	const struct role_view *owner = org_role_at(org, 0);
	uint32_t publish =
		org_permission_number(org, (struct workspace_id){{{0}}}, STR("events:publish"));
	uint32_t create =
		org_permission_number(org, (struct workspace_id){{{0}}}, STR("users:create"));
	const struct role_view *role;

	(void)arg;
	assert_int_equal(create, IAM_MEMBERS_CREATE);
	assert_int_not_equal(publish, PERMISSION_NONE);
	assert_false(permset_has(&owner->exercises, publish));
	assert_true(permset_has(&owner->gives, publish));
	assert_int_not_equal(org->default_roles[KIND_GATEWAY], ROLE_NONE);
	assert_non_null(org->default_ceilings[KIND_MEMBER]);
	assert_true(org->guardrail_count >= 1);
	assert_non_null(org_resource_type(org, STR("model")));
	enum status rc = role_resolve(
		&role, call, STR("global_member"), (struct workspace_id){{{0}}}, NULL, err);
	if (rc == OK)
		assert_non_null(role->ceiling);
	return rc;
}

static void
test_shipped__what_they_bring(void **state)
{
	struct house *h = *state;
	bool sound = false;

	for (size_t i = 0; i < ARRAY_LEN(SHIPPED); i++) {
		struct applying a = {.text = SHIPPED[i], .shipped = true};
		house_run(h, apply, &a);
	}
	house_run(h, look, NULL);
	house_read(h, verify_all, &sound);
	assert_true(sound);
}

#define HEAD(version)                                                                              \
	"{\"name\":\"pumps\",\"version\":" #version ",\"title\":\"Pumps\",\"description\":\"\","
#define PERMISSION(name) "{\"name\":\"" name "\",\"class\":\"write\",\"description\":\"\"}"
#define GROUPED(name, group)                                                                       \
	"{\"name\":\"" name "\",\"group\":\"" group "\",\"class\":\"write\",\"description\":\"\"}"
#define MACHINE_PERMISSION(name)                                                                   \
	"{\"name\":\"" name "\",\"class\":\"write\",\"description\":\"\",\"machine\":true}"
#define ROLE(name, exercises)                                                                      \
	"{\"name\":\"" name "\",\"title\":\"A role\",\"description\":\"\",\"kinds\":"              \
	"[\"service_account\",\"member\"],\"exercises\":[" exercises "]}"
#define NO_TYPES "\"resource_types\":[],"
#define NO_RULES "\"defaults\":{},\"guardrails\":[]}"
#define RAIL(kinds)                                                                                \
	"{\"name\":\"no-stopping\",\"description\":\"\",\"kinds\":[" kinds                         \
	"],\"permissions\":[\"pumps:stop\"],\"condition\":null}"

static const char V1[] = HEAD(1) NO_TYPES "\"permissions\":[" PERMISSION(
	"pumps:start") "," PERMISSION("pumps:stop") "],\"roles\":[" ROLE("fitter",
	"\"pumps:start\"") "," ROLE("guest",
	"\"pumps:stop\"") "],\"defaults\":{\"service_account\":{\"role\":\"guest\",\"ceiling_role\""
			  ":null}},\"guardrails\":[" RAIL("\"member\",\"api_key\"") "]}";

/* A permission more for the fitter; the guest, its default and the guardrail gone. */
static const char V2[] = HEAD(2) NO_TYPES "\"permissions\":[" PERMISSION(
	"pumps:start") "," PERMISSION("pumps:oil") "],\"roles\":[" ROLE("fitter",
	"\"pumps:start\",\"pumps:oil\"") "]," NO_RULES;

static const char V3_BUILTIN[] =
	HEAD(3) NO_TYPES "\"permissions\":[" PERMISSION("pumps:start") "],\"roles\":[" ROLE(
		"fitter", "\"pumps:start\",\"iam:grants:create\"") "]," NO_RULES;

static void
test_versions__differ(void **state)
{
	struct house *h = *state;
	struct applying one = applied(h, V1);
	assert_int_equal(one.changes, 6);

	struct applying two = applied(h, V2);
	assert_non_null(strstr(two.json,
		"{\"action\":\"delete\",\"kind\":\"permission\",\"name\":\"pumps:stop\"}"));
	assert_non_null(strstr(two.json,
		"{\"action\":\"create\",\"kind\":\"permission\",\"name\":\"pumps:oil\"}"));
	assert_non_null(
		strstr(two.json, "{\"action\":\"update\",\"kind\":\"role\",\"name\":\"fitter\"}"));
	assert_non_null(
		strstr(two.json, "{\"action\":\"delete\",\"kind\":\"role\",\"name\":\"guest\"}"));
	assert_non_null(strstr(two.json,
		"{\"action\":\"delete\",\"kind\":\"default\",\"name\":\"service_account\"}"));
	assert_non_null(strstr(two.json,
		"{\"action\":\"delete\",\"kind\":\"guardrail\",\"name\":\"no-stopping\"}"));
	assert_int_equal(two.changes, 6);
	refused(h, V1, "blueprint-older");
	assert_false(applied(h, V2).changed);
}

struct listing {
	const char *group;
	size_t count;
};

static enum status
list_group(struct call *call, void *arg, struct error *err)
{
	struct listing *listing = arg;
	const struct permission_filter filter = {.group = str_from(listing->group)};
	struct page page = {.limit = 10};
	struct permission *items;

	return permission_list(&items, &listing->count, call, &filter, &page, err);
}

/* A permission that is only listed elsewhere is changed, and no other one. */
static void
test_versions__group_alone(void **state)
{
	struct house *h = *state;
	static const char moved[] = HEAD(1) NO_TYPES "\"permissions\":[" GROUPED(
		"pumps:start", "wet") "," PERMISSION("pumps:stop") "],\"roles\":[]," NO_RULES;
	static const char back[] = HEAD(1) NO_TYPES "\"permissions\":[" PERMISSION(
		"pumps:start") "," GROUPED("pumps:stop", "pumps") "],\"roles\":[]," NO_RULES;
	struct listing wet = {.group = "wet"}, pumps = {.group = "pumps"};

	applied(h, moved);
	house_run(h, list_group, &wet);
	house_run(h, list_group, &pumps);
	assert_int_equal(wet.count, 1);
	assert_int_equal(pumps.count, 1);

	struct applying second = applied(h, back);
	assert_int_equal(second.changes, 1);
	assert_non_null(strstr(second.json,
		"{\"action\":\"update\",\"kind\":\"permission\",\"name\":\"pumps:start\"}"));
	house_run(h, list_group, &wet);
	house_run(h, list_group, &pumps);
	assert_int_equal(wet.count, 0);
	assert_int_equal(pumps.count, 2);
}

static enum status
permission_numbers(struct call *call, void *arg, struct error *err)
{
	uint32_t *number = arg;

	(void)err;
	*number = org_permission_number(call->org, (struct workspace_id){{{0}}}, STR("pumps:stop"));
	return OK;
}

/* A permission that comes back is another one: what an old view holds never means it. */
static void
test_versions__numbers_are_not_reused(void **state)
{
	struct house *h = *state;
	uint32_t before, gone, after;
	static const char back[] = HEAD(4) NO_TYPES "\"permissions\":[" PERMISSION(
		"pumps:start") "," PERMISSION("pumps:stop") "],\"roles\":[]," NO_RULES;

	applied(h, V1);
	house_run(h, permission_numbers, &before);
	applied(h, V2);
	house_run(h, permission_numbers, &gone);
	applied(h, back);
	house_run(h, permission_numbers, &after);
	assert_int_not_equal(before, PERMISSION_NONE);
	assert_int_equal(gone, PERMISSION_NONE);
	assert_true(after > before);
}

static void
test_versions__granted_role_stays(void **state)
{
	struct house *h = *state;

	applied(h, V1);
	house_machine(h, "guest", "guest");
	refused(h, V2, "role-in-use");
}

/* An applier of blueprints who may give nothing but his own. */
static struct caller
limited_applier(struct house *h)
{
	static const char applier[] =
		"{\"name\":\"appliers\",\"version\":1,\"title\":\"A\","
		"\"description\":\"\"," NO_TYPES "\"permissions\":[],"
		"\"roles\":[" ROLE("applier",
			"\"iam:blueprints:apply\",\"iam:blueprints:read\"") "]," NO_RULES;

	applied(h, applier);
	return house_machine(h, "applier", "applier");
}

static void
test_guard__role_that_is_granted(void **state)
{
	struct house *h = *state;
	struct caller limited = limited_applier(h);
	struct applying v1 = {.text = V1}, v2 = {.text = V2}, v3 = {.text = V3_BUILTIN};

	house_refused(h, &limited, apply, &v1, "may-not-give"); /* a default of what is new */
	applied(h, V1);
	house_machine(h, "fitter", "fitter");
	house_refused(h, &limited, apply, &v2, "may-not-give");
	house_refused(h, &limited, apply, &v3, "may-not-give");
	house_run(h, apply, &v3);
}

/* Nobody gains by the very change that would allow it. */
static void
test_guard__not_to_oneself(void **state)
{
	struct house *h = *state;
	struct caller limited = limited_applier(h);
	static const char text[] = "{\"name\":\"appliers\",\"version\":2,\"title\":\"A\","
				   "\"description\":\"\"," NO_TYPES "\"permissions\":[],"
				   "\"roles\":[{\"name\":\"applier\",\"title\":\"A\","
				   "\"description\":\"\",\"kinds\":[\"service_account\"],"
				   "\"exercises\":[],\"exercises_all\":true}]," NO_RULES;
	static const char own[] = "{\"name\":\"appliers\",\"version\":2,\"title\":\"A\","
				  "\"description\":\"\"," NO_TYPES "\"permissions\":[" PERMISSION(
					  "safes:open") "],"
							"\"roles\":[" ROLE("applier",
								"\"iam:blueprints:apply\",\"safes:"
								"open\"") "]," NO_RULES;
	struct applying a = {.text = text}, b = {.text = own};

	house_refused(h, &limited, apply, &a, "may-not-give");
	house_refused(h, &limited, apply, &b, "may-not-give");
}

static void
test_guard__guardrail_lifted(void **state)
{
	struct house *h = *state;
	struct caller limited = limited_applier(h);
	static const char fewer[] = HEAD(2) NO_TYPES "\"permissions\":[" PERMISSION(
		"pumps:start") "," PERMISSION("pumps:stop") "],\"roles\":[" ROLE("fitter",
		"\"pumps:start\"") "," ROLE("guest",
		"\"pumps:stop\"") "],\"defaults\":{\"service_account\":{\"role\":\"guest\","
				  "\"ceiling_role\":null}},\"guardrails\":[" RAIL(
					  "\"member\"") "]}";
	struct applying a = {.text = fewer};

	applied(h, V1);
	house_refused(h, &limited, apply, &a, "may-not-give");
	house_run(h, apply, &a);
	assert_int_equal(a.changes, 1);
}

static void
test_names__taken(void **state)
{
	struct house *h = *state;
	static const char other_role[] =
		"{\"name\":\"other\",\"version\":1,\"title\":\"O\",\"description\":\"\"," NO_TYPES
		"\"permissions\":[],\"roles\":[" ROLE("fitter", "\"iam:roles:read\"") "]," NO_RULES;
	static const char other_permission[] =
		"{\"name\":\"other\",\"version\":1,\"title\":\"O\",\"description\":\"\"," NO_TYPES
		"\"permissions\":[" PERMISSION("pumps:start") "],\"roles\":[]," NO_RULES;
	static const char system_role[] =
		"{\"name\":\"other\",\"version\":1,\"title\":\"O\",\"description\":\"\"," NO_TYPES
		"\"permissions\":[],\"roles\":[" ROLE("owner", "\"iam:roles:read\"") "]," NO_RULES;
	static const char other_type[] =
		"{\"name\":\"other\",\"version\":1,\"title\":\"O\",\"description\":\"\","
		"\"resource_types\":[{\"type\":\"device\",\"registered\":false,"
		"\"description\":\"\"}],\"permissions\":[],\"roles\":[]," NO_RULES;

	applied(h, V1);
	refused(h, other_role, "name-taken");
	refused(h, other_permission, "name-taken");
	refused(h, system_role, "name-taken");
	refused(h, other_type, "name-taken");
}

static void
refused_at(struct house *h, const char *text, const char *place)
{
	struct applying a = {.text = text};
	struct error err = {0};

	assert_int_equal(house_try(h, &h->owner, apply, &a, &err), ERR_INVALID);
	if (!strstr(err.text, place))
		fail_msg("\"%s\" does not name %s", err.text, place);
}

static void
test_check__places(void **state)
{
	struct house *h = *state;

	refused_at(h, "[]", "document");
	refused_at(h, HEAD(0) NO_TYPES "\"permissions\":[],\"roles\":[]," NO_RULES, "version");
	refused_at(h, HEAD(1) NO_TYPES "\"permissions\":[],\"roles\":[]}", "\"defaults\"");
	refused_at(h, HEAD(1) NO_TYPES "\"more\":1,\"permissions\":[],\"roles\":[]," NO_RULES,
		"\"more\"");
	refused_at(h,
		HEAD(1) NO_TYPES
		"\"permissions\":[" PERMISSION("iam:groups:create") "],\"roles\":[]," NO_RULES,
		"permissions[0].name");
	refused_at(h,
		HEAD(1) NO_TYPES
		"\"permissions\":[" GROUPED("pumps:start", "Wet") "],\"roles\":[]," NO_RULES,
		"permissions[0].group");
	refused_at(h,
		HEAD(1) NO_TYPES "\"permissions\":[],\"roles\":[" ROLE(
			"r", "\"iam:roles:read\",\"pumps:none\"") "]," NO_RULES,
		"roles[0].exercises[1]");
	refused_at(h,
		HEAD(1) NO_TYPES "\"permissions\":[" MACHINE_PERMISSION(
			"pumps:report") "],\"roles\":[" ROLE("r", "\"pumps:report\"") "]," NO_RULES,
		"reserved for machines");
	refused_at(h,
		HEAD(1) NO_TYPES "\"permissions\":[],\"roles\":[" ROLE(
			"r", "\"iam:roles:read\",\"iam:roles:read\"") "]," NO_RULES,
		"twice");
	refused_at(h,
		HEAD(1) NO_TYPES "\"permissions\":[],\"roles\":[],\"guardrails\":[],\"defaults\":"
				 "{\"member\":{\"role\":\"nobody\",\"ceiling_role\":null}}}",
		"defaults.member.role");
	refused_at(h,
		HEAD(1) NO_TYPES "\"permissions\":[],\"roles\":[],\"defaults\":{},\"guardrails\":["
				 "{\"name\":\"g\",\"description\":\"\",\"kinds\":[\"member\"],"
				 "\"permissions\":[\"iam:roles:read\"],\"condition\":{\"all\":[{}]}"
				 "}]}",
		"guardrails[0]");
}

static enum status
list_shipped(struct call *call, void *arg, struct error *err)
{
	struct blueprint *all;
	size_t count = 0;

	(void)arg;
	enum status rc = blueprint_list_shipped(&all, &count, call->arena, err);
	assert_int_equal(count, 5);
	for (size_t i = 0; rc == OK && i < count; i++) {
		assert_true(all[i].version >= 1);
		assert_true(all[i].title.len > 0);
		assert_int_equal(all[i].applied_us, 0);
	}
	if (rc == OK)
		rc = blueprint_list(&all, &count, call, err);
	assert_int_equal(count, 1);
	return rc;
}

static void
test_lists(void **state)
{
	applied(*state, V1);
	house_run(*state, list_shipped, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, house_set_up, house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(shipped__all_in_one_organisation),
		TEST(shipped__what_they_bring),
		TEST(versions__differ),
		TEST(versions__numbers_are_not_reused),
		TEST(versions__granted_role_stays),
		TEST(versions__group_alone),
		TEST(guard__role_that_is_granted),
		TEST(guard__not_to_oneself),
		TEST(guard__guardrail_lifted),
		TEST(names__taken),
		TEST(check__places),
		TEST(lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
