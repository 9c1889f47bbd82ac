#include "iam/access/guardrails.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static struct guardrail_id
path_guardrail(const struct operation_call *op)
{
	return (struct guardrail_id){path_uuid(op, 1)};
}

static enum status
decode_draft(struct guardrail_draft *draft, const struct operation_call *op, struct error *err)
{
	*draft = (struct guardrail_draft){.name = body_str(op, "name"),
		.description = body_str(op, "description"),
		.node = body_node(op, "node"),
		.kinds = body_kinds(op, "kinds"),
		.condition = body_get(op, "condition"),
		.if_match = op->if_match};
	return body_strings(&draft->permissions, &draft->permission_count, op, "permissions", err);
}

static enum status
show(struct operation_call *op, const struct guardrail *guardrail, enum status rc)
{
	if (rc != OK)
		return rc;
	guardrail_write(&op->out, NULL, guardrail);
	op->etag = guardrail->changed;
	return OK;
}

enum status
api_guardrail_list(struct operation_call *op, struct error *err)
{
	struct guardrail *guardrails;
	size_t count;

	enum status rc = guardrail_list(&guardrails, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, guardrails, count, sizeof(*guardrails), guardrail_write);
	return rc;
}

enum status
api_guardrail_create(struct operation_call *op, struct error *err)
{
	struct guardrail_draft draft;
	struct guardrail guardrail;

	enum status rc = decode_draft(&draft, op, err);
	if (rc == OK)
		rc = guardrail_create(&guardrail, &op->call, &draft, err);
	return show(op, &guardrail, rc);
}

enum status
api_guardrail_get(struct operation_call *op, struct error *err)
{
	struct guardrail guardrail;

	return show(op, &guardrail, guardrail_load(&guardrail, &op->call, path_guardrail(op), err));
}

enum status
api_guardrail_replace(struct operation_call *op, struct error *err)
{
	struct guardrail_draft draft;
	struct guardrail guardrail;

	enum status rc = decode_draft(&draft, op, err);
	if (rc == OK)
		rc = guardrail_replace(&guardrail, &op->call, path_guardrail(op), &draft, err);
	return show(op, &guardrail, rc);
}

enum status
api_guardrail_delete(struct operation_call *op, struct error *err)
{
	return guardrail_delete(&op->call, path_guardrail(op), op->if_match, err);
}
