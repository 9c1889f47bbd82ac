#include "iam/access/grants.h"

#include "iam/access/grant_rules.h"
#include "iam/access/owners.h"
#include "iam/principals/principals.h"
#include "iam/rows.h"
#include "policy/lookup.h"

#define GRANT_COLUMNS                                                                              \
	" g.grant_id, g.holder_kind, g.holder, g.role, r.name, g.permission, g.node_kind, g.node," \
	" g.condition, g.expires_us, g.created_by, g.created_us "
#define GRANT_FROM "FROM grants g LEFT JOIN roles r ON r.org = g.org AND r.role = g.role "

static const struct sql GRANT_INSERT = SQL(
	"INSERT INTO grants (org, grant_id, holder_kind, holder, role, permission, node_kind, node,"
	" condition, expires_us, created_by, created_us)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
static const struct sql GRANT_SELECT =
	SQL("SELECT" GRANT_COLUMNS GRANT_FROM "WHERE g.org = $1 AND g.grant_id = $2");
static const struct sql GRANT_OF_HOLDER =
	SQL("SELECT" GRANT_COLUMNS GRANT_FROM "WHERE g.org = $1 AND g.holder = $2 AND g.node = $3");
static const struct sql GRANT_COUNT =
	SQL("SELECT COUNT(*) FROM grants WHERE org = $1 AND holder = $2");
static const struct sql GRANT_LIST =
	SQL("SELECT" GRANT_COLUMNS GRANT_FROM "WHERE g.org = $1 AND g.grant_id > $2 AND $3 <= $4"
	    " AND (g.holder = $6 OR $6 IS NULL) AND (g.node = $7 OR $7 IS NULL)"
	    " AND (g.role = $8 OR $8 IS NULL)"
	    " AND (g.node = $9 OR $9 IS NULL"
	    "  OR EXISTS (SELECT 1 FROM resource_groups x WHERE x.org = g.org"
	    "   AND x.workspace = $9 AND x.grp = g.node)"
	    "  OR EXISTS (SELECT 1 FROM resources y WHERE y.org = g.org"
	    "   AND y.workspace = $9 AND y.resource = g.node))"
	    " ORDER BY g.grant_id LIMIT $5");
/* By its index: what one holder has is asked for often, and few of an organisation's grants. */
static const struct sql GRANT_LIST_OF_HOLDER =
	SQL("SELECT" GRANT_COLUMNS GRANT_FROM
	    "WHERE g.org = $1 AND g.holder = $6 AND g.grant_id > $2 AND $3 <= $4"
	    " AND (g.node = $7 OR $7 IS NULL) AND (g.role = $8 OR $8 IS NULL)"
	    " AND (g.node = $9) IS NULL"
	    " ORDER BY g.grant_id LIMIT $5");
static const struct sql GRANT_DELETE = SQL("DELETE FROM grants WHERE org = $1 AND grant_id = $2");

static const struct sql HOLDER_KIND =
	SQL("SELECT kind FROM principals WHERE org = $1 AND principal = $2");

static enum status
grant_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct grant *grant = element;

	(void)err;
	*grant = (struct grant){
		.id = {query_uuid(q, 0)},
		.holder_kind = (enum holder_kind)query_int(q, 1),
		.holder = query_uuid(q, 2),
		.role = {query_uuid(q, 3)},
		.role_name = iam__text(q, 4, call),
		.permission = iam__text(q, 5, call),
		.node = {(enum node_kind)query_int(q, 6), query_uuid(q, 7)},
		.condition = iam__text(q, 8, call),
		.expires_us = query_is_null(q, 9) ? NEVER : query_int(q, 9),
		.created_by = {query_uuid(q, 10)},
		.created_us = query_int(q, 11),
	};
	return OK;
}

void
grant_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct grant *grant = entity;

	jw_object(w, name);
	jw_uuid(w, "id", grant->id.id);
	jw_object(w, "holder");
	jw_z(w, "kind", grant->holder_kind == HOLDER_GROUP ? "group" : "principal");
	jw_uuid(w, "id", grant->holder);
	jw_end_object(w);
	jw_uuid(w, "role", grant->role.id);
	jw_str(w, "role_name", grant->role_name);
	jw_str(w, "permission", grant->permission);
	iam__write_node(w, "node", grant->node);
	jw_raw(w, "condition", grant->condition.ptr ? grant->condition : STR("null"));
	jw_time(w, "expires_at", grant->expires_us == NEVER ? 0 : grant->expires_us);
	jw_uuid(w, "created_by", grant->created_by.id);
	jw_time(w, "created_at", grant->created_us);
	jw_end_object(w);
}

