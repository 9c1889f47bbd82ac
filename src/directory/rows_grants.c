#include <stdlib.h>

#include "directory/rows_internal.h"
#include "policy/lookup.h"

/* A single permission may be a scope of the workspace that the node lies in. */
static const struct sql GRANTS =
	SQL("SELECT g.grant_id, g.node_kind, g.node, r.number, g.permission, g.condition, "
	    "g.expires_us, COALESCE(n.workspace, s.workspace) FROM grants g "
	    "LEFT JOIN roles r ON r.org = g.org AND r.role = g.role "
	    "LEFT JOIN resource_groups n ON g.permission IS NOT NULL AND n.org = g.org "
	    "AND n.grp = g.node "
	    "LEFT JOIN resources s ON g.permission IS NOT NULL AND s.org = g.org "
	    "AND s.resource = g.node "
	    "WHERE g.org = $1 AND g.holder = $2 AND g.holder_kind = $3");

struct found {
	struct arena *arena;
	struct grant_entry *entries;
	uint32_t count, cap;
};

static uint32_t
resolve(const struct org_view *org, const struct query *q, const struct holder *holder)
{
	struct workspace_id workspace = {query_uuid(q, 7)};
	if (query_int(q, 1) == NODE_WORKSPACE)
		workspace.id = query_uuid(q, 2);
	if (uuid_is_nil(workspace.id))
		workspace = holder->workspace;
	return org_permission_number(org, workspace, query_str(q, 4));
}

static enum status
read_row(struct grant_entry *entry, const struct query *q, struct arena *arena, struct error *err)
{
	*entry = (struct grant_entry){
		.node = query_uuid(q, 2),
		.expires_us = rows__expiry(q, 6),
		.id = {query_uuid(q, 0)},
		.role = ROLE_NONE,
		.permission = PERMISSION_NONE,
	};
	if (!query_is_null(q, 3)) {
		int64_t number = query_int(q, 3);
		if (number < 0 || number >= ROLE_NUMBER_LIMIT)
			return rows__corrupt(err, "a role's number is out of range");
		entry->role = (uint32_t)number;
	}
	return rows__condition(&entry->condition, q, 5, arena, err);
}

static int
compare_entries(const void *a, const void *b)
{
	const struct grant_entry *left = a, *right = b;
	int order = uuid_compare(left->node, right->node);
	return order ? order : uuid_compare(left->id.id, right->id.id);
}

/* One row more; one whose role is gone is passed over. */
static enum status
add_row(struct holder_grants *out, struct found *found, const struct org_view *org,
	const struct holder *holder, struct query *q, struct error *err)
{
	bool single = !query_is_null(q, 4);
	if (!single && query_is_null(q, 3))
		return OK;
	if (found->count == GRANTS_PER_HOLDER_MAX)
		return rows__corrupt(err, "a holder of more grants than are possible");
	void *items = found->entries;
	enum status rc = rows__grow(
		&items, found->count, &found->cap, sizeof(*found->entries), found->arena, err);
	if (rc != OK)
		return rc;
	found->entries = items;
	struct grant_entry *entry = &found->entries[found->count++];
	rc = read_row(entry, q, found->arena, err);
	if (rc == OK && single) {
		entry->permission = resolve(org, q, holder);
		out->has_names = true;
	}
	return rc;
}

enum status
rows__load_grants(struct holder_grants *out, struct tx *tx, const struct org_view *org,
	const struct holder *holder, struct arena *arena, struct error *err)
{
	struct found found = {.arena = arena};
	struct query q;
	*out = (struct holder_grants){0};
	enum status rc = query_begin(&q, tx, &GRANTS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	query_bind_uuid(&q, 2, holder->id);
	query_bind_int(&q, 3, holder->kind);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = add_row(out, &found, org, holder, &q, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	if (rc == OK && found.count)
		qsort(found.entries, found.count, sizeof(*found.entries), compare_entries);
	out->grants = (struct grants){found.entries, found.count};
	return rc;
}
