#ifndef IAM_CODES_H
#define IAM_CODES_H

#include "iam/tokens/family_tokens.h"

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
	struct uuid provider; /* that it began with; nil: none */
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

/* What came to be exchanged, and from whom. */
struct code_presented {
	struct str code;
	struct org_id client_org;
	struct principal_id client;
	struct workspace_id workspace;
	struct str redirect_uri; /* absent: not stated */
	struct str verifier; /* of PKCE; absent: none */
	struct str resource; /* absent: that of the request */
	struct family_id family; /* that is to begin with it */
};

enum code_kind {
	CODE_NONE = 0, /* none of this client, or not with these proofs, or past its end */
	CODE_ELSEWHERE, /* good, but asked for with another resource; it is still to be used */
	CODE_GOOD, /* used now; once */
	CODE_USED, /* a second time: what it gave has to end */
};

struct code_exchange {
	enum code_kind kind;
	struct family_row family; /* of a good one: to be begun */
	struct family_id given; /* of a used one: that it began, or nil */
};

/*
 * Exchanges a code (RFC 6749 section 4.1.3, RFC 7636 section 4.6) if it is its client's, within its
 * life, with the address it was asked for with, and the verifier of its challenge, of which neither
 * may be there without the other; and if its user, and the session in which he allowed it, are
 * still there. An event. Texts lie in call->arena.
 */
enum status code_exchange(struct code_exchange *out, struct call *call,
	const struct code_presented *presented, struct error *err) MUST_USE;

/* Whether `verifier` has the form of RFC 7636 section 4.1 and is that of an S256 challenge. */
bool code_verifier_fits(struct str verifier, struct str challenge);

#endif
