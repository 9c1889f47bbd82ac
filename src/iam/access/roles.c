#include "iam/access/roles.h"

#include "directory/rows.h"
#include "iam/access/role_names.h"
#include "iam/access/role_rows.h"
#include "iam/guard.h"
#include "iam/providers/rules.h"
#include "iam/rows.h"
#include "model/names.h"
#include "policy/lookup.h"

/* Where and on which terms a role is held; the same for many holders is looked at once. */
static const struct sql ROLE_HELD =
	SQL("SELECT DISTINCT g.node, g.condition, g.expires_us,"
	    " CASE WHEN g.holder = $3 OR EXISTS (SELECT 1 FROM group_members m WHERE m.org = g.org"
	    "  AND m.grp = g.holder AND m.principal = $3) THEN 1 ELSE 0 END"
	    " FROM grants g WHERE g.org = $1 AND g.role = $2 LIMIT 513");
static const struct sql ROLE_USES =
	SQL("SELECT (SELECT COUNT(*) FROM grants g WHERE g.org = $1 AND g.role = $2)"
	    " + (SELECT COUNT(*) FROM kind_defaults d WHERE d.org = $1"
	    "  AND (d.role = $2 OR d.ceiling_role = $2))"
	    " + (SELECT COUNT(*) FROM orgs o WHERE o.org = $1 AND o.creator_role = $2)");
static const struct sql ROLE_IS_DEFAULT =
	SQL("SELECT (SELECT COUNT(*) FROM kind_defaults d WHERE d.org = $1 AND d.role = $2)"
	    " + (SELECT COUNT(*) FROM orgs o WHERE o.org = $1 AND o.creator_role = $2)");

#define HELD_MAX 512

/* What the holders of a role would gain. */
struct gain {
	struct permset all; /* newly exercised, or newly given on */
	struct permset exercised; /* of these, newly exercised */
};

static enum status
guard_held(struct call *call, const struct query *q, const struct gain *gain, struct error *err)
{
	struct gift gift = {.permissions = &gain->all, .exercised = &gain->exercised};

	enum status rc = call_find_node(&gift.node, call, query_uuid(q, 0), err);
	if (rc != OK || gift.node.kind == NODE_NONE)
		return rc;
	rc = guard_read_terms(&gift, call, q, 1, err);
	return rc == OK ? guard_give(call, &gift, err) : rc;
}

static enum status
guard_default(struct call *call, struct role_id id, const struct permset *added, struct error *err)
{
	int64_t uses;
	const struct gift gift = {
		.node = node_org(call->org->id), .permissions = added, .expires_us = NEVER};

	enum status rc = iam__count(&uses, call, &ROLE_IS_DEFAULT, id.id, err);
	return rc == OK && uses > 0 ? guard_give(call, &gift, err) : rc;
}

static enum status
find_gain(struct gain *out, struct call *call, const struct role_carried *had,
	const struct role_carried *now, struct error *err)
{
	struct permset gives;

	if (!permset_init(&out->all, call->arena, call->org->permission_end) ||
		!permset_init(&out->exercised, call->arena, call->org->permission_end) ||
		!permset_init(&gives, call->arena, call->org->permission_end))
		return error_no_memory(err);
	permset_unite(&out->exercised, now->exercises);
	permset_unite(&gives, now->gives);
	if ((now->kinds & ~had->kinds) == 0) {
		permset_subtract(&out->exercised, had->exercises);
		permset_subtract(&gives, had->gives);
	}
	permset_unite(&out->all, &out->exercised);
	permset_unite(&out->all, &gives);
	return OK;
}

