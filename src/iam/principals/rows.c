#include "iam/principals/rows.h"

#include <string.h>

#include "directory/rows.h"
#include "iam/guard.h"
#include "iam/principals/clients.h"
#include "iam/rows.h"
#include "iam/tree/resource_rows.h"
#include "model/names.h"

#define PRINCIPAL_COLUMNS                                                                          \
	" p.principal, p.kind, p.workspace, p.label, p.name, p.email, p.description, p.person,"    \
	" p.resource, p.state, p.expires_us, p.confined, p.home_group, p.ceiling, p.created_by,"   \
	" p.created_us, p.changed "

static const struct sql PRINCIPAL_INSERT = SQL(
	"INSERT INTO principals (org, principal, kind, workspace, label, name, email, description,"
	" person, resource, state, expires_us, confined, home_group, generation, created_by,"
	" created_us, changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,"
	" 0, $15, $16, $17)");
static const struct sql PRINCIPAL_SELECT =
	SQL("SELECT" PRINCIPAL_COLUMNS "FROM principals p WHERE p.org = $1 AND p.principal = $2");
static const struct sql PRINCIPAL_BY_LABEL = SQL(
	"SELECT" PRINCIPAL_COLUMNS
	"FROM principals p WHERE p.org = $1 AND p.kind = $2 AND p.workspace = $3 AND p.label = $4");
#define PRINCIPAL_FILTERS                                                                          \
	" AND p.principal > $2 AND p.name >= $3 AND p.name < $4"                                   \
	" AND (p.state = $7 OR $7 IS NULL) AND (p.workspace = $8 OR $8 IS NULL)"                   \
	" AND (EXISTS (SELECT 1 FROM group_members m WHERE m.org = p.org"                          \
	"  AND m.grp = $9 AND m.principal = p.principal) OR $9 IS NULL)"                           \
	" AND (EXISTS (SELECT 1 FROM grants g WHERE g.org = p.org"                                 \
	"  AND g.holder = p.principal AND g.role = $10) OR $10 IS NULL)"                           \
	" ORDER BY p.principal LIMIT $5"
static const struct sql PRINCIPAL_LIST =
	SQL("SELECT" PRINCIPAL_COLUMNS
	    "FROM principals p WHERE p.org = $1 AND (p.kind = $6) IS NULL" PRINCIPAL_FILTERS);
static const struct sql PRINCIPAL_LIST_OF_KIND =
	SQL("SELECT" PRINCIPAL_COLUMNS
	    "FROM principals p WHERE p.org = $1 AND p.kind = $6" PRINCIPAL_FILTERS);
static const struct sql PRINCIPAL_UPDATE =
	SQL("UPDATE principals SET name = $3, description = $4, state = $5, expires_us = $6,"
	    " confined = $7, home_group = $8, ceiling = $9, changed = $10,"
	    " generation = generation + $11, label = $12 WHERE org = $1 AND principal = $2");
static const struct sql REACH_INSERT =
	SQL("INSERT INTO reach (org, principal, grp) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING");
static const struct sql PRINCIPAL_REACH =
	SQL("SELECT grp FROM reach WHERE org = $1 AND principal = $2 ORDER BY grp");

/* What goes with a principal, in this order; the first parameter after the organisation is it. */
static const struct sql PRINCIPAL_ERASE[] = {
	SQL("DELETE FROM grants WHERE org = $1 AND holder = $2"),
	SQL("DELETE FROM group_members WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM reach WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM credentials WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM clients WHERE org = $1 AND client = $2"),
	SQL("DELETE FROM metadata WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM consents WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM consents WHERE org = $1 AND client = $2"),
	SQL("DELETE FROM links WHERE org = $1 AND principal = $2"),
	/* They stay: who was deleted does not come back by signing in. */
	SQL("UPDATE identities SET email = '' WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM synced_grants WHERE org = $1 AND principal = $2"),
	SQL("DELETE FROM principals WHERE org = $1 AND principal = $2"),
};
/* What such a client has in other organisations is left to the purge. */
static const struct sql CLIENT_GONE =
	SQL("INSERT INTO gone_clients (gone, since_us) VALUES ($1, $2) ON CONFLICT DO NOTHING");
