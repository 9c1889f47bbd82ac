#include "iam/access/grant_rules.h"

#include "directory/rows.h"
#include "iam/access/groups.h"
#include "iam/access/role_names.h"
#include "iam/guard.h"
#include "iam/principals/principals.h"
#include "iam/rows.h"
#include "policy/lookup.h"

static const struct sql ROLE_CONFINES =
	SQL("SELECT confines FROM roles WHERE org = $1 AND role = $2");

/* Everything a rule looks at, read once. */
struct proposal {
	struct target target;
	const struct principal_view *principal; /* NULL: a group holds it */
	const struct role_view *role; /* NULL: a single permission */
	const struct condition *condition;
	struct permset carried;
	bool confines;
};

static enum status
load_holder(
	struct proposal *p, struct call *call, const struct grant_draft *draft, struct error *err)
{
	const struct principal_id id = {draft->holder};
	struct principal seen;
	struct group group;
	enum status rc = OK;

	if (draft->holder_kind == HOLDER_GROUP)
		return group_load(&group, call, (struct group_id){draft->holder}, err);
	if (!draft->by_rule)
		rc = principal_load(&seen, call, id, err);
	return rc == OK ? principal_view_load(&p->principal, call, id, err) : rc;
}

static enum status
load_node(struct proposal *p, struct call *call, struct node node, struct error *err)
{
	bool root = node.kind == NODE_PLATFORM || node.kind == NODE_ORG;

	if (root &&
		(node.kind != node_org(call->org->id).kind || !uuid_eq(node.id, call->org->id.id)))
		return error_set(err, ERR_NOT_FOUND, "node-not-found", "There is no such node.");
	return call_target(&p->target, call, node, err);
}

static struct workspace_id
workspace_of(const struct target *target)
{
	return target->workspace ? target->workspace->id : (struct workspace_id){{{0}}};
}

/* A group can hold roles alone: anybody may be in it. */
static enum status
check_kind(const struct proposal *p, struct error *err)
{
	if (!p->principal && p->role)
		return OK;
	if (p->principal && p->role && !(p->role->kinds & KIND_BIT(p->principal->kind)))
		return error_set(err, ERR_CONFLICT, "role-not-for-kind",
			"The role \"%.*s\" is not for principals of kind %s.",
			STR_ARG(p->role->name), kind_name(p->principal->kind));
	if (!p->role &&
		(!p->principal ||
			(p->principal->kind != KIND_END_USER &&
				p->principal->kind != KIND_APPLICATION)))
		return error_set(err, ERR_CONFLICT, "permission-not-for-kind",
			"Single permissions are for end-users and applications; give a role "
			"instead.");
	return OK;
}

/* What belongs to a workspace counts only there. */
static enum status
check_place(const struct proposal *p, struct error *err)
{
	struct workspace_id at = workspace_of(&p->target);

	if (p->role && !uuid_is_nil(p->role->workspace.id) &&
		!uuid_eq(p->role->workspace.id, at.id))
		return error_set(err, ERR_CONFLICT, "role-of-other-workspace",
			"This role belongs to another workspace and can be given only there.");
	if (p->principal && !uuid_is_nil(p->principal->workspace.id) &&
		!uuid_eq(p->principal->workspace.id, at.id))
		return error_set(err, ERR_CONFLICT, "principal-of-other-workspace",
			"This principal belongs to a workspace and can hold grants only there.");
	return OK;
}

static enum status
load_role(struct proposal *p, struct grant *grant, struct call *call, struct str reference,
	struct error *err)
{
	int64_t confines;

	enum status rc =
		role_resolve(&p->role, call, reference, workspace_of(&p->target), NULL, err);
	if (rc != OK)
		return rc;
	grant->role = p->role->id;
	grant->role_name = p->role->name;
	rc = iam__count(&confines, call, &ROLE_CONFINES, p->role->id.id, err);
	p->confines = confines != 0;
	return rc == OK ? guard_role_set(&p->carried, call, p->role, err) : rc;
}

static enum status
load_permission(struct proposal *p, struct grant *grant, struct call *call, struct str name,
	struct error *err)
{
	uint32_t number;

	enum status rc = permission_resolve(&number, call, workspace_of(&p->target), name, err);
	if (rc != OK)
		return rc;
	if (!permset_init(&p->carried, call->arena, call->org->permission_end))
		return error_no_memory(err);
	permset_add(&p->carried, number);
	grant->permission = name;
	return OK;
}

