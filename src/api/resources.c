/* Resources of a workspace, and global ones, by the same handlers: the path says which. */
#include "iam/tree/resources.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "api/route.h"

static enum status
show(struct operation_call *op, const struct resource *resource, enum status rc)
{
	if (rc != OK)
		return rc;
	resource_write(&op->out, NULL, resource);
	op->etag = resource->changed;
	return OK;
}

/* Loads the one that the path names; what may be done to it is decided about itself. */
static enum status
load(struct resource *out, struct operation_call *op, struct error *err)
{
	enum status rc =
		resource_load(out, &op->call, path_workspace(op), op->path[1], op->path[2], err);
	if (rc == OK)
		rc = operation_require(op, (struct node){NODE_RESOURCE, out->uuid.id}, err);
	return rc;
}

static struct resource_draft
draft_of(const struct operation_call *op)
{
	return (struct resource_draft){.workspace = path_workspace(op),
		.type = op->path[1],
		.id = op->path[2],
		.name = body_str(op, "name"),
		.state = body_state(op, "state"),
		.if_match = op->if_match};
}

enum status
api_resource_list(struct operation_call *op, struct error *err)
{
	const struct resource_filter filter = {.workspace = path_workspace(op),
		.type = param_str(op, "type"),
		.state = state_parse(param_str(op, "state"))};
	struct resource *resources;
	size_t count;

	enum status rc = resource_list(&resources, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, resources, count, sizeof(*resources), resource_write);
	return rc;
}

enum status
api_resource_create(struct operation_call *op, struct error *err)
{
	struct resource resource;
	struct resource_draft draft = {.workspace = path_workspace(op),
		.type = body_str(op, "type"),
		.id = body_str(op, "id"),
		.name = body_str(op, "name")};
	const struct uuid *groups;

	enum status rc = body_uuids(&groups, &draft.group_count, op, "groups", err);
	draft.groups = (const struct rgroup_id *)(const void *)groups;
	if (rc == OK)
		rc = resource_create(&resource, &op->call, &draft, err);
	op->required = op->required || rc == OK;
	return show(op, &resource, rc);
}

enum status
api_resource_get(struct operation_call *op, struct error *err)
{
	struct resource resource;

	return show(op, &resource, load(&resource, op, err));
}

enum status
api_resource_update(struct operation_call *op, struct error *err)
{
	struct resource resource;
	const struct resource_draft draft = draft_of(op);

	enum status rc = load(&resource, op, err);
	if (rc == OK)
		rc = resource_update(&resource, &op->call, &draft, err);
	return show(op, &resource, rc);
}

enum status
api_resource_delete(struct operation_call *op, struct error *err)
{
	struct resource resource;
	const struct resource_draft draft = draft_of(op);

	enum status rc = load(&resource, op, err);
	return rc == OK ? resource_delete(&op->call, &draft, err) : rc;
}

enum status
api_resource_type_list(struct operation_call *op, struct error *err)
{
	struct resource_type *types;
	size_t count;

	enum status rc = resource_type_list(&types, &count, &op->call, err);
	if (rc == OK)
		list_write(op, types, count, sizeof(*types), resource_type_write);
	return rc;
}
