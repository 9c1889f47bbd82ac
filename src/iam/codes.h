#ifndef IAM_CODES_H
#define IAM_CODES_H

#include "base/clock.h"
#include "iam/call.h"

/*
 * Authorization codes (RFC 6749 section 4.1.2): what a user allowed a client, for a minute and one
 * exchange. Issuing one is an event.
 */
#define CODE_LIFE_US (60 * US_PER_S)

/* Texts are absent where nothing was stated. */
struct code_draft {
	struct workspace_id workspace; /* nil: of the installation's issuer */
	struct org_id client_org;
	struct principal_id client;
	struct principal_id principal; /* of the call's organisation: the `sub` */
	struct person_id person; /* of a member; nil otherwise */
	struct org_id session_org; /* of the session: the issuer's */
	struct session_id session;
	struct str redirect_uri;
	bool redirect_stated; /* then it has to be stated again */
	struct str challenge; /* S256 */
	struct str scope; /* as it was asked for; what it comes to is found when it is exchanged */
	struct str resource, nonce;
	struct str claims; /* JSON */
	struct str methods;
	int64_t auth_us;
};

/* The secret goes to the client alone, once, and only after the commit. `issued` false: the session
 * has ended meanwhile. */
enum status code_issue(struct secret_text *out, bool *issued, struct call *call,
	const struct code_draft *draft, struct error *err) MUST_USE;

#endif
