#include "iam/tree/resources.h"

#include "iam/rows.h"
#include "iam/tree/resource_rows.h"
#include "model/names.h"
#include "policy/lookup.h"

#define RESOURCE_COLUMNS                                                                           \
	" r.resource, r.workspace, r.type, r.id, r.name, r.state, r.created_us, r.changed "

static const struct sql RESOURCE_INSERT =
	SQL("INSERT INTO resources (org, resource, workspace, type, id, name, state, created_us,"
	    " changed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
static const struct sql RESOURCE_BY_NAME =
	SQL("SELECT" RESOURCE_COLUMNS
	    "FROM resources r WHERE r.org = $1 AND r.workspace = $2 AND r.type = $3 AND r.id = $4");
static const struct sql RESOURCE_BY_UUID =
	SQL("SELECT" RESOURCE_COLUMNS "FROM resources r WHERE r.org = $1 AND r.resource = $2");
static const struct sql RESOURCE_LIST =
	SQL("SELECT" RESOURCE_COLUMNS
	    "FROM resources r WHERE r.org = $1 AND r.resource > $2 AND r.name >= $3 AND r.name < $4"
	    " AND r.workspace = $6 AND (r.type = $7 OR $7 IS NULL) AND (r.state = $8 OR $8 IS NULL)"
	    " ORDER BY r.resource LIMIT $5");
static const struct sql RESOURCE_LIST_IN_GROUP =
	SQL("SELECT" RESOURCE_COLUMNS
	    "FROM resource_group_members m JOIN resources r ON r.org = m.org AND r.resource = "
	    "m.resource"
	    " WHERE m.org = $1 AND m.resource > $2 AND r.name >= $3 AND r.name < $4"
	    " AND r.workspace = $6 AND (r.type = $7 OR $7 IS NULL) AND (r.state = $8 OR $8 IS NULL)"
	    " AND m.grp = $9 ORDER BY m.resource LIMIT $5");
static const struct sql RESOURCE_UPDATE = SQL(
	"UPDATE resources SET name = $3, state = $4, changed = $5 WHERE org = $1 AND resource = "
	"$2");
static const struct sql NODE_HOLDERS =
	SQL("SELECT DISTINCT holder_kind, holder FROM grants WHERE org = $1 AND node = $2");
static const struct sql NODE_DELETE_GRANTS = SQL("DELETE FROM grants WHERE org = $1 AND node = $2");
static const struct sql NODE_DELETE_GUARDRAILS =
	SQL("DELETE FROM guardrails WHERE org = $1 AND node = $2");
/* What goes with a resource, itself last. */
static const struct sql RESOURCE_ERASE[] = {
	SQL("DELETE FROM offers WHERE org = $1 AND resource = $2"),
	SQL("DELETE FROM resource_group_members WHERE org = $1 AND resource = $2"),
	SQL("DELETE FROM resources WHERE org = $1 AND resource = $2"),
};

static enum status
resource_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct resource *resource = element;

	(void)err;
	*resource = (struct resource){
		.uuid = {query_uuid(q, 0)},
		.workspace = {query_uuid(q, 1)},
		.type = iam__text(q, 2, call),
		.id = iam__text(q, 3, call),
		.name = iam__text(q, 4, call),
		.state = (enum state)query_int(q, 5),
		.created_us = query_int(q, 6),
		.changed = query_int(q, 7),
	};
	return OK;
}

void
resource_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct resource *resource = entity;

	jw_object(w, name);
	jw_str(w, "type", resource->type);
	jw_str(w, "id", resource->id);
	jw_uuid(w, "node_id", resource->uuid.id);
	jw_str(w, "name", resource->name);
	jw_z(w, "state", state_name(resource->state));
	jw_uuid(w, "workspace", resource->workspace.id);
	jw_time(w, "created_at", resource->created_us);
	jw_int(w, "changed", resource->changed);
	jw_end_object(w);
}

void
resource__touch(struct call *call, const struct resource *resource)
{
	call_touch(call, VIEW_RESOURCE,
		resource_key(resource->workspace, resource->type, resource->id));
}

static enum status
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "resource-not-found", "There is no such resource.");
}

static enum status
read_one(struct resource *out, struct call *call, struct query *q, struct error *err)
{
	enum status rc = query_next(q, err);
	if (rc == OK && !q->row)
		rc = not_found(err);
	if (rc == OK)
		rc = resource_read(out, q, call, err);
	query_end(q);
	return rc;
}

