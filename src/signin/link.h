#ifndef SIGNIN_LINK_H
#define SIGNIN_LINK_H

#include "iam/people/links.h"
#include "signin/credential.h"

/*
 * Links that are asked for by who has not signed in: made and mailed behind the answer, which is
 * the same at the same time whether there is such an account or not. For no account there is no
 * link, no mail, and no row.
 */
struct link_desk; /* owned; freed once the store is closed */

enum status link_desk_new(struct link_desk **out, struct store *store, struct error *err) MUST_USE;
void link_desk_free(struct link_desk **desk);

struct link_wish {
	enum link_kind kind; /* SIGN_IN, RESET or SIGN_UP */
	struct workspace_id issuer; /* nil: the installation */
	struct org_id org; /* of the workspace, or of who signs up; nil otherwise */
	struct str email, email_normal;
	struct str browser; /* a digest; absent: none */
	bool known; /* it has been used to sign in so before */
	struct str request; /* where to go on: a ticket; absent: nowhere */
	struct str client; /* its name, for the mail; absent: none */
	struct str address;
};

/* Everything is copied. ERR_BUSY "overloaded" when too many wait; ERR_NO_MEMORY. Threads: any. */
enum status link_wish_for(struct link_desk *desk, const struct signin *signin,
	const struct link_wish *wish, struct error *err) MUST_USE;

/*
 * Signs in by a link: uses it up, and whoever was invited is active from now on. In a call that is
 * open as an event in the organisation of the link; `issuer` as in the wish. ERR_NOT_FOUND as
 * link_find; ERR_FORBIDDEN when the account is not active any more.
 */
enum status link_sign_in(struct link *out, struct call *call, struct workspace_id issuer,
	struct str secret, struct error *err) MUST_USE;

#endif
