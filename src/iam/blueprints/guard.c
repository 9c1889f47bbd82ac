#include "iam/guard.h"
#include "directory/rows.h"
#include "iam/blueprints/plan.h"
#include "iam/rows.h"
#include "policy/lookup.h"

/*
 * What somebody gains by a blueprint is found by comparing two skeletons: as this call found it,
 * and as the rows are now. Who may give it is judged by a third: the old one, to which only those
 * new permissions are added that a role carries because it carries all there will be, so that
 * nobody gains the right to give by the very change that is judged.
 */
struct comparison {
	struct call *call;
	const struct blueprint_job *job;
	const struct org_view *before, *after, *judge;
};

static const struct sql ROLE_GRANTS =
	SQL("SELECT COUNT(*) FROM grants WHERE org = $1 AND role = $2");
static const struct sql CREATOR = SQL("SELECT creator_role FROM orgs WHERE org = $1");

static const struct found_role *
found_by_number(const struct blueprint_job *job, uint32_t number)
{
	for (size_t i = 0; i < job->found_count; i++) {
		if (job->found[i].role.number == number)
			return &job->found[i];
	}
	return NULL;
}

/* `old`, and of the numbers that are new what `now` has, if it keeps them. */
static enum status
judged_set(struct permset *out, const struct comparison *c, const struct permset *old,
	const struct permset *now, bool keeps, struct error *err)
{
	if (!permset_init(out, c->call->arena, c->after->permission_end))
		return error_no_memory(err);
	permset_unite(out, old);
	if (!keeps)
		return OK;
	for (uint32_t p = permset_next(now, c->before->permission_end); p != PERMISSION_NONE;
		p = permset_next(now, p + 1))
		permset_add(out, p);
	return OK;
}

static enum status
judged_role(const struct role_view **out, const struct comparison *c, uint32_t number,
	struct error *err)
{
	const struct role_view *old = org_role_at(c->before, number);
	const struct role_view *now = org_role_at(c->after, number);
	const struct found_role *found = found_by_number(c->job, number);
	bool touched = found && found->changed;

	*out = old;
	if (!old || !now)
		return OK;
	struct role_view *role = arena_new_one(c->call->arena, struct role_view);
	if (!role)
		return error_no_memory(err);
	*role = *old;
	enum status rc = judged_set(&role->exercises, c, &old->exercises, &now->exercises,
		!touched || found->role.exercises_all, err);
	if (rc == OK)
		rc = judged_set(&role->gives, c, &old->gives, &now->gives,
			!touched || found->role.gives_all, err);
	*out = role;
	return rc;
}

static enum status
make_judge(struct comparison *c, struct error *err)
{
	struct org_view *judge = arena_new_one(c->call->arena, struct org_view);
	const struct role_view **roles =
		arena_new_array(c->call->arena, const struct role_view *, c->after->role_end);
	enum status rc = OK;

	if (!judge || !roles)
		return error_no_memory(err);
	*judge = *c->after;
	judge->roles = roles;
	judge->guardrails = c->before->guardrails;
	judge->guardrail_count = c->before->guardrail_count;
	judge->guarded = c->before->guarded;
	for (size_t kind = 0; kind < KIND_COUNT; kind++) {
		judge->default_ceilings[kind] = c->before->default_ceilings[kind];
		judge->default_roles[kind] = c->before->default_roles[kind];
	}
	for (uint32_t i = 0; rc == OK && i < c->after->role_end; i++)
		rc = judged_role(&roles[i], c, i, err);
	c->judge = judge;
	return rc;
}

static bool
same_set(const struct permset *a, const struct permset *b)
{
	return permset_contains(a, b) && permset_contains(b, a);
}

static bool
same_ceiling(const struct ceiling *a, const struct ceiling *b)
{
	if (!a || !b)
		return a == b;
	return a->except == b->except && same_set(&a->named, &b->named);
}

/* Another ceiling may let through what was held back of all that its holders have. */
static enum status
guard_ceiling(const struct comparison *c, const struct role_view *role, struct error *err)
{
	int64_t grants;

	enum status rc = iam__count(&grants, c->call, &ROLE_GRANTS, role->id.id, err);
	return rc == OK && grants > 0 ? role_guard_everything(c->call, err) : rc;
}

static enum status
guard_role(const struct comparison *c, uint32_t number, struct error *err)
{
	const struct role_view *before = c->judge->roles[number];
	const struct role_view *after = org_role_at(c->after, number);

	if (!before || !after)
		return OK;
	const struct role_carried had = {before->kinds, &before->exercises, &before->gives};
	const struct role_carried now = {after->kinds, &after->exercises, &after->gives};
	enum status rc = role_guard_gain(c->call, after->id, &had, &now, err);
	bool unbinds = before->ceiling && (before->kinds & ~after->kinds);
	if (rc == OK && (unbinds || !same_ceiling(before->ceiling, after->ceiling)))
		rc = guard_ceiling(c, after, err);
	return rc;
}

static enum status
guard_whole_role(
	const struct comparison *c, const struct role_view *role, bool to_self, struct error *err)
{
	struct permset set;

	if (!role)
		return OK;
	enum status rc = guard_role_set(&set, c->call, role, err);
	if (rc != OK)
		return rc;
	const struct gift gift = {.node = node_org(c->call->org->id),
		.permissions = &set,
		.expires_us = NEVER,
		.to_self = to_self,
		.exercised = &role->exercises};
	return guard_give(c->call, &gift, err);
}

