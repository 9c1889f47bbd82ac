#include "iam/access/role_rows.h"

#include "iam/rows.h"

#define ROLE_COLUMNS                                                                               \
	" role, number, workspace, name, title, description, kinds, system, exercises_all,"        \
	" gives_all, ceiling, origin, created_us, changed "

static const struct sql ROLE_INSERT = SQL(
	"INSERT INTO roles (org, role, number, workspace, name, title, description, kinds, system,"
	" exercises_all, gives_all, ceiling, origin, created_us, changed, confines)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, $9, $10, $11, $12, 0)");
static const struct sql ROLE_SELECT =
	SQL("SELECT" ROLE_COLUMNS "FROM roles WHERE org = $1 AND role = $2");
static const struct sql ROLE_LIST = SQL(
	"SELECT" ROLE_COLUMNS "FROM roles WHERE org = $1 AND role > $2 AND name >= $3 AND name < $4"
	" AND (workspace = $6 OR $6 IS NULL)"
	" AND (exercises_all = 1 OR EXISTS (SELECT 1 FROM role_permissions p"
	"  WHERE p.org = roles.org AND p.role = roles.role AND p.permission = $7"
	"  AND p.exercises = 1) OR $7 IS NULL)"
	" ORDER BY role LIMIT $5");
static const struct sql ROLE_UPDATE =
	SQL("UPDATE roles SET name = $3, title = $4, description = $5, kinds = $6, ceiling = $7,"
	    " changed = $8 WHERE org = $1 AND role = $2");
static const struct sql ROLE_DELETE = SQL("DELETE FROM roles WHERE org = $1 AND role = $2");
static const struct sql PERMISSIONS_SELECT =
	SQL("SELECT permission, exercises, gives FROM role_permissions WHERE org = $1 AND role = $2"
	    " ORDER BY permission");
static const struct sql PERMISSIONS_COUNT =
	SQL("SELECT COUNT(*) FROM role_permissions WHERE org = $1 AND role = $2");
static const struct sql PERMISSION_INSERT =
	SQL("INSERT INTO role_permissions (org, role, permission, exercises, gives)"
	    " VALUES ($1, $2, $3, $4, $5)");
static const struct sql PERMISSIONS_DELETE =
	SQL("DELETE FROM role_permissions WHERE org = $1 AND role = $2");

static enum status
role_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct role *role = element;

	(void)err;
	*role = (struct role){
		.id = {query_uuid(q, 0)},
		.number = query_int(q, 1),
		.workspace = {query_uuid(q, 2)},
		.name = iam__text(q, 3, call),
		.title = iam__text(q, 4, call),
		.description = iam__text(q, 5, call),
		.kinds = (kind_mask)query_int(q, 6),
		.system = query_int(q, 7) != 0,
		.exercises_all = query_int(q, 8) != 0,
		.gives_all = query_int(q, 9) != 0,
		.ceiling = iam__text(q, 10, call),
		.origin = iam__text(q, 11, call),
		.created_us = query_int(q, 12),
		.changed = query_int(q, 13),
	};
	return OK;
}

static void
write_names(struct json_writer *w, const char *name, const struct role *role, bool gives)
{
	jw_array(w, name);
	for (size_t i = 0; i < role->permission_count; i++) {
		const struct role_permission *permission = &role->permissions[i];
		if (gives ? permission->gives : permission->exercises)
			jw_str(w, NULL, permission->name);
	}
	jw_end_array(w);
}

void
role_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct role *role = entity;

	jw_object(w, name);
	jw_uuid(w, "id", role->id.id);
	jw_str(w, "name", role->name);
	jw_str(w, "title", role->title);
	jw_str(w, "description", role->description);
	jw_uuid(w, "workspace", role->workspace.id);
	iam__write_kinds(w, "kinds", role->kinds);
	jw_bool(w, "system", role->system);
	jw_bool(w, "exercises_all", role->exercises_all);
	write_names(w, "exercises", role, false);
	jw_bool(w, "gives_all", role->gives_all);
	write_names(w, "gives", role, true);
	jw_raw(w, "ceiling", role->ceiling.ptr ? role->ceiling : STR("null"));
	jw_str(w, "origin", role->origin);
	jw_time(w, "created_at", role->created_us);
	jw_int(w, "changed", role->changed);
	jw_end_object(w);
}

