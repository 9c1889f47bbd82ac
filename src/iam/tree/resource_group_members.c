#include "iam/rows.h"
#include "iam/tree/resource_rows.h"

static const struct sql MEMBER_INSERT =
	SQL("INSERT INTO resource_group_members (org, grp, resource, since_us)"
	    " VALUES ($1, $2, $3, $4)");
static const struct sql MEMBER_DELETE =
	SQL("DELETE FROM resource_group_members WHERE org = $1 AND grp = $2 AND resource = $3");
/* How many groups a resource is in, and how often it is in this one: once or never. */
static const struct sql MEMBERSHIPS =
	SQL("SELECT COUNT(*), SUM(CASE WHEN grp = $3 THEN 1 ELSE 0 END)"
	    " FROM resource_group_members WHERE org = $1 AND resource = $2");

/* Both ends of a membership: of one workspace, the one that the caller names. */
static enum status
ends_load(struct resource_group *group, struct resource *resource, struct call *call,
	struct rgroup_id id, struct resource_id resource_id, struct error *err)
{
	enum status rc = resource_group_load(group, call, group->workspace, id, err);
	if (rc == OK)
		rc = resource__select(resource, call, resource_id, err);
	if (rc == OK && !uuid_eq(resource->workspace.id, group->workspace.id))
		rc = error_set(
			err, ERR_NOT_FOUND, "resource-not-found", "There is no such resource.");
	return rc;
}

static enum status
memberships_count(int64_t *all, bool *in_group, struct call *call, struct resource_id resource,
	struct rgroup_id group, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &MEMBERSHIPS, resource.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, group.id);
	rc = query_next(&q, err);
	*all = rc == OK && q.row ? query_int(&q, 0) : 0;
	*in_group = rc == OK && q.row && query_int(&q, 1) > 0;
	query_end(&q);
	return rc;
}

static enum status
record(struct call *call, bool added, const struct resource_group *group,
	const struct resource *resource, struct error *err)
{
	struct buf buf;
	struct json_writer w;

	buf_init(&buf, 8192);
	jw_init(&w, &buf);
	jw_object(&w, NULL);
	jw_str(&w, "group", group->name);
	jw_str(&w, "type", resource->type);
	jw_str(&w, "id", resource->id);
	jw_end_object(&w);
	struct str what = buf.failed ? NOTHING : buf_view(&buf);
	enum status rc = what.ptr
		? iam__record(call, added ? "resource_groups.add" : "resource_groups.remove",
			  "resource_group", group->id.id,
			  VERSIONS(added ? NOTHING : what, added ? what : NOTHING), err)
		: error_no_memory(err);
	buf_clear(&buf);
	return rc;
}

enum status
resource_group_add(struct call *call, struct workspace_id workspace, struct rgroup_id id,
	struct resource_id resource_id, struct error *err)
{
	struct resource_group group = {.workspace = workspace};
	struct resource resource;
	struct query q;
	int64_t count = 0;
	bool there = false;

	enum status rc = ends_load(&group, &resource, call, id, resource_id, err);
	if (rc == OK)
		rc = memberships_count(&count, &there, call, resource_id, id, err);
	if (rc != OK || there)
		return rc;
	if (count >= RGROUPS_PER_RESOURCE_MAX)
		return error_set(err, ERR_LIMIT, "too-many-resource-groups",
			"A resource can be in at most %d resource groups.",
			RGROUPS_PER_RESOURCE_MAX);
	rc = resource__guard_join(call, &resource, id, err);
	if (rc == OK)
		rc = record(call, true, &group, &resource, err);
	if (rc == OK)
		rc = iam__query(&q, call, &MEMBER_INSERT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, resource_id.id);
	query_bind_int(&q, 4, call->now_us);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		resource__touch(call, &resource);
	return rc;
}

enum status
resource_group_remove(struct call *call, struct workspace_id workspace, struct rgroup_id id,
	struct resource_id resource_id, struct error *err)
{
	struct resource_group group = {.workspace = workspace};
	struct resource resource;
	struct query q;
	int64_t count = 0;
	bool there = false;

	enum status rc = ends_load(&group, &resource, call, id, resource_id, err);
	if (rc == OK)
		rc = memberships_count(&count, &there, call, resource_id, id, err);
	if (rc != OK || !there)
		return rc;
	rc = node__guard_lift(call, id.id, node_workspace(group.workspace), err);
	if (rc == OK)
		rc = record(call, false, &group, &resource, err);
	if (rc == OK)
		rc = iam__query(&q, call, &MEMBER_DELETE, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, resource_id.id);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		resource__touch(call, &resource);
	return rc;
}

enum status
resource_group_list_resources(struct resource **out, size_t *count, struct call *call,
	const struct resource_filter *filter, struct page *page, struct error *err)
{
	struct resource_group group;

	*count = 0;
	enum status rc = resource_group_load(&group, call, filter->workspace, filter->group, err);
	if (rc != OK)
		return rc;
	struct resource_filter inside = *filter;
	inside.workspace = group.workspace;
	return resource_list(out, count, call, &inside, page, err);
}
