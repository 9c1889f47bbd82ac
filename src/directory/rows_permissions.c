#include "directory/rows_internal.h"
#include "model/catalogue.h"
#include "policy/lookup.h"

/* Those that were removed count as well: when they went, the list changed. */
static const struct sql PERMISSIONS =
	SQL("SELECT number, workspace, name, class, machine, removed, changed, alias "
	    "FROM permissions WHERE org = $1 ORDER BY number");

struct found {
	struct permission_view **items;
	uint32_t count, cap;
};

static enum status
check_row(const struct query *q, struct error *err)
{
	int64_t number = query_int(q, 0);
	int64_t class = query_int(q, 3);
	if (number < PERMISSION_OWN_FIRST || number >= PERMISSION_LIMIT)
		return rows__corrupt(err, "a permission's number is out of range");
	if (class < CLASS_READ || class > CLASS_DESTRUCTIVE)
		return rows__corrupt(err, "a permission's class does not exist");
	if (!query_is_null(q, 7) && !catalogue_at((uint32_t)query_int(q, 7)))
		return rows__corrupt(err, "a permission's other name does not exist");
	return OK;
}

static enum status
add_row(struct found *found, struct org_view *org, struct query *q, struct arena *arena,
	struct error *err)
{
	enum status rc = check_row(q, err);
	if (rc != OK)
		return rc;
	org->permission_end = (uint32_t)query_int(q, 0) + 1;
	if (org->names_since < query_int(q, 6))
		org->names_since = query_int(q, 6);
	if (query_int(q, 5))
		return OK;
	void *items = found->items;
	rc = rows__grow(&items, found->count, &found->cap, sizeof(*found->items), arena, err);
	if (rc != OK)
		return rc;
	found->items = items;
	struct permission_view *view = arena_new_one(arena, struct permission_view);
	if (!view)
		return error_no_memory(err);
	*view = (struct permission_view){
		.name = query_str_copy(q, 2, arena),
		.workspace = {query_uuid(q, 1)},
		.number = (uint32_t)query_int(q, 0),
		.alias = query_is_null(q, 7) ? PERMISSION_NONE : (uint32_t)query_int(q, 7),
		.class = (enum permission_class)query_int(q, 3),
		.machine = query_int(q, 4) != 0,
	};
	found->items[found->count++] = view;
	return OK;
}

static enum status
index_names(struct org_view *org, const struct found *found, struct arena *arena, struct error *err)
{
	/* Never more than half full, and always with an empty slot at which a search ends. */
	uint32_t slots = 2;
	while (slots < found->count * 2)
		slots *= 2;
	uint32_t own = org->permission_end > PERMISSION_OWN_FIRST
		? org->permission_end - PERMISSION_OWN_FIRST
		: 0;
	org->names = arena_new_array(arena, const struct permission_view *, slots);
	org->permissions = arena_new_array(arena, const struct permission_view *, own);
	org->names_mask = slots - 1;
	if (!org->names || !org->permissions)
		return error_no_memory(err);
	for (uint32_t i = 0; i < found->count; i++) {
		const struct permission_view *view = found->items[i];
		uint32_t slot = org_permission_slot(
			org->names, org->names_mask, view->workspace, view->name);
		org->names[slot] = view;
		org->permissions[view->number - PERMISSION_OWN_FIRST] = view;
	}
	return OK;
}

enum status
rows__load_permissions(struct org_view *org, struct tx *tx, struct arena *arena, struct error *err)
{
	struct found found = {0};
	struct query q;
	if (catalogue_count > 0)
		org->permission_end = catalogue[catalogue_count - 1].number + 1;
	enum status rc = query_begin(&q, tx, &PERMISSIONS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = add_row(&found, org, &q, arena, err);
		if (rc != OK)
			break;
	}
	query_end(&q);
	return rc == OK ? index_names(org, &found, arena, err) : rc;
}
