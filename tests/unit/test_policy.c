#include "check.h"
#include "model/catalogue.h"
#include "policy/lookup.h"
#include "policy_build.h"

/* Examples made by hand: one for each reason, and the sentences of MISSION one by one. */
#define NOW_US 5000
#define ARENA_MAX (1 << 20)

/* Ann, a member, is a reader in ws0, where the device dev0 is in the group rg0. */
struct example {
	struct ref_org org;
	struct ref_question q;
	struct ref_terms terms;
	/* Shorthands into the above. */
	struct ref_principal *ann;
	struct ref_grant *grant;
	struct ref_role *reader;
	struct ref_resource *device, *model;
};

static struct arena *arena;
static struct answer answer;

static int
set_up(void **state)
{
	(void)state;
	arena = arena_new(ARENA_MAX);
	return arena ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

static void
begin_nodes(struct ref_org *org)
{
	*org = (struct ref_org){
		.state = STATE_ACTIVE,
		.permissions = {{"devices:read", NULL}, {"devices:update", NULL},
			{"lab:open", "ws0"}, {"iam:groups:read", NULL}, {"iam:scopes:give", NULL}},
		.permission_count = 5,
		.types = {{"device", true}, {"label", false}, {"model", true}},
		.type_count = 3,
		.workspaces = {{"ws0", STATE_ACTIVE}, {"ws1", STATE_ACTIVE}},
		.workspace_count = 2,
		.rgroups = {{"rg0", "ws0"}, {"rg1", "ws0"}},
		.rgroup_count = 2,
		.resources = {{.name = "dev0",
				      .type = "device",
				      .workspace = "ws0",
				      .state = STATE_ACTIVE,
				      .groups = {{"rg0"}, 1}},
			{.name = "model0",
				.type = "model",
				.state = STATE_ACTIVE,
				.enabled_in = {{"ws0"}, 1}}},
		.resource_count = 2,
	};
}

static void
begin(struct example *e)
{
	*e = (struct example){.terms = {.expires_us = NEVER}};
	begin_nodes(&e->org);
	e->org.roles[0] = (struct ref_role){.name = "reader",
		.kinds = {.has = {[KIND_MEMBER] = true, [KIND_GATEWAY] = true}},
		.exercises = {{"devices:read"}, 1},
		.gives = {{"devices:read"}, 1}};
	e->org.role_count = 1;
	e->org.groups[0].name = "crew";
	e->org.group_count = 1;
	e->org.principals[0] = (struct ref_principal){.name = "ann",
		.kind = KIND_MEMBER,
		.state = STATE_ACTIVE,
		.expires_us = NEVER,
		.groups = {{"crew"}, 1},
		.grants = {{{.node = "ws0", .role = "reader", .expires_us = NEVER}}, 1}};
	e->org.principal_count = 1;
	e->q = (struct ref_question){.org = &e->org,
		.principal = "ann",
		.kind = TARGET_RESOURCE,
		.workspace = "ws0",
		.resource = "dev0",
		.type = "device",
		.permission = "devices:read",
		.now_us = NOW_US};
	e->ann = &e->org.principals[0];
	e->grant = &e->ann->grants.items[0];
	e->reader = &e->org.roles[0];
	e->device = &e->org.resources[0];
	e->model = &e->org.resources[1];
}

static void
expect_at(const struct example *e, enum reason expected, int line)
{
	struct question question;

	arena_reset(arena);
	build_question(&question, build_org(&e->org, arena), &e->q);
	(void)policy_decide(&question, &answer);
	if (answer.reason != expected)
		print_error("got %s, want %s\n", reason_code(answer.reason), reason_code(expected));
	_assert_int_equal(answer.reason, expected, __FILE__, line);
	_assert_int_equal(
		answer.decision == DECISION_ALLOW, expected == REASON_GRANTED, __FILE__, line);
}
#define expect(e, expected) expect_at(e, expected, __LINE__)

static void
expect_gift_at(const struct example *e, enum reason expected, int line)
{
	struct question question;
	struct terms terms;

	arena_reset(arena);
	struct built *built = build_org(&e->org, arena);
	build_question(&question, built, &e->q);
	build_terms(&terms, built, &e->terms);
	(void)policy_may_give(&question, &terms, &answer);
	if (answer.reason != expected)
		print_error("got %s, want %s\n", reason_code(answer.reason), reason_code(expected));
	_assert_int_equal(answer.reason, expected, __FILE__, line);
}
#define expect_gift(e, expected) expect_gift_at(e, expected, __LINE__)

static const struct ref_condition IN_ZONE_A = {{{"context.zone", REF_EQ, "a"}}, 1};

static void
set_zone(struct example *e, const char *zone)
{
	e->q.attributes[0] = (struct ref_attribute){"context.zone", zone};
	e->q.attribute_count = zone ? 1 : 0;
}

static void
test_policy__every_reason_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (int a = 0; a <= REASON_CREDENTIAL_OTHER_NODE; a++) {
		assert_non_null(reason_code((enum reason)a));
		assert_non_null(reason_condition((enum reason)a));
		for (int b = 0; b < a; b++)
			assert_string_not_equal(
				reason_code((enum reason)a), reason_code((enum reason)b));
	}
	assert_string_equal(reason_code(REASON_NO_GRANT), "no-grant");
	assert_string_equal(reason_condition(REASON_NO_GRANT), "grant");
	assert_string_equal(reason_condition(REASON_GRANTED), "");
}