/* The same grant again is found rather than repeated. */
static enum status
find_same(struct grant *same, bool *found, struct call *call, const struct grant *wanted,
	struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = iam__query(&q, call, &GRANT_OF_HOLDER, wanted->holder, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, wanted->node.id);
	while (!*found && (rc = query_next(&q, err)) == OK && q.row) {
		rc = grant_read(same, &q, call, err);
		*found = rc == OK && uuid_eq(same->role.id, wanted->role.id) &&
			iam__same_text(same->permission, wanted->permission) &&
			iam__same_text(same->condition, wanted->condition) &&
			same->expires_us == wanted->expires_us;
	}
	query_end(&q);
	return rc;
}

static enum status
grant_insert(struct call *call, const struct grant *grant, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GRANT_INSERT, grant->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, grant->holder_kind);
	query_bind_uuid(&q, 4, grant->holder);
	query_bind_uuid_or_null(&q, 5, grant->role.id);
	query_bind_str(&q, 6, grant->permission);
	query_bind_int(&q, 7, grant->node.kind);
	query_bind_uuid(&q, 8, grant->node.id);
	query_bind_str(&q, 9, grant->condition);
	query_bind_int_or_null(&q, 10, grant->expires_us == NEVER ? 0 : grant->expires_us);
	query_bind_uuid_or_null(&q, 11, grant->created_by.id);
	query_bind_int(&q, 12, grant->created_us);
	return query_run(&q, NULL, err);
}

static enum status
check_count(struct call *call, struct uuid holder, struct error *err)
{
	int64_t count;

	enum status rc = iam__count(&count, call, &GRANT_COUNT, holder, err);
	if (rc == OK && count >= GRANTS_PER_HOLDER_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-grants",
			"A holder can have at most %d grants: use groups or a wider node.",
			GRANTS_PER_HOLDER_MAX);
	return rc;
}

static void
touch_holder(struct call *call, enum holder_kind kind, struct uuid holder)
{
	call_touch(call, kind == HOLDER_GROUP ? VIEW_GROUP : VIEW_PRINCIPAL, holder);
}

enum status
grant_create(
	struct grant *out, struct call *call, const struct grant_draft *draft, struct error *err)
{
	bool found;
	struct grant grant = {.id = {uuid_new()},
		.holder_kind = draft->holder_kind,
		.holder = draft->holder,
		.node = draft->node,
		.expires_us = draft->expires_us,
		.created_by = call->caller.principal,
		.created_us = call->now_us};

	enum status rc = grant__check(&grant, call, draft, err);
	if (rc == OK)
		rc = find_same(out, &found, call, &grant, err);
	if (rc != OK || found)
		return rc;
	rc = check_count(call, grant.holder, err);
	if (rc == OK)
		rc = iam__record(call, "grants.create", "grant", grant.id.id,
			VERSIONS(NOTHING, call_json(call, grant_write, &grant)), err);
	if (rc == OK)
		rc = grant_insert(call, &grant, err);
	if (rc == OK)
		touch_holder(call, grant.holder_kind, grant.holder);
	*out = grant;
	return rc;
}

static enum status
grant_not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "grant-not-found", "There is no such grant.");
}

