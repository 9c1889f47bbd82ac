/* Who calls. */
#include "api/operations.h"
#include "iam/access/access.h"
#include "iam/tree/orgs.h"

enum status
api_self_get(struct operation_call *op, struct error *err)
{
	struct json_writer *w = &op->out;
	struct access access;
	struct org org;

	enum status rc = access_load(&access, &op->call, op->call.caller.principal, err);
	if (rc == OK)
		rc = org_load(&org, &op->call, err);
	if (rc != OK)
		return rc;
	jw_object(w, NULL);
	jw_uuid(w, "id", access.principal.id.id);
	jw_z(w, "kind", kind_name(access.principal.kind));
	jw_str(w, "name", access.principal.name);
	jw_uuid(w, "credential", op->call.caller.credential.id);
	jw_object(w, "organisation");
	org_write_id(w, "id", org.id);
	jw_str(w, "name", org.name);
	jw_end_object(w);
	access_write_roles(w, "roles", &access);
	jw_end_object(w);
	return OK;
}