static void
test_policy__subject(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	expect(&e, REASON_GRANTED);
	e.q.principal = "nobody";
	expect(&e, REASON_SUBJECT_UNKNOWN);

	begin(&e);
	e.ann->state = STATE_INVITED;
	expect(&e, REASON_SUBJECT_INACTIVE);

	begin(&e);
	e.ann->expires_us = NOW_US + 1;
	expect(&e, REASON_GRANTED);
	e.ann->expires_us = NOW_US;
	expect(&e, REASON_SUBJECT_EXPIRED);
}

static void
test_policy__credential(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.q.credential = (struct ref_credential){"ann", STATE_ACTIVE, NOW_US + 1};
	expect(&e, REASON_GRANTED);
	e.q.credential.expires_us = NOW_US;
	expect(&e, REASON_CREDENTIAL_EXPIRED);
	e.q.credential.state = STATE_REVOKED;
	expect(&e, REASON_CREDENTIAL_INACTIVE);
	e.q.credential = (struct ref_credential){"bob", STATE_ACTIVE, NEVER};
	expect(&e, REASON_CREDENTIAL_INACTIVE);
}

static void
test_policy__nodes_and_resources(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.org.state = STATE_SUSPENDED;
	expect(&e, REASON_NODE_INACTIVE);

	begin(&e);
	e.org.workspaces[0].state = STATE_DELETED;
	expect(&e, REASON_NODE_INACTIVE);

	begin(&e);
	e.q.type = "teapot";
	expect(&e, REASON_RESOURCE_TYPE_UNKNOWN);

	begin(&e);
	e.q.resource = "dev9";
	expect(&e, REASON_RESOURCE_UNKNOWN);
	e.q.type = "label"; /* which may be a bare name */
	expect(&e, REASON_GRANTED);
	e.q.workspace = NULL; /* in its workspace alone */
	expect(&e, REASON_RESOURCE_UNKNOWN);

	begin(&e);
	e.device->state = STATE_SUSPENDED;
	expect(&e, REASON_RESOURCE_INACTIVE);

	begin(&e);
	e.q.kind = TARGET_UNKNOWN;
	expect(&e, REASON_RESOURCE_UNKNOWN);
}

static void
test_policy__a_global_resource_is_used_where_enabled(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.q.resource = "model0";
	e.q.type = "model";
	expect(&e, REASON_GRANTED);
	e.model->enabled_in.items[0] = "ws1";
	expect(&e, REASON_RESOURCE_NOT_ENABLED);
	e.q.workspace = NULL; /* the organisation's own is under no workspace */
	expect(&e, REASON_NO_GRANT);
	e.grant->node = REF_ORG;
	expect(&e, REASON_GRANTED);
}

