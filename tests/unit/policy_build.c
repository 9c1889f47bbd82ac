#include "policy_build.h"

#include <stdlib.h>

#include "model/catalogue.h"
#include "policy/lookup.h"

/* Own permissions get numbers that lie in different words of a set. */
#define OWN_STEP 43
#define OWN_END (PERMISSION_OWN_FIRST + OWN_STEP * REF_LIST_MAX)
#define NAME_SLOTS 64

struct built {
	struct arena *arena;
	const struct ref_org *source;
	struct org_view org;
	struct permission_view permissions[REF_LIST_MAX];
	struct resource_type_view types[REF_TYPES];
	struct workspace_view workspaces[REF_WORKSPACES];
	struct rgroup_view rgroups[REF_RGROUPS];
	struct resource_view resources[REF_RESOURCES];
	struct role_view roles[REF_ROLES];
	struct group_view groups[REF_GROUPS];
	struct principal_view principals[REF_PRINCIPALS];
	struct guardrail_view guardrails[REF_GUARDRAILS];
};

struct uuid
build_id(const char *name)
{
	struct uuid id = {{0}};
	if (name) {
		ASSERT(strlen(name) < sizeof(id.bytes));
		memcpy(id.bytes, name, strlen(name));
	}
	return id;
}

static void *
allocate(struct built *built, size_t count, size_t size)
{
	void *memory = arena_alloc_array(built->arena, count, size);
	ASSERT(memory);
	return memory;
}

static uint32_t
number_of(const struct built *built, const char *name)
{
	if (strncmp(name, "iam:", 4) == 0) {
		const struct catalogue_entry *entry = catalogue_find(str_from(name));
		return entry ? entry->number : PERMISSION_NONE;
	}
	for (int i = 0; i < built->source->permission_count; i++) {
		if (strcmp(built->source->permissions[i].name, name) == 0)
			return PERMISSION_OWN_FIRST + (uint32_t)i * OWN_STEP;
	}
	return PERMISSION_NONE;
}

static struct permset
build_set(struct built *built, const struct ref_names *names)
{
	struct permset set;
	ASSERT(permset_init(&set, built->arena, OWN_END));
	for (int i = 0; i < names->count; i++)
		permset_add(&set, number_of(built, names->items[i]));
	return set;
}

static kind_mask
build_kinds(const struct ref_kinds *kinds)
{
	kind_mask mask = 0;
	for (int kind = 1; kind < KIND_COUNT; kind++) {
		if (kinds->has[kind])
			mask |= KIND_BIT(kind);
	}
	return mask;
}

static const struct ceiling *
build_ceiling(struct built *built, const struct ref_ceiling *source)
{
	if (!source->present)
		return NULL;
	struct ceiling *ceiling = allocate(built, 1, sizeof(*ceiling));
	*ceiling = (struct ceiling){source->except, build_set(built, &source->names)};
	return ceiling;
}

static struct str
comparison_text(struct built *built, const struct ref_comparison *c)
{
	if (c->operator== REF_EXISTS)
		return arena_printf(built->arena,
			"{\"attribute\":\"%s\",\"operator\":\"exists\",\"value\":true}", c->path);
	return arena_printf(built->arena,
		"{\"attribute\":\"%s\",\"operator\":\"%s\",\"value\":\"%s\"}", c->path,
		c->operator== REF_EQ ? "eq" : "ne", c->value);
}

static const struct condition *
build_condition(struct built *built, const struct ref_condition *source)
{
	struct error err = {0};
	struct condition *condition = NULL;
	struct str parts[2] = {STR(""), STR("")};

	if (source->count == 0)
		return NULL;
	for (int i = 0; i < source->count; i++)
		parts[i] = comparison_text(built, &source->items[i]);
	struct str text = arena_printf(built->arena, "{\"all\":[%.*s%s%.*s]}", STR_ARG(parts[0]),
		source->count > 1 ? "," : "", STR_ARG(parts[1]));
	ASSERT(condition_load(&condition, text, built->arena, &err) == OK);
	return condition;
}

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uuid));
}

