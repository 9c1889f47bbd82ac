#include "iam/tree/workspaces.h"

#include "iam/access/grants.h"
#include "iam/principals/principals.h"
#include "iam/rows.h"
#include "model/names.h"
#include "policy/lookup.h"

#define WORKSPACE_COLUMNS " workspace, name, description, state, created_us, changed "

/* The issuer of a workspace is found by the workspace alone. */
static const struct sql ISSUER_INSERT = SQL("INSERT INTO issuers (org, workspace) VALUES ($1, $2)");
static const struct sql WORKSPACE_INSERT =
	SQL("INSERT INTO workspaces (org, workspace, name, description, state, created_us, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7)");
static const struct sql WORKSPACE_SELECT =
	SQL("SELECT" WORKSPACE_COLUMNS
	    "FROM workspaces WHERE org = $1 AND workspace = $2 AND state <> 3");
static const struct sql WORKSPACE_LIST =
	SQL("SELECT" WORKSPACE_COLUMNS
	    "FROM workspaces WHERE org = $1 AND workspace > $2 AND name >= $3 AND name < $4"
	    " AND state <> 3 ORDER BY workspace LIMIT $5");
static const struct sql WORKSPACE_COUNT =
	SQL("SELECT COUNT(*) FROM workspaces WHERE org = $1 AND state <> 3");
static const struct sql WORKSPACE_UPDATE =
	SQL("UPDATE workspaces SET name = $3, description = $4, state = $5, changed = $6"
	    " WHERE org = $1 AND workspace = $2");
static const struct sql CREATOR_ROLE = SQL("SELECT creator_role FROM orgs WHERE org = $1");

static enum status
workspace_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct workspace *workspace = element;

	(void)err;
	*workspace = (struct workspace){
		.id = {query_uuid(q, 0)},
		.org = call->chain.org,
		.name = iam__text(q, 1, call),
		.description = iam__text(q, 2, call),
		.state = (enum state)query_int(q, 3),
		.created_us = query_int(q, 4),
		.changed = query_int(q, 5),
	};
	return OK;
}

void
workspace_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct workspace *workspace = entity;

	jw_object(w, name);
	jw_uuid(w, "id", workspace->id.id);
	jw_uuid(w, "org", workspace->org.id);
	jw_str(w, "name", workspace->name);
	jw_str(w, "description", workspace->description);
	jw_z(w, "state", state_name(workspace->state));
	jw_time(w, "created_at", workspace->created_us);
	jw_int(w, "changed", workspace->changed);
	jw_end_object(w);
}

static enum status
texts_check(const struct workspace *workspace, struct error *err)
{
	enum status rc = name_check(workspace->name, "name", err);
	if (rc == OK)
		rc = description_check(workspace->description, "description", err);
	return rc;
}

static enum status
insert(struct call *call, const struct workspace *workspace, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &WORKSPACE_INSERT, workspace->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, workspace->name);
	query_bind_str(&q, 4, workspace->description);
	query_bind_int(&q, 5, workspace->state);
	query_bind_int(&q, 6, workspace->created_us);
	query_bind_int(&q, 7, workspace->changed);
	rc = iam__taken(query_run(&q, NULL, err), "workspace-name-taken",
		"Another workspace of this organisation has this name: choose another.", err);
	return rc == OK ? iam__run(call, &ISSUER_INSERT, workspace->id.id, err) : rc;
}

/* The organisation's rule says what the creator of a workspace becomes there; a machine that makes
 * one becomes nothing by a rule for people. */
static enum status
give_owner(struct call *call, struct workspace_id id, struct principal_id owner, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];
	struct grant grant;
	struct query q;
	bool by_rule = uuid_is_nil(owner.id) || uuid_eq(owner.id, call->caller.principal.id);
	struct grant_draft draft = {.holder = by_rule ? call->caller.principal.id : owner.id,
		.node = node_workspace(id),
		.expires_us = NEVER,
		.by_rule = by_rule};

	enum status rc = iam__query(&q, call, &CREATOR_ROLE, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	struct uuid role = rc == OK && q.row ? query_uuid(&q, 0) : (struct uuid){{0}};
	query_end(&q);
	if (rc != OK || uuid_is_nil(role))
		return rc;
	const struct role_view *view = org_role_by_id(call->org, (struct role_id){role}, NULL);
	if (uuid_is_nil(owner.id) && view && !(view->kinds & KIND_BIT(call->caller.kind)))
		return OK;
	uuid_format(text, role);
	draft.role = str_from(text);
	return grant_create(&grant, call, &draft, err);
}

enum status
workspace__found(struct workspace *out, struct call *call, const struct workspace_draft *draft,
	struct error *err)
{
	*out = (struct workspace){.id = {uuid_new()},
		.org = call->chain.org,
		.name = draft->name,
		.description = draft->description.ptr ? draft->description : STR(""),
		.state = STATE_ACTIVE,
		.created_us = call->now_us,
		.changed = call_next_revision(call)};

