#include "policy/lookup.h"

#include "base/hash.h"
#include "model/catalogue.h"

uint32_t
org_permission_slot(const struct permission_view *const *names, uint32_t mask,
	struct workspace_id workspace, struct str name)
{
	uint64_t seed = hash_uuid(workspace.id, hash_seed());
	uint32_t slot = (uint32_t)hash_bytes(name.ptr, name.len, seed) & mask;

	while (names[slot] &&
		!(str_eq(names[slot]->name, name) &&
			uuid_eq(names[slot]->workspace.id, workspace.id)))
		slot = (slot + 1) & mask;
	return slot;
}

static const struct permission_view *
own_permission(const struct org_view *org, struct workspace_id workspace, struct str name)
{
	if (!org->names)
		return NULL;
	return org->names[org_permission_slot(org->names, org->names_mask, workspace, name)];
}

uint32_t
org_permission_number(const struct org_view *org, struct workspace_id workspace, struct str name)
{
	if (str_starts(name, STR("iam:"))) {
		const struct catalogue_entry *built_in = catalogue_find(name);
		return built_in ? built_in->number : PERMISSION_NONE;
	}

	const struct permission_view *own = NULL;
	if (!uuid_is_nil(workspace.id))
		own = own_permission(org, workspace, name);
	if (!own)
		own = own_permission(org, (struct workspace_id){{{0}}}, name);
	if (!own)
		return PERMISSION_NONE;
	return own->alias != PERMISSION_NONE ? own->alias : own->number;
}

const struct permission_view *
org_permission_at(const struct org_view *org, uint32_t number)
{
	if (number < PERMISSION_OWN_FIRST || number >= org->permission_end || !org->permissions)
		return NULL;
	return org->permissions[number - PERMISSION_OWN_FIRST];
}

struct str
org_permission_name(const struct org_view *org, uint32_t number)
{
	const struct permission_view *own = org_permission_at(org, number);
	if (own)
		return own->name;
	const struct catalogue_entry *built_in = catalogue_at(number);
	return built_in ? str_from(built_in->name) : (struct str){NULL, 0};
}

const struct resource_type_view *
org_resource_type(const struct org_view *org, struct str name)
{
	uint32_t low = 0, high = org->type_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = str_compare(org->types[middle].name, name);
		if (order == 0)
			return &org->types[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct role_view *
org_role_at(const struct org_view *org, uint32_t number)
{
	return number < org->role_end ? org->roles[number] : NULL;
}

const struct role_view *
org_role_by_id(const struct org_view *org, struct role_id id, uint32_t *number)
{
	for (uint32_t i = 0; i < org->role_end; i++) {
		if (org->roles[i] && uuid_eq(org->roles[i]->id.id, id.id)) {
			if (number)
				*number = i;
			return org->roles[i];
		}
	}
	return NULL;
}

bool
resource_is_enabled_in(const struct resource_view *resource, struct workspace_id workspace)
{
	uint32_t low = 0, high = resource->enabled_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = uuid_compare(resource->enabled_in[middle].id, workspace.id);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}
