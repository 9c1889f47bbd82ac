#include "iam/access/permissions.h"

#include <string.h>

#include "iam/rows.h"
#include "policy/lookup.h"

static const struct sql OWN_PERMISSIONS =
	SQL("SELECT number, name, description, class, workspace, machine, origin, created_us,"
	    " operation_group FROM permissions WHERE org = $1 AND number > $2 AND removed = 0"
	    " AND (workspace = $3 OR $3 IS NULL) ORDER BY number LIMIT $4");
static const struct sql OWN_GROUPS =
	SQL("SELECT number, operation_group FROM permissions WHERE org = $1 AND removed = 0");

void
permission_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct permission *permission = entity;

	jw_object(w, name);
	jw_str(w, "name", permission->name);
	jw_str(w, "group", permission->group);
	jw_z(w, "class", permission_class_name(permission->class));
	jw_str(w, "description", permission->description);
	jw_str(w, "origin", permission->origin);
	jw_uuid(w, "workspace", permission->workspace.id);
	jw_bool(w, "machine", permission->machine);
	jw_array(w, "roles");
	for (size_t i = 0; i < permission->role_count; i++) {
		jw_object(w, NULL);
		jw_uuid(w, "id", permission->roles[i]->id.id);
		jw_str(w, "name", permission->roles[i]->name);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_end_object(w);
}

/* "groups" of "iam:groups:create", "devices" of "devices:create". */
static struct str
resource_of(struct str name)
{
	struct str rest = name;
	struct str part = str_cut(&rest, ':');

	return str_eq(part, STR("iam")) ? str_cut(&rest, ':') : part;
}

static bool
wanted(const struct permission_filter *filter, const struct page *page,
	const struct permission *permission)
{
	if (filter->resource.ptr && !str_eq(resource_of(permission->name), filter->resource))
		return false;
	if (filter->group.ptr && !str_eq(permission->group, filter->group))
		return false;
	return !page->search.ptr || str_starts(permission->name, page->search);
}

static enum status
find_roles(struct permission *permission, struct call *call, struct error *err)
{
	const struct org_view *org = call->org;
	uint32_t number = org_permission_number(org, permission->workspace, permission->name);
	size_t count = 0;

	for (uint32_t i = 0; i < org->role_end; i++)
		count += org->roles[i] && permset_has(&org->roles[i]->exercises, number);
	permission->roles = arena_new_array(call->arena, const struct role_view *, count);
	if (!permission->roles)
		return error_no_memory(err);
	for (uint32_t i = 0; i < org->role_end; i++) {
		if (org->roles[i] && permset_has(&org->roles[i]->exercises, number))
			permission->roles[permission->role_count++] = org->roles[i];
	}
	return OK;
}

/* A cursor over numbers travels as an identifier whose last four bytes are the number. */
static uint32_t
number_of(struct uuid cursor)
{
	const uint8_t *b = cursor.bytes + 12;

	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static struct uuid
cursor_of(uint32_t number)
{
	struct uuid cursor = {{0}};

	cursor.bytes[0] = 1; /* never nil: that is the start */
	for (int i = 0; i < 4; i++)
		cursor.bytes[15 - i] = (uint8_t)(number >> (8 * i));
	return cursor;
}

struct listed {
	struct permission *items;
	size_t count;
	struct call *call;
	struct page *page;
	const struct permission_filter *filter;
};

/* False when the page is full, which it then says. */
static bool
list_add(struct listed *list, const struct permission *permission, enum status *rc,
	struct error *err)
{
	if (!wanted(list->filter, list->page, permission))
		return true;
	if (list->count == list->page->limit) {
		list->page->more = true;
		return false;
	}
	struct permission *item = &list->items[list->count++];
	*item = *permission;
	list->page->last = cursor_of(item->number);
	*rc = find_roles(item, list->call, err);
	return *rc == OK;
}

static enum status
list_built_in(struct listed *list, int64_t after, struct error *err)
{
	enum status rc = OK;

	for (uint32_t i = 0; i < catalogue_count; i++) {
		const struct catalogue_entry *entry = &catalogue[i];
		const struct permission permission = {.number = entry->number,
			.name = str_from(entry->name),
			.group = str_from(entry->resource),
			.description = str_from(entry->description),
			.origin = STR("built-in"),
			.class = entry->class};
		if (entry->number > after && !list_add(list, &permission, &rc, err))
			return rc;
	}
	return rc;
}

static enum status
list_own(struct listed *list, int64_t after, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, list->call->tx, &OWN_PERMISSIONS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, list->call->chain.org.id);
	query_bind_int(&q, 2, after);
	query_bind_uuid_or_null(&q, 3, list->filter->workspace.id);
	query_bind_int(&q, 4, PERMISSION_LIMIT);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		const struct permission permission = {
			.number = (uint32_t)query_int(&q, 0),
			.name = iam__text(&q, 1, list->call),
			.description = iam__text(&q, 2, list->call),
			.class = (enum permission_class)query_int(&q, 3),
			.workspace = {query_uuid(&q, 4)},
			.machine = query_int(&q, 5) != 0,
			.origin = iam__text(&q, 6, list->call),
			.created_us = query_int(&q, 7),
			.group = iam__text(&q, 8, list->call),
		};
		if (!list_add(list, &permission, &rc, err))
			break;
	}
	query_end(&q);
	return rc;
}

enum status
permission_list(struct permission **out, size_t *count, struct call *call,
	const struct permission_filter *filter, struct page *page, struct error *err)
{
	int64_t after = uuid_is_nil(page->after) ? -1 : (int64_t)number_of(page->after);
	struct listed list = {.call = call, .page = page, .filter = filter};

	list.items = arena_new_array(call->arena, struct permission, page->limit);
	*out = list.items;
	if (!list.items)
		return error_no_memory(err);
	enum status rc = OK;
	if (uuid_is_nil(filter->workspace.id) && after < PERMISSION_OWN_FIRST)
		rc = list_built_in(&list, after, err);
	if (rc == OK && !page->more)
		rc = list_own(&list,
			after < PERMISSION_OWN_FIRST ? PERMISSION_OWN_FIRST - 1 : after, err);
	*count = list.count;
	return rc;
}

enum status
permission_load_groups(struct str **out, uint32_t end, struct call *call, struct error *err)
{
	struct query q;
	struct str *groups = arena_new_array(call->arena, struct str, end);

	*out = groups;
	if (!groups)
		return error_no_memory(err);
	for (uint32_t i = 0; i < catalogue_count; i++) {
		if (catalogue[i].number < end)
			groups[catalogue[i].number] = str_from(catalogue[i].resource);
	}
	enum status rc = query_begin(&q, call->tx, &OWN_GROUPS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, call->chain.org.id);
	while ((rc = query_next(&q, err)) == OK && q.row) {
		int64_t number = query_int(&q, 0);
		if (number >= 0 && number < end)
			groups[number] = iam__text(&q, 1, call);
	}
	query_end(&q);
	return rc;
}

enum status
scope_list(struct permission **out, size_t *count, struct call *call, struct workspace_id workspace,
	struct page *page, struct error *err)
{
	const struct permission_filter filter = {.workspace = workspace};

	return permission_list(out, count, call, &filter, page, err);
}
