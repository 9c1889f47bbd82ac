#include "iam/rows.h"
#include "iam/tree/resources.h"

static const struct sql TYPE_LIST =
	SQL("SELECT type, description, registered, origin FROM resource_types WHERE org = $1"
	    " ORDER BY type");

#define TYPES_FIRST 32

void
resource_type_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct resource_type *type = entity;

	jw_object(w, name);
	jw_str(w, "name", type->type);
	jw_str(w, "description", type->description);
	jw_bool(w, "registered", type->registered);
	jw_str(w, "origin", type->origin);
	jw_end_object(w);
}

static enum status
grow(struct resource_type **types, size_t count, size_t *cap, struct call *call, struct error *err)
{
	if (count < *cap)
		return OK;
	*cap = *cap ? *cap * 2 : TYPES_FIRST;
	struct resource_type *wider = arena_new_array(call->arena, struct resource_type, *cap);
	if (!wider)
		return error_no_memory(err);
	if (count > 0)
		memcpy(wider, *types, count * sizeof(**types));
	*types = wider;
	return OK;
}

enum status
resource_type_list(struct resource_type **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;
	size_t cap = 0;

	*count = 0;
	*out = NULL;
	enum status rc = iam__query(&q, call, &TYPE_LIST, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = grow(out, *count, &cap, call, err);
		if (rc != OK)
			break;
		(*out)[(*count)++] = (struct resource_type){
			.type = iam__text(&q, 0, call),
			.description = iam__text(&q, 1, call),
			.registered = query_int(&q, 2) != 0,
			.origin = iam__text(&q, 3, call),
		};
	}
	query_end(&q);
	return rc;
}