static const struct sql CREDENTIAL_IDS =
	SQL("SELECT credential FROM credentials WHERE org = $1 AND principal = $2");

static enum status
principal_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct principal *principal = element;

	(void)err;
	*principal = (struct principal){
		.id = {query_uuid(q, 0)},
		.org = call->chain.org,
		.kind = (enum principal_kind)query_int(q, 1),
		.workspace = {query_uuid(q, 2)},
		.label = iam__text(q, 3, call),
		.name = iam__text(q, 4, call),
		.email = iam__text(q, 5, call),
		.description = iam__text(q, 6, call),
		.person = {query_uuid(q, 7)},
		.resource = {query_uuid(q, 8)},
		.state = (enum state)query_int(q, 9),
		.expires_us = query_is_null(q, 10) ? NEVER : query_int(q, 10),
		.confined = query_int(q, 11) != 0,
		.home_group = {query_uuid(q, 12)},
		.ceiling = iam__text(q, 13, call),
		.created_by = {query_uuid(q, 14)},
		.created_us = query_int(q, 15),
		.changed = query_int(q, 16),
	};
	return OK;
}

static void
write_resource(struct json_writer *w, const struct principal *principal)
{
	if (!kind_has_resource(principal->kind)) {
		jw_null(w, "resource");
		return;
	}
	jw_object(w, "resource");
	jw_z(w, "type", kind_name(principal->kind));
	jw_str(w, "id", principal->label);
	jw_end_object(w);
}

void
principal__write_members(struct json_writer *w, const struct principal *principal)
{
	jw_uuid(w, "id", principal->id.id);
	iam__write_org(w, "org", principal->org);
	jw_z(w, "kind", kind_name(principal->kind));
	jw_uuid(w, "workspace", principal->workspace.id);
	jw_str(w, "name", principal->name);
	jw_str(w, "description", principal->description);
	jw_str(w, "email", principal->email);
	write_resource(w, principal);
	jw_z(w, "state", state_name(principal->state));
	jw_time(w, "expires_at", principal->expires_us == NEVER ? 0 : principal->expires_us);
	jw_bool(w, "confined", principal->confined);
	jw_uuid(w, "home_group", principal->home_group.id);
	jw_array(w, "reach");
	for (size_t i = 0; i < principal->reach_count; i++)
		jw_uuid(w, NULL, principal->reach[i].id);
	jw_end_array(w);
	jw_raw(w, "ceiling", principal->ceiling.ptr ? principal->ceiling : STR("null"));
	jw_uuid(w, "created_by", principal->created_by.id);
	jw_time(w, "created_at", principal->created_us);
	jw_int(w, "changed", principal->changed);
}

void
principal_write(struct json_writer *w, const char *name, const void *entity)
{
	jw_object(w, name);
	principal__write_members(w, entity);
	jw_end_object(w);
}

struct str
principal__json(struct call *call, const struct principal *principal)
{
	return call_json(call, principal->client ? client_write : principal_write, principal);
}

void
principal__touch(struct call *call, const struct principal *principal)
{
	call_touch(call, VIEW_PRINCIPAL, principal->id.id);
	if (principal->client)
		call_touch(call, VIEW_CLIENT, principal->id.id);
}

/* The settings of an application, which has them for as long as it is there. */
static enum status
load_client(struct principal *principal, struct call *call, struct error *err)
{
	if (principal->kind != KIND_APPLICATION)
		return OK;
	enum status rc = rows_load_client(
		&principal->client, call->tx, call->chain.org, principal->id, call->arena, err);
	if (rc == OK && !principal->client)
		rc = error_set(
			err, ERR_CORRUPT, "store-corrupt", "The store holds a broken client.");
	return rc;
}

