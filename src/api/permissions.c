#include "iam/access/permissions.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

enum status
api_permission_list(struct operation_call *op, struct error *err)
{
	const struct permission_filter filter = {.workspace = {param_uuid(op, "workspace")},
		.resource = param_str(op, "resource"),
		.group = param_str(op, "group")};
	struct permission *permissions;
	size_t count;

	enum status rc = permission_list(&permissions, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, permissions, count, sizeof(*permissions), permission_write);
	return rc;
}

enum status
api_scope_list(struct operation_call *op, struct error *err)
{
	struct permission *scopes;
	size_t count;

	enum status rc = scope_list(&scopes, &count, &op->call, path_workspace(op), &op->page, err);
	if (rc == OK)
		list_write(op, scopes, count, sizeof(*scopes), scope_write);
	return rc;
}

enum status
api_scope_create(struct operation_call *op, struct error *err)
{
	struct permission scope;
	const struct scope_draft draft = {.name = body_str(op, "name"),
		.description = body_str(op, "description"),
		.class = permission_class_parse(body_str(op, "class"))};

	enum status rc = scope_create(&scope, &op->call, path_workspace(op), &draft, err);
	if (rc == OK)
		scope_write(&op->out, NULL, &scope);
	return rc;
}

enum status
api_scope_delete(struct operation_call *op, struct error *err)
{
	return scope_delete(&op->call, path_workspace(op), op->path[1], err);
}
