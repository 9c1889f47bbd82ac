#include "policy_random.h"

#include "base/macros.h"

static const struct ref_permission PERMISSIONS[] = {
	{"iam:groups:read", NULL},
	{"iam:grants:create", NULL},
	{"iam:scopes:give", NULL},
	{"iam:records:read", NULL},
	{"devices:read", NULL},
	{"devices:update", NULL},
	{"events:publish", NULL},
	{"models:use", NULL},
	{"statements:read", NULL},
	{"lab:open", "ws0"},
	{"lab:close", "ws0"},
	{"door:open", "ws1"},
};
static const char *const WORKSPACES[REF_WORKSPACES] = {"ws0", "ws1", "ws2"};
static const char *const RGROUPS[REF_RGROUPS] = {"rg0", "rg1", "rg2", "rg3", "rg4"};
static const char *const RESOURCES[REF_RESOURCES] = {
	"res0", "res1", "res2", "res3", "res4", "res5", "res6", "res7", "res8"};
static const char *const ROLES[REF_ROLES] = {
	"role0", "role1", "role2", "role3", "role4", "role5", "role6", "role7"};
static const char *const GROUPS[REF_GROUPS] = {"grp0", "grp1", "grp2", "grp3"};
static const char *const PRINCIPALS[REF_PRINCIPALS] = {
	"who0", "who1", "who2", "who3", "who4", "who5", "who6", "who7"};
static const char *const GUARDRAILS[REF_GUARDRAILS] = {
	"rail0", "rail1", "rail2", "rail3", "rail4", "rail5"};
static const struct ref_type TYPES[] = {{"device", true}, {"label", false}, {"model", true}};
static const char *const PATHS[] = {"context.zone", "subject.properties.shift"};
static const char *const VALUES[] = {"a", "b"};