/* Identifiers, sorted; each typed identifier has the one member alone. */
static void *
build_ids(struct built *built, const struct ref_names *names)
{
	struct uuid *ids = allocate(built, (size_t)names->count, sizeof(*ids));
	for (int i = 0; i < names->count; i++)
		ids[i] = build_id(names->items[i]);
	qsort(ids, (size_t)names->count, sizeof(*ids), by_id);
	return ids;
}

static uint32_t
role_number(const struct built *built, const char *name)
{
	for (int i = 0; i < built->source->role_count; i++) {
		if (strcmp(built->source->roles[i].name, name) == 0)
			return (uint32_t)i;
	}
	return REF_ROLES + 1; /* gone: past the last */
}

static int
by_node(const void *a, const void *b)
{
	const struct grant_entry *x = a, *y = b;
	return uuid_compare(x->node, y->node);
}

static struct grants
build_grants(struct built *built, const struct ref_grants *source)
{
	struct grant_entry *entries = allocate(built, (size_t)source->count, sizeof(*entries));
	for (int i = 0; i < source->count; i++) {
		const struct ref_grant *grant = &source->items[i];
		entries[i] = (struct grant_entry){
			.node = build_id(grant->node),
			.expires_us = grant->expires_us,
			.condition = build_condition(built, &grant->condition),
			.role = grant->role ? role_number(built, grant->role) : ROLE_NONE,
			.permission =
				grant->role ? PERMISSION_NONE : number_of(built, grant->permission),
		};
	}
	qsort(entries, (size_t)source->count, sizeof(*entries), by_node);
	return (struct grants){entries, (uint32_t)source->count};
}

static void
build_permissions(struct built *built)
{
	struct org_view *org = &built->org;
	org->permissions =
		allocate(built, OWN_END - PERMISSION_OWN_FIRST, sizeof(*org->permissions));
	org->names = allocate(built, NAME_SLOTS, sizeof(*org->names));
	org->names_mask = NAME_SLOTS - 1;
	org->permission_end = OWN_END;
	for (int i = 0; i < built->source->permission_count; i++) {
		const struct ref_permission *source = &built->source->permissions[i];
		struct permission_view *view = &built->permissions[i];
		*view = (struct permission_view){
			.name = str_from(source->name),
			.workspace = {build_id(source->workspace)},
			.number = number_of(built, source->name),
			.alias = PERMISSION_NONE,
			.class = CLASS_WRITE,
		};
		ASSERT(view->number != PERMISSION_NONE);
		if (view->number < PERMISSION_OWN_FIRST)
			continue;
		org->permissions[view->number - PERMISSION_OWN_FIRST] = view;
		org->names[org_permission_slot(
			org->names, NAME_SLOTS - 1, view->workspace, view->name)] = view;
	}
}

static int
by_name(const void *a, const void *b)
{
	const struct resource_type_view *x = a, *y = b;
	return str_compare(x->name, y->name);
}

static void
build_types(struct built *built)
{
	for (int i = 0; i < built->source->type_count; i++)
		built->types[i] = (struct resource_type_view){
			str_from(built->source->types[i].name), built->source->types[i].registered};
	qsort(built->types, (size_t)built->source->type_count, sizeof(built->types[0]), by_name);
	built->org.types = built->types;
	built->org.type_count = (uint32_t)built->source->type_count;
}

static void
build_roles(struct built *built)
{
	built->org.roles = allocate(built, REF_ROLES, sizeof(*built->org.roles));
	built->org.role_end = REF_ROLES;
	for (int i = 0; i < built->source->role_count; i++) {
		const struct ref_role *source = &built->source->roles[i];
		built->roles[i] = (struct role_view){
			.id = {build_id(source->name)},
			.name = str_from(source->name),
			.kinds = build_kinds(&source->kinds),
			.exercises = build_set(built, &source->exercises),
			.gives = build_set(built, &source->gives),
			.ceiling = build_ceiling(built, &source->ceiling),
		};
		built->org.roles[i] = &built->roles[i];
	}
}