static enum status
grant_select(
	struct grant *out, bool *found, struct call *call, struct grant_id id, struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = iam__query(&q, call, &GRANT_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found)
		rc = grant_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

/* What a key carries is shown to whoever may know of the key. */
static enum status
see_holder(bool *visible, struct call *call, const struct grant *grant, struct error *err)
{
	int64_t kind;

	*visible = true;
	if (grant->holder_kind == HOLDER_GROUP)
		return OK;
	enum status rc = iam__count(&kind, call, &HOLDER_KIND, grant->holder, err);
	if (rc != OK)
		return rc;
	return principal_see(visible, call, (struct principal_id){grant->holder},
		(enum principal_kind)kind, err);
}

enum status
grant_load(struct grant *out, struct call *call, struct grant_id id, struct error *err)
{
	bool found, visible = false;

	enum status rc = grant_select(out, &found, call, id, err);
	if (rc == OK && !found)
		rc = grant_not_found(err);
	if (rc == OK)
		rc = see_holder(&visible, call, out, err);
	if (rc == OK && !visible)
		rc = grant_not_found(err);
	return rc;
}

static void
bind_filter(struct query *q, const void *opaque)
{
	const struct grant_filter *filter = opaque;

	query_bind_uuid_or_null(q, 6, filter->holder);
	query_bind_uuid_or_null(q, 7, filter->node);
	query_bind_uuid_or_null(q, 8, filter->role.id);
	query_bind_uuid_or_null(q, 9, filter->within.id);
}

enum status
grant_list(struct grant **out, size_t *count, struct call *call, const struct grant_filter *filter,
	struct page *page, struct error *err)
{
	bool of_holder = !uuid_is_nil(filter->holder) && uuid_is_nil(filter->within.id);
	const struct listing listing = {.sql = of_holder ? &GRANT_LIST_OF_HOLDER : &GRANT_LIST,
		.size = sizeof(struct grant),
		.read = grant_read,
		.bind = bind_filter,
		.filter = filter};

	size_t read = 0, shown = 0;

	enum status rc = iam__list((void **)out, &read, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < read; i++) {
		bool visible;
		rc = see_holder(&visible, call, &(*out)[i], err);
		if (rc == OK && visible)
			(*out)[shown++] = (*out)[i];
	}
	*count = shown;
	return rc;
}

enum status
grant_delete(struct call *call, struct grant_id id, struct error *err)
{
	struct grant before;
	struct owners owners;

	enum status rc = grant_load(&before, call, id, err);
	if (rc == OK)
		rc = call_require(call, IAM_GRANTS_DELETE, before.node, err);
	if (rc == OK)
		rc = grant__check_removal(call, &before, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "grants.delete", "grant", id.id,
			VERSIONS(call_json(call, grant_write, &before), NOTHING), err);
	if (rc == OK)
		rc = iam__run(call, &GRANT_DELETE, id.id, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		touch_holder(call, before.holder_kind, before.holder);
	return rc;
}

enum status
grant_take_back(bool *taken, struct call *call, struct grant_id id, struct error *err)
{
	struct grant before;
	bool found;

	enum status rc = grant_select(&before, &found, call, id, err);
	*taken = rc == OK && !found;
	if (rc != OK || !found)
		return rc;
	const struct role_view *role = org_role_by_id(call->org, before.role, NULL);
	if (role && role->ceiling)
		return OK;
	*taken = true;
	rc = iam__record(call, "grants.delete", "grant", id.id,
		VERSIONS(call_json(call, grant_write, &before), NOTHING), err);
	if (rc == OK)
		rc = iam__run(call, &GRANT_DELETE, id.id, err);
	if (rc == OK)
		touch_holder(call, before.holder_kind, before.holder);
	return rc;
}

enum status
grant_permission(struct call *call, struct principal_id who, struct workspace_id ws,
	struct str permission, struct error *err)
{
	struct grant grant;
	const struct grant_draft draft = {.holder_kind = HOLDER_PRINCIPAL,
		.holder = who.id,
		.permission = permission,
		.node = node_workspace(ws),
		.expires_us = NEVER};

	return grant_create(&grant, call, &draft, err);
}

enum status
grant_revoke_permission(struct call *call, struct principal_id who, struct workspace_id ws,
	struct str permission, struct error *err)
{
	struct principal holder;
	struct query q;
	struct grant grant;
	bool found = false;

	enum status rc = principal_load(&holder, call, who, err);
	if (rc == OK)
		rc = iam__query(&q, call, &GRANT_OF_HOLDER, who.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, ws.id);
	while (!found && (rc = query_next(&q, err)) == OK && q.row) {
		rc = grant_read(&grant, &q, call, err);
		found = rc == OK && str_eq(grant.permission, permission);
	}
	query_end(&q);
	return rc == OK && found ? grant_delete(call, grant.id, err) : rc;
}
