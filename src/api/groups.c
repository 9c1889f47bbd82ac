#include "iam/access/groups.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static struct group_id
path_group(const struct operation_call *op)
{
	return (struct group_id){path_uuid(op, 1)};
}

static struct group_draft
draft_of(const struct operation_call *op)
{
	return (struct group_draft){
		body_str(op, "name"), body_str(op, "description"), op->if_match};
}

static enum status
show(struct operation_call *op, const struct group *group, enum status rc)
{
	if (rc != OK)
		return rc;
	group_write(&op->out, NULL, group);
	op->etag = group->changed;
	return OK;
}

enum status
api_group_list(struct operation_call *op, struct error *err)
{
	struct group *groups;
	size_t count;

	enum status rc = group_list(&groups, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, groups, count, sizeof(*groups), group_write);
	return rc;
}

enum status
api_group_create(struct operation_call *op, struct error *err)
{
	struct group group;
	const struct group_draft draft = draft_of(op);

	return show(op, &group, group_create(&group, &op->call, &draft, err));
}

enum status
api_group_get(struct operation_call *op, struct error *err)
{
	struct group group;

	return show(op, &group, group_load(&group, &op->call, path_group(op), err));
}

enum status
api_group_update(struct operation_call *op, struct error *err)
{
	struct group group;
	const struct group_draft draft = draft_of(op);

	return show(op, &group, group_update(&group, &op->call, path_group(op), &draft, err));
}

enum status
api_group_delete(struct operation_call *op, struct error *err)
{
	return group_delete(&op->call, path_group(op), op->if_match, err);
}

enum status
api_group_member_list(struct operation_call *op, struct error *err)
{
	struct group_member *members;
	size_t count;

	enum status rc =
		group_list_members(&members, &count, &op->call, path_group(op), &op->page, err);
	if (rc == OK)
		list_write(op, members, count, sizeof(*members), group_member_write);
	return rc;
}

enum status
api_group_member_add(struct operation_call *op, struct error *err)
{
	return group_add_member(
		&op->call, path_group(op), (struct principal_id){path_uuid(op, 2)}, err);
}

enum status
api_group_member_remove(struct operation_call *op, struct error *err)
{
	return group_remove_member(
		&op->call, path_group(op), (struct principal_id){path_uuid(op, 2)}, err);
}