static void
test_policy__a_grant_counts_at_its_node_and_below(void **state)
{
	(void)state;
	static const char *const ABOVE[] = {REF_ORG, "ws0", "rg0", "dev0"};
	static const char *const BESIDE[] = {"ws1", "rg1", "model0", "elsewhere"};
	struct example e;

	begin(&e);
	for (size_t i = 0; i < ARRAY_LEN(ABOVE); i++) {
		e.grant->node = ABOVE[i];
		expect(&e, REASON_GRANTED);
		assert_true(uuid_eq(answer.grant->node, build_id(ABOVE[i])));
		e.grant->node = BESIDE[i];
		expect(&e, REASON_NO_GRANT);
	}
	e.q.kind = TARGET_RESOURCE_GROUP;
	e.q.rgroup = "rg0";
	e.grant->node = "rg0";
	expect(&e, REASON_GRANTED);
	e.grant->node = "dev0";
	expect(&e, REASON_NO_GRANT);
	e.q.kind = TARGET_WORKSPACE;
	e.grant->node = "rg0";
	expect(&e, REASON_NO_GRANT);
}

static void
test_policy__grants(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.q.permission = "no:such";
	expect(&e, REASON_PERMISSION_UNKNOWN);
	e.q.permission = "devices:update";
	expect(&e, REASON_NO_GRANT);

	begin(&e); /* a role carries nothing to a kind that it is not for */
	e.ann->kind = KIND_DEVICE;
	expect(&e, REASON_NO_GRANT);

	begin(&e);
	e.grant->expires_us = NOW_US + 1;
	expect(&e, REASON_GRANTED);
	e.grant->expires_us = NOW_US;
	expect(&e, REASON_GRANT_EXPIRED);
	assert_non_null(answer.grant);

	begin(&e);
	e.grant->role = NULL;
	e.grant->permission = "devices:read";
	expect(&e, REASON_GRANTED);
	e.grant->permission = "gone:gone";
	expect(&e, REASON_NO_GRANT);
}

static void
test_policy__a_condition_fails_closed(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.grant->condition = IN_ZONE_A;
	set_zone(&e, "a");
	expect(&e, REASON_GRANTED);
	set_zone(&e, "b");
	expect(&e, REASON_CONDITION_NOT_MET);
	set_zone(&e, NULL);
	expect(&e, REASON_CONDITION_NOT_MET);

	begin(&e);
	e.org.guardrails[0] = (struct ref_guardrail){.name = "rail",
		.node = REF_PLATFORM,
		.kinds = {.has = {[KIND_MEMBER] = true}},
		.denies = {{"devices:read"}, 1},
		.condition = IN_ZONE_A};
	e.org.guardrail_count = 1;
	set_zone(&e, "b");
	expect(&e, REASON_GRANTED);
	set_zone(&e, "a");
	expect(&e, REASON_GUARDRAIL);
	set_zone(&e, NULL);
	expect(&e, REASON_GUARDRAIL);
	check_str(answer.guardrail->name, "rail");
}

static void
test_policy__a_group_carries_its_grants(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.org.groups[0].grants = e.ann->grants;
	e.ann->grants.count = 0;
	expect(&e, REASON_GRANTED);
	assert_true(uuid_eq(answer.group->id.id, build_id("crew")));
	e.ann->groups.items[0] = "gone";
	expect(&e, REASON_NO_GRANT);
}

/* More than are looked at one by one: they are searched. */
static void
test_policy__many_grants_are_searched(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	for (int i = 1; i < 40; i++) {
		e.ann->grants.items[i] = *e.grant;
		e.ann->grants.items[i].node = i % 2 ? "aaa" : "zzz";
	}
	e.ann->grants.count = 40;
	expect(&e, REASON_GRANTED);
	e.grant->node = "ws1";
	expect(&e, REASON_NO_GRANT);
}

