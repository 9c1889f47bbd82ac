#include "iam/guard.h"
#include "iam/rows.h"
#include "iam/tree/resource_rows.h"
#include "policy/lookup.h"

/* A holder that is the caller, or a group that has it. */
#define IS_CALLER                                                                                  \
	" CASE WHEN g.holder = $3 OR EXISTS (SELECT 1 FROM group_members s WHERE s.org = g.org"    \
	" AND s.grp = g.holder AND s.principal = $3) THEN 1 ELSE 0 END "
#define CARRIED " r.number, g.permission, g.condition, g.expires_us,"
#define ROLE_OF " LEFT JOIN roles r ON r.org = g.org AND r.role = g.role "
#define LIVE " AND (g.expires_us IS NULL OR g.expires_us > $4) "
#define ON_PATH                                                                                    \
	" AND (g.node = $1 OR g.node = $5 OR g.node = $6 OR EXISTS"                                \
	" (SELECT 1 FROM resource_group_members p WHERE p.org = g.org AND p.resource = $6"         \
	" AND p.grp = g.node)) "

/* What counts at a resource once it is in a group: the grants at the group, and those that its
 * confined ones hold, or their groups, where the resource lies. The same role on the same terms is
 * one row, however many hold it. */
static const struct sql JOIN_CARRIED =
	SQL("SELECT" CARRIED IS_CALLER "FROM grants g" ROLE_OF
	    "WHERE g.org = $1 AND g.node = $2" LIVE "UNION SELECT" CARRIED IS_CALLER
	    "FROM reach x JOIN grants g ON g.org = x.org AND g.holder = x.principal" ROLE_OF
	    "WHERE x.org = $1 AND x.grp = $2" LIVE ON_PATH "UNION SELECT" CARRIED
	    " CASE WHEN x.principal = $3 THEN 1 ELSE 0 END FROM reach x"
	    " JOIN group_members m ON m.org = x.org AND m.principal = x.principal"
	    " JOIN grants g ON g.org = m.org AND g.holder = m.grp" ROLE_OF
	    "WHERE x.org = $1 AND x.grp = $2" LIVE ON_PATH "LIMIT 513");
#define CARRIED_MAX 512
static const struct sql GROUPS_OF =
	SQL("SELECT grp FROM resource_group_members WHERE org = $1 AND resource = $2");

static enum status
carried_set(struct permset *out, struct call *call, const struct query *q,
	struct workspace_id workspace, struct error *err)
{
	if (!query_is_null(q, 0)) {
		const struct role_view *role = org_role_at(call->org, (uint32_t)query_int(q, 0));
		if (role)
			return guard_role_set(out, call, role, err);
	}
	if (!permset_init(out, call->arena, call->org->permission_end))
		return error_no_memory(err);
	if (query_is_null(q, 1))
		return OK;
	uint32_t number = org_permission_number(call->org, workspace, query_str(q, 1));
	if (number != PERMISSION_NONE)
		permset_add(out, number);
	return OK;
}

static enum status
guard_row(struct call *call, const struct query *q, struct node at, struct workspace_id workspace,
	struct error *err)
{
	struct permset set;
	struct gift gift = {.node = at, .permissions = &set};

	enum status rc = carried_set(&set, call, q, workspace, err);
	if (rc != OK)
		return rc;
	const struct role_view *role =
		query_is_null(q, 0) ? NULL : org_role_at(call->org, (uint32_t)query_int(q, 0));
	gift.exercised = role ? &role->exercises : NULL;
	rc = guard_read_terms(&gift, call, q, 2, err);
	return rc == OK ? guard_give(call, &gift, err) : rc;
}

/* What this very call made lay nowhere before: creating is decided at the parent, the group. One
 * that is not active can be given nowhere by itself, so its workspace stands for it. */
static bool
is_fresh(const struct call *call, const struct resource *resource)
{
	return resource->changed == call_next_revision(call) &&
		resource->created_us == call->now_us;
}

static struct node
judged_at(const struct call *call, const struct resource *resource, struct rgroup_id group)
{
	if (is_fresh(call, resource))
		return (struct node){NODE_RESOURCE_GROUP, group.id};
	if (resource->state != STATE_ACTIVE)
		return node_workspace(resource->workspace);
	return (struct node){NODE_RESOURCE, resource->uuid.id};
}

/* What a caller that is confined to a group registers belongs there by rule (D5), whoever else
 * holds more in it: nobody gains over anything that was there before. */
static bool
joins_by_rule(const struct call *call, const struct resource *resource, struct rgroup_id group)
{
	const struct principal_view *caller = call->principal;

	if (!caller->confined || !is_fresh(call, resource))
		return false;
	for (uint32_t i = 0; i < caller->reach_count; i++) {
		if (uuid_eq(caller->reach[i].id, group.id))
			return true;
	}
	return false;
}

enum status
resource__guard_join(struct call *call, const struct resource *resource, struct rgroup_id group,
	struct error *err)
{
	struct node at = judged_at(call, resource, group);
	struct query q;
	int seen = 0;

	if (joins_by_rule(call, resource, group))
		return OK;
	enum status rc = iam__query(&q, call, &JOIN_CARRIED, group.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, call->caller.principal.id);
	query_bind_int(&q, 4, call->now_us);
	query_bind_uuid(&q, 5, resource->workspace.id);
	query_bind_uuid(&q, 6, resource->uuid.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		if (++seen > CARRIED_MAX)
			rc = error_set(err, ERR_LIMIT, "group-too-varied",
				"More than %d different roles and terms count in this resource "
				"group: split it.",
				CARRIED_MAX);
		else
			rc = guard_row(call, &q, at, resource->workspace, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}

enum status
node__guard_lift(struct call *call, struct uuid node, struct node at, struct error *err)
{
	enum status rc = OK;

	for (uint32_t i = 0; rc == OK && i < call->org->guardrail_count; i++) {
		const struct guardrail_view *rail = &call->org->guardrails[i];
		const struct gift gift = {
			.node = at, .permissions = &rail->denies, .expires_us = NEVER};
		if (uuid_eq(rail->node.id, node))
			rc = guard_give(call, &gift, err);
	}
	return rc;
}

enum status
resource__guard_gone(struct call *call, struct resource_id resource, struct workspace_id workspace,
	struct error *err)
{
	struct node parent =
		uuid_is_nil(workspace.id) ? node_org(call->org->id) : node_workspace(workspace);
	struct query q;

	enum status rc = node__guard_lift(call, resource.id, parent, err);
	if (rc == OK)
		rc = iam__query(&q, call, &GROUPS_OF, resource.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = node__guard_lift(call, query_uuid(&q, 0), parent, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}
