#include "directory/rows_internal.h"

static const struct sql WORKSPACE =
	SQL("SELECT state FROM workspaces WHERE org = $1 AND workspace = $2");
static const struct sql RGROUP =
	SQL("SELECT workspace FROM resource_groups WHERE org = $1 AND grp = $2");
static const struct sql RESOURCE =
	SQL("SELECT resource, workspace, type, id, state FROM resources "
	    "WHERE org = $1 AND workspace = $2 AND type = $3 AND id = $4");
static const struct sql RESOURCE_BY_ID =
	SQL("SELECT resource, workspace, type, id, state FROM resources "
	    "WHERE org = $1 AND resource = $2");
static const struct sql RESOURCE_GROUPS =
	SQL("SELECT grp FROM resource_group_members WHERE org = $1 AND resource = $2 ORDER BY grp");
static const struct sql RESOURCE_ENABLED =
	SQL("SELECT workspace FROM offers WHERE org = $1 AND resource = $2 AND enabled = 1 "
	    "ORDER BY workspace");

enum status
rows_load_workspace(const struct workspace_view **out, struct tx *tx, struct org_id org,
	struct workspace_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &WORKSPACE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id.id);
	struct workspace_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct workspace_view);
		rc = view ? rows__state(&view->state, &q, 0, err) : error_no_memory(err);
	}
	query_end(&q);
	if (rc != OK || !view)
		return rc;
	view->org = org;
	view->id = id;
	*out = view;
	return OK;
}

enum status
rows_load_rgroup(const struct rgroup_view **out, struct tx *tx, struct org_id org,
	struct rgroup_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &RGROUP, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id.id);
	struct rgroup_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct rgroup_view);
		if (!view)
			rc = error_no_memory(err);
		else
			*view = (struct rgroup_view){org, {query_uuid(&q, 0)}, id};
	}
	query_end(&q);
	if (rc == OK)
		*out = view;
	return rc;
}

static enum status
read_resource(struct resource_view **out, struct query *q, struct org_id org, struct arena *arena,
	struct error *err)
{
	*out = NULL;
	enum status rc = query_next(q, err);
	if (rc != OK || !q->row)
		return rc;
	struct resource_view *view = arena_new_one(arena, struct resource_view);
	if (!view)
		return error_no_memory(err);
	view->org = org;
	view->id.id = query_uuid(q, 0);
	view->workspace.id = query_uuid(q, 1);
	view->type = query_str_copy(q, 2, arena);
	view->name = query_str_copy(q, 3, arena);
	if (!view->type.ptr || !view->name.ptr)
		return error_no_memory(err);
	*out = view;
	return rows__state(&view->state, q, 4, err);
}

static enum status
load_list(struct uuid_list *out, struct tx *tx, const struct sql *sql,
	const struct resource_view *view, struct arena *arena, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, view->org.id);
	query_bind_uuid(&q, 2, view->id.id);
	uint32_t max = sql == &RESOURCE_GROUPS ? RGROUPS_PER_RESOURCE_MAX : OFFERS_PER_RESOURCE_MAX;
	return rows__uuids(out, &q, max, arena, err);
}

/* What stands beside its own row. Ends the query of that. */
static enum status
finish_resource(const struct resource_view **out, struct query *q, struct tx *tx, struct org_id org,
	struct arena *arena, struct error *err)
{
	struct resource_view *view;
	enum status rc = read_resource(&view, q, org, arena, err);
	query_end(q);
	if (rc != OK || !view)
		return rc;
	struct uuid_list groups, enabled = {0};
	rc = load_list(&groups, tx, &RESOURCE_GROUPS, view, arena, err);
	if (rc == OK && uuid_is_nil(view->workspace.id))
		rc = load_list(&enabled, tx, &RESOURCE_ENABLED, view, arena, err);
	if (rc != OK)
		return rc;
	view->groups = (const struct rgroup_id *)groups.items;
	view->group_count = groups.count;
	view->enabled_in = (const struct workspace_id *)enabled.items;
	view->enabled_count = enabled.count;
	*out = view;
	return OK;
}

enum status
rows_load_resource(const struct resource_view **out, struct tx *tx, struct org_id org,
	const struct resource_name *name, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &RESOURCE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, name->workspace.id);
	query_bind_str(&q, 3, name->type);
	query_bind_str(&q, 4, name->name);
	return finish_resource(out, &q, tx, org, arena, err);
}

enum status
rows_load_resource_by_id(const struct resource_view **out, struct tx *tx, struct org_id org,
	struct resource_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &RESOURCE_BY_ID, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id.id);
	return finish_resource(out, &q, tx, org, arena, err);
}
