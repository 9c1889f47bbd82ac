#ifndef SIGNIN_ENTRANCE_H
#define SIGNIN_ENTRANCE_H

#include "iam/people/persons.h"
#include "iam/people/sessions.h"
#include "signin/second_factor.h"

/*
 * What opens to who has been proved: a session; or, to a person who has a second factor and has not
 * proved it, the second step of a sign-in.
 */
struct proved {
	struct person_id person; /* or */
	struct principal_id principal;
	struct str email_normal; /* proved here; absent: it was not */
	struct str methods; /* RFC 8176, blanks between */
	bool second; /* of two factors */
	int64_t auth_us; /* when the first was proved, if not now */
	struct org_id only_org; /* of who came by an organisation's own provider … */
	struct uuid provider; /* … which sees to second factors itself */
	struct person rehash; /* by its password: as it was when that was verified */
	struct str phc; /* the better hash; absent: none */
};

/* The browser, and the issuer, where that is. */
struct entrance {
	struct workspace_id workspace;
	struct str agent; /* User-Agent */
	struct session_lives lives;
	struct first_factor_seal seal;
	const struct session *before; /* of who was signed in here until now; NULL: nobody */
};

struct entered {
	struct session session;
	struct secret_text secret; /* secret: of the session's cookie */
	struct str first; /* there is no session yet, but this for FIRST_FACTOR_COOKIE */
	struct str email_normal; /* of `proved`, if there is a session */
};

/* In a job, as an event in the issuer's organisation; signs out whoever was signed in before, if
 * that is another. ERR_FORBIDDEN "password-changed" since it was verified; "account-not-active":
 * the person is gone. */
enum status entrance_pass(struct entered *out, struct call *call, const struct entrance *at,
	const struct proved *proved, struct error *err) MUST_USE;

#endif
