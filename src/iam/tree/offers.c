#include "iam/rows.h"
#include "iam/tree/resource_rows.h"
#include "iam/tree/workspaces.h"

static const struct sql OFFER_SELECT =
	SQL("SELECT enabled FROM offers WHERE org = $1 AND resource = $2 AND workspace = $3");
static const struct sql OFFER_COUNT =
	SQL("SELECT COUNT(*) FROM offers WHERE org = $1 AND resource = $2");
static const struct sql OFFER_INSERT =
	SQL("INSERT INTO offers (org, resource, workspace, enabled) VALUES ($1, $2, $3, 0)");
static const struct sql OFFER_DELETE =
	SQL("DELETE FROM offers WHERE org = $1 AND resource = $2 AND workspace = $3");
static const struct sql OFFER_SET =
	SQL("UPDATE offers SET enabled = $4 WHERE org = $1 AND resource = $2 AND workspace = $3");
static const struct sql OFFER_LIST =
	SQL("SELECT r.resource, r.type, r.id, r.name, r.state, r.created_us, r.changed, o.enabled"
	    " FROM offers o JOIN resources r ON r.org = o.org AND r.resource = o.resource"
	    " WHERE o.org = $1 AND o.resource > $2 AND r.name >= $3 AND r.name < $4"
	    " AND o.workspace = $6 ORDER BY o.resource LIMIT $5");

void
offer_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct offer *offer = entity;

	jw_object(w, name);
	jw_str(w, "type", offer->resource.type);
	jw_str(w, "id", offer->resource.id);
	jw_uuid(w, "node_id", offer->resource.uuid.id);
	jw_str(w, "name", offer->resource.name);
	jw_uuid(w, "workspace", offer->workspace.id);
	jw_bool(w, "enabled", offer->enabled);
	jw_end_object(w);
}

/* A statement about one offer. */
static enum status
offer_query(struct query *q, struct call *call, const struct sql *sql, const struct offer *offer,
	struct error *err)
{
	enum status rc = iam__query(q, call, sql, offer->resource.uuid.id, err);
	if (rc == OK)
		query_bind_uuid(q, 3, offer->workspace.id);
	return rc;
}

static enum status
offer_run(struct call *call, const struct sql *sql, const struct offer *offer, struct error *err)
{
	struct query q;

	enum status rc = offer_query(&q, call, sql, offer, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

/* The global resource of that name, and whether it is offered to the workspace. */
static enum status
offer_find(struct offer *out, bool *found, struct call *call, struct str type, struct str id,
	struct error *err)
{
	struct query q;

	enum status rc =
		resource_load(&out->resource, call, (struct workspace_id){{{0}}}, type, id, err);
	if (rc == OK)
		rc = offer_query(&q, call, &OFFER_SELECT, out, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	out->enabled = *found && query_int(&q, 0) != 0;
	query_end(&q);
	return rc;
}

static enum status
record(struct call *call, const char *action, const struct offer *before, const struct offer *after,
	struct error *err)
{
	const struct offer *any = before ? before : after;

	enum status rc = iam__record(call, action, "resource", any->resource.uuid.id,
		VERSIONS(before ? call_json(call, offer_write, before) : NOTHING,
			after ? call_json(call, offer_write, after) : NOTHING),
		err);
	if (rc == OK)
		resource__touch(call, &any->resource);
	return rc;
}

static enum status
check_room(struct call *call, const struct offer *offer, struct error *err)
{
	int64_t count;

	enum status rc = iam__count(&count, call, &OFFER_COUNT, offer->resource.uuid.id, err);
	if (rc == OK && count >= OFFERS_PER_RESOURCE_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-offers",
			"A global resource can be offered to at most %d workspaces: withdraw it "
			"from one, or register it a second time.",
			OFFERS_PER_RESOURCE_MAX);
	return rc;
}

enum status
offer_create(struct call *call, struct str type, struct str id, struct workspace_id workspace,
	struct error *err)
{
	struct offer offer = {.workspace = workspace};
	struct workspace there;
	bool found = false;

	enum status rc = workspace_load(&there, call, workspace, err);
	if (rc == OK)
		rc = offer_find(&offer, &found, call, type, id, err);
	if (rc != OK || found)
		return rc;
	rc = check_room(call, &offer, err);
	if (rc == OK)
		rc = record(call, "offers.create", NULL, &offer, err);
	return rc == OK ? offer_run(call, &OFFER_INSERT, &offer, err) : rc;
}

enum status
offer_delete(struct call *call, struct str type, struct str id, struct workspace_id workspace,
	struct error *err)
{
	struct offer offer = {.workspace = workspace};
	struct workspace there;
	bool found = false;

	enum status rc = workspace_load(&there, call, workspace, err);
	if (rc == OK)
		rc = offer_find(&offer, &found, call, type, id, err);
	if (rc != OK || !found)
		return rc;
	rc = record(call, "offers.delete", &offer, NULL, err);
	return rc == OK ? offer_run(call, &OFFER_DELETE, &offer, err) : rc;
}

enum status
offer_load(struct offer *out, struct call *call, struct workspace_id workspace, struct str type,
	struct str id, struct error *err)
{
	bool found = false;

	*out = (struct offer){.workspace = workspace};
	enum status rc = offer_find(out, &found, call, type, id, err);
	if (rc == ERR_NOT_FOUND)
		error_clear(err);
	if ((rc == OK && !found) || rc == ERR_NOT_FOUND)
		return error_set(err, ERR_NOT_FOUND, "offer-not-found",
			"No such resource is offered to this workspace.");
	return rc;
}

enum status
offer_enable(struct call *call, struct str type, struct str id, struct workspace_id workspace,
	bool enabled, struct error *err)
{
	struct offer before;
	struct query q;

	enum status rc = offer_load(&before, call, workspace, type, id, err);
	if (rc != OK || before.enabled == enabled)
		return rc;
	struct offer after = before;
	after.enabled = enabled;
	rc = record(call, enabled ? "offers.enable" : "offers.disable", &before, &after, err);
	if (rc == OK)
		rc = offer_query(&q, call, &OFFER_SET, &after, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 4, enabled);
	return query_run(&q, NULL, err);
}

static enum status
offer_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct offer *offer = element;

	(void)err;
	*offer = (struct offer){
		.resource = {.uuid = {query_uuid(q, 0)},
			.type = iam__text(q, 1, call),
			.id = iam__text(q, 2, call),
			.name = iam__text(q, 3, call),
			.state = (enum state)query_int(q, 4),
			.created_us = query_int(q, 5),
			.changed = query_int(q, 6)},
		.enabled = query_int(q, 7) != 0,
	};
	return OK;
}

static void
bind_workspace(struct query *q, const void *filter)
{
	const struct workspace_id *workspace = filter;

	query_bind_uuid(q, 6, workspace->id);
}

enum status
offer_list(struct offer **out, size_t *count, struct call *call, struct workspace_id workspace,
	struct page *page, struct error *err)
{
	const struct listing listing = {.sql = &OFFER_LIST,
		.size = sizeof(struct offer),
		.read = offer_read,
		.bind = bind_workspace,
		.filter = &workspace};

	enum status rc = iam__list((void **)out, count, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < *count; i++)
		(*out)[i].workspace = workspace;
	return rc;
}
