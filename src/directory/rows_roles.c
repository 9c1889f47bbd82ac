#include "directory/rows_internal.h"
#include "model/catalogue.h"
#include "policy/lookup.h"

static const struct sql ROLES = SQL(
	"SELECT number, role, workspace, name, kinds, system, exercises_all, gives_all, ceiling "
	"FROM roles WHERE org = $1 ORDER BY number");
static const struct sql ROLE_PERMISSIONS =
	SQL("SELECT r.number, p.permission, p.exercises, p.gives FROM roles r "
	    "JOIN role_permissions p ON p.org = r.org AND p.role = r.role "
	    "WHERE r.org = $1 ORDER BY r.number");

struct draft {
	struct role_view *view;
	uint32_t number;
	bool exercises_all, gives_all;
};

struct drafts {
	struct draft *items;
	uint32_t count, cap;
};

static enum status
add_row(struct drafts *drafts, const struct org_view *org, struct query *q, struct arena *arena,
	struct error *err)
{
	int64_t number = query_int(q, 0);
	if (number < 0 || number >= ROLE_NUMBER_LIMIT)
		return rows__corrupt(err, "a role's number is out of range");
	void *items = drafts->items;
	enum status rc =
		rows__grow(&items, drafts->count, &drafts->cap, sizeof(*drafts->items), arena, err);
	if (rc != OK)
		return rc;
	drafts->items = items;
	struct role_view *view = arena_new_one(arena, struct role_view);
	if (!view)
		return error_no_memory(err);
	*view = (struct role_view){
		.id = {query_uuid(q, 1)},
		.workspace = {query_uuid(q, 2)},
		.name = query_str_copy(q, 3, arena),
		.kinds = (kind_mask)query_int(q, 4) & KIND_ALL,
		.system = query_int(q, 5) != 0,
	};
	drafts->items[drafts->count++] = (struct draft){
		.view = view,
		.number = (uint32_t)number,
		.exercises_all = query_int(q, 6) != 0,
		.gives_all = query_int(q, 7) != 0,
	};
	return rows_ceiling_parse(
		&view->ceiling, org, view->workspace, query_str(q, 8), arena, err);
}

static enum status
load_drafts(struct drafts *drafts, const struct org_view *org, struct tx *tx, struct arena *arena,
	struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &ROLES, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = add_row(drafts, org, &q, arena, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc;
}

static void
add_all(struct wide_set *exercises, struct wide_set *gives, const struct org_view *org,
	const struct draft *draft)
{
	for (uint32_t i = 0; i < catalogue_count; i++) {
		if (draft->exercises_all)
			wide_add(exercises, catalogue[i].number);
	}
	for (uint32_t n = PERMISSION_OWN_FIRST; n < org->permission_end; n++) {
		const struct permission_view *own = org->permissions[n - PERMISSION_OWN_FIRST];
		if (!own || own->alias != PERMISSION_NONE)
			continue;
		if (draft->exercises_all && uuid_is_nil(own->workspace.id) && !own->machine)
			wide_add(exercises, n);
		if (draft->gives_all)
			wide_add(gives, n);
	}
}

/* Built-in permissions are given by who exercises them, by nobody else: to give everything is to
 * give those of them that the role carries. */
static void
give_exercised(struct wide_set *gives, const struct wide_set *exercises)
{
	for (uint32_t i = 0; i < catalogue_count; i++) {
		if (wide_has(exercises, catalogue[i].number))
			wide_add(gives, catalogue[i].number);
	}
}

/* Takes the rows of this role, of which the first may stand ready; leaves the next role's ready. */
static enum status
fill_role(const struct draft *draft, struct query *q, const struct org_view *org,
	struct arena *arena, struct error *err)
{
	struct wide_set exercises = {0}, gives = {0};
	add_all(&exercises, &gives, org, draft);
	while (q->row && query_int(q, 0) == draft->number) {
		uint32_t number =
			org_permission_number(org, draft->view->workspace, query_str(q, 1));
		if (number != PERMISSION_NONE && query_int(q, 2))
			wide_add(&exercises, number);
		if (number != PERMISSION_NONE && query_int(q, 3))
			wide_add(&gives, number);
		enum status rc = query_next(q, err);
		if (rc != OK)
			return rc;
	}
	if (draft->gives_all)
		give_exercised(&gives, &exercises);
	enum status rc = rows__narrow(&draft->view->exercises, &exercises, arena, err);
	return rc == OK ? rows__narrow(&draft->view->gives, &gives, arena, err) : rc;
}

static enum status
fill_roles(const struct drafts *drafts, const struct org_view *org, struct tx *tx,
	struct arena *arena, struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &ROLE_PERMISSIONS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	rc = query_next(&q, err);
	for (uint32_t i = 0; rc == OK && i < drafts->count; i++)
		rc = fill_role(&drafts->items[i], &q, org, arena, err);
	query_end(&q);
	return rc;
}

enum status
rows__load_roles(struct org_view *org, struct tx *tx, struct arena *arena, struct error *err)
{
	struct drafts drafts = {0};
	enum status rc = load_drafts(&drafts, org, tx, arena, err);
	if (rc == OK)
		rc = fill_roles(&drafts, org, tx, arena, err);
	if (rc != OK)
		return rc;
	if (drafts.count)
		org->role_end = drafts.items[drafts.count - 1].number + 1;
	org->roles = arena_new_array(arena, const struct role_view *, org->role_end);
	if (!org->roles)
		return error_no_memory(err);
	for (uint32_t i = 0; i < drafts.count; i++)
		org->roles[drafts.items[i].number] = drafts.items[i].view;
	return OK;
}