/* The resource groups of those that are confined; the others have none. */
static enum status
load_reach(struct principal *principal, struct call *call, struct error *err)
{
	struct query q;
	struct rgroup_id groups[RGROUPS_PER_REACH_MAX];
	size_t count = 0;

	if (!principal->confined)
		return OK;
	enum status rc = iam__query(&q, call, &PRINCIPAL_REACH, principal->id.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && count < ARRAY_LEN(groups))
		groups[count++].id = query_uuid(&q, 0);
	query_end(&q);
	struct rgroup_id *copy = arena_new_array(call->arena, struct rgroup_id, count);
	if (!copy)
		return error_no_memory(err);
	memcpy(copy, groups, count * sizeof(groups[0]));
	principal->reach = copy;
	principal->reach_count = count;
	return rc;
}

/* What stands in other tables. */
static enum status
load_rest(struct principal *principal, struct call *call, struct error *err)
{
	enum status rc = load_reach(principal, call, err);
	return rc == OK ? load_client(principal, call, err) : rc;
}

static enum status
read_one(struct principal *out, bool *found, struct call *call, struct query *q, struct error *err)
{
	enum status rc = query_next(q, err);
	*found = rc == OK && q->row;
	if (*found)
		rc = principal_read(out, q, call, err);
	query_end(q);
	return *found ? load_rest(out, call, err) : rc;
}

enum status
principal__select(struct principal *out, bool *found, struct call *call, struct principal_id id,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &PRINCIPAL_SELECT, id.id, err);
	return rc == OK ? read_one(out, found, call, &q, err) : rc;
}

enum status
principal_find(struct principal *out, bool *found, struct call *call,
	const struct principal_name *name, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &PRINCIPAL_BY_LABEL, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, name->kind);
	query_bind_uuid(&q, 3, name->workspace.id);
	query_bind_str(&q, 4, name->label);
	return read_one(out, found, call, &q, err);
}

static enum status
taken(enum status rc, struct error *err)
{
	return iam__taken(rc, "principal-exists",
		"There is one of this kind with this name, address or identifier already.", err);
}

enum status
principal__insert(struct call *call, const struct principal *principal, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &PRINCIPAL_INSERT, principal->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, principal->kind);
	query_bind_uuid(&q, 4, principal->workspace.id);
	query_bind_str(&q, 5, principal->label);
	query_bind_str(&q, 6, principal->name);
	query_bind_str(&q, 7, principal->email);
	query_bind_str(&q, 8, principal->description);
	query_bind_uuid_or_null(&q, 9, principal->person.id);
	query_bind_uuid_or_null(&q, 10, principal->resource.id);
	query_bind_int(&q, 11, principal->state);
	query_bind_int_or_null(&q, 12, principal->expires_us == NEVER ? 0 : principal->expires_us);
	query_bind_int(&q, 13, principal->confined);
	query_bind_uuid_or_null(&q, 14, principal->home_group.id);
	query_bind_uuid_or_null(&q, 15, principal->created_by.id);
	query_bind_int(&q, 16, principal->created_us);
	query_bind_int(&q, 17, principal->changed);
	return taken(query_run(&q, NULL, err), err);
}

enum status
principal__write(
	struct call *call, const struct principal *principal, bool revoke, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &PRINCIPAL_UPDATE, principal->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, principal->name);
	query_bind_str(&q, 4, principal->description);
	query_bind_int(&q, 5, principal->state);
	query_bind_int_or_null(&q, 6, principal->expires_us == NEVER ? 0 : principal->expires_us);
	query_bind_int(&q, 7, principal->confined);
	query_bind_uuid_or_null(&q, 8, principal->home_group.id);
	query_bind_str(&q, 9, principal->ceiling);
	query_bind_int(&q, 10, principal->changed);
	query_bind_int(&q, 11, revoke);
	query_bind_str(&q, 12, principal->label);
	return taken(query_run(&q, NULL, err), err);
}

enum status
principal__add_reach(
	struct call *call, struct principal_id id, struct rgroup_id group, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &REACH_INSERT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, group.id);
	return query_run(&q, NULL, err);
}

static enum status
leave_to_purge(struct call *call, struct principal_id client, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &CLIENT_GONE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, client.id);
	query_bind_int(&q, 2, call->now_us);
	return query_run(&q, NULL, err);
}