static enum status
guard_holders(struct call *call, struct role_id id, const struct gain *gain, struct error *err)
{
	struct query q;
	int seen = 0;

	enum status rc = iam__query(&q, call, &ROLE_HELD, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, call->caller.principal.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		if (++seen > HELD_MAX)
			rc = error_set(err, ERR_LIMIT, "role-held-too-widely",
				"This role is held at more than %d places on different terms: make "
				"another role instead.",
				HELD_MAX);
		else
			rc = guard_held(call, &q, gain, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}

enum status
role_guard_gain(struct call *call, struct role_id id, const struct role_carried *had,
	const struct role_carried *now, struct error *err)
{
	struct gain gain;

	enum status rc = find_gain(&gain, call, had, now, err);
	if (rc != OK || permset_is_empty(&gain.all))
		return rc;
	rc = guard_holders(call, id, &gain, err);
	if (rc == OK)
		rc = guard_default(call, id, &gain.all, err);
	const struct gift by_provider = {.permissions = &gain.all,
		.exercised = &gain.exercised,
		.expires_us = NEVER,
		.to_self = call->caller.kind == KIND_MEMBER};
	return rc == OK ? provider_rules_guard_gain(call, id, &by_provider, err) : rc;
}

enum status
role_guard_everything(struct call *call, struct error *err)
{
	const struct role_view *owner = org_role_at(call->org, 0);
	struct permset set;

	if (!owner)
		return OK;
	enum status rc = guard_role_set(&set, call, owner, err);
	if (rc != OK)
		return rc;
	const struct gift gift = {
		.node = node_org(call->org->id), .permissions = &set, .expires_us = NEVER};
	return guard_give(call, &gift, err);
}

/* One entry for each name of either list. */
static enum status
merge_names(struct role *role, struct call *call, const struct role_draft *draft, struct error *err)
{
	const struct str *gives = draft->gives_stated ? draft->gives : draft->exercises;
	size_t give_count = draft->gives_stated ? draft->give_count : draft->exercise_count;
	size_t total = draft->exercise_count + give_count;

	if (total > 2 * PERMISSIONS_PER_ROLE_MAX)
		return error_set(err, ERR_LIMIT, "too-many-permissions",
			"A role can carry at most %d permissions.", PERMISSIONS_PER_ROLE_MAX);
	struct role_permission *all = arena_new_array(call->arena, struct role_permission, total);
	if (!all)
		return error_no_memory(err);
	size_t count = 0;
	for (size_t i = 0; i < total; i++) {
		bool exercised = i < draft->exercise_count;
		struct str name =
			exercised ? draft->exercises[i] : gives[i - draft->exercise_count];
		size_t at = 0;
		while (at < count && !str_eq(all[at].name, name))
			at++;
		if (at == count)
			all[count++].name = name;
		all[at].exercises = all[at].exercises || exercised;
		all[at].gives = all[at].gives || !exercised;
	}
	role->permissions = all;
	role->permission_count = count;
	return OK;
}

static enum status
fill(struct role *role, struct call *call, const struct role_draft *draft, struct error *err)
{
	role->name = draft->name;
	role->title = draft->title.ptr ? draft->title : draft->name;
	role->description = draft->description.ptr ? draft->description : STR("");
	role->kinds = draft->kinds;
	role->changed = call_next_revision(call);

	enum status rc = slug_check(role->name, "name", err);
	if (rc == OK)
		rc = name_check(role->title, "title", err);
	if (rc == OK)
		rc = description_check(role->description, "description", err);
	if (rc == OK && (role->kinds & KIND_ALL) == 0)
		rc = error_set(err, ERR_INVALID, "kinds-missing",
			"State at least one kind of principal that the role is for.");
	if (rc == OK)
		rc = merge_names(role, call, draft, err);
	if (rc == OK)
		rc = ceiling_text(&role->ceiling, call, role->workspace, draft->ceiling, err);
	return rc;
}

/* The numbers of what a role carries; a name that does not exist is refused. */
static enum status
role_sets(struct permset *exercises, struct permset *gives, struct call *call,
	const struct role *role, struct error *err)
{
	enum status rc = OK;

	if (!permset_init(exercises, call->arena, call->org->permission_end) ||
		!permset_init(gives, call->arena, call->org->permission_end))
		return error_no_memory(err);
	for (size_t i = 0; rc == OK && i < role->permission_count; i++) {
		const struct role_permission *carried = &role->permissions[i];
		uint32_t number;
		rc = permission_resolve(&number, call, role->workspace, carried->name, err);
		if (rc == OK && carried->exercises)
			permset_add(exercises, number);
		if (rc == OK && carried->gives)
			permset_add(gives, number);
	}
	return rc;
}

enum status
role_create(struct role *out, struct call *call, const struct role_draft *draft, struct error *err)
{
	struct permset exercises, gives;
	struct target place;

	*out = (struct role){.id = {uuid_new()},
		.number = call->chain.next_role,
		.workspace = draft->workspace,
		.origin = STR("custom"),
		.created_us = call->now_us};
	if (out->number >= ROLES_PER_ORG_MAX)
		return error_set(err, ERR_LIMIT, "too-many-roles",
			"An organisation can make at most %d roles in all.", ROLES_PER_ORG_MAX);
	enum status rc = fill(out, call, draft, err);
	if (rc == OK && !uuid_is_nil(draft->workspace.id))
		rc = call_target(&place, call, node_workspace(draft->workspace), err);
	if (rc == OK)
		rc = role_sets(&exercises, &gives, call, out, err);
	if (rc == OK)
		rc = role__insert(call, out, err);
	if (rc == OK)
		rc = role__write_permissions(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "roles.create", "role", out->id.id,
			VERSIONS(NOTHING, call_json(call, role_write, out)), err);
	if (rc != OK)
		return rc;
	call->chain.next_role++;
	call_touch_skeleton(call);
	return OK;
}

static enum status
check_own(const struct role *role, struct error *err)
{
	if (!role->system)
		return OK;
	return error_set(err, ERR_CONFLICT, "role-is-system",
		"A system role cannot be changed: make a role of your own.");
}

static enum status
guard_change(
	struct call *call, const struct role *before, const struct role *after, struct error *err)
{
	const struct role_view *live = org_role_by_id(call->org, before->id, NULL);
	struct permset exercises, gives;

	if (!live)
		return error_set(err, ERR_NOT_FOUND, "role-not-found", "There is no such role.");
	enum status rc = role_sets(&exercises, &gives, call, after, err);
	if (rc != OK)
		return rc;
	const struct role_carried had = {before->kinds, &live->exercises, &live->gives};
	const struct role_carried now = {after->kinds, &exercises, &gives};
	rc = role_guard_gain(call, before->id, &had, &now, err);
	bool same_ceiling = iam__same_text(before->ceiling, after->ceiling);
	/* Whoever is of a kind that the role is no longer for is no longer bounded by it. */
	bool unbinds = before->ceiling.ptr && (before->kinds & ~after->kinds);
	return rc == OK && (unbinds || !same_ceiling) ? role_guard_everything(call, err) : rc;
}

enum status
role_replace(struct role *out, struct call *call, struct role_id id, const struct role_draft *draft,
	struct error *err)
{
	struct role before;

	enum status rc = role_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc == OK)
		rc = check_own(&before, err);
	if (rc == OK && !uuid_eq(before.workspace.id, draft->workspace.id))
		rc = error_set(err, ERR_CONFLICT, "role-stays-in-place",
			"A role cannot move to another workspace: make a new one there.");
	*out = before;
	if (rc == OK)
		rc = fill(out, call, draft, err);
	if (rc == OK)
		rc = guard_change(call, &before, out, err);
	if (rc == OK)
		rc = role__update(call, out, err);
	if (rc == OK)
		rc = role__write_permissions(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "roles.update", "role", id.id,
			VERSIONS(call_json(call, role_write, &before),
				call_json(call, role_write, out)),
			err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}

enum status
role_delete(struct call *call, struct role_id id, int64_t if_match, struct error *err)
{
	struct role before;
	int64_t uses;

	enum status rc = role_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = check_own(&before, err);
	if (rc == OK)
		rc = iam__count(&uses, call, &ROLE_USES, id.id, err);
	if (rc == OK && uses > 0)
		rc = error_set(err, ERR_CONFLICT, "role-in-use",
			"This role is still granted, or a default, in %lld places: take it back "
			"there first.",
			(long long)uses);
	if (rc == OK)
		rc = iam__record(call, "roles.delete", "role", id.id,
			VERSIONS(call_json(call, role_write, &before), NOTHING), err);
	if (rc == OK)
		rc = role__erase(call, id, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}
