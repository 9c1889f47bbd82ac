#include <stdlib.h>

#include "base/log.h"
#include "directory/rows_internal.h"
#include "policy/lookup.h"

static const struct sql ORG = SQL("SELECT state, revision, skeleton FROM orgs WHERE org = $1");
static const struct sql TYPES =
	SQL("SELECT type, registered FROM resource_types WHERE org = $1 ORDER BY type");
static const struct sql KIND_DEFAULTS =
	SQL("SELECT kind, role, ceiling_role FROM kind_defaults WHERE org = $1");

enum status
rows_org_heads(struct org_heads *out, struct tx *tx, struct org_id org, struct error *err)
{
	struct query q;
	*out = (struct org_heads){0};
	enum status rc = query_begin(&q, tx, &ORG, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		rc = rows__state(&out->state, &q, 0, err);
		out->found = true;
		out->revision = query_int(&q, 1);
		out->skeleton = query_int(&q, 2);
	}
	query_end(&q);
	return rc;
}

static int
compare_types(const void *a, const void *b)
{
	const struct resource_type_view *left = a, *right = b;
	return str_compare(left->name, right->name);
}

static enum status
load_types(struct org_view *org, struct tx *tx, struct arena *arena, struct error *err)
{
	struct resource_type_view *types = NULL;
	uint32_t cap = 0;
	struct query q;
	enum status rc = query_begin(&q, tx, &TYPES, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		void *items = types;
		rc = rows__grow(&items, org->type_count, &cap, sizeof(*types), arena, err);
		if (rc != OK)
			break;
		types = items;
		types[org->type_count++] = (struct resource_type_view){
			.name = query_str_copy(&q, 0, arena),
			.registered = query_int(&q, 1) != 0,
		};
	}
	query_end(&q);
	/* An engine may order texts by a language; searches go by bytes. */
	if (rc == OK && org->type_count)
		qsort(types, org->type_count, sizeof(*types), compare_types);
	org->types = types;
	return rc;
}

/* Of a role that is gone or bears no ceiling any more, nothing is left that could be allowed. */
static enum status
default_ceiling(const struct ceiling **out, const struct org_view *org, struct role_id id,
	struct arena *arena, struct error *err)
{
	uint32_t number;
	const struct role_view *role = org_role_by_id(org, id, &number);
	*out = role ? role->ceiling : NULL;
	if (*out)
		return OK;
	log_event(LOG_WARN, "default-ceiling-missing", LOG_U("org", org->id.id),
		LOG_U("role", id.id));
	*out = arena_new_one(arena, struct ceiling);
	return *out ? OK : error_no_memory(err);
}

static enum status
load_default(struct org_view *org, const struct query *q, struct arena *arena, struct error *err)
{
	int64_t kind = query_int(q, 0);
	uint32_t number;
	if (kind <= KIND_NONE || kind >= KIND_COUNT)
		return rows__corrupt(err, "a default for no kind");
	struct role_id role = {query_uuid(q, 1)};
	if (!query_is_null(q, 1) && org_role_by_id(org, role, &number))
		org->default_roles[kind] = number;
	if (query_is_null(q, 2))
		return OK;
	struct role_id bearer = {query_uuid(q, 2)};
	return default_ceiling(&org->default_ceilings[kind], org, bearer, arena, err);
}

static enum status
load_defaults(struct org_view *org, struct tx *tx, struct arena *arena, struct error *err)
{
	struct query q;
	for (size_t kind = 0; kind < KIND_COUNT; kind++)
		org->default_roles[kind] = ROLE_NONE;
	enum status rc = query_begin(&q, tx, &KIND_DEFAULTS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = load_default(org, &q, arena, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}

enum status
rows_load_org(const struct org_view **out, struct tx *tx, struct org_id id, struct arena *arena,
	struct error *err)
{
	struct org_heads heads;
	*out = NULL;
	enum status rc = rows_org_heads(&heads, tx, id, err);
	if (rc != OK || !heads.found)
		return rc;
	struct org_view *org = arena_new_one(arena, struct org_view);
	if (!org)
		return error_no_memory(err);
	org->id = id;
	org->state = heads.state;
	org->revision = heads.revision;
	org->skeleton = heads.skeleton;
	rc = rows__load_permissions(org, tx, arena, err);
	if (rc == OK)
		rc = rows__load_roles(org, tx, arena, err);
	if (rc == OK)
		rc = rows__load_guardrails(org, tx, arena, err);
	if (rc == OK)
		rc = load_types(org, tx, arena, err);
	if (rc == OK)
		rc = load_defaults(org, tx, arena, err);
	if (rc == OK)
		*out = org;
	return rc;
}