/* splitmix64 */
static uint64_t
dice_roll(struct dice *dice)
{
	uint64_t z = dice->state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

uint32_t
dice_below(struct dice *dice, uint32_t limit)
{
	return (uint32_t)(dice_roll(dice) >> 32) % limit;
}

bool
dice_chance(struct dice *dice, uint32_t percent)
{
	return dice_below(dice, 100) < percent;
}

static int
between(struct dice *dice, int low, int high)
{
	return low + (int)dice_below(dice, (uint32_t)(high - low + 1));
}

#define ONE_OF(dice, list) ((list)[dice_below(dice, (uint32_t)ARRAY_LEN(list))])

static void
some_of(struct ref_names *names, const char *const *from, int count, struct dice *dice,
	uint32_t percent)
{
	names->count = 0;
	for (int i = 0; i < count; i++) {
		if (dice_chance(dice, percent))
			names->items[names->count++] = from[i];
	}
}

static void
some_permissions(
	struct ref_names *names, const struct ref_org *org, struct dice *dice, uint32_t percent)
{
	names->count = 0;
	for (int i = 0; i < org->permission_count; i++) {
		if (dice_chance(dice, percent))
			names->items[names->count++] = org->permissions[i].name;
	}
}

static struct ref_kinds
some_kinds(struct dice *dice)
{
	struct ref_kinds kinds = {{false}};
	bool all = dice_chance(dice, 60);
	for (int kind = 1; kind < KIND_COUNT; kind++)
		kinds.has[kind] = all || dice_chance(dice, 50);
	return kinds;
}

/* Close to now on both sides, so that the very microsecond is met as well. */
static int64_t
some_expiry(struct dice *dice, uint32_t percent)
{
	return dice_chance(dice, percent) ? RANDOM_NOW_US + between(dice, -6, 6) : NEVER;
}

static enum state
some_state(struct dice *dice, uint32_t percent_inactive)
{
	static const enum state OTHERS[] = {
		STATE_SUSPENDED, STATE_DELETED, STATE_INVITED, STATE_REVOKED, STATE_NONE};
	return dice_chance(dice, percent_inactive) ? ONE_OF(dice, OTHERS) : STATE_ACTIVE;
}

static struct ref_condition
some_condition(struct dice *dice, uint32_t percent)
{
	struct ref_condition condition = {
		.count = dice_chance(dice, percent) ? between(dice, 1, 2) : 0};
	for (int i = 0; i < condition.count; i++) {
		struct ref_comparison *c = &condition.items[i];
		int operator= between(dice, 0, 4);
		c->path = ONE_OF(dice, PATHS);
		c->operator= operator<3 ? REF_EQ : operator== 3 ? REF_NE : REF_EXISTS;
		c->value = c->operator== REF_EXISTS ? NULL : ONE_OF(dice, VALUES);
	}
	return condition;
}

static struct ref_ceiling
some_ceiling(const struct ref_org *org, struct dice *dice, uint32_t percent)
{
	struct ref_ceiling ceiling = {.present = dice_chance(dice, percent)};
	if (!ceiling.present)
		return ceiling;
	ceiling.except = dice_chance(dice, 50);
	some_permissions(&ceiling.names, org, dice, ceiling.except ? 20 : 70);
	return ceiling;
}

static const char *
some_node(const struct ref_org *org, struct dice *dice)
{
	int which = between(dice, 0, 9);
	if (which < 3)
		return REF_ORG;
	if (which < 6)
		return org->workspaces[dice_below(dice, (uint32_t)org->workspace_count)].name;
	if (which < 8)
		return org->rgroups[dice_below(dice, (uint32_t)org->rgroup_count)].name;
	return org->resources[dice_below(dice, (uint32_t)org->resource_count)].name;
}

void
random_grant(struct ref_grant *grant, const struct ref_org *org, struct dice *dice)
{
	*grant = (struct ref_grant){
		.node = some_node(org, dice),
		.expires_us = some_expiry(dice, 30),
		.condition = some_condition(dice, 25),
	};
	if (dice_chance(dice, 25))
		grant->permission =
			dice_chance(dice, 4) ? "gone:gone" : ONE_OF(dice, PERMISSIONS).name;
	else
		grant->role = ONE_OF(dice, ROLES); /* perhaps one that is gone */
}

static void
random_grants(struct ref_grants *grants, const struct ref_org *org, struct dice *dice)
{
	grants->count =
		dice_chance(dice, 6) ? between(dice, 17, REF_GRANTS_MAX - 4) : between(dice, 0, 4);
	for (int i = 0; i < grants->count; i++)
		random_grant(&grants->items[i], org, dice);
}

void
random_guardrail(struct ref_guardrail *rail, const struct ref_org *org, struct dice *dice)
{
	rail->node = dice_chance(dice, 15) ? REF_PLATFORM : some_node(org, dice);
	rail->kinds = some_kinds(dice);
	some_permissions(&rail->denies, org, dice, 20);
	rail->condition = some_condition(dice, 40);
}

static void
random_resource(struct ref_resource *resource, const struct ref_org *org, struct dice *dice)
{
	const char *groups[REF_RGROUPS];
	int count = 0;

	resource->type = ONE_OF(dice, TYPES).name;
	resource->state = some_state(dice, 4);
	if (dice_chance(dice, 25)) {
		some_of(&resource->enabled_in, WORKSPACES, org->workspace_count, dice, 60);
		return;
	}
	resource->workspace =
		org->workspaces[dice_below(dice, (uint32_t)org->workspace_count)].name;
	for (int i = 0; i < org->rgroup_count; i++) {
		if (strcmp(org->rgroups[i].workspace, resource->workspace) == 0)
			groups[count++] = org->rgroups[i].name;
	}
	some_of(&resource->groups, groups, count, dice, 50);
}

static void
random_principal(struct ref_principal *principal, const struct ref_org *org, struct dice *dice)
{
	principal->kind = (enum principal_kind)between(dice, 1, KIND_COUNT - 1);
	principal->state = some_state(dice, 4);
	principal->expires_us = some_expiry(dice, 8);
	if (dice_chance(dice, 15))
		principal->workspace =
			org->workspaces[dice_below(dice, (uint32_t)org->workspace_count)].name;
	if (dice_chance(dice, 30))
		principal->self = ONE_OF(dice, RESOURCES);
	principal->confined = dice_chance(dice, 25);
	some_of(&principal->reach, RGROUPS, org->rgroup_count, dice, 40);
	principal->ceiling = some_ceiling(org, dice, 15);
	random_grants(&principal->grants, org, dice);
	some_of(&principal->groups, GROUPS, REF_GROUPS, dice, 30); /* perhaps one that is gone */
}

static void
random_nodes(struct ref_org *org, struct dice *dice)
{
	org->workspace_count = between(dice, 1, REF_WORKSPACES);
	for (int i = 0; i < org->workspace_count; i++)
		org->workspaces[i] = (struct ref_workspace){WORKSPACES[i], some_state(dice, 4)};
	org->rgroup_count = between(dice, 1, REF_RGROUPS);
	for (int i = 0; i < org->rgroup_count; i++)
		org->rgroups[i] = (struct ref_rgroup){
			RGROUPS[i], WORKSPACES[dice_below(dice, (uint32_t)org->workspace_count)]};
	org->resource_count = between(dice, 3, REF_RESOURCES);
	for (int i = 0; i < org->resource_count; i++) {
		org->resources[i].name = RESOURCES[i];
		random_resource(&org->resources[i], org, dice);
	}
}

void
random_org(struct ref_org *org, struct dice *dice)
{
	*org = (struct ref_org){.state = some_state(dice, 2)};
	org->permission_count = (int)ARRAY_LEN(PERMISSIONS);
	memcpy(org->permissions, PERMISSIONS, sizeof(PERMISSIONS));
	org->type_count = (int)ARRAY_LEN(TYPES);
	memcpy(org->types, TYPES, sizeof(TYPES));
	random_nodes(org, dice);
	org->role_count = between(dice, 4, REF_ROLES);
	for (int i = 0; i < org->role_count; i++) {
		struct ref_role *role = &org->roles[i];
		role->name = ROLES[i];
		role->kinds = some_kinds(dice);
		some_permissions(&role->exercises, org, dice, 45);
		role->gives = role->exercises;
		if (dice_chance(dice, 40))
			some_permissions(&role->gives, org, dice, 60);
		role->ceiling = some_ceiling(org, dice, 20);
	}
	org->group_count = between(dice, 1, REF_GROUPS - 1);
	for (int i = 0; i < org->group_count; i++) {
		org->groups[i].name = GROUPS[i];
		random_grants(&org->groups[i].grants, org, dice);
	}
	org->principal_count = REF_PRINCIPALS;
	for (int i = 0; i < org->principal_count; i++) {
		org->principals[i].name = PRINCIPALS[i];
		random_principal(&org->principals[i], org, dice);
	}
	org->guardrail_count = between(dice, 0, REF_GUARDRAILS - 2);
	for (int i = 0; i < org->guardrail_count; i++) {
		org->guardrails[i].name = GUARDRAILS[i];
		random_guardrail(&org->guardrails[i], org, dice);
	}
	for (int kind = 1; kind < KIND_COUNT; kind++)
		org->default_ceilings[kind] = some_ceiling(org, dice, 15);
}

static void
random_resource_question(struct ref_question *q, struct dice *dice)
{
	const struct ref_org *org = q->org;
	int which = between(dice, 0, 99);

	q->kind = TARGET_RESOURCE;
	if (which < 10) { /* a bare name */
		q->type = "label";
		q->resource = "bare";
	} else if (which < 14) { /* of any type, of none, or at the organisation */
		q->type = which < 13 ? ONE_OF(dice, TYPES).name : "no-type";
		q->resource = "unknown";
		if (which == 12)
			q->workspace = NULL;
	} else {
		const struct ref_resource *resource =
			&org->resources[dice_below(dice, (uint32_t)org->resource_count)];
		q->resource = resource->name;
		q->type = resource->type;
		if (resource->workspace || dice_chance(dice, 20))
			q->workspace = resource->workspace;
	}
}

static void
random_credential(struct ref_credential *credential, const char *principal, struct dice *dice)
{
	*credential = (struct ref_credential){0};
	if (dice_chance(dice, 50))
		return;
	credential->principal = dice_chance(dice, 2) ? ONE_OF(dice, PRINCIPALS) : principal;
	credential->state = some_state(dice, 3);
	credential->expires_us = some_expiry(dice, 8);
}

static void
random_token(struct ref_token *token, const struct ref_org *org, struct dice *dice)
{
	*token = (struct ref_token){0};
	if (dice_chance(dice, 70))
		return;
	token->present = true;
	token->all = dice_chance(dice, 20);
	if (dice_chance(dice, 50))
		token->workspace =
			org->workspaces[dice_below(dice, (uint32_t)org->workspace_count)].name;
	for (int i = 0; i < org->permission_count; i++) {
		if (dice_chance(dice, 70))
			token->names.items[token->names.count++] = org->permissions[i].name;
	}
}

static void
random_attributes(struct ref_question *q, struct dice *dice)
{
	q->attribute_count = 0;
	for (size_t i = 0; i < ARRAY_LEN(PATHS); i++) {
		if (dice_chance(dice, 25))
			continue;
		q->attributes[q->attribute_count++] = (struct ref_attribute){
			PATHS[i], dice_chance(dice, 10) ? NULL : ONE_OF(dice, VALUES)};
	}
}

void
random_question(struct ref_question *q, const struct ref_org *org, struct dice *dice)
{
	int which = between(dice, 0, 99);

	*q = (struct ref_question){.org = org, .now_us = RANDOM_NOW_US + between(dice, -6, 6)};
	q->principal = dice_chance(dice, 1) ? "nobody" : ONE_OF(dice, PRINCIPALS);
	random_credential(&q->credential, q->principal, dice);
	random_token(&q->token, org, dice);
	q->workspace = org->workspaces[dice_below(dice, (uint32_t)org->workspace_count)].name;
	if (which < 10) {
		q->kind = TARGET_ORG;
		q->workspace = NULL;
	} else if (which < 25) {
		q->kind = TARGET_WORKSPACE;
	} else if (which < 40) {
		const struct ref_rgroup *group =
			&org->rgroups[dice_below(dice, (uint32_t)org->rgroup_count)];
		q->kind = TARGET_RESOURCE_GROUP;
		q->rgroup = group->name;
		q->workspace = group->workspace;
	} else {
		random_resource_question(q, dice);
	}
	q->permission = dice_chance(dice, 1) ? "no:such" : ONE_OF(dice, PERMISSIONS).name;
	random_attributes(q, dice);
}

void
random_gift(struct ref_question *q, struct ref_terms *terms, const struct ref_org *org,
	struct dice *dice)
{
	random_question(q, org, dice);
	const struct ref_resource *resource =
		q->kind == TARGET_RESOURCE ? ref_resource_find(q) : NULL;
	if (resource)
		q->workspace = resource->workspace;
	terms->expires_us = some_expiry(dice, 60);
	terms->condition = some_condition(dice, 60);
	terms->to_self = dice_chance(dice, 40);
}

const char *
random_node_of(const struct ref_question *q)
{
	const struct ref_resource *resource;

	switch (q->kind) {
	case TARGET_ORG:
		return REF_ORG;
	case TARGET_WORKSPACE:
		return q->workspace;
	case TARGET_RESOURCE_GROUP:
		return q->rgroup;
	case TARGET_RESOURCE:
		resource = ref_resource_find(q);
		return resource ? resource->name : NULL;
	case TARGET_UNKNOWN:
		break;
	}
	return NULL;
}
