#include "directory/rows_internal.h"

static const struct sql GROUP = SQL("SELECT 1 FROM groups WHERE org = $1 AND grp = $2");
static const struct sql PRINCIPAL =
	SQL("SELECT kind, workspace, state, expires_us, confined, resource, generation, ceiling "
	    "FROM principals WHERE org = $1 AND principal = $2");
static const struct sql PRINCIPAL_GROUPS =
	SQL("SELECT grp FROM group_members WHERE org = $1 AND principal = $2 ORDER BY grp");
static const struct sql PRINCIPAL_REACH =
	SQL("SELECT grp FROM reach WHERE org = $1 AND principal = $2 ORDER BY grp");
static const struct sql CREDENTIAL =
	SQL("SELECT principal, state, expires_us, hash, pepper FROM credentials "
	    "WHERE org = $1 AND credential = $2");

/* Begins a statement over (org, id). */
static enum status
begin(struct query *q, struct tx *tx, const struct sql *sql, struct org_id org, struct uuid id,
	struct error *err)
{
	enum status rc = query_begin(q, tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(q, 1, org.id);
	query_bind_uuid(q, 2, id);
	return OK;
}

enum status
rows_load_group(const struct group_view **out, struct tx *tx, const struct org_view *org,
	struct group_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = begin(&q, tx, &GROUP, org->id, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	bool found = rc == OK && q.row;
	query_end(&q);
	if (!found)
		return rc;
	struct group_view *view = arena_new_one(arena, struct group_view);
	if (!view)
		return error_no_memory(err);
	view->org = org->id;
	view->id = id;
	view->names_at = org->skeleton;
	struct holder holder = {.kind = HOLDER_GROUP, .id = id.id};
	struct holder_grants held;
	rc = rows__load_grants(&held, tx, org, &holder, arena, err);
	if (rc != OK)
		return rc;
	view->grants = held.grants;
	view->has_names = held.has_names;
	*out = view;
	return OK;
}

static enum status
read_principal(struct principal_view *view, const struct query *q, const struct org_view *org,
	struct arena *arena, struct error *err)
{
	int64_t kind = query_int(q, 0);
	if (kind <= KIND_NONE || kind >= KIND_COUNT)
		return rows__corrupt(err, "a principal of no kind");
	view->kind = (enum principal_kind)kind;
	view->workspace.id = query_uuid(q, 1);
	view->expires_us = rows__expiry(q, 3);
	view->confined = query_int(q, 4) != 0;
	view->self.id = query_uuid(q, 5);
	view->generation = query_int(q, 6);
	view->names_at = org->skeleton;
	enum status rc = rows__state(&view->state, q, 2, err);
	if (rc == OK)
		rc = rows_ceiling_parse(
			&view->ceiling, org, view->workspace, query_str(q, 7), arena, err);
	view->has_names = view->ceiling != NULL;
	return rc;
}

static enum status
load_sets(struct principal_view *view, struct tx *tx, struct arena *arena, struct error *err)
{
	struct uuid_list groups, reach = {0};
	struct query q;
	enum status rc = begin(&q, tx, &PRINCIPAL_GROUPS, view->org, view->id.id, err);
	if (rc == OK)
		rc = rows__uuids(&groups, &q, GROUPS_PER_PRINCIPAL_MAX, arena, err);
	if (rc == OK && view->confined) {
		rc = begin(&q, tx, &PRINCIPAL_REACH, view->org, view->id.id, err);
		if (rc == OK)
			rc = rows__uuids(&reach, &q, RGROUPS_PER_REACH_MAX, arena, err);
	}
	if (rc != OK)
		return rc;
	view->groups = (const struct group_id *)groups.items;
	view->group_count = groups.count;
	view->reach = (const struct rgroup_id *)reach.items;
	view->reach_count = reach.count;
	return OK;
}

enum status
rows_load_principal(const struct principal_view **out, struct tx *tx, const struct org_view *org,
	struct principal_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = begin(&q, tx, &PRINCIPAL, org->id, id.id, err);
	if (rc != OK)
		return rc;
	struct principal_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct principal_view);
		rc = view ? read_principal(view, &q, org, arena, err) : error_no_memory(err);
	}
	query_end(&q);
	if (rc != OK || !view)
		return rc;
	view->org = org->id;
	view->id = id;
	rc = load_sets(view, tx, arena, err);
	if (rc != OK)
		return rc;
	struct holder holder = {HOLDER_PRINCIPAL, id.id, view->workspace};
	struct holder_grants held;
	rc = rows__load_grants(&held, tx, org, &holder, arena, err);
	if (rc != OK)
		return rc;
	view->grants = held.grants;
	view->has_names = view->has_names || held.has_names;
	*out = view;
	return OK;
}

static enum status
read_credential(struct credential_view *view, const struct query *q, struct error *err)
{
	struct str hash = query_bytes(q, 3);
	if (hash.len != sizeof(view->hash))
		return rows__corrupt(err, "a credential's hash is not one");
	memcpy(view->hash, hash.ptr, sizeof(view->hash));
	view->principal.id = query_uuid(q, 0);
	view->expires_us = rows__expiry(q, 2);
	view->pepper = (int)query_int(q, 4);
	return rows__state(&view->state, q, 1, err);
}

enum status
rows_load_credential(const struct credential_view **out, struct tx *tx, struct org_id org,
	struct credential_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = begin(&q, tx, &CREDENTIAL, org, id.id, err);
	if (rc != OK)
		return rc;
	struct credential_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct credential_view);
		rc = view ? read_credential(view, &q, err) : error_no_memory(err);
	}
	query_end(&q);
	if (rc != OK || !view)
		return rc;
	view->org = org;
	view->id = id;
	*out = view;
	return OK;
}
