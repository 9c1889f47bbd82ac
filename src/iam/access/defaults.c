#include "iam/access/role_names.h"
#include "iam/access/roles.h"
#include "iam/guard.h"
#include "iam/rows.h"
#include "iam/tree/orgs.h"
#include "policy/lookup.h"

static const struct sql DEFAULT_LIST =
	SQL("SELECT kind, role, ceiling_role FROM kind_defaults WHERE org = $1 ORDER BY kind");
static const struct sql DEFAULT_SET =
	SQL("INSERT INTO kind_defaults (org, kind, role, ceiling_role) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (org, kind) DO UPDATE SET role = $3, ceiling_role = $4");

void
default_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct kind_default *kind_default = entity;

	jw_object(w, name);
	jw_z(w, "kind", kind_name(kind_default->kind));
	jw_uuid(w, "role", kind_default->role.id);
	jw_uuid(w, "ceiling_role", kind_default->ceiling_role.id);
	jw_end_object(w);
}

enum status
default_list(struct kind_default **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;

	*count = KIND_COUNT - 1;
	*out = arena_new_array(call->arena, struct kind_default, *count);
	if (!*out)
		return error_no_memory(err);
	for (size_t i = 0; i < *count; i++)
		(*out)[i].kind = (enum principal_kind)(i + 1);

	enum status rc = iam__query(&q, call, &DEFAULT_LIST, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		int64_t kind = query_int(&q, 0);
		if (kind < 1 || kind >= KIND_COUNT)
			continue;
		(*out)[kind - 1].role.id = query_uuid(&q, 1);
		(*out)[kind - 1].ceiling_role.id = query_uuid(&q, 2);
	}
	query_end(&q);
	return rc;
}

static enum status
guard_default(struct call *call, const struct role_view *role, struct error *err)
{
	struct permset set;

	enum status rc = guard_role_set(&set, call, role, err);
	if (rc != OK)
		return rc;
	const struct gift gift = {
		.node = node_org(call->org->id), .permissions = &set, .expires_us = NEVER};
	return guard_give(call, &gift, err);
}

enum status
default_guard_give(struct call *call, enum principal_kind kind, struct error *err)
{
	const struct role_view *role = org_role_at(call->org, call->org->default_roles[kind]);

	return role ? guard_default(call, role, err) : OK;
}

static enum status
resolve(struct role_id *out, struct call *call, enum principal_kind kind, struct str reference,
	bool bound, struct error *err)
{
	const struct role_view *role;

	if (!reference.ptr)
		return OK;
	enum status rc =
		role_resolve(&role, call, reference, (struct workspace_id){{{0}}}, NULL, err);
	if (rc != OK)
		return rc;
	*out = role->id;
	if (bound)
		return role->ceiling ? OK
				     : error_set(err, ERR_CONFLICT, "role-bears-no-ceiling",
					       "This role bears no ceiling, so it bounds nothing.");
	if (!(role->kinds & KIND_BIT(kind)))
		return error_set(err, ERR_CONFLICT, "role-not-for-kind",
			"The role \"%.*s\" is not for principals of kind %s.", STR_ARG(role->name),
			kind_name(kind));
	return guard_default(call, role, err);
}

enum status
default_set(struct kind_default *out, struct call *call, enum principal_kind kind, struct str role,
	struct str ceiling_role, struct error *err)
{
	struct kind_default *all;
	size_t count;
	struct query q;

	*out = (struct kind_default){.kind = kind};
	enum status rc = default_list(&all, &count, call, err);
	if (rc == OK)
		rc = resolve(&out->role, call, kind, role, false, err);
	if (rc == OK)
		rc = resolve(&out->ceiling_role, call, kind, ceiling_role, true, err);
	if (rc != OK)
		return rc;
	const struct kind_default *before = &all[kind - 1];
	if (!uuid_eq(before->ceiling_role.id, out->ceiling_role.id))
		rc = role_guard_everything(call, err);
	if (rc == OK)
		rc = iam__record(call, "defaults.update", "organisation", call->org->id.id,
			VERSIONS(call_json(call, default_write, before),
				call_json(call, default_write, out)),
			err);
	if (rc == OK)
		rc = iam__query(&q, call, &DEFAULT_SET, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, kind);
	query_bind_uuid_or_null(&q, 3, out->role.id);
	query_bind_uuid_or_null(&q, 4, out->ceiling_role.id);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}
