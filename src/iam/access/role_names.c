#include "iam/access/role_names.h"

#include "model/ceiling.h"
#include "policy/lookup.h"

static bool
is_role(const struct role_view *role, struct str name, struct workspace_id workspace)
{
	return role && str_eq(role->name, name) && uuid_eq(role->workspace.id, workspace.id);
}

static const struct role_view *
role_by_name(const struct org_view *org, struct str name, struct workspace_id workspace,
	uint32_t *number)
{
	for (uint32_t i = 0; i < org->role_end; i++) {
		if (is_role(org->roles[i], name, workspace)) {
			*number = i;
			return org->roles[i];
		}
	}
	return NULL;
}

enum status
role_resolve(const struct role_view **out, struct call *call, struct str reference,
	struct workspace_id workspace, uint32_t *number, struct error *err)
{
	struct role_id id;
	uint32_t found = ROLE_NONE;

	*out = NULL;
	if (uuid_parse(reference, &id.id)) {
		*out = org_role_by_id(call->org, id, &found);
	} else {
		if (!uuid_is_nil(workspace.id))
			*out = role_by_name(call->org, reference, workspace, &found);
		if (!*out)
			*out = role_by_name(
				call->org, reference, (struct workspace_id){{{0}}}, &found);
	}
	if (!*out)
		return error_set(err, ERR_NOT_FOUND, "role-not-found",
			"There is no such role here: list them at /api/orgs/{org}/roles.");
	if (number)
		*number = found;
	return OK;
}

enum status
permission_resolve(uint32_t *number, struct call *call, struct workspace_id workspace,
	struct str name, struct error *err)
{
	*number = org_permission_number(call->org, workspace, name);
	if (*number != PERMISSION_NONE)
		return OK;
	return error_set(err, ERR_INVALID, "permission-unknown",
		"There is no permission \"%.*s\" here: list them at /api/orgs/{org}/permissions.",
		(int)(name.len > 80 ? 80 : name.len), name.ptr);
}

static bool
is_scope_anywhere(const struct org_view *org, struct str name)
{
	for (uint32_t n = PERMISSION_OWN_FIRST; n < org->permission_end; n++) {
		const struct permission_view *own = org_permission_at(org, n);
		if (own && !uuid_is_nil(own->workspace.id) && str_eq(own->name, name))
			return true;
	}
	return false;
}

static enum status
check_names(struct call *call, struct workspace_id workspace, const struct json *source,
	struct error *err)
{
	const struct json *except = json_get(source, "except");
	const struct json *names = except ? except : json_get(source, "only");
	uint32_t number;
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < json_count(names); i++) {
		struct str name = json_str(json_at(names, i));
		if (!(except && uuid_is_nil(workspace.id) && is_scope_anywhere(call->org, name)))
			rc = permission_resolve(&number, call, workspace, name, err);
	}
	return rc;
}

enum status
ceiling_text(struct str *out, struct call *call, struct workspace_id workspace,
	const struct json *source, struct error *err)
{
	struct buf buf;

	*out = (struct str){NULL, 0};
	if (json_type(source) == JSON_ABSENT || json_type(source) == JSON_NULL)
		return OK;
	enum status rc = ceiling_check(source, err);
	if (rc == OK)
		rc = check_names(call, workspace, source, err);
	if (rc != OK)
		return rc;
	buf_init(&buf, ENTITY_JSON_MAX);
	json_dump(&buf, source, true);
	if (!buf.failed)
		*out = arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return out->ptr ? OK : error_no_memory(err);
}
