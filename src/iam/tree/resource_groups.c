#include "iam/tree/resource_groups.h"

#include "iam/rows.h"
#include "iam/tree/resource_rows.h"
#include "model/names.h"

#define GROUP_COLUMNS " grp, workspace, name, description, created_us, changed "

static const struct sql GROUP_INSERT = SQL(
	"INSERT INTO resource_groups (org, grp, workspace, name, description, created_us, changed)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7)");
static const struct sql GROUP_SELECT =
	SQL("SELECT" GROUP_COLUMNS "FROM resource_groups WHERE org = $1 AND grp = $2");
static const struct sql GROUP_LIST =
	SQL("SELECT" GROUP_COLUMNS
	    "FROM resource_groups WHERE org = $1 AND grp > $2 AND name >= $3 AND name < $4"
	    " AND workspace = $6 ORDER BY grp LIMIT $5");
static const struct sql GROUP_UPDATE =
	SQL("UPDATE resource_groups SET name = $3, description = $4, changed = $5"
	    " WHERE org = $1 AND grp = $2");
static const struct sql GROUP_CONFINED =
	SQL("SELECT principal FROM reach WHERE org = $1 AND grp = $2"
	    " UNION SELECT principal FROM principals WHERE org = $1 AND home_group = $2");
static const struct sql GROUP_RESOURCES =
	SQL("SELECT r.workspace, r.type, r.id FROM resource_group_members m"
	    " JOIN resources r ON r.org = m.org AND r.resource = m.resource"
	    " WHERE m.org = $1 AND m.grp = $2");
/* What goes with a group, itself last; who was confined to it stays confined. */
static const struct sql GROUP_ERASE[] = {
	SQL("DELETE FROM reach WHERE org = $1 AND grp = $2"),
	SQL("UPDATE principals SET home_group = NULL WHERE org = $1 AND home_group = $2"),
	SQL("DELETE FROM resource_group_members WHERE org = $1 AND grp = $2"),
	SQL("DELETE FROM resource_groups WHERE org = $1 AND grp = $2"),
};

static enum status
group_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct resource_group *group = element;

	(void)err;
	*group = (struct resource_group){
		.id = {query_uuid(q, 0)},
		.workspace = {query_uuid(q, 1)},
		.name = iam__text(q, 2, call),
		.description = iam__text(q, 3, call),
		.created_us = query_int(q, 4),
		.changed = query_int(q, 5),
	};
	return OK;
}

void
resource_group_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct resource_group *group = entity;

	jw_object(w, name);
	jw_uuid(w, "id", group->id.id);
	jw_uuid(w, "workspace", group->workspace.id);
	jw_str(w, "name", group->name);
	jw_str(w, "description", group->description);
	jw_time(w, "created_at", group->created_us);
	jw_int(w, "changed", group->changed);
	jw_end_object(w);
}

static enum status
texts_check(const struct resource_group *group, struct error *err)
{
	enum status rc = name_check(group->name, "name", err);
	if (rc == OK)
		rc = description_check(group->description, "description", err);
	return rc;
}

static enum status
name_taken(enum status rc, struct error *err)
{
	return iam__taken(rc, "resource-group-name-taken",
		"Another resource group of this workspace has this name: choose another.", err);
}

static enum status
insert(struct call *call, const struct resource_group *group, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GROUP_INSERT, group->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, group->workspace.id);
	query_bind_str(&q, 4, group->name);
	query_bind_str(&q, 5, group->description);
	query_bind_int(&q, 6, group->created_us);
	query_bind_int(&q, 7, group->changed);
	return name_taken(query_run(&q, NULL, err), err);
}

enum status
resource_group_create(struct resource_group *out, struct call *call, struct workspace_id workspace,
	const struct resource_group_draft *draft, struct error *err)
{
	struct target place;

	*out = (struct resource_group){.id = {uuid_new()},
		.workspace = workspace,
		.name = draft->name,
		.description = draft->description.ptr ? draft->description : STR(""),
		.created_us = call->now_us,
		.changed = call_next_revision(call)};
	enum status rc = call_target(&place, call, node_workspace(workspace), err);
	if (rc == OK)
		rc = texts_check(out, err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "resource_groups.create", "resource_group", out->id.id,
			VERSIONS(NOTHING, call_json(call, resource_group_write, out)), err);
	if (rc == OK)
		call_touch(call, VIEW_RGROUP, out->id.id);
	return rc;
}

