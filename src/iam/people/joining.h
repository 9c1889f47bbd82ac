#ifndef IAM_JOINING_H
#define IAM_JOINING_H

#include "iam/people/links.h"
#include "iam/people/persons.h"
#include "iam/principals/principals.h"

/*
 * How people come in: invited by somebody who may, or on their own where an organisation is open.
 * Either proves an address by a link that was sent there.
 */

/* Sends an invited member or end-user a link to come in by, instead of any that was sent before.
 * In the call that creates, or resends. `base_url`: of the installation. ERR_LIMIT
 * "too-many-mails"; ERR_CONFLICT "not-invited". */
enum status invitation_send(struct call *call, const struct principal *invited, struct str base_url,
	struct error *err) MUST_USE;

/* The same again, with a record of its own. */
enum status invitation_resend(struct call *call, const struct principal *invited,
	struct str base_url, struct error *err) MUST_USE;

/* What an invitation says to who opens it. */
struct invitation {
	struct link link;
	struct str org_name;
	struct str inviter; /* absent: nobody in particular */
	struct person person; /* of a member */
	bool new_account; /* whose person has none yet */
};
/* Reads only; as link_find. In an event. */
enum status invitation_find(
	struct invitation *out, struct call *call, struct str secret, struct error *err) MUST_USE;

/* Whether an organisation lets people join on their own, and its name; not found is not open. */
struct sign_up {
	struct org_id org;
	struct str name;
	bool open;
};
enum status sign_up_find(
	struct sign_up *out, struct call *call, struct org_id org, struct error *err) MUST_USE;

/* What somebody who holds a link brings along. */
struct joining {
	struct str secret; /* the link */
	struct person_id signed_in; /* in this browser; nil: nobody */
	struct str name, password; /* of a new account: PHC; absent otherwise */
};

/*
 * Uses the link up, makes the account where there is none, and the principal active. `call` is
 * what the door has set, not open; afterwards it is open as an event. ERR_NOT_FOUND as link_find;
 * ERR_UNAUTHENTICATED "sign-in-needed" when the account is there and nobody is signed in;
 * ERR_FORBIDDEN "wrong-person" when somebody else is; ERR_INVALID "account-incomplete" when name
 * or password is missing; ERR_FORBIDDEN "principal-not-active", "sign-up-closed".
 */
struct joined {
	struct principal principal;
	struct person person; /* of a member */
	struct link link;
};
enum status invitation_accept(struct joined *out, struct call *call, struct org_id org,
	const struct joining *joining, struct error *err) MUST_USE;
enum status sign_up_accept(struct joined *out, struct call *call, struct org_id org,
	const struct joining *joining, struct error *err) MUST_USE;

#endif