static void
test_policy__reach(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.ann->kind = KIND_GATEWAY;
	e.ann->confined = true;
	expect(&e, REASON_OUT_OF_REACH); /* an empty reach … */
	e.ann->self = "dev0";
	expect(&e, REASON_GRANTED); /* … reaches only itself */
	e.ann->self = NULL;
	e.ann->reach = (struct ref_names){{"rg1"}, 1};
	expect(&e, REASON_OUT_OF_REACH);
	e.ann->reach = (struct ref_names){{"rg1", "rg0"}, 2};
	expect(&e, REASON_GRANTED);
	e.q.kind = TARGET_RESOURCE_GROUP;
	e.q.rgroup = "rg1";
	expect(&e, REASON_GRANTED);
	e.q.kind = TARGET_WORKSPACE;
	expect(&e, REASON_OUT_OF_REACH);
}

static void
test_policy__a_guardrail_denies_below_its_node(void **state)
{
	(void)state;
	static const char *const ABOVE[] = {REF_PLATFORM, REF_ORG, "ws0", "rg0", "dev0"};
	struct example e;

	begin(&e);
	e.org.guardrails[0] = (struct ref_guardrail){.name = "rail",
		.kinds = {.has = {[KIND_MEMBER] = true}},
		.denies = {{"devices:read"}, 1}};
	e.org.guardrail_count = 1;
	for (size_t i = 0; i < ARRAY_LEN(ABOVE); i++) {
		e.org.guardrails[0].node = ABOVE[i];
		expect(&e, REASON_GUARDRAIL);
	}
	e.org.guardrails[0].node = "rg1";
	expect(&e, REASON_GRANTED);
	e.org.guardrails[0].node = REF_ORG;
	e.ann->kind = KIND_GATEWAY;
	expect(&e, REASON_GRANTED);
}

/* A second role, which bears a ceiling and carries nothing, given to Ann. */
static struct ref_grant *
add_ceiling(struct example *e, const char *name, struct ref_ceiling ceiling)
{
	e->org.roles[e->org.role_count++] =
		(struct ref_role){.name = name, .kinds = e->reader->kinds, .ceiling = ceiling};
	struct ref_grant *grant = &e->ann->grants.items[e->ann->grants.count++];
	*grant = (struct ref_grant){.node = REF_ORG, .role = name, .expires_us = NEVER};
	return grant;
}

static void
test_policy__ceilings_add_up(void **state)
{
	(void)state;
	const struct ref_ceiling nothing = {.present = true};
	const struct ref_ceiling all = {.present = true, .except = true};
	struct example e;

	begin(&e);
	struct ref_grant *low = add_ceiling(&e, "low", nothing);
	expect(&e, REASON_CEILING);
	struct ref_grant *high = add_ceiling(&e, "high", all);
	expect(&e, REASON_GRANTED);
	high->expires_us = NOW_US; /* only those count that are active now … */
	expect(&e, REASON_CEILING);
	low->expires_us = NOW_US; /* … and where none is, the default one bounds */
	expect(&e, REASON_GRANTED);
	e.org.default_ceilings[KIND_MEMBER] = nothing;
	expect(&e, REASON_CEILING);
	e.org.default_ceilings[KIND_MEMBER] = all;
	expect(&e, REASON_GRANTED);

	begin(&e); /* one that is given below the organisation bounds nothing */
	add_ceiling(&e, "low", nothing)->node = "ws0";
	expect(&e, REASON_GRANTED);
}

static void
test_policy__other_ceilings(void **state)
{
	(void)state;
	const struct ref_ceiling only = {.present = true, .names = {{"devices:read"}, 1}};
	const struct ref_ceiling except = {
		.present = true, .except = true, .names = {{"devices:read"}, 1}};
	struct example e;

	begin(&e);
	e.org.default_ceilings[KIND_MEMBER] = except;
	expect(&e, REASON_CEILING);
	add_ceiling(&e, "high", only); /* takes the place of the default … */
	expect(&e, REASON_GRANTED);
	e.ann->ceiling = except; /* … not of one's own */
	expect(&e, REASON_CEILING);
	e.ann->ceiling = only;
	expect(&e, REASON_GRANTED);
}

