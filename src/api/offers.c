/* Global resources, offered to workspaces and enabled there. */
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "iam/tree/resources.h"

static enum status
show(struct operation_call *op, struct workspace_id workspace, struct error *err)
{
	struct offer offer;

	enum status rc = offer_load(&offer, &op->call, workspace, op->path[1], op->path[2], err);
	if (rc == OK)
		offer_write(&op->out, NULL, &offer);
	return rc;
}

enum status
api_offer_create(struct operation_call *op, struct error *err)
{
	const struct workspace_id workspace = path_workspace(op);

	enum status rc = offer_create(&op->call, op->path[1], op->path[2], workspace, err);
	return rc == OK ? show(op, workspace, err) : rc;
}

enum status
api_offer_delete(struct operation_call *op, struct error *err)
{
	return offer_delete(&op->call, op->path[1], op->path[2], path_workspace(op), err);
}

enum status
api_offer_list(struct operation_call *op, struct error *err)
{
	struct offer *offers;
	size_t count;

	enum status rc = offer_list(&offers, &count, &op->call, path_workspace(op), &op->page, err);
	if (rc == OK)
		list_write(op, offers, count, sizeof(*offers), offer_write);
	return rc;
}

static enum status
enable(struct operation_call *op, bool enabled, struct error *err)
{
	return offer_enable(&op->call, op->path[1], op->path[2], path_workspace(op), enabled, err);
}

enum status
api_offer_enable(struct operation_call *op, struct error *err)
{
	enum status rc = enable(op, body_bool(op, "enabled"), err);

	return rc == OK ? show(op, path_workspace(op), err) : rc;
}

enum status
api_offer_disable(struct operation_call *op, struct error *err)
{
	return enable(op, false, err);
}
