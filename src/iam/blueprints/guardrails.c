#include "iam/blueprints/plan.h"
#include "iam/rows.h"

static const struct sql GUARDRAILS =
	SQL("SELECT guardrail, name, description, kinds, permissions, condition, origin"
	    " FROM guardrails WHERE org = $1");
static const struct sql GUARDRAIL_INSERT =
	SQL("INSERT INTO guardrails (org, guardrail, description, kinds, permissions, condition,"
	    " changed, name, node_kind, node, origin, created_us)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
static const struct sql GUARDRAIL_UPDATE =
	SQL("UPDATE guardrails SET description = $3, kinds = $4, permissions = $5, condition = $6,"
	    " changed = $7 WHERE org = $1 AND guardrail = $2");
static const struct sql GUARDRAIL_DELETE =
	SQL("DELETE FROM guardrails WHERE org = $1 AND guardrail = $2");

struct found_guardrail {
	struct plan_guardrail is;
	struct uuid id;
	struct str origin;
};

static enum status
load(struct found_guardrail **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;
	size_t cap = 0;
	void *items = NULL;

	*count = 0;
	enum status rc = iam__query(&q, call, &GUARDRAILS, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = blueprint__grow(
			&items, *count, &cap, sizeof(struct found_guardrail), call->arena, err);
		if (rc != OK)
			break;
		((struct found_guardrail *)items)[(*count)++] = (struct found_guardrail){
			.id = query_uuid(&q, 0),
			.is = {.name = iam__text(&q, 1, call),
				.description = iam__text(&q, 2, call),
				.kinds = (kind_mask)query_int(&q, 3),
				.permissions = iam__text(&q, 4, call),
				.condition = iam__text(&q, 5, call)},
			.origin = iam__text(&q, 6, call),
		};
	}
	query_end(&q);
	*out = items;
	return rc;
}

/* What an insert and an update both bind. */
static enum status
begin_write(struct query *q, struct call *call, const struct sql *sql, struct uuid id,
	const struct plan_guardrail *planned, struct error *err)
{
	enum status rc = iam__query(q, call, sql, id, err);
	if (rc != OK)
		return rc;
	query_bind_str(q, 3, planned->description);
	query_bind_int(q, 4, planned->kinds);
	query_bind_str(q, 5, planned->permissions);
	query_bind_str(q, 6, planned->condition);
	query_bind_int(q, 7, call_next_revision(call));
	return OK;
}

static enum status
create(struct blueprint_job *job, const struct plan_guardrail *planned, struct error *err)
{
	struct node node = node_org(job->call->chain.org);
	struct query q;

	enum status rc = blueprint__note(job, BLUEPRINT_CREATE, "guardrail", planned->name, err);
	if (rc != OK || !job->write)
		return rc;
	rc = begin_write(&q, job->call, &GUARDRAIL_INSERT, uuid_new(), planned, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 8, planned->name);
	query_bind_int(&q, 9, node.kind);
	query_bind_uuid(&q, 10, node.id);
	query_bind_str(&q, 11, job->plan->facts.name);
	query_bind_int(&q, 12, job->call->now_us);
	return query_run(&q, NULL, err);
}

static enum status
compare(struct blueprint_job *job, const struct found_guardrail *found,
	const struct plan_guardrail *planned, struct error *err)
{
	struct query q;

	if (!str_eq(found->origin, job->plan->facts.name))
		return blueprint__taken("guardrail", found->is.name,
			found->origin.len > 0 ? found->origin : STR("custom"), err);
	if (str_eq(found->is.description, planned->description) &&
		found->is.kinds == planned->kinds &&
		str_eq(found->is.permissions, planned->permissions) &&
		iam__same_text(found->is.condition, planned->condition))
		return OK;
	enum status rc = blueprint__note(job, BLUEPRINT_UPDATE, "guardrail", planned->name, err);
	if (rc != OK || !job->write)
		return rc;
	rc = begin_write(&q, job->call, &GUARDRAIL_UPDATE, found->id, planned, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

static enum status
drop(struct blueprint_job *job, const struct found_guardrail *found, struct error *err)
{
	enum status rc = blueprint__note(job, BLUEPRINT_DELETE, "guardrail", found->is.name, err);
	return rc == OK && job->write ? iam__run(job->call, &GUARDRAIL_DELETE, found->id, err) : rc;
}

enum status
blueprint__apply_guardrails(struct blueprint_job *job, struct error *err)
{
	const struct blueprint_plan *plan = job->plan;
	struct found_guardrail *found;
	size_t count;
	bool *there = arena_new_array(job->call->arena, bool, plan->guardrail_count);

	if (!there)
		return error_no_memory(err);
	enum status rc = load(&found, &count, job->call, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		size_t at = plan_find(plan->guardrails, plan->guardrail_count,
			sizeof(*plan->guardrails), found[i].is.name);
		if (at != SIZE_MAX) {
			there[at] = true;
			rc = compare(job, &found[i], &plan->guardrails[at], err);
		} else if (str_eq(found[i].origin, plan->facts.name)) {
			rc = drop(job, &found[i], err);
		}
	}
	for (size_t i = 0; rc == OK && i < plan->guardrail_count; i++) {
		if (!there[i])
			rc = create(job, &plan->guardrails[i], err);
	}
	return rc;
}
