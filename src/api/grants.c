#include "iam/access/grants.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static enum status
show(struct operation_call *op, const struct grant *grant, enum status rc)
{
	if (rc == OK)
		grant_write(&op->out, NULL, grant);
	return rc;
}

static enum status
show_list(struct operation_call *op, const struct grant_filter *filter, struct error *err)
{
	struct grant *grants;
	size_t count;

	enum status rc = grant_list(&grants, &count, &op->call, filter, &op->page, err);
	if (rc == OK)
		list_write(op, grants, count, sizeof(*grants), grant_write);
	return rc;
}

enum status
api_grant_list(struct operation_call *op, struct error *err)
{
	const struct grant_filter filter = {.holder = param_uuid(op, "holder"),
		.node = param_uuid(op, "node"),
		.role = {param_uuid(op, "role")}};

	return show_list(op, &filter, err);
}

enum status
api_workspace_grant_list(struct operation_call *op, struct error *err)
{
	const struct grant_filter filter = {.holder = param_uuid(op, "holder"),
		.role = {param_uuid(op, "role")},
		.within = {path_uuid(op, 0)}};

	return show_list(op, &filter, err);
}

enum status
api_grant_create(struct operation_call *op, struct error *err)
{
	const struct json *holder = body_get(op, "holder");
	bool group = str_eq(json_str(json_get(holder, "kind")), STR("group"));
	struct grant grant;
	struct grant_draft draft = {.holder_kind = group ? HOLDER_GROUP : HOLDER_PRINCIPAL,
		.role = body_str(op, "role"),
		.permission = body_str(op, "permission"),
		.node = body_node(op, "node"),
		.condition = body_get(op, "condition"),
		.expires_us = body_time_us(op, "expires_at")};

	if (!uuid_parse(json_str(json_get(holder, "id")), &draft.holder))
		draft.holder = (struct uuid){{0}};
	enum status rc = operation_require(op, draft.node, err);
	if (rc == OK)
		rc = grant_create(&grant, &op->call, &draft, err);
	return show(op, &grant, rc);
}

static enum status
load(struct grant *out, struct operation_call *op, struct error *err)
{
	enum status rc = grant_load(out, &op->call, (struct grant_id){path_uuid(op, 1)}, err);
	return rc == OK ? operation_require(op, out->node, err) : rc;
}

enum status
api_grant_get(struct operation_call *op, struct error *err)
{
	struct grant grant;

	return show(op, &grant, load(&grant, op, err));
}

enum status
api_grant_delete(struct operation_call *op, struct error *err)
{
	struct grant grant;

	enum status rc = load(&grant, op, err);
	return rc == OK ? grant_delete(&op->call, grant.id, err) : rc;
}

enum status
api_permission_give(struct operation_call *op, struct error *err)
{
	return grant_permission(&op->call, (struct principal_id){path_uuid(op, 1)},
		(struct workspace_id){path_uuid(op, 0)}, op->path[2], err);
}

enum status
api_permission_withdraw(struct operation_call *op, struct error *err)
{
	return grant_revoke_permission(&op->call, (struct principal_id){path_uuid(op, 1)},
		(struct workspace_id){path_uuid(op, 0)}, op->path[2], err);
}
