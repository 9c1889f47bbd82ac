#include <stdlib.h>

#include "iam/access/role_rows.h"
#include "iam/blueprints/plan.h"
#include "iam/rows.h"

static const struct sql ROLES =
	SQL("SELECT role, number, name, title, description, kinds, exercises_all, gives_all,"
	    " confines, ceiling, origin, created_us FROM roles WHERE org = $1 AND workspace = $2");
static const struct sql ROLE_CARRIES = SQL(
	"SELECT permission, exercises, gives FROM role_permissions WHERE org = $1 AND role = $2");
static const struct sql ROLE_INSERT =
	SQL("INSERT INTO roles (org, role, title, description, kinds, exercises_all, gives_all,"
	    " confines, ceiling, changed, number, workspace, name, system, origin, created_us)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 1, $14, $15)");
static const struct sql ROLE_UPDATE =
	SQL("UPDATE roles SET title = $3, description = $4, kinds = $5, exercises_all = $6,"
	    " gives_all = $7, confines = $8, ceiling = $9, changed = $10"
	    " WHERE org = $1 AND role = $2");
static const struct sql ROLE_GRANTS =
	SQL("SELECT COUNT(*) FROM grants WHERE org = $1 AND role = $2");
/* What other roles list of permissions that are gone; a name may come back and mean another. */
static const struct sql FORGET_REMOVED =
	SQL("DELETE FROM role_permissions WHERE org = $1 AND permission IN"
	    " (SELECT name FROM permissions WHERE org = $1 AND removed = 1 AND changed = $2)"
	    " AND permission NOT IN"
	    " (SELECT name FROM permissions WHERE org = $1 AND removed = 0)");

static int
compare_permissions(const void *a, const void *b)
{
	const struct role_permission *left = a, *right = b;

	return str_compare(left->name, right->name);
}

static enum status
load_carried(struct role *role, struct call *call, struct error *err)
{
	struct query q;
	size_t count = 0, cap = 0;
	void *items = NULL;

	enum status rc = iam__query(&q, call, &ROLE_CARRIES, role->id.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = blueprint__grow(
			&items, count, &cap, sizeof(struct role_permission), call->arena, err);
		if (rc != OK)
			break;
		((struct role_permission *)items)[count++] = (struct role_permission){
			iam__text(&q, 0, call), query_int(&q, 1) != 0, query_int(&q, 2) != 0};
	}
	query_end(&q);
	if (count > 0)
		qsort(items, count, sizeof(struct role_permission), compare_permissions);
	role->permissions = items;
	role->permission_count = count;
	return rc;
}

static void
read_row(struct found_role *found, struct query *q, struct call *call)
{
	*found = (struct found_role){
		.role = {.id = {query_uuid(q, 0)},
			.number = query_int(q, 1),
			.name = iam__text(q, 2, call),
			.title = iam__text(q, 3, call),
			.description = iam__text(q, 4, call),
			.kinds = (kind_mask)query_int(q, 5),
			.exercises_all = query_int(q, 6) != 0,
			.gives_all = query_int(q, 7) != 0,
			.ceiling = iam__text(q, 9, call),
			.origin = iam__text(q, 10, call),
			.created_us = query_int(q, 11)},
		.confines = query_int(q, 8) != 0,
	};
}

/* This blueprint's roles; a name of the plan that is somebody else's is refused. */
static enum status
load(struct blueprint_job *job, struct error *err)
{
	struct call *call = job->call;
	struct query q;
	size_t cap = 0;
	void *items = NULL;

	enum status rc = iam__query(&q, call, &ROLES, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, (struct uuid){{0}});
	while ((rc = query_next(&q, err)) == OK && q.row) {
		struct found_role found;
		read_row(&found, &q, call);
		bool mine = str_eq(found.role.origin, job->plan->facts.name);
		if (!mine && plan_role_find(job->plan, found.role.name))
			rc = blueprint__taken("role", found.role.name, found.role.origin, err);
		if (rc == OK && mine)
			rc = blueprint__grow(&items, job->found_count, &cap,
				sizeof(struct found_role), call->arena, err);
		if (rc != OK)
			break;
		if (mine)
			((struct found_role *)items)[job->found_count++] = found;
	}
	query_end(&q);
	job->found = items;
	for (size_t i = 0; rc == OK && i < job->found_count; i++)
		rc = load_carried(&job->found[i].role, call, err);
	return rc;
}