static void
test_policy__one_of_a_workspace_stays_there(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.ann->workspace = "ws0";
	expect(&e, REASON_GRANTED);
	e.grant->node = REF_ORG;
	e.ann->workspace = "ws1";
	expect(&e, REASON_CREDENTIAL_OTHER_NODE);
	e.ann->workspace = "ws0";
	e.q.kind = TARGET_ORG;
	e.q.workspace = NULL;
	expect(&e, REASON_CREDENTIAL_OTHER_NODE);
}

static void
test_policy__what_one_may_give(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	expect_gift(&e, REASON_GRANTED);
	e.q.permission = "devices:update";
	expect_gift(&e, REASON_NO_GRANT);

	begin(&e); /* given without being exercised, to others */
	e.reader->exercises.count = 0;
	expect(&e, REASON_NO_GRANT);
	expect_gift(&e, REASON_GRANTED);
	e.terms.to_self = true;
	expect_gift(&e, REASON_NO_GRANT);

	begin(&e); /* exercised without being given */
	e.reader->gives.count = 0;
	expect_gift(&e, REASON_NO_GRANT);

	begin(&e); /* built in: exercised as well */
	e.q.permission = "iam:groups:read";
	e.reader->gives = (struct ref_names){{"iam:groups:read"}, 1};
	expect_gift(&e, REASON_NO_GRANT);
	e.reader->exercises = e.reader->gives;
	expect_gift(&e, REASON_GRANTED);
}

static void
test_policy__given_on_the_same_terms(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.grant->expires_us = NOW_US + 10;
	expect_gift(&e, REASON_NO_GRANT);
	e.terms.expires_us = NOW_US + 10;
	expect_gift(&e, REASON_GRANTED);
	e.grant->condition = IN_ZONE_A;
	set_zone(&e, "a");
	expect_gift(&e, REASON_NO_GRANT);
	e.terms.condition = IN_ZONE_A;
	expect_gift(&e, REASON_GRANTED);
	set_zone(&e, "b");
	expect_gift(&e, REASON_CONDITION_NOT_MET);

	begin(&e); /* nor for longer than one exercises it, where that is asked for */
	e.ann->grants.items[1] = *e.grant;
	e.ann->grants.items[1].role = "giver";
	e.ann->grants.count = 2;
	e.org.roles[1] = (struct ref_role){
		.name = "giver", .kinds = e.reader->kinds, .gives = {{"devices:read"}, 1}};
	e.org.role_count = 2;
	e.grant->expires_us = NOW_US + 10;
	expect_gift(&e, REASON_GRANTED);
	e.terms.to_self = true;
	expect_gift(&e, REASON_NO_GRANT);
}

static void
test_policy__scopes_are_given_by_who_gives_scopes(void **state)
{
	(void)state;
	struct example e;

	begin(&e);
	e.q.permission = "lab:open";
	expect_gift(&e, REASON_NO_GRANT);
	e.reader->exercises = (struct ref_names){{"iam:scopes:give"}, 1};
	expect_gift(&e, REASON_GRANTED);
	expect(&e, REASON_NO_GRANT);
	e.terms.to_self = true;
	expect_gift(&e, REASON_NO_GRANT);

	begin(&e); /* in its workspace alone */
	e.q.permission = "lab:open";
	e.reader->exercises = (struct ref_names){{"iam:scopes:give"}, 1};
	e.grant->node = REF_ORG;
	e.q.kind = TARGET_WORKSPACE;
	expect_gift(&e, REASON_GRANTED);
	e.q.workspace = "ws1";
	expect_gift(&e, REASON_NO_GRANT);
}

