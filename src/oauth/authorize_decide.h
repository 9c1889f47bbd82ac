#ifndef OAUTH_AUTHORIZE_DECIDE_H
#define OAUTH_AUTHORIZE_DECIDE_H

#include "iam/people/persons.h"
#include "iam/people/sessions.h"
#include "iam/tokens/consents.h"
#include "signin/ticket.h"

/*
 * What comes next for a good authorization request (OpenID Connect Core section 3.1.2.3 to
 * 3.1.2.4): pure. In this order: somebody is signed in, as freshly as is asked, under the account
 * that is meant, as well as is asked; acts somewhere; is who it has to be; and has consented. These
 * steps and their order are the protocol's, and so stand in its door; what a session opens, and
 * what a scope allows, are rules of other rooms that it asks.
 */
enum authorize_step {
	AUTHORIZE_REFUSE = 0, /* the client is told */
	AUTHORIZE_NOWHERE, /* the user is told: there is no organisation to act in */
	AUTHORIZE_SIGN_IN,
	AUTHORIZE_SELECT_ACCOUNT,
	AUTHORIZE_SECOND_FACTOR,
	AUTHORIZE_SELECT_ORGANISATION,
	AUTHORIZE_CONSENT,
	AUTHORIZE_ALLOW,
};

/* Who is signed in in this browser, and may act where. */
struct authorize_who {
	bool found;
	struct session session;
	bool has_second; /* a second factor to prove */
	const struct membership *memberships; /* of a person */
	size_t count;
	/* Who acts: what authorize_choose found; nil: nobody yet. */
	struct org_id org;
	struct principal_id principal;
	bool consented;
	struct consent consent; /* of who acts, to the client */
};

/*
 * Finds who acts: the end-user, or the person's member in the organisation that was named, or the
 * only one there is. `several` says that there are more to choose from.
 */
void authorize_choose(struct authorize_who *who, const struct ticket *ticket, bool *several);

/* As far as it goes without knowing what would be allowed: AUTHORIZE_CONSENT says that only this is
 * left. AUTHORIZE_REFUSE sets the error that the client is told. */
enum authorize_step authorize_decide(const struct ticket *ticket, const struct authorize_who *who,
	int64_t now_us, struct error *err) MUST_USE;

/* The rest: AUTHORIZE_ALLOW when `scope`, what would be allowed, was consented to. */
enum authorize_step authorize_decide_consent(const struct ticket *ticket,
	const struct authorize_who *who, struct str scope, struct error *err) MUST_USE;

#endif