static enum node_kind
node_kind_of(const struct ref_org *org, const char *node)
{
	if (strcmp(node, REF_PLATFORM) == 0)
		return NODE_PLATFORM;
	if (strcmp(node, REF_ORG) == 0)
		return NODE_ORG;
	for (int i = 0; i < org->workspace_count; i++) {
		if (strcmp(org->workspaces[i].name, node) == 0)
			return NODE_WORKSPACE;
	}
	for (int i = 0; i < org->rgroup_count; i++) {
		if (strcmp(org->rgroups[i].name, node) == 0)
			return NODE_RESOURCE_GROUP;
	}
	return NODE_RESOURCE;
}

static void
build_guardrails(struct built *built)
{
	struct org_view *org = &built->org;
	ASSERT(permset_init(&org->guarded, built->arena, OWN_END));
	for (int i = 0; i < built->source->guardrail_count; i++) {
		const struct ref_guardrail *source = &built->source->guardrails[i];
		enum node_kind kind = node_kind_of(built->source, source->node);
		built->guardrails[i] = (struct guardrail_view){
			.id = {build_id(source->name)},
			.name = str_from(source->name),
			.node = {kind,
				kind == NODE_PLATFORM ? build_id(NULL) : build_id(source->node)},
			.kinds = build_kinds(&source->kinds),
			.denies = build_set(built, &source->denies),
			.condition = build_condition(built, &source->condition),
		};
		permset_unite(&org->guarded, &built->guardrails[i].denies);
	}
	org->guardrails = built->guardrails;
	org->guardrail_count = (uint32_t)built->source->guardrail_count;
}

static void
build_nodes(struct built *built)
{
	const struct ref_org *source = built->source;
	for (int i = 0; i < source->workspace_count; i++)
		built->workspaces[i] = (struct workspace_view){built->org.id,
			{build_id(source->workspaces[i].name)}, source->workspaces[i].state};
	for (int i = 0; i < source->rgroup_count; i++)
		built->rgroups[i] = (struct rgroup_view){built->org.id,
			{build_id(source->rgroups[i].workspace)},
			{build_id(source->rgroups[i].name)}};
	for (int i = 0; i < source->resource_count; i++) {
		const struct ref_resource *resource = &source->resources[i];
		built->resources[i] = (struct resource_view){
			.org = built->org.id,
			.workspace = {build_id(resource->workspace)},
			.id = {build_id(resource->name)},
			.type = str_from(resource->type),
			.name = str_from(resource->name),
			.state = resource->state,
			.groups = build_ids(built, &resource->groups),
			.group_count = (uint32_t)resource->groups.count,
			.enabled_in = build_ids(built, &resource->enabled_in),
			.enabled_count = (uint32_t)resource->enabled_in.count,
		};
	}
}

static void
build_holders(struct built *built)
{
	const struct ref_org *source = built->source;
	for (int i = 0; i < source->group_count; i++)
		built->groups[i] = (struct group_view){.org = built->org.id,
			.id = {build_id(source->groups[i].name)},
			.grants = build_grants(built, &source->groups[i].grants)};
	for (int i = 0; i < source->principal_count; i++) {
		const struct ref_principal *principal = &source->principals[i];
		built->principals[i] = (struct principal_view){
			.org = built->org.id,
			.id = {build_id(principal->name)},
			.kind = principal->kind,
			.state = principal->state,
			.confined = principal->confined,
			.workspace = {build_id(principal->workspace)},
			.self = {build_id(principal->self)},
			.expires_us = principal->expires_us,
			.ceiling = build_ceiling(built, &principal->ceiling),
			.grants = build_grants(built, &principal->grants),
			.groups = build_ids(built, &principal->groups),
			.group_count = (uint32_t)principal->groups.count,
			.reach = build_ids(built, &principal->reach),
			.reach_count = (uint32_t)principal->reach.count,
		};
	}
}

struct built *
build_org(const struct ref_org *org, struct arena *arena)
{
	struct built *built = arena_new_one(arena, struct built);
	ASSERT(built);
	built->arena = arena;
	built->source = org;
	built->org.id.id = build_id(REF_ORG);
	built->org.state = org->state;
	build_permissions(built);
	build_types(built);
	build_roles(built);
	build_guardrails(built);
	build_nodes(built);
	build_holders(built);
	for (int kind = 0; kind < KIND_COUNT; kind++) {
		built->org.default_ceilings[kind] =
			build_ceiling(built, &org->default_ceilings[kind]);
		built->org.default_roles[kind] = ROLE_NONE;
	}
	return built;
}

