#include "iam/access/permissions.h"
#include "iam/rows.h"
#include "model/names.h"
#include "policy/lookup.h"

static const struct sql SCOPE_INSERT =
	SQL("INSERT INTO permissions (org, number, workspace, name, description, class, machine,"
	    " origin, removed, created_us, changed, operation_group)"
	    " VALUES ($1, $2, $3, $4, $5, $6, 0, 'scope', 0, $7, $8, $9)");
static const struct sql SCOPE_SELECT =
	SQL("SELECT number, description, class, created_us FROM permissions"
	    " WHERE org = $1 AND workspace = $2 AND name = $3 AND removed = 0");
static const struct sql SCOPE_REMOVE =
	SQL("UPDATE permissions SET removed = 1, changed = $3 WHERE org = $1 AND number = $2");
static const struct sql SCOPE_FROM_ROLES =
	SQL("DELETE FROM role_permissions WHERE org = $1 AND permission = $3 AND role IN"
	    " (SELECT r.role FROM roles r WHERE r.org = $1 AND r.workspace = $2)");
static const struct sql SCOPE_FROM_GRANTS =
	SQL("DELETE FROM grants WHERE org = $1 AND permission = $3 AND holder IN"
	    " (SELECT p.principal FROM principals p WHERE p.org = $1 AND p.workspace = $2)");

void
scope_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct permission *scope = entity;

	jw_object(w, name);
	jw_str(w, "name", scope->name);
	jw_str(w, "description", scope->description);
	jw_uuid(w, "workspace", scope->workspace.id);
	jw_z(w, "class", permission_class_name(scope->class));
	jw_time(w, "created_at", scope->created_us);
	jw_end_object(w);
}

/* A scope has two parts: `iam:` and what blueprints brought are not a workspace's to define. */
static enum status
check_name(struct call *call, struct workspace_id workspace, struct str name, struct error *err)
{
	enum status rc = permission_name_check(name, "name", err);
	if (rc != OK)
		return rc;
	if (str_starts(name, STR("iam:")))
		return error_set(err, ERR_INVALID, "scope-is-built-in",
			"Names in \"iam:\" are built in: choose another namespace.");
	if (org_permission_number(call->org, workspace, name) != PERMISSION_NONE)
		return error_set(err, ERR_CONFLICT, "scope-exists",
			"There is a permission of this name here already.");
	return OK;
}

static enum status
insert(struct call *call, const struct permission *scope, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &SCOPE_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, call->chain.org.id);
	query_bind_int(&q, 2, scope->number);
	query_bind_uuid(&q, 3, scope->workspace.id);
	query_bind_str(&q, 4, scope->name);
	query_bind_str(&q, 5, scope->description);
	query_bind_int(&q, 6, scope->class);
	query_bind_int(&q, 7, scope->created_us);
	query_bind_int(&q, 8, call_next_revision(call));
	query_bind_str(&q, 9, scope->group);
	return iam__taken(query_run(&q, NULL, err), "scope-exists",
		"There is a permission of this name here already.", err);
}

enum status
scope_create(struct permission *out, struct call *call, struct workspace_id workspace,
	const struct scope_draft *draft, struct error *err)
{
	struct str rest = draft->name;

	*out = (struct permission){.name = draft->name,
		.group = str_cut(&rest, ':'),
		.workspace = workspace,
		.description = draft->description.ptr ? draft->description : STR(""),
		.class = draft->class != CLASS_NONE ? draft->class : CLASS_WRITE,
		.origin = STR("scope"),
		.created_us = call->now_us};

	if (call->chain.next_permission >= PERMISSION_LIMIT)
		return error_set(err, ERR_LIMIT, "too-many-permissions",
			"An organisation can make at most %d permissions in all.",
			PERMISSION_LIMIT - PERMISSION_OWN_FIRST);
	out->number = (uint32_t)call->chain.next_permission;
	enum status rc = check_name(call, workspace, out->name, err);
	if (rc == OK)
		rc = description_check(out->description, "description", err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "scopes.create", "workspace", workspace.id,
			VERSIONS(NOTHING, call_json(call, scope_write, out)), err);
	if (rc != OK)
		return rc;
	call->chain.next_permission++;
	call_touch_skeleton(call);
	return OK;
}

static enum status
scope_load(struct permission *out, struct call *call, struct workspace_id workspace,
	struct str name, struct error *err)
{
	struct query q;

	*out = (struct permission){.name = name, .workspace = workspace, .origin = STR("scope")};
	enum status rc = iam__query(&q, call, &SCOPE_SELECT, workspace.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, name);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "scope-not-found", "There is no such scope.");
	if (rc == OK) {
		out->number = (uint32_t)query_int(&q, 0);
		out->description = iam__text(&q, 1, call);
		out->class = (enum permission_class)query_int(&q, 2);
		out->created_us = query_int(&q, 3);
	}
	query_end(&q);
	return rc;
}

static enum status
erase_uses(
	struct call *call, const struct permission *scope, const struct sql *sql, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, sql, scope->workspace.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, scope->name);
	return query_run(&q, NULL, err);
}

enum status
scope_delete(struct call *call, struct workspace_id workspace, struct str name, struct error *err)
{
	struct permission scope;
	struct query q;

	enum status rc = scope_load(&scope, call, workspace, name, err);
	if (rc == OK)
		rc = iam__record(call, "scopes.delete", "workspace", workspace.id,
			VERSIONS(call_json(call, scope_write, &scope), NOTHING), err);
	if (rc == OK)
		rc = erase_uses(call, &scope, &SCOPE_FROM_ROLES, err);
	if (rc == OK)
		rc = erase_uses(call, &scope, &SCOPE_FROM_GRANTS, err);
	if (rc == OK)
		rc = query_begin(&q, call->tx, &SCOPE_REMOVE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, call->chain.org.id);
	query_bind_int(&q, 2, scope.number);
	query_bind_int(&q, 3, call->chain.revision);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}
