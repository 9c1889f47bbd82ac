/* Active sessions: what users have with clients. */
#include "api/list.h"
#include "api/operations.h"
#include "iam/tokens/families.h"

enum status
api_session_list(struct operation_call *op, struct error *err)
{
	const struct family_filter filter = {.workspace = path_workspace(op),
		.principal = {param_uuid(op, "principal")},
		.client = {param_uuid(op, "client")}};
	struct family *families;
	size_t count;

	enum status rc = family_list(&families, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, families, count, sizeof(*families), family_write);
	return rc;
}

enum status
api_session_delete(struct operation_call *op, struct error *err)
{
	return family_end(&op->call, path_workspace(op), (struct family_id){path_uuid(op, 1)}, err);
}