enum status
resource_group_load(struct resource_group *out, struct call *call, struct workspace_id workspace,
	struct rgroup_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GROUP_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, id.id);
	rc = query_next(&q, err);
	bool found = rc == OK && q.row;
	if (found)
		rc = group_read(out, &q, call, err);
	query_end(&q);
	if (rc != OK)
		return rc;
	if (found && (uuid_is_nil(workspace.id) || uuid_eq(out->workspace.id, workspace.id)))
		return OK;
	return error_set(
		err, ERR_NOT_FOUND, "resource-group-not-found", "There is no such resource group.");
}

static void
bind_workspace(struct query *q, const void *filter)
{
	const struct workspace_id *workspace = filter;

	query_bind_uuid(q, 6, workspace->id);
}

enum status
resource_group_list(struct resource_group **out, size_t *count, struct call *call,
	struct workspace_id workspace, struct page *page, struct error *err)
{
	const struct listing listing = {.sql = &GROUP_LIST,
		.size = sizeof(struct resource_group),
		.read = group_read,
		.bind = bind_workspace,
		.filter = &workspace};

	return iam__list((void **)out, count, call, page, &listing, err);
}

static enum status
write_row(struct call *call, const struct resource_group *group, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GROUP_UPDATE, group->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, group->name);
	query_bind_str(&q, 4, group->description);
	query_bind_int(&q, 5, group->changed);
	return name_taken(query_run(&q, NULL, err), err);
}

enum status
resource_group_update(struct resource_group *out, struct call *call, struct workspace_id workspace,
	struct rgroup_id id, const struct resource_group_draft *draft, struct error *err)
{
	struct resource_group before;

	enum status rc = resource_group_load(&before, call, workspace, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc != OK)
		return rc;
	*out = before;
	if (draft->name.ptr)
		out->name = draft->name;
	if (draft->description.ptr)
		out->description = draft->description;
	out->changed = call_next_revision(call);
	rc = texts_check(out, err);
	if (rc == OK)
		rc = write_row(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "resource_groups.update", "resource_group", id.id,
			VERSIONS(call_json(call, resource_group_write, &before),
				call_json(call, resource_group_write, out)),
			err);
	return rc;
}

/* Views name the group: of the principals confined to it and of the resources in it. */
static enum status
touch_users(struct call *call, struct rgroup_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__touch_all(call, VIEW_PRINCIPAL, &GROUP_CONFINED, id.id, err);
	if (rc == OK)
		rc = iam__query(&q, call, &GROUP_RESOURCES, id.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		call_touch(call, VIEW_RESOURCE,
			resource_key((struct workspace_id){query_uuid(&q, 0)}, query_str(&q, 1),
				query_str(&q, 2)));
	query_end(&q);
	return rc;
}

enum status
resource_group_delete(struct call *call, struct workspace_id workspace, struct rgroup_id id,
	int64_t if_match, struct error *err)
{
	struct resource_group before;

	enum status rc = resource_group_load(&before, call, workspace, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = node__guard_lift(call, id.id, node_workspace(before.workspace), err);
	if (rc == OK)
		rc = iam__record(call, "resource_groups.delete", "resource_group", id.id,
			VERSIONS(call_json(call, resource_group_write, &before), NOTHING), err);
	if (rc == OK)
		rc = touch_users(call, id, err);
	if (rc == OK)
		rc = node__erase(call, id.id, err);
	for (size_t i = 0; rc == OK && i < ARRAY_LEN(GROUP_ERASE); i++)
		rc = iam__run(call, &GROUP_ERASE[i], id.id, err);
	if (rc == OK)
		call_touch(call, VIEW_RGROUP, id.id);
	return rc;
}
