#include "iam/tree/resource_groups.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static enum status
show(struct operation_call *op, const struct resource_group *group, enum status rc)
{
	if (rc != OK)
		return rc;
	resource_group_write(&op->out, NULL, group);
	op->etag = group->changed;
	return OK;
}

/* Loads the one that the path names; what may be done to it is decided about itself. */
static enum status
load(struct resource_group *out, struct operation_call *op, struct error *err)
{
	enum status rc = resource_group_load(
		out, &op->call, path_workspace(op), (struct rgroup_id){path_uuid(op, 1)}, err);
	if (rc == OK)
		rc = operation_require(op, (struct node){NODE_RESOURCE_GROUP, out->id.id}, err);
	return rc;
}

static struct resource_group_draft
draft_of(const struct operation_call *op)
{
	return (struct resource_group_draft){
		body_str(op, "name"), body_str(op, "description"), op->if_match};
}

enum status
api_resource_group_list(struct operation_call *op, struct error *err)
{
	struct resource_group *groups;
	size_t count;

	enum status rc =
		resource_group_list(&groups, &count, &op->call, path_workspace(op), &op->page, err);
	if (rc == OK)
		list_write(op, groups, count, sizeof(*groups), resource_group_write);
	return rc;
}

enum status
api_resource_group_create(struct operation_call *op, struct error *err)
{
	struct resource_group group;
	const struct resource_group_draft draft = draft_of(op);

	return show(op, &group,
		resource_group_create(&group, &op->call, path_workspace(op), &draft, err));
}

enum status
api_resource_group_get(struct operation_call *op, struct error *err)
{
	struct resource_group group;

	return show(op, &group, load(&group, op, err));
}

enum status
api_resource_group_update(struct operation_call *op, struct error *err)
{
	struct resource_group group;
	const struct resource_group_draft draft = draft_of(op);

	enum status rc = load(&group, op, err);
	if (rc == OK)
		rc = resource_group_update(
			&group, &op->call, group.workspace, group.id, &draft, err);
	return show(op, &group, rc);
}

enum status
api_resource_group_delete(struct operation_call *op, struct error *err)
{
	struct resource_group group;

	enum status rc = load(&group, op, err);
	if (rc == OK)
		rc = resource_group_delete(&op->call, group.workspace, group.id, op->if_match, err);
	return rc;
}

enum status
api_resource_group_resource_list(struct operation_call *op, struct error *err)
{
	struct resource_group group;
	struct resource *resources;
	size_t count;

	enum status rc = load(&group, op, err);
	const struct resource_filter filter = {.workspace = path_workspace(op),
		.type = param_str(op, "type"),
		.group = {path_uuid(op, 1)}};
	if (rc == OK)
		rc = resource_group_list_resources(
			&resources, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, resources, count, sizeof(*resources), resource_write);
	return rc;
}

static enum status
load_member(struct resource_group *group, struct resource *resource, struct operation_call *op,
	struct error *err)
{
	enum status rc = load(group, op, err);
	if (rc == OK)
		rc = resource_load(
			resource, &op->call, group->workspace, op->path[2], op->path[3], err);
	return rc;
}

enum status
api_resource_group_resource_add(struct operation_call *op, struct error *err)
{
	struct resource_group group;
	struct resource resource;

	enum status rc = load_member(&group, &resource, op, err);
	if (rc == OK)
		rc = resource_group_add(&op->call, group.workspace, group.id, resource.uuid, err);
	return rc;
}

enum status
api_resource_group_resource_remove(struct operation_call *op, struct error *err)
{
	struct resource_group group;
	struct resource resource;

	enum status rc = load_member(&group, &resource, op, err);
	if (rc == OK)
		rc = resource_group_remove(
			&op->call, group.workspace, group.id, resource.uuid, err);
	return rc;
}