const struct org_view *
built_org(const struct built *built)
{
	return &built->org;
}

/* The element of an array of views whose source has this name; NULL when there is none. */
#define PICK(built, list, wanted)                                                                  \
	pick((built)->source->list, sizeof((built)->source->list[0]),                              \
		ARRAY_LEN((built)->source->list), (built)->list, sizeof((built)->list[0]), wanted)

/* Every source begins with its name; unused ones have none. */
static const void *
pick(const void *sources, size_t step, size_t count, const void *views, size_t view,
	const char *name)
{
	for (size_t i = 0; name && i < count; i++) {
		const char *const *at = (const void *)((const char *)sources + i * step);
		if (*at && strcmp(*at, name) == 0)
			return (const char *)views + i * view;
	}
	return NULL;
}

static const struct token_bounds *
build_bounds(struct built *built, const struct ref_token *token)
{
	struct token_bounds *bounds = allocate(built, 1, sizeof(*bounds));
	const struct workspace_view *workspace = PICK(built, workspaces, token->workspace);
	if (workspace)
		bounds->workspace = workspace->id;
	if (!token->all) {
		struct permset *set = allocate(built, 1, sizeof(*set));
		*set = build_set(built, &token->names);
		bounds->permissions = set;
	}
	return bounds;
}

static void
build_subject(struct subject *out, struct built *built, const struct ref_question *q)
{
	out->principal = PICK(built, principals, q->principal);
	if (out->principal) {
		uint32_t count = out->principal->group_count;
		const struct group_view **groups = allocate(built, count, sizeof(void *));
		for (uint32_t i = 0; i < count; i++) {
			for (int g = 0; g < built->source->group_count; g++) {
				if (uuid_eq(built->groups[g].id.id, out->principal->groups[i].id))
					groups[i] = &built->groups[g];
			}
		}
		out->groups = groups;
	}
	if (q->credential.principal) {
		struct credential_view *credential = allocate(built, 1, sizeof(*credential));
		credential->org = built->org.id;
		credential->id.id = build_id("credential");
		credential->principal.id = build_id(q->credential.principal);
		credential->state = q->credential.state;
		credential->expires_us = q->credential.expires_us;
		out->credential = credential;
	}
	if (q->token.present)
		out->bounds = build_bounds(built, &q->token);
}

static struct attributes
build_attributes(struct built *built, const struct ref_question *q)
{
	struct attribute *items = allocate(built, REF_ATTRIBUTES, sizeof(*items));
	for (int i = 0; i < q->attribute_count; i++) {
		const struct ref_attribute *source = &q->attributes[i];
		items[i].path = str_from(source->path);
		items[i].type = source->value ? ATTRIBUTE_STRING : ATTRIBUTE_NUMBER;
		items[i].str = str_from(source->value);
		items[i].number = 7;
	}
	return (struct attributes){
		.items = items, .count = (uint32_t)q->attribute_count, .now_us = q->now_us};
}

void
build_question(struct question *out, struct built *built, const struct ref_question *q)
{
	*out = (struct question){.org = &built->org, .permission = number_of(built, q->permission)};
	build_subject(&out->subject, built, q);
	out->target.kind = q->kind;
	out->target.workspace = PICK(built, workspaces, q->workspace);
	if (q->kind == TARGET_RESOURCE_GROUP)
		out->target.rgroup = PICK(built, rgroups, q->rgroup);
	if (q->kind == TARGET_RESOURCE) {
		const struct ref_resource *resource = ref_resource_find(q);
		out->target.resource = resource ? PICK(built, resources, resource->name) : NULL;
		out->target.type = org_resource_type(&built->org, str_from(q->type));
	}
	out->attributes = build_attributes(built, q);
}

void
build_terms(struct terms *out, struct built *built, const struct ref_terms *terms)
{
	*out = (struct terms){
		terms->expires_us, build_condition(built, &terms->condition), terms->to_self};
}
