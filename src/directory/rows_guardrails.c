#include "directory/rows_internal.h"
#include "policy/lookup.h"

/* With the workspace that a node below one lies in. */
static const struct sql GUARDRAILS =
	SQL("SELECT d.guardrail, d.name, d.node_kind, d.node, d.kinds, d.permissions, d.condition, "
	    "COALESCE(g.workspace, r.workspace) FROM guardrails d "
	    "LEFT JOIN resource_groups g ON g.org = d.org AND g.grp = d.node "
	    "LEFT JOIN resources r ON r.org = d.org AND r.resource = d.node "
	    "WHERE d.org = $1 ORDER BY d.guardrail");
/* $1: the platform; $2: the platform's node kind; $3: the organisation that is loaded. */
static const struct sql PLATFORM_GUARDRAILS =
	SQL("SELECT guardrail, name, node_kind, node, kinds, permissions, condition, NULL "
	    "FROM guardrails WHERE org = $1 AND (node_kind = $2 OR node = $3) ORDER BY guardrail");

#define GUARDRAIL_LIMITS ((struct json_limits){1024 * 1024, 4, PERMISSION_TEXT_MAX})
#define PERMISSION_TEXT_MAX 256

struct found {
	struct guardrail_view *items;
	uint32_t count, cap;
	struct wide_set guarded;
};

static void
add_name(struct wide_set *set, const struct org_view *org, struct workspace_id workspace,
	struct str name)
{
	if (uuid_is_nil(workspace.id)) {
		rows__add_everywhere(set, org, name);
		return;
	}
	uint32_t number = org_permission_number(org, workspace, name);
	if (number != PERMISSION_NONE)
		wide_add(set, number);
}

static enum status
parse_denied(struct wide_set *set, const struct org_view *org, struct workspace_id workspace,
	struct str text, struct error *err)
{
	struct json *doc = NULL;
	struct error why = {0};
	enum status rc = json_parse(&doc, text, GUARDRAIL_LIMITS, &why);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	if (rc != OK)
		return rows__corrupt(err, why.text);
	if (json_type(doc) != JSON_ARRAY)
		rc = rows__corrupt(err, "a guardrail's permissions are not a list");
	for (size_t i = 0; rc == OK && i < json_count(doc); i++)
		add_name(set, org, workspace, json_str(json_at(doc, i)));
	json_free(&doc);
	return rc;
}

static enum status
read_row(struct guardrail_view *view, struct wide_set *denies, const struct org_view *org,
	struct query *q, struct arena *arena, struct error *err)
{
	int64_t kind = query_int(q, 2);
	if (kind < NODE_PLATFORM || kind > NODE_RESOURCE)
		return rows__corrupt(err, "a guardrail's node is of no kind");
	*view = (struct guardrail_view){
		.id = {query_uuid(q, 0)},
		.name = query_str_copy(q, 1, arena),
		.node = {(enum node_kind)kind, query_uuid(q, 3)},
		.kinds = (kind_mask)query_int(q, 4) & KIND_ALL,
	};
	struct workspace_id workspace = {kind == NODE_WORKSPACE ? view->node.id : query_uuid(q, 7)};
	enum status rc = parse_denied(denies, org, workspace, query_str(q, 5), err);
	if (rc == OK)
		rc = rows__narrow(&view->denies, denies, arena, err);
	return rc == OK ? rows__condition(&view->condition, q, 6, arena, err) : rc;
}

static enum status
add_rows(struct found *found, const struct org_view *org, struct query *q, struct arena *arena,
	struct error *err)
{
	enum status rc;
	while ((rc = query_next(q, err)) == OK && q->row) {
		void *items = found->items;
		rc = rows__grow(
			&items, found->count, &found->cap, sizeof(*found->items), arena, err);
		if (rc != OK)
			break;
		found->items = items;
		struct wide_set denies = {0};
		rc = read_row(&found->items[found->count], &denies, org, q, arena, err);
		if (rc != OK)
			break;
		for (size_t i = 0; i < ARRAY_LEN(denies.words); i++)
			found->guarded.words[i] |= denies.words[i];
		found->count++;
	}
	query_end(q);
	return rc;
}

enum status
rows__load_guardrails(struct org_view *org, struct tx *tx, struct arena *arena, struct error *err)
{
	struct found found = {0};
	struct query q;
	enum status rc = query_begin(&q, tx, &GUARDRAILS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	rc = add_rows(&found, org, &q, arena, err);
	if (rc == OK && !org_is_platform(org->id)) {
		rc = query_begin(&q, tx, &PLATFORM_GUARDRAILS, err);
		if (rc != OK)
			return rc;
		query_bind_uuid(&q, 1, PLATFORM.id);
		query_bind_int(&q, 2, NODE_PLATFORM);
		query_bind_uuid(&q, 3, org->id.id);
		rc = add_rows(&found, org, &q, arena, err);
	}
	if (rc != OK)
		return rc;
	org->guardrails = found.items;
	org->guardrail_count = found.count;
	return rows__narrow(&org->guarded, &found.guarded, arena, err);
}
