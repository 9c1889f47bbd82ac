#include "base/log.h"
#include "directory/rows_internal.h"
#include "model/catalogue.h"

enum status
rows__corrupt(struct error *err, const char *what)
{
	error_set(err, ERR_CORRUPT, "store-corrupt", "Stored data is damaged; see the log.");
	return error_detail(err, "%s", what);
}

enum status
rows__state(enum state *out, const struct query *q, int column, struct error *err)
{
	int64_t value = query_int(q, column);
	if (value < STATE_ACTIVE || value > STATE_REVOKED)
		return rows__corrupt(err, "a state that does not exist");
	*out = (enum state)value;
	return OK;
}

int64_t
rows__expiry(const struct query *q, int column)
{
	return query_is_null(q, column) ? NEVER : query_int(q, column);
}

enum status
rows__condition(const struct condition **out, const struct query *q, int column,
	struct arena *arena, struct error *err)
{
	*out = NULL;
	if (query_is_null(q, column))
		return OK;
	struct condition *condition = NULL;
	struct error why = {0};
	enum status rc = condition_load(&condition, query_str(q, column), arena, &why);
	if (rc == ERR_CORRUPT) {
		log_error("condition-broken", &why);
		*out = &CONDITION_BROKEN;
		return OK;
	}
	if (rc != OK) {
		*err = why;
		return rc;
	}
	*out = condition;
	return OK;
}

enum status
rows__grow(void **items, uint32_t count, uint32_t *cap, size_t size, struct arena *arena,
	struct error *err)
{
	if (count < *cap)
		return OK;
	uint32_t wider = *cap ? *cap * 2 : 4;
	void *moved = arena_alloc_array(arena, wider, size);
	if (!moved)
		return error_no_memory(err);
	if (count)
		memcpy(moved, *items, count * size);
	*items = moved;
	*cap = wider;
	return OK;
}

enum status
rows__uuids(struct uuid_list *out, struct query *q, uint32_t max, struct arena *arena,
	struct error *err)
{
	uint32_t cap = 0;
	enum status rc;
	*out = (struct uuid_list){0};
	while ((rc = query_next(q, err)) == OK && q->row) {
		if (out->count == max) {
			rc = rows__corrupt(err, "more memberships than are possible");
			break;
		}
		void *items = out->items;
		rc = rows__grow(&items, out->count, &cap, sizeof(*out->items), arena, err);
		if (rc != OK)
			break;
		out->items = items;
		out->items[out->count++] = query_uuid(q, 0);
	}
	query_end(q);
	return rc;
}

enum status
rows__narrow(
	struct permset *out, const struct wide_set *set, struct arena *arena, struct error *err)
{
	uint32_t count = ARRAY_LEN(set->words);
	while (count > 0 && !set->words[count - 1])
		count--;
	if (!permset_init(out, arena, count * 64))
		return error_no_memory(err);
	if (count)
		memcpy(out->words, set->words, count * sizeof(uint64_t));
	return OK;
}

void
rows__add_everywhere(struct wide_set *set, const struct org_view *org, struct str name)
{
	const struct catalogue_entry *builtin = catalogue_find(name);
	if (builtin) {
		wide_add(set, builtin->number);
		return;
	}
	for (uint32_t n = PERMISSION_OWN_FIRST; n < org->permission_end; n++) {
		const struct permission_view *own = org->permissions[n - PERMISSION_OWN_FIRST];
		if (own && str_eq(own->name, name))
			wide_add(set, own->alias != PERMISSION_NONE ? own->alias : n);
	}
}
