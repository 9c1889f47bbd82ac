#include "directory/internal.h"

/*
 * Copies a view with all that it points to into one block. The same code measures (no base: the
 * pointers made are not used) and copies.
 */
static void *
put(struct packer *p, const void *from, size_t size)
{
	size_t at = (p->used + 7) & ~(size_t)7;
	p->used = at + size;
	if (!p->base)
		return NULL;
	return size ? memcpy(p->base + at, from, size) : NULL;
}

static struct str
put_str(struct packer *p, struct str s)
{
	size_t at = p->used;
	if (!s.ptr)
		return s;
	p->used += s.len;
	if (!p->base)
		return s;
	return (struct str){memcpy(p->base + at, s.ptr, s.len), s.len};
}

static struct permset
put_permset(struct packer *p, const struct permset *set)
{
	return (struct permset){
		put(p, set->words, set->word_count * sizeof(uint64_t)), set->word_count};
}

static const struct ceiling *
put_ceiling(struct packer *p, const struct ceiling *ceiling)
{
	if (!ceiling)
		return NULL;
	struct ceiling copy = {ceiling->except, put_permset(p, &ceiling->named)};
	return put(p, &copy, sizeof(copy));
}

/* What a condition is made of is known to the model alone: it is compiled anew from its text. */
static const struct condition *
put_condition(struct packer *p, const struct condition *condition)
{
	struct condition *copy = NULL;
	if (!condition || condition == &CONDITION_BROKEN || p->failed)
		return condition;
	p->has_conditions = true;
	if (condition_load(&copy, condition_text(condition), p->conditions, &p->error) != OK) {
		p->failed = true;
		return &CONDITION_BROKEN;
	}
	return copy;
}

static struct grants
put_grants(struct packer *p, const struct grants *grants)
{
	struct grant_entry *entries =
		put(p, grants->entries, grants->count * sizeof(*grants->entries));
	for (uint32_t i = 0; i < grants->count; i++) {
		const struct condition *copy = put_condition(p, grants->entries[i].condition);
		if (entries)
			entries[i].condition = copy;
	}
	return (struct grants){entries, grants->count};
}

static const struct role_view *
put_role(struct packer *p, const struct role_view *role)
{
	if (!role)
		return NULL;
	struct role_view copy = *role;
	copy.exercises = put_permset(p, &role->exercises);
	copy.gives = put_permset(p, &role->gives);
	copy.ceiling = put_ceiling(p, role->ceiling);
	copy.name = put_str(p, role->name);
	return put(p, &copy, sizeof(copy));
}

static void
put_roles(struct packer *p, struct org_view *org, const struct org_view *from)
{
	const struct role_view **roles = put(p, from->roles, from->role_end * sizeof(*roles));
	for (uint32_t i = 0; i < from->role_end; i++) {
		const struct role_view *role = put_role(p, from->roles[i]);
		if (roles)
			roles[i] = role;
	}
	org->roles = roles;
}

static void
put_permissions(struct packer *p, struct org_view *org, const struct org_view *from)
{
	uint32_t own = from->permission_end > PERMISSION_OWN_FIRST
		? from->permission_end - PERMISSION_OWN_FIRST
		: 0;
	const struct permission_view **by_number =
		put(p, from->permissions, own * sizeof(*by_number));
	for (uint32_t i = 0; i < own; i++) {
		if (!from->permissions[i])
			continue;
		struct permission_view copy = *from->permissions[i];
		copy.name = put_str(p, copy.name);
		const struct permission_view *view = put(p, &copy, sizeof(copy));
		if (by_number)
			by_number[i] = view;
	}
	size_t slots = (size_t)from->names_mask + 1;
	const struct permission_view **names = put(p, from->names, slots * sizeof(*names));
	for (size_t i = 0; names && by_number && i < slots; i++) {
		if (names[i])
			names[i] = by_number[names[i]->number - PERMISSION_OWN_FIRST];
	}
	org->permissions = by_number;
	org->names = names;
}

static void
put_guardrails(struct packer *p, struct org_view *org, const struct org_view *from)
{
	struct guardrail_view *guardrails =
		put(p, from->guardrails, from->guardrail_count * sizeof(*guardrails));
	for (uint32_t i = 0; i < from->guardrail_count; i++) {
		struct guardrail_view copy = from->guardrails[i];
		copy.name = put_str(p, copy.name);
		copy.denies = put_permset(p, &from->guardrails[i].denies);
		copy.condition = put_condition(p, copy.condition);
		if (guardrails)
			guardrails[i] = copy;
	}
	org->guardrails = guardrails;
	org->guarded = put_permset(p, &from->guarded);
}