static enum status
load_terms(struct proposal *p, struct grant *grant, struct call *call,
	const struct grant_draft *draft, struct error *err)
{
	struct condition *condition;

	enum status rc = iam__check_expiry(call, draft->expires_us, err);
	if (rc != OK || json_type(draft->condition) == JSON_ABSENT ||
		json_type(draft->condition) == JSON_NULL)
		return rc;
	rc = condition_parse(&condition, draft->condition, call->arena, err);
	if (rc != OK)
		return rc;
	p->condition = condition;
	grant->condition = condition_text(condition);
	return OK;
}

static bool
holder_is_caller(const struct call *call, const struct grant_draft *draft)
{
	if (draft->holder_kind == HOLDER_PRINCIPAL)
		return uuid_eq(draft->holder, call->caller.principal.id);
	for (uint32_t i = 0; i < call->principal->group_count; i++) {
		if (uuid_eq(call->principal->groups[i].id, draft->holder))
			return true;
	}
	return false;
}

/* A bound that ends by itself must leave another one behind. */
static bool
bound_would_vanish(
	const struct call *call, const struct proposal *p, const struct grant_draft *draft)
{
	const struct ceiling *ceiling = p->role->ceiling;
	bool bounds = !ceiling->except || !permset_is_empty(&ceiling->named);
	bool ends = draft->expires_us != NEVER || p->condition;

	return bounds && ends && !call->org->default_ceilings[p->principal->kind];
}

/* A ceiling is given to one principal at a time, for everything below it comes into force. */
static enum status
check_ceiling(struct call *call, const struct proposal *p, const struct grant_draft *draft,
	struct error *err)
{
	if (!p->role || !(p->role->ceiling || p->confines))
		return OK;
	if (!p->principal)
		return error_set(err, ERR_CONFLICT, "role-not-for-groups",
			"A role that bears a ceiling, or confines, is given to each principal by "
			"itself.");
	if (!p->role->ceiling)
		return OK;
	if (bound_would_vanish(call, p, draft))
		return error_set(err, ERR_CONFLICT, "ceiling-needs-default",
			"When this role ended, nothing would bound its holder: set a default "
			"ceiling for this kind first, or give it without expiry and condition.");
	return principal_guard_give(
		call, p->principal, uuid_eq(p->principal->id.id, call->caller.principal.id), err);
}

enum status
grant__check(
	struct grant *grant, struct call *call, const struct grant_draft *draft, struct error *err)
{
	struct proposal p = {0};

	enum status rc = load_holder(&p, call, draft, err);
	if (rc == OK)
		rc = load_node(&p, call, draft->node, err);
	if (rc == OK)
		rc = draft->role.ptr ? load_role(&p, grant, call, draft->role, err)
				     : load_permission(&p, grant, call, draft->permission, err);
	if (rc == OK)
		rc = load_terms(&p, grant, call, draft, err);
	if (rc == OK)
		rc = check_kind(&p, err);
	if (rc == OK)
		rc = check_place(&p, err);

	const struct gift gift = {.node = draft->node,
		.permissions = &p.carried,
		.expires_us = draft->expires_us,
		.condition = p.condition,
		.to_self = holder_is_caller(call, draft),
		.exercised = p.role ? &p.role->exercises : NULL};
	if (rc == OK && !draft->by_rule)
		rc = guard_give(call, &gift, err);
	if (rc == OK && !draft->by_rule)
		rc = check_ceiling(call, &p, draft, err);
	if (rc == OK && p.confines && !p.principal->confined)
		rc = principal_confine(call, p.principal->id, err);
	return rc;
}

enum status
grant__check_removal(struct call *call, const struct grant *grant, struct error *err)
{
	const struct principal_view *principal;
	const struct role_view *role = org_role_by_id(call->org, grant->role, NULL);

	if (!role || !role->ceiling || grant->holder_kind != HOLDER_PRINCIPAL)
		return OK;
	enum status rc =
		principal_view_load(&principal, call, (struct principal_id){grant->holder}, err);
	if (rc != OK)
		return rc;
	return principal_guard_give(
		call, principal, uuid_eq(grant->holder, call->caller.principal.id), err);
}
