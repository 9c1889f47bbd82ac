#include "iam/access/roles.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static struct role_id
path_role(const struct operation_call *op)
{
	return (struct role_id){path_uuid(op, 1)};
}

static enum status
decode_draft(struct role_draft *draft, const struct operation_call *op, struct error *err)
{
	*draft = (struct role_draft){.name = body_str(op, "name"),
		.title = body_str(op, "title"),
		.description = body_str(op, "description"),
		.kinds = body_kinds(op, "kinds"),
		.workspace = {body_uuid(op, "workspace")},
		.gives_stated = body_get(op, "gives") != NULL,
		.ceiling = body_get(op, "ceiling"),
		.if_match = op->if_match};

	enum status rc =
		body_strings(&draft->exercises, &draft->exercise_count, op, "exercises", err);
	return rc == OK ? body_strings(&draft->gives, &draft->give_count, op, "gives", err) : rc;
}

static enum status
show(struct operation_call *op, const struct role *role, enum status rc)
{
	if (rc != OK)
		return rc;
	role_write(&op->out, NULL, role);
	op->etag = role->changed;
	return OK;
}

enum status
api_role_list(struct operation_call *op, struct error *err)
{
	const struct role_filter filter = {.workspace = {param_uuid(op, "workspace")},
		.permission = param_str(op, "permission")};
	struct role *roles;
	size_t count;

	enum status rc = role_list(&roles, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, roles, count, sizeof(*roles), role_write);
	return rc;
}

enum status
api_role_create(struct operation_call *op, struct error *err)
{
	struct role_draft draft;
	struct role role;

	enum status rc = decode_draft(&draft, op, err);
	if (rc == OK)
		rc = role_create(&role, &op->call, &draft, err);
	return show(op, &role, rc);
}

enum status
api_role_get(struct operation_call *op, struct error *err)
{
	struct role role;

	return show(op, &role, role_load(&role, &op->call, path_role(op), err));
}

enum status
api_role_replace(struct operation_call *op, struct error *err)
{
	struct role_draft draft;
	struct role role;

	enum status rc = decode_draft(&draft, op, err);
	if (rc == OK)
		rc = role_replace(&role, &op->call, path_role(op), &draft, err);
	return show(op, &role, rc);
}

enum status
api_role_delete(struct operation_call *op, struct error *err)
{
	return role_delete(&op->call, path_role(op), op->if_match, err);
}