enum status
principal__erase(struct call *call, const struct principal *principal, struct error *err)
{
	enum status rc =
		iam__touch_all(call, VIEW_CREDENTIAL, &CREDENTIAL_IDS, principal->id.id, err);

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(PRINCIPAL_ERASE); i++)
		rc = iam__run(call, &PRINCIPAL_ERASE[i], principal->id.id, err);
	if (rc == OK && principal->client && org_is_platform(call->chain.org))
		rc = leave_to_purge(call, principal->id, err);
	if (rc == OK && !uuid_is_nil(principal->resource.id))
		rc = resource__erase(call, principal->resource, err);
	return rc;
}

static void
bind_filter(struct query *q, const void *opaque)
{
	const struct principal_filter *filter = opaque;

	query_bind_int_or_null(q, 6, filter->kind);
	query_bind_int_or_null(q, 7, filter->state);
	query_bind_uuid_or_null(q, 8, filter->workspace.id);
	query_bind_uuid_or_null(q, 9, filter->group.id);
	query_bind_uuid_or_null(q, 10, filter->role.id);
}

enum status
principal_see(bool *visible, struct call *call, struct principal_id id, enum principal_kind kind,
	struct error *err)
{
	const struct principal_view *view;
	struct error refused = {0};

	*visible = true;
	if (kind != KIND_API_KEY || uuid_eq(id.id, call->caller.principal.id))
		return OK;
	enum status rc = principal_view_load(&view, call, id, err);
	if (rc != OK)
		return rc;
	rc = principal_guard_give(call, view, false, &refused);
	*visible = rc == OK;
	if (rc == OK || rc == ERR_FORBIDDEN)
		return OK;
	*err = refused;
	return rc;
}

enum status
principal_list(struct principal **out, size_t *count, struct call *call,
	const struct principal_filter *filter, struct page *page, struct error *err)
{
	const struct listing listing = {
		.sql = filter->kind ? &PRINCIPAL_LIST_OF_KIND : &PRINCIPAL_LIST,
		.size = sizeof(struct principal),
		.read = principal_read,
		.bind = bind_filter,
		.filter = filter};
	size_t read, shown = 0;

	enum status rc = iam__list((void **)out, &read, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < read; i++) {
		bool visible;
		rc = principal_see(&visible, call, (*out)[i].id, (*out)[i].kind, err);
		if (rc == OK && visible)
			rc = load_rest(&(*out)[i], call, err);
		if (rc == OK && visible)
			(*out)[shown++] = (*out)[i];
	}
	*count = shown;
	return rc;
}

static enum status
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "principal-not-found", "There is no such principal.");
}

enum status
principal_load(struct principal *out, struct call *call, struct principal_id id, struct error *err)
{
	bool found, visible = false;

	enum status rc = principal__select(out, &found, call, id, err);
	if (rc == OK && found)
		rc = principal_see(&visible, call, out->id, out->kind, err);
	return rc == OK && !visible ? not_found(err) : rc;
}

enum status
principal_load_kind(struct principal *out, struct call *call, struct principal_id id,
	enum principal_kind kind, struct workspace_id workspace, struct error *err)
{
	enum status rc = principal_load(out, call, id, err);
	if (rc != OK)
		return rc;
	if (out->kind == kind &&
		(uuid_is_nil(workspace.id) || uuid_eq(out->workspace.id, workspace.id)))
		return OK;
	return not_found(err);
}

enum status
end_user_find(struct principal *out, struct call *call, struct workspace_id workspace,
	struct str reference, struct error *err)
{
	struct principal_name name = {KIND_END_USER, workspace, {NULL, 0}};
	struct principal_id id;
	struct error malformed = {0};
	bool found = false;

	if (uuid_parse(reference, &id.id))
		return principal_load_kind(out, call, id, KIND_END_USER, workspace, err);
	enum status rc = email_check(reference, "email", call->arena, &name.label, &malformed);
	if (rc == ERR_INVALID)
		return not_found(err);
	if (rc == OK)
		rc = principal_find(out, &found, call, &name, err);
	else
		*err = malformed;
	return rc == OK && !found ? not_found(err) : rc;
}
