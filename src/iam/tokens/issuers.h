#ifndef IAM_ISSUERS_H
#define IAM_ISSUERS_H

#include "iam/call.h"

/* An issuer as its pages show it: a workspace's, or the installation's. */
struct issuer {
	struct org_id org; /* nil: of the installation */
	struct workspace_id workspace;
	struct str name, org_name; /* of the workspace and of its organisation */
	bool active; /* both are */
};

/* Of a workspace; `found` false when there is none, or it is deleted. Reads only; in any call. */
enum status issuer_find(struct issuer *out, bool *found, struct call *call,
	struct workspace_id workspace, struct error *err) MUST_USE;

/* What a scope lets do, in words: of OpenID Connect, of the catalogue, of the call's organisation
 * and the workspace (nil: none). The name itself where nobody has described it. */
enum status scope_describe(struct str *out, struct call *call, struct workspace_id workspace,
	struct str name, struct error *err) MUST_USE;

#endif