static enum status
load_permissions(struct role *role, struct call *call, struct error *err)
{
	struct query q;
	size_t count = 0;
	int64_t room;

	enum status rc = iam__count(&room, call, &PERMISSIONS_COUNT, role->id.id, err);
	if (rc != OK)
		return rc;
	struct role_permission *all =
		arena_new_array(call->arena, struct role_permission, (size_t)room);
	if (!all)
		return error_no_memory(err);
	rc = iam__query(&q, call, &PERMISSIONS_SELECT, role->id.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && count < (size_t)room)
		all[count++] = (struct role_permission){
			iam__text(&q, 0, call), query_int(&q, 1) != 0, query_int(&q, 2) != 0};
	query_end(&q);
	role->permissions = all;
	role->permission_count = count;
	return rc;
}

enum status
role_load(struct role *out, struct call *call, struct role_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &ROLE_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "role-not-found", "There is no such role.");
	if (rc == OK)
		rc = role_read(out, &q, call, err);
	query_end(&q);
	return rc == OK ? load_permissions(out, call, err) : rc;
}

static void
bind_filter(struct query *q, const void *opaque)
{
	const struct role_filter *filter = opaque;

	query_bind_uuid_or_null(q, 6, filter->workspace.id);
	query_bind_str(q, 7, filter->permission);
}

enum status
role_list(struct role **out, size_t *count, struct call *call, const struct role_filter *filter,
	struct page *page, struct error *err)
{
	const struct listing listing = {.sql = &ROLE_LIST,
		.size = sizeof(struct role),
		.read = role_read,
		.bind = bind_filter,
		.filter = filter};

	enum status rc = iam__list((void **)out, count, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < *count; i++)
		rc = load_permissions(&(*out)[i], call, err);
	return rc;
}

static enum status
name_taken(enum status rc, struct error *err)
{
	return iam__taken(
		rc, "role-name-taken", "Another role here has this name: choose another.", err);
}

enum status
role__insert(struct call *call, const struct role *role, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &ROLE_INSERT, role->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, role->number);
	query_bind_uuid(&q, 4, role->workspace.id);
	query_bind_str(&q, 5, role->name);
	query_bind_str(&q, 6, role->title);
	query_bind_str(&q, 7, role->description);
	query_bind_int(&q, 8, role->kinds);
	query_bind_str(&q, 9, role->ceiling);
	query_bind_str(&q, 10, role->origin);
	query_bind_int(&q, 11, role->created_us);
	query_bind_int(&q, 12, role->changed);
	return name_taken(query_run(&q, NULL, err), err);
}

enum status
role__update(struct call *call, const struct role *role, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &ROLE_UPDATE, role->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, role->name);
	query_bind_str(&q, 4, role->title);
	query_bind_str(&q, 5, role->description);
	query_bind_int(&q, 6, role->kinds);
	query_bind_str(&q, 7, role->ceiling);
	query_bind_int(&q, 8, role->changed);
	return name_taken(query_run(&q, NULL, err), err);
}

enum status
role__write_permissions(struct call *call, const struct role *role, struct error *err)
{
	enum status rc = iam__run(call, &PERMISSIONS_DELETE, role->id.id, err);

	for (size_t i = 0; rc == OK && i < role->permission_count; i++) {
		struct query q;
		rc = iam__query(&q, call, &PERMISSION_INSERT, role->id.id, err);
		if (rc != OK)
			return rc;
		query_bind_str(&q, 3, role->permissions[i].name);
		query_bind_int(&q, 4, role->permissions[i].exercises);
		query_bind_int(&q, 5, role->permissions[i].gives);
		rc = query_run(&q, NULL, err);
	}
	return rc;
}

enum status
role__erase(struct call *call, struct role_id id, struct error *err)
{
	enum status rc = iam__run(call, &PERMISSIONS_DELETE, id.id, err);
	return rc == OK ? iam__run(call, &ROLE_DELETE, id.id, err) : rc;
}
