#ifndef IAM_ROLE_NAMES_H
#define IAM_ROLE_NAMES_H

#include "iam/call.h"
#include "json/json.h"

/* Finds a role by identifier or name in the skeleton of this call: of `workspace` first (nil:
 * none), then of the organisation. ERR_NOT_FOUND "role-not-found". */
enum status role_resolve(const struct role_view **out, struct call *call, struct str reference,
	struct workspace_id workspace, uint32_t *number, struct error *err) MUST_USE;

/* A permission's number at a workspace (nil: none), for what is put in by name. ERR_INVALID
 * "permission-unknown". */
enum status permission_resolve(uint32_t *number, struct call *call, struct workspace_id workspace,
	struct str name, struct error *err) MUST_USE;

/* A ceiling as it is stored: canonical, in call->arena; absent when the source is absent or null.
 * Every permission that it names has to exist at a workspace (nil: none; what it excepts may then
 * be a scope of any). ERR_INVALID. */
enum status ceiling_text(struct str *out, struct call *call, struct workspace_id workspace,
	const struct json *source, struct error *err) MUST_USE;

#endif
