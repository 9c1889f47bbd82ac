#include "iam/blueprints/plan.h"
#include "iam/rows.h"
#include "iam/tree/orgs.h"

static const struct sql DEFAULT_SET =
	SQL("INSERT INTO kind_defaults (org, kind, role, ceiling_role) VALUES ($1, $2, $3, $4)"
	    " ON CONFLICT (org, kind) DO UPDATE SET role = $3, ceiling_role = $4");
static const struct sql CREATOR_SET =
	SQL("UPDATE orgs SET creator_role = $2, changed = $3 WHERE org = $1");
static const struct sql CREATOR_GET = SQL("SELECT creator_role FROM orgs WHERE org = $1");

static bool
is_mine(const struct blueprint_job *job, struct role_id id)
{
	for (size_t i = 0; i < job->found_count; i++) {
		if (uuid_eq(job->found[i].role.id.id, id.id))
			return true;
	}
	return false;
}

/* What the document names; where it names none, another blueprint's or the tenant's own choice
 * stays, and one of this blueprint's that is no longer named goes. */
static struct role_id
wanted(const struct blueprint_job *job, struct str name, struct role_id now)
{
	if (name.ptr)
		return plan_role_find(job->plan, name)->role.id;
	return is_mine(job, now) ? (struct role_id){{{0}}} : now;
}

static int
action_of(bool had, bool has)
{
	if (!had)
		return BLUEPRINT_CREATE;
	return has ? BLUEPRINT_UPDATE : BLUEPRINT_DELETE;
}

static enum status
set_default(struct blueprint_job *job, const struct kind_default *before, struct error *err)
{
	const struct plan_default *planned = &job->plan->defaults[before->kind];
	struct role_id role = wanted(job, planned->role, before->role);
	struct role_id bound = wanted(job, planned->ceiling_role, before->ceiling_role);
	bool had = !uuid_is_nil(before->role.id) || !uuid_is_nil(before->ceiling_role.id);
	bool has = !uuid_is_nil(role.id) || !uuid_is_nil(bound.id);
	struct query q;

	if (uuid_eq(role.id, before->role.id) && uuid_eq(bound.id, before->ceiling_role.id))
		return OK;
	enum status rc = blueprint__note(
		job, action_of(had, has), "default", str_from(kind_name(before->kind)), err);
	if (rc != OK || !job->write)
		return rc;
	rc = iam__query(&q, job->call, &DEFAULT_SET, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, before->kind);
	query_bind_uuid_or_null(&q, 3, role.id);
	query_bind_uuid_or_null(&q, 4, bound.id);
	return query_run(&q, NULL, err);
}

static enum status
creator_now(struct role_id *out, struct call *call, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &CREATOR_GET, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	out->id = rc == OK && q.row ? query_uuid(&q, 0) : (struct uuid){{0}};
	query_end(&q);
	return rc;
}

static enum status
set_creator(struct blueprint_job *job, struct error *err)
{
	struct role_id now = {{{0}}};
	struct query q;

	enum status rc = creator_now(&now, job->call, err);
	if (rc != OK)
		return rc;
	struct role_id role = wanted(job, job->plan->creator_role, now);
	if (uuid_eq(role.id, now.id))
		return OK;
	job->creator_changed = true;
	rc = blueprint__note(job, action_of(!uuid_is_nil(now.id), !uuid_is_nil(role.id)),
		"creator_role", job->plan->creator_role.ptr ? job->plan->creator_role : STR("none"),
		err);
	if (rc == OK && job->write)
		rc = query_begin(&q, job->call->tx, &CREATOR_SET, err);
	if (rc != OK || !job->write)
		return rc;
	query_bind_uuid(&q, 1, job->call->chain.org.id);
	query_bind_uuid_or_null(&q, 2, role.id);
	query_bind_int(&q, 3, call_next_revision(job->call));
	return query_run(&q, NULL, err);
}

enum status
blueprint__apply_defaults(struct blueprint_job *job, struct error *err)
{
	struct kind_default *all;
	size_t count = 0;

	enum status rc = default_list(&all, &count, job->call, err);
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = set_default(job, &all[i], err);
	return rc == OK ? set_creator(job, err) : rc;
}
