#include "iam/principals/credentials.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"
#include "api/route.h"
#include "iam/principals/principals.h"

/* Under a workspace, a principal of that workspace; under an organisation, any. */
static enum status
load_owner(struct principal *out, struct operation_call *op, struct error *err)
{
	const struct principal_id id = {path_uuid(op, 1)};

	enum status rc = principal_load(out, &op->call, id, err);
	if (rc != OK || op->route->workspace_at < 0)
		return rc;
	return principal_load_kind(
		out, &op->call, id, out->kind, (struct workspace_id){path_uuid(op, 0)}, err);
}

enum status
api_credential_list(struct operation_call *op, struct error *err)
{
	struct principal owner;
	struct credential *credentials;
	size_t count;

	enum status rc = load_owner(&owner, op, err);
	if (rc == OK)
		rc = credential_list(&credentials, &count, &op->call, owner.id, err);
	if (rc == OK)
		list_write(op, credentials, count, sizeof(*credentials), credential_write);
	return rc;
}

enum status
api_credential_create(struct operation_call *op, struct error *err)
{
	struct principal owner;
	struct issued_secret issued = {0};
	const struct credential_draft draft = {.name = body_str(op, "name"),
		.expires_us = body_time_us(op, "expires_at"),
		.retire_others = body_get(op, "retire_others_after_s") != NULL,
		.retire_others_after_s = json_int(body_get(op, "retire_others_after_s"))};

	enum status rc = load_owner(&owner, op, err);
	if (rc == OK)
		rc = credential_issue(&issued, &op->call, owner.id, &draft, err);
	if (rc == OK) {
		jw_object(&op->out, NULL);
		credential_write(&op->out, "credential", &issued.credential);
		jw_z(&op->out, "secret", issued.text.text);
		jw_end_object(&op->out);
	}
	crypto_wipe(&issued.text, sizeof(issued.text));
	return rc;
}

enum status
api_credential_revoke(struct operation_call *op, struct error *err)
{
	struct principal owner;

	enum status rc = load_owner(&owner, op, err);
	if (rc == OK)
		rc = credential_revoke(
			&op->call, owner.id, (struct credential_id){path_uuid(op, 2)}, err);
	return rc;
}