enum status
resource_load(struct resource *out, struct call *call, struct workspace_id workspace,
	struct str type, struct str id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &RESOURCE_BY_NAME, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, workspace.id);
	query_bind_str(&q, 3, type);
	query_bind_str(&q, 4, id);
	return read_one(out, call, &q, err);
}

enum status
resource__select(struct resource *out, struct call *call, struct resource_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &RESOURCE_BY_UUID, id.id, err);
	return rc == OK ? read_one(out, call, &q, err) : rc;
}

static void
bind_filter(struct query *q, const void *opaque)
{
	const struct resource_filter *filter = opaque;

	query_bind_uuid(q, 6, filter->workspace.id);
	query_bind_str(q, 7, filter->type);
	query_bind_int_or_null(q, 8, filter->state);
	if (!uuid_is_nil(filter->group.id))
		query_bind_uuid(q, 9, filter->group.id);
}

enum status
resource_list(struct resource **out, size_t *count, struct call *call,
	const struct resource_filter *filter, struct page *page, struct error *err)
{
	const struct listing listing = {
		.sql = uuid_is_nil(filter->group.id) ? &RESOURCE_LIST : &RESOURCE_LIST_IN_GROUP,
		.size = sizeof(struct resource),
		.read = resource_read,
		.bind = bind_filter,
		.filter = filter};

	return iam__list((void **)out, count, call, page, &listing, err);
}

static enum status
texts_check(const struct resource *resource, struct error *err)
{
	enum status rc = slug_check(resource->type, "type", err);
	if (rc == OK)
		rc = resource_id_check(resource->id, "id", err);
	if (rc == OK)
		rc = name_check(resource->name, "name", err);
	return rc;
}

/* A registered name of 256 bytes does not fit a name of 128: then the first part is shown. */
static struct str
name_from_id(struct str id)
{
	size_t len = id.len;

	if (len > NAME_MAX_BYTES) {
		len = NAME_MAX_BYTES;
		while (len > 0 && ((unsigned char)id.ptr[len] & 0xC0) == 0x80)
			len--;
	}
	return (struct str){id.ptr, len};
}

static void
fill(struct resource *out, const struct call *call, const struct resource_draft *draft)
{
	*out = (struct resource){.uuid = {uuid_new()},
		.workspace = draft->workspace,
		.type = draft->type,
		.id = draft->id,
		.name = draft->name.ptr ? draft->name : name_from_id(draft->id),
		.state = STATE_ACTIVE,
		.created_us = call->now_us,
		.changed = call_next_revision(call)};
}

static enum status
insert(struct call *call, const struct resource *resource, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &RESOURCE_INSERT, resource->uuid.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, resource->workspace.id);
	query_bind_str(&q, 4, resource->type);
	query_bind_str(&q, 5, resource->id);
	query_bind_str(&q, 6, resource->name);
	query_bind_int(&q, 7, resource->state);
	query_bind_int(&q, 8, resource->created_us);
	query_bind_int(&q, 9, resource->changed);
	return iam__taken(query_run(&q, NULL, err), "resource-exists",
		"There is a resource of this type with this identifier already.", err);
}

enum status
resource__register(struct resource *out, struct call *call, const struct resource_draft *draft,
	struct error *err)
{
	fill(out, call, draft);
	enum status rc = insert(call, out, err);
	if (rc == OK)
		resource__touch(call, out);
	return rc;
}

static enum status
check_type(const struct call *call, struct str type, struct error *err)
{
	if (!org_resource_type(call->org, type))
		return error_set(err, ERR_INVALID, "resource-type-unknown",
			"There is no resource type \"%.*s\": list them at "
			"/api/orgs/{org}/resource-types.",
			(int)(type.len > 63 ? 63 : type.len), type.ptr ? type.ptr : "");
	return OK;
}

/* Gateways and devices come and go with their principals. */
static enum status
check_plain(struct str type, struct error *err)
{
	if (!str_eq(type, STR("gateway")) && !str_eq(type, STR("device")))
		return OK;
	return error_set(err, ERR_CONFLICT, "resource-is-principal",
		"A %.*s is a principal: create and delete it as one.", STR_ARG(type));
}