/* What an insert and an update both bind. */
static enum status
begin_write(struct query *q, struct call *call, const struct sql *sql,
	const struct plan_role *planned, struct error *err)
{
	const struct role *role = &planned->role;

	enum status rc = iam__query(q, call, sql, role->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(q, 3, role->title);
	query_bind_str(q, 4, role->description);
	query_bind_int(q, 5, role->kinds);
	query_bind_int(q, 6, role->exercises_all);
	query_bind_int(q, 7, role->gives_all);
	query_bind_int(q, 8, planned->confines);
	query_bind_str(q, 9, role->ceiling);
	query_bind_int(q, 10, call_next_revision(call));
	return OK;
}

static enum status
create(struct blueprint_job *job, struct plan_role *planned, struct error *err)
{
	struct call *call = job->call;
	struct query q;

	planned->role.id.id = uuid_new();
	enum status rc = blueprint__note(job, BLUEPRINT_CREATE, "role", planned->role.name, err);
	if (rc != OK || !job->write)
		return rc;
	if (call->chain.next_role >= ROLES_PER_ORG_MAX)
		return error_set(err, ERR_LIMIT, "too-many-roles",
			"An organisation can make at most %d roles in all.", ROLES_PER_ORG_MAX);
	rc = begin_write(&q, call, &ROLE_INSERT, planned, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 11, call->chain.next_role++);
	query_bind_uuid(&q, 12, (struct uuid){{0}});
	query_bind_str(&q, 13, planned->role.name);
	query_bind_str(&q, 14, job->plan->facts.name);
	query_bind_int(&q, 15, call->now_us);
	rc = query_run(&q, NULL, err);
	return rc == OK ? role__write_permissions(call, &planned->role, err) : rc;
}

static bool
same_carried(const struct role *a, const struct role *b)
{
	if (a->permission_count != b->permission_count)
		return false;
	for (size_t i = 0; i < a->permission_count; i++) {
		const struct role_permission *left = &a->permissions[i];
		const struct role_permission *right = &b->permissions[i];
		if (!str_eq(left->name, right->name) || left->exercises != right->exercises ||
			left->gives != right->gives)
			return false;
	}
	return true;
}

static bool
same_role(const struct found_role *found, const struct plan_role *planned)
{
	const struct role *a = &found->role, *b = &planned->role;

	return str_eq(a->title, b->title) && str_eq(a->description, b->description) &&
		a->kinds == b->kinds && a->exercises_all == b->exercises_all &&
		a->gives_all == b->gives_all && found->confines == planned->confines &&
		iam__same_text(a->ceiling, b->ceiling) && same_carried(a, b);
}

static enum status
compare(struct blueprint_job *job, struct found_role *found, struct plan_role *planned,
	struct error *err)
{
	struct query q;

	planned->role.id = found->role.id;
	if (same_role(found, planned))
		return OK;
	found->changed = true;
	enum status rc = blueprint__note(job, BLUEPRINT_UPDATE, "role", planned->role.name, err);
	if (rc != OK || !job->write)
		return rc;
	rc = begin_write(&q, job->call, &ROLE_UPDATE, planned, err);
	if (rc == OK)
		rc = query_run(&q, NULL, err);
	return rc == OK ? role__write_permissions(job->call, &planned->role, err) : rc;
}

static enum status
drop(struct blueprint_job *job, struct found_role *found, struct error *err)
{
	int64_t grants;

	enum status rc = iam__count(&grants, job->call, &ROLE_GRANTS, found->role.id.id, err);
	if (rc == OK && grants > 0)
		rc = error_set(err, ERR_CONFLICT, "role-in-use",
			"The role \"%.*s\" is left out, but granted in %lld places: take it back "
			"there first.",
			STR_ARG(found->role.name), (long long)grants);
	if (rc == OK)
		rc = blueprint__note(job, BLUEPRINT_DELETE, "role", found->role.name, err);
	return rc == OK && job->write ? role__erase(job->call, found->role.id, err) : rc;
}

static enum status
forget_removed(struct blueprint_job *job, struct error *err)
{
	struct query q;

	if (!job->write)
		return OK;
	enum status rc = iam__query(&q, job->call, &FORGET_REMOVED, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, call_next_revision(job->call));
	return query_run(&q, NULL, err);
}

enum status
blueprint__apply_roles(struct blueprint_job *job, struct error *err)
{
	enum status rc = load(job, err);

	for (size_t i = 0; rc == OK && i < job->found_count; i++) {
		struct plan_role *planned = plan_role_find(job->plan, job->found[i].role.name);
		rc = planned ? compare(job, &job->found[i], planned, err)
			     : drop(job, &job->found[i], err);
	}
	for (size_t i = 0; rc == OK && i < job->plan->role_count; i++) {
		if (uuid_is_nil(job->plan->roles[i].role.id.id))
			rc = create(job, &job->plan->roles[i], err);
	}
	return rc == OK ? forget_removed(job, err) : rc;
}