/* A default is a gift to everybody of a kind that comes. */
static enum status
guard_defaults(const struct comparison *c, struct error *err)
{
	enum status rc = OK;

	for (size_t kind = 1; rc == OK && kind < KIND_COUNT; kind++) {
		const struct ceiling *bound = c->before->default_ceilings[kind];
		uint32_t now = c->after->default_roles[kind];
		if (now != ROLE_NONE && now != c->before->default_roles[kind])
			rc = guard_whole_role(c, org_role_at(c->after, now), false, err);
		if (rc == OK && bound && !same_ceiling(bound, c->after->default_ceilings[kind]))
			rc = role_guard_everything(c->call, err);
	}
	return rc;
}

/* Who creates a workspace gets this role there, the caller too. */
static enum status
guard_creator(const struct comparison *c, struct error *err)
{
	struct query q;

	if (!c->job->creator_changed)
		return OK;
	enum status rc = iam__query(&q, c->call, &CREATOR, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	struct role_id role = {rc == OK && q.row ? query_uuid(&q, 0) : (struct uuid){{0}}};
	query_end(&q);
	if (rc != OK || uuid_is_nil(role.id))
		return rc;
	return guard_whole_role(c, org_role_by_id(c->after, role, NULL), true, err);
}

static const struct guardrail_view *
guardrail_by_id(const struct org_view *org, struct guardrail_id id)
{
	for (uint32_t i = 0; i < org->guardrail_count; i++) {
		if (uuid_eq(org->guardrails[i].id.id, id.id))
			return &org->guardrails[i];
	}
	return NULL;
}

/* Under a condition, or under another one, it denies less often. */
static bool
denies_less_often(const struct guardrail_view *had, const struct guardrail_view *now)
{
	if (had->kinds & ~now->kinds)
		return true;
	if (!now->condition)
		return false;
	return !had->condition ||
		!str_eq(condition_text(had->condition), condition_text(now->condition));
}

static enum status
guard_guardrail(const struct comparison *c, const struct guardrail_view *had, struct error *err)
{
	const struct guardrail_view *now = guardrail_by_id(c->after, had->id);
	struct permset lifted;

	if (!permset_init(&lifted, c->call->arena, c->after->permission_end))
		return error_no_memory(err);
	bool all = !now || denies_less_often(had, now);
	for (uint32_t p = permset_next(&had->denies, 0); p != PERMISSION_NONE;
		p = permset_next(&had->denies, p + 1)) {
		bool there = org_permission_name(c->after, p).ptr != NULL;
		if (there && (all || !permset_has(&now->denies, p)))
			permset_add(&lifted, p);
	}
	if (permset_is_empty(&lifted))
		return OK;
	const struct gift gift = {.node = had->node, .permissions = &lifted, .expires_us = NEVER};
	return guard_give(c->call, &gift, err);
}

/* What a guardrail newly denies, or denies to others or more often, must be the caller's to give.
 */
static enum status
guard_denial(const struct comparison *c, const struct guardrail_view *now, struct error *err)
{
	const struct guardrail_view *had = guardrail_by_id(c->before, now->id);
	struct permset denied;

	if (!permset_init(&denied, c->call->arena, c->after->permission_end))
		return error_no_memory(err);
	permset_unite(&denied, &now->denies);
	if (had && !denies_less_often(now, had))
		permset_subtract(&denied, &had->denies);
	if (permset_is_empty(&denied))
		return OK;
	const struct gift gift = {.node = now->node, .permissions = &denied, .expires_us = NEVER};
	return guard_give(c->call, &gift, err);
}

static enum status
guard_all(const struct comparison *c, struct error *err)
{
	enum status rc = OK;

	for (uint32_t i = 0; rc == OK && i < c->after->role_end; i++)
		rc = guard_role(c, i, err);
	if (rc == OK)
		rc = guard_defaults(c, err);
	if (rc == OK)
		rc = guard_creator(c, err);
	for (uint32_t i = 0; rc == OK && i < c->before->guardrail_count; i++)
		rc = guard_guardrail(c, &c->before->guardrails[i], err);
	for (uint32_t i = 0; rc == OK && i < c->after->guardrail_count; i++)
		rc = guard_denial(c, &c->after->guardrails[i], err);
	return rc;
}

enum status
blueprint__guard(struct blueprint_job *job, struct error *err)
{
	struct call *call = job->call;
	struct comparison c = {.call = call, .job = job, .before = call->org};
	bool at_home = call->home == call->org;

	enum status rc = rows_load_org(&c.after, call->tx, call->org->id, call->arena, err);
	if (rc == OK && !c.after)
		rc = error_set(err, ERR_INTERNAL, "org-missing", "The organisation is gone.");
	if (rc == OK)
		rc = make_judge(&c, err);
	if (rc != OK)
		return rc;
	call->org = c.judge;
	if (at_home)
		call->home = c.judge;
	rc = guard_all(&c, err);
	call->org = c.before;
	if (at_home)
		call->home = c.before;
	return rc;
}