/* Creating is decided at the parent: the workspace, or each of the groups that it is made in. */
static enum status
require_parent(struct call *call, const struct resource_draft *draft, struct error *err)
{
	struct node parent = uuid_is_nil(draft->workspace.id) ? node_org(call->org->id)
							      : node_workspace(draft->workspace);
	enum status rc = OK;

	if (draft->group_count == 0 || call_may(call, IAM_RESOURCES_CREATE, parent))
		return call_require(call, IAM_RESOURCES_CREATE, parent, err);
	for (size_t i = 0; rc == OK && i < draft->group_count; i++)
		rc = call_require(call, IAM_RESOURCES_CREATE,
			(struct node){NODE_RESOURCE_GROUP, draft->groups[i].id}, err);
	return rc;
}

enum status
resource_create(struct resource *out, struct call *call, const struct resource_draft *draft,
	struct error *err)
{
	fill(out, call, draft);
	enum status rc = texts_check(out, err);
	if (rc == OK)
		rc = check_plain(out->type, err);
	if (rc == OK)
		rc = check_type(call, out->type, err);
	if (rc == OK && uuid_is_nil(draft->workspace.id) && draft->group_count > 0)
		rc = error_set(err, ERR_INVALID, "groups-of-global",
			"A global resource is in no resource group: leave groups out.");
	if (rc == OK)
		rc = require_parent(call, draft, err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "resources.create", "resource", out->uuid.id,
			VERSIONS(NOTHING, call_json(call, resource_write, out)), err);
	for (size_t i = 0; rc == OK && i < draft->group_count; i++)
		rc = resource_group_add(call, draft->workspace, draft->groups[i], out->uuid, err);
	if (rc == OK)
		resource__touch(call, out);
	return rc;
}

static enum status
write_row(struct call *call, const struct resource *resource, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &RESOURCE_UPDATE, resource->uuid.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, resource->name);
	query_bind_int(&q, 4, resource->state);
	query_bind_int(&q, 5, resource->changed);
	return query_run(&q, NULL, err);
}

enum status
resource_update(struct resource *out, struct call *call, const struct resource_draft *draft,
	struct error *err)
{
	struct resource before;

	enum status rc =
		resource_load(&before, call, draft->workspace, draft->type, draft->id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc != OK)
		return rc;
	*out = before;
	if (draft->name.ptr)
		out->name = draft->name;
	if (draft->state != STATE_NONE)
		out->state = draft->state;
	out->changed = call_next_revision(call);
	rc = name_check(out->name, "name", err);
	if (rc == OK)
		rc = iam__record(call, "resources.update", "resource", out->uuid.id,
			VERSIONS(call_json(call, resource_write, &before),
				call_json(call, resource_write, out)),
			err);
	if (rc == OK)
		rc = write_row(call, out, err);
	if (rc == OK)
		resource__touch(call, out);
	return rc;
}

static enum status
touch_holders(struct call *call, struct uuid node, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &NODE_HOLDERS, node, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		call_touch(call, query_int(&q, 0) ? VIEW_GROUP : VIEW_PRINCIPAL, query_uuid(&q, 1));
	query_end(&q);
	return rc;
}

enum status
node__erase(struct call *call, struct uuid node, struct error *err)
{
	bool guarded = false;

	for (uint32_t i = 0; i < call->org->guardrail_count; i++)
		guarded = guarded || uuid_eq(call->org->guardrails[i].node.id, node);
	enum status rc = touch_holders(call, node, err);
	if (rc == OK)
		rc = iam__run(call, &NODE_DELETE_GRANTS, node, err);
	if (rc == OK && guarded) {
		rc = iam__run(call, &NODE_DELETE_GUARDRAILS, node, err);
		call_touch_skeleton(call);
	}
	return rc;
}

enum status
resource__erase(struct call *call, struct resource_id resource, struct error *err)
{
	enum status rc = node__erase(call, resource.id, err);

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(RESOURCE_ERASE); i++)
		rc = iam__run(call, &RESOURCE_ERASE[i], resource.id, err);
	return rc;
}

enum status
resource_delete(struct call *call, const struct resource_draft *named, struct error *err)
{
	struct resource before;

	enum status rc = check_plain(named->type, err);
	if (rc == OK)
		rc = resource_load(&before, call, named->workspace, named->type, named->id, err);
	if (rc == OK)
		rc = call_check_match(named->if_match, before.changed, err);
	if (rc == OK)
		rc = resource__guard_gone(call, before.uuid, before.workspace, err);
	if (rc == OK)
		rc = iam__record(call, "resources.delete", "resource", before.uuid.id,
			VERSIONS(call_json(call, resource_write, &before), NOTHING), err);
	if (rc == OK)
		rc = resource__erase(call, before.uuid, err);
	if (rc == OK)
		resource__touch(call, &before);
	return rc;
}
