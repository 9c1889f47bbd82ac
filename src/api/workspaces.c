#include "iam/tree/workspaces.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static enum status
show(struct operation_call *op, const struct workspace *workspace, enum status rc)
{
	if (rc != OK)
		return rc;
	workspace_write(&op->out, NULL, workspace);
	op->etag = workspace->changed;
	return OK;
}

enum status
api_workspace_list(struct operation_call *op, struct error *err)
{
	struct workspace *workspaces;
	size_t count;

	enum status rc = workspace_list(&workspaces, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, workspaces, count, sizeof(*workspaces), workspace_write);
	return rc;
}

enum status
api_workspace_create(struct operation_call *op, struct error *err)
{
	struct workspace workspace;
	const struct workspace_draft draft = {.name = body_str(op, "name"),
		.description = body_str(op, "description"),
		.owner = {body_uuid(op, "owner")}};

	return show(op, &workspace, workspace_create(&workspace, &op->call, &draft, err));
}

static enum status
require(struct operation_call *op, struct error *err)
{
	struct node at;

	enum status rc = workspace_judged_at(&at, &op->call, path_workspace(op), err);
	return rc == OK ? operation_require(op, at, err) : rc;
}

enum status
api_workspace_get(struct operation_call *op, struct error *err)
{
	struct workspace workspace;

	enum status rc = require(op, err);
	if (rc == OK)
		rc = workspace_load(&workspace, &op->call, path_workspace(op), err);
	return show(op, &workspace, rc);
}

enum status
api_workspace_update(struct operation_call *op, struct error *err)
{
	struct workspace workspace;
	const struct workspace_draft draft = {.name = body_str(op, "name"),
		.description = body_str(op, "description"),
		.if_match = op->if_match};

	enum status rc = require(op, err);
	if (rc == OK)
		rc = workspace_update(&workspace, &op->call, path_workspace(op), &draft, err);
	return show(op, &workspace, rc);
}

/* Decided at the organisation: nothing is allowed inside a workspace that is suspended. */
enum status
api_workspace_set_state(struct operation_call *op, struct error *err)
{
	struct workspace workspace;
	const struct workspace_draft draft = {
		.state = body_state(op, "state"), .if_match = op->if_match};

	enum status rc = operation_require(op, node_org(op->call.org->id), err);
	if (rc == OK)
		rc = workspace_update(&workspace, &op->call, path_workspace(op), &draft, err);
	return show(op, &workspace, rc);
}

enum status
api_workspace_delete(struct operation_call *op, struct error *err)
{
	enum status rc = require(op, err);
	return rc == OK ? workspace_delete(&op->call, path_workspace(op), op->if_match, err) : rc;
}
