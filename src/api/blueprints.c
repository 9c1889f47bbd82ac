#include "iam/blueprints/blueprints.h"
#include "api/api.h"
#include "api/list.h"
#include "api/operations.h"

enum status
api_blueprint_list_shipped(struct operation_call *op, struct error *err)
{
	struct blueprint *blueprints;
	size_t count;

	enum status rc = blueprint_list_shipped(&blueprints, &count, op->call.arena, err);
	if (rc == OK)
		list_write(op, blueprints, count, sizeof(*blueprints), blueprint_write);
	return rc;
}

enum status
api_blueprint_list(struct operation_call *op, struct error *err)
{
	struct blueprint *blueprints;
	size_t count;

	enum status rc = blueprint_list(&blueprints, &count, &op->call, err);
	if (rc == OK)
		list_write(op, blueprints, count, sizeof(*blueprints), blueprint_write);
	return rc;
}

enum status
api_blueprint_get(struct operation_call *op, struct error *err)
{
	struct str document;

	enum status rc = blueprint_load_document(&document, &op->call, op->path[1], err);
	if (rc == OK)
		jw_raw(&op->out, NULL, document);
	return rc;
}

/* A document in the body, or, without one, the shipped blueprint of that name. */
enum status
api_blueprint_apply(struct operation_call *op, struct error *err)
{
	const struct blueprint_options options = {.preview = op->preview};
	struct blueprint_result result;
	enum status rc;

	if (!op->body)
		rc = blueprint_apply_shipped(&result, &op->call, op->path[1], &options, err);
	else if (!str_eq(json_str(json_get(op->body, "name")), op->path[1]))
		rc = error_set(err, ERR_INVALID, "blueprint-name-differs",
			"body.name: must be the name in the path.");
	else
		rc = blueprint_apply(&result, &op->call, op->body, &options, err);
	if (rc == OK)
		blueprint_result_write(&op->out, NULL, &result);
	return rc;
}