	enum status rc = texts_check(out, err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "workspaces.create", "workspace", out->id.id,
			VERSIONS(NOTHING, call_json(call, workspace_write, out)), err);
	if (rc == OK) {
		call_touch(call, VIEW_WORKSPACE, out->id.id);
		call_touch(call, VIEW_ISSUER, out->id.id);
	}
	return rc;
}

enum status
workspace_create(struct workspace *out, struct call *call, const struct workspace_draft *draft,
	struct error *err)
{
	if (org_is_platform(call->chain.org))
		return error_set(err, ERR_CONFLICT, "platform-has-no-workspaces",
			"The platform itself has no workspaces: make one in an organisation.");
	struct principal owner;
	enum status rc = OK;
	if (!uuid_is_nil(draft->owner.id))
		rc = principal_load(&owner, call, draft->owner, err);
	if (rc == OK)
		rc = workspace__found(out, call, draft, err);
	return rc == OK ? give_owner(call, out->id, draft->owner, err) : rc;
}

enum status
workspace_load(struct workspace *out, struct call *call, struct workspace_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &WORKSPACE_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(
			err, ERR_NOT_FOUND, "workspace-not-found", "There is no such workspace.");
	if (rc == OK)
		rc = workspace_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

/* Nothing is allowed inside a workspace that is suspended. */
static struct node
judged_at(const struct call *call, const struct workspace *workspace)
{
	return workspace->state == STATE_ACTIVE ? node_workspace(workspace->id)
						: node_org(call->org->id);
}

enum status
workspace_judged_at(struct node *out, struct call *call, struct workspace_id id, struct error *err)
{
	struct workspace workspace;

	enum status rc = workspace_load(&workspace, call, id, err);
	if (rc != OK)
		return rc;
	*out = judged_at(call, &workspace);
	if (workspace.state != STATE_ACTIVE && !call_may(call, IAM_WORKSPACES_READ, *out))
		rc = error_set(
			err, ERR_NOT_FOUND, "workspace-not-found", "There is no such workspace.");
	return rc;
}

enum status
workspace_list(struct workspace **out, size_t *count, struct call *call, struct page *page,
	struct error *err)
{
	const struct listing listing = {
		.sql = &WORKSPACE_LIST, .size = sizeof(struct workspace), .read = workspace_read};
	size_t read, shown = 0;

	enum status rc = iam__list((void **)out, &read, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < read; i++) {
		if (call_may(call, IAM_WORKSPACES_READ, judged_at(call, &(*out)[i])))
			(*out)[shown++] = (*out)[i];
	}
	*count = shown;
	return rc;
}

/* What is denied at the workspace itself counts again once it is active. */
static enum status
check_active(const struct workspace *workspace, struct error *err)
{
	if (workspace->state == STATE_ACTIVE)
		return OK;
	return error_set(err, ERR_CONFLICT, "workspace-suspended",
		"This workspace is suspended: make it active first.");
}

static enum status
write_row(struct call *call, const struct workspace *workspace, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &WORKSPACE_UPDATE, workspace->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, workspace->name);
	query_bind_str(&q, 4, workspace->description);
	query_bind_int(&q, 5, workspace->state);
	query_bind_int(&q, 6, workspace->changed);
	return iam__taken(query_run(&q, NULL, err), "workspace-name-taken",
		"Another workspace of this organisation has this name: choose another.", err);
}

enum status
workspace_update(struct workspace *out, struct call *call, struct workspace_id id,
	const struct workspace_draft *draft, struct error *err)
{
	struct workspace before;

	enum status rc = workspace_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc == OK && draft->state == STATE_NONE)
		rc = check_active(&before, err);
	if (rc != OK)
		return rc;
	*out = before;
	if (draft->name.ptr)
		out->name = draft->name;
	if (draft->description.ptr)
		out->description = draft->description;
	if (draft->state != STATE_NONE)
		out->state = draft->state;
	out->changed = call_next_revision(call);
	rc = texts_check(out, err);
	if (rc == OK)
		rc = write_row(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "workspaces.update", "workspace", id.id,
			VERSIONS(call_json(call, workspace_write, &before),
				call_json(call, workspace_write, out)),
			err);
	if (rc == OK)
		call_touch(call, VIEW_WORKSPACE, id.id);
	return rc;
}

enum status
workspace_delete(struct call *call, struct workspace_id id, int64_t if_match, struct error *err)
{
	struct workspace before;
	int64_t count;

	enum status rc = workspace_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = check_active(&before, err);
	if (rc == OK)
		rc = iam__count(&count, call, &WORKSPACE_COUNT, (struct uuid){{0}}, err);
	if (rc == OK && count <= 1)
		rc = error_set(err, ERR_CONFLICT, "last-workspace",
			"An organisation keeps its last workspace: make another one first.");
	if (rc != OK)
		return rc;
	struct workspace after = before;
	after.state = STATE_DELETED;
	after.changed = call_next_revision(call);
	rc = iam__record(call, "workspaces.delete", "workspace", id.id,
		VERSIONS(call_json(call, workspace_write, &before), NOTHING), err);
	if (rc == OK)
		rc = write_row(call, &after, err);
	if (rc == OK)
		call_touch(call, VIEW_WORKSPACE, id.id);
	return rc;
}