static void
test_policy__names_are_found(void **state)
{
	(void)state;
	struct example e;
	const struct workspace_id none = {{{0}}}, ws0 = {build_id("ws0")}, ws1 = {build_id("ws1")};

	begin(&e);
	arena_reset(arena);
	const struct org_view *org = built_org(build_org(&e.org, arena));
	uint32_t number = org_permission_number(org, none, STR("devices:read"));
	assert_in_range(number, PERMISSION_OWN_FIRST, PERMISSION_LIMIT - 1);
	assert_int_equal(org_permission_number(org, ws0, STR("devices:read")), number);
	check_str(org_permission_name(org, number), "devices:read");
	assert_int_equal(org_permission_number(org, none, STR("iam:groups:read")), IAM_GROUPS_READ);
	check_str(org_permission_name(org, IAM_GROUPS_READ), "iam:groups:read");

	assert_int_not_equal(org_permission_number(org, ws0, STR("lab:open")), PERMISSION_NONE);
	assert_int_equal(org_permission_number(org, ws1, STR("lab:open")), PERMISSION_NONE);
	assert_int_equal(org_permission_number(org, none, STR("lab:open")), PERMISSION_NONE);
	assert_int_equal(org_permission_number(org, none, STR("iam:no:such")), PERMISSION_NONE);
	assert_null(org_permission_name(org, PERMISSION_NONE).ptr);
	assert_null(org_permission_at(org, number + 1));

	assert_true(org_resource_type(org, STR("device"))->registered);
	assert_false(org_resource_type(org, STR("label"))->registered);
	assert_null(org_resource_type(org, STR("teapot")));
	assert_null(org_role_at(org, ROLE_NONE));
	const struct role_view *reader =
		org_role_by_id(org, (struct role_id){build_id("reader")}, &number);
	assert_non_null(reader);
	assert_ptr_equal(org_role_at(org, number), reader);
	assert_null(org_role_by_id(org, (struct role_id){build_id("writer")}, NULL));
}

static void
test_policy__another_name_is_the_built_in_permission(void **state)
{
	(void)state;
	const struct permission_view view = {.name = STR("users:read"),
		.number = PERMISSION_OWN_FIRST,
		.alias = IAM_MEMBERS_READ};
	const struct permission_view *names[4] = {NULL};
	const struct org_view org = {.names = names, .names_mask = 3};

	names[org_permission_slot(names, 3, view.workspace, view.name)] = &view;
	assert_int_equal(
		org_permission_number(&org, view.workspace, STR("users:read")), IAM_MEMBERS_READ);
	assert_int_equal(
		org_permission_number(&org, view.workspace, STR("users:write")), PERMISSION_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__every_reason_has_a_name_of_its_own),
		cmocka_unit_test(test_policy__subject),
		cmocka_unit_test(test_policy__credential),
		cmocka_unit_test(test_policy__nodes_and_resources),
		cmocka_unit_test(test_policy__a_global_resource_is_used_where_enabled),
		cmocka_unit_test(test_policy__a_grant_counts_at_its_node_and_below),
		cmocka_unit_test(test_policy__grants),
		cmocka_unit_test(test_policy__a_condition_fails_closed),
		cmocka_unit_test(test_policy__a_group_carries_its_grants),
		cmocka_unit_test(test_policy__many_grants_are_searched),
		cmocka_unit_test(test_policy__reach),
		cmocka_unit_test(test_policy__a_guardrail_denies_below_its_node),
		cmocka_unit_test(test_policy__ceilings_add_up),
		cmocka_unit_test(test_policy__other_ceilings),
		cmocka_unit_test(test_policy__one_of_a_workspace_stays_there),
		cmocka_unit_test(test_policy__what_one_may_give),
		cmocka_unit_test(test_policy__given_on_the_same_terms),
		cmocka_unit_test(test_policy__scopes_are_given_by_who_gives_scopes),
		cmocka_unit_test(test_policy__names_are_found),
		cmocka_unit_test(test_policy__another_name_is_the_built_in_permission),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