static const void *
put_org(struct packer *p, const struct org_view *from)
{
	struct org_view *org = put(p, from, sizeof(*from));
	struct org_view parts = *from;
	put_roles(p, &parts, from);
	put_permissions(p, &parts, from);
	put_guardrails(p, &parts, from);
	struct resource_type_view *types = put(p, from->types, from->type_count * sizeof(*types));
	for (uint32_t i = 0; i < from->type_count; i++) {
		struct str name = put_str(p, from->types[i].name);
		if (types)
			types[i].name = name;
	}
	parts.types = types;
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		parts.default_ceilings[kind] = put_ceiling(p, from->default_ceilings[kind]);
	if (org)
		*org = parts;
	return org;
}

static const void *
put_group(struct packer *p, const struct group_view *from)
{
	struct group_view *group = put(p, from, sizeof(*from));
	struct grants grants = put_grants(p, &from->grants);
	if (group)
		group->grants = grants;
	return group;
}

static const void *
put_principal(struct packer *p, const struct principal_view *from)
{
	struct principal_view *principal = put(p, from, sizeof(*from));
	struct principal_view parts = *from;
	parts.grants = put_grants(p, &from->grants);
	parts.groups = put(p, from->groups, from->group_count * sizeof(*from->groups));
	parts.reach = put(p, from->reach, from->reach_count * sizeof(*from->reach));
	parts.ceiling = put_ceiling(p, from->ceiling);
	if (principal)
		*principal = parts;
	return principal;
}

static const void *
put_resource(struct packer *p, const struct resource_view *from)
{
	struct resource_view *resource = put(p, from, sizeof(*from));
	struct resource_view parts = *from;
	parts.groups = put(p, from->groups, from->group_count * sizeof(*from->groups));
	parts.enabled_in =
		put(p, from->enabled_in, from->enabled_count * sizeof(*from->enabled_in));
	parts.type = put_str(p, from->type);
	parts.name = put_str(p, from->name);
	if (resource)
		*resource = parts;
	return resource;
}

static const void *
put_keys(struct packer *p, const struct keys_view *from)
{
	struct keys_view *view = put(p, from, sizeof(*from));
	struct signing_key_view *keys = put(p, from->keys, from->count * sizeof(*keys));
	for (uint32_t i = 0; i < from->count; i++) {
		struct str public_key = put_str(p, from->keys[i].public_key);
		struct str private_key = put_str(p, from->keys[i].private_key);
		const struct opened_key closed = {NULL};
		struct opened_key *opened = put(p, &closed, sizeof(closed));
		if (keys) {
			keys[i].public_key = public_key;
			keys[i].private_key = private_key;
			keys[i].opened = opened;
		}
	}
	if (view)
		view->keys = keys;
	return view;
}

static struct str_list
put_strs(struct packer *p, const struct str_list *from)
{
	struct str *items = put(p, from->items, from->count * sizeof(*items));
	for (uint32_t i = 0; i < from->count; i++) {
		struct str copy = put_str(p, from->items[i]);
		if (items)
			items[i] = copy;
	}
	return (struct str_list){items, from->count};
}

static const void *
put_client(struct packer *p, const struct client_view *from)
{
	struct client_view *client = put(p, from, sizeof(*from));
	struct client_view parts = *from;
	parts.redirect_uris = put_strs(p, &from->redirect_uris);
	parts.logout_uris = put_strs(p, &from->logout_uris);
	parts.name = put_str(p, from->name);
	parts.jwks = put_str(p, from->jwks);
	parts.jwks_uri = put_str(p, from->jwks_uri);
	parts.backchannel_uri = put_str(p, from->backchannel_uri);
	if (client)
		*client = parts;
	return client;
}

static const void *
put_context(struct packer *p, const struct context_view *from)
{
	struct context_view *context = put(p, from, sizeof(*from));
	struct str json = put_str(p, from->json);
	if (context)
		context->json = json;
	return context;
}

const void *
pack__view(struct packer *p, enum view_kind kind, const void *view)
{
	switch (kind) {
	case VIEW_ORG:
		return put_org(p, view);
	case VIEW_WORKSPACE:
		return put(p, view, sizeof(struct workspace_view));
	case VIEW_RGROUP:
		return put(p, view, sizeof(struct rgroup_view));
	case VIEW_GROUP:
		return put_group(p, view);
	case VIEW_PRINCIPAL:
		return put_principal(p, view);
	case VIEW_CREDENTIAL:
		return put(p, view, sizeof(struct credential_view));
	case VIEW_RESOURCE:
		return put_resource(p, view);
	case VIEW_ISSUER:
		return put(p, view, sizeof(struct issuer_view));
	case VIEW_KEYS:
		return put_keys(p, view);
	case VIEW_CLIENT:
		return put_client(p, view);
	case VIEW_REFUSAL:
		return put(p, view, sizeof(struct refusal_view));
	case VIEW_REFUSALS:
		return put(p, view, sizeof(struct refusals_view));
	case VIEW_PERSON:
		return put(p, view, sizeof(struct person_view));
	case VIEW_CONTEXT:
		return put_context(p, view);
	case VIEW_COUNT:
		break;
	}
	return NULL;
}
