/* The keys that sign tokens: of a workspace, or of the installation. */
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "api/route.h"
#include "iam/tokens/key_rotation.h"

static enum status
show_all(struct operation_call *op, struct error *err)
{
	struct signing_key *keys;
	size_t count;

	enum status rc = signing_key_list(&keys, &count, &op->call, path_workspace(op), err);
	if (rc == OK)
		list_write(op, keys, count, sizeof(*keys), signing_key_write);
	return rc;
}

enum status
api_key_list(struct operation_call *op, struct error *err)
{
	return show_all(op, err);
}

enum status
api_key_rotate(struct operation_call *op, struct error *err)
{
	enum sign_alg alg = sign_alg_parse(body_str(op, "algorithm"));

	enum status rc = signing_keys_rotate(
		&op->call, path_workspace(op), alg == SIGN_ALG_NONE ? SIGN_ES256 : alg, err);
	return rc == OK ? show_all(op, err) : rc;
}

enum status
api_key_withdraw(struct operation_call *op, struct error *err)
{
	struct uuid key = path_uuid(op, op->route->workspace_at < 0 ? 0 : 1);

	return signing_key_withdraw(&op->call, path_workspace(op), key, err);
}
