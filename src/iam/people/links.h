#ifndef IAM_LINKS_H
#define IAM_LINKS_H

#include "iam/call.h"

/*
 * What is sent by mail and works once: a secret "twl_…" that names organisation and link. Of the
 * same kind to the same address in one workspace (nil: the organisation) only the newest works.
 * Issuing and consuming are events. A link is for an account that is there, or for an address that
 * wants to sign up: nothing is ever written for other addresses.
 */
/* The numbers stand in the store: append only. */
enum link_kind {
	LINK_NONE = 0,
	LINK_SIGN_IN = 1,
	LINK_INVITATION = 2,
	LINK_RESET = 3,
	LINK_SIGN_UP = 4,
};
int64_t link_life_s(enum link_kind kind);

#define LINK_REQUEST_MAX 3072

struct link {
	struct link_id id;
	struct org_id org; /* of the call: nil for a person's sign-in or reset */
	enum link_kind kind;
	struct workspace_id workspace; /* of an end-user */
	struct principal_id principal; /* who is invited, or an end-user */
	struct person_id person;
	struct str email, email_normal;
	struct str browser; /* hash of what only the browser that asked knows; absent: any */
	struct str request; /* where to go on; absent: nowhere */
	int64_t created_us, expires_us, used_us;
};

/* The link without identifier, organisation and times. */
enum status link_issue(struct link *out, struct secret_text *secret, struct call *call,
	const struct link *draft, struct error *err) MUST_USE;

/*
 * The link that a secret proves, while it works. ERR_NOT_FOUND "link-unknown" (a newer one was
 * sent, it was taken back, or it is none), "link-used", "link-expired": who holds the secret may
 * know. The secret has to be of the call's organisation. Reads only.
 */
enum status link_find(struct link *out, struct call *call, enum link_kind kind, struct str secret,
	struct error *err) MUST_USE;

/* Uses it up: ERR_NOT_FOUND "link-used" when somebody else was faster. */
enum status link_consume(struct call *call, const struct link *link, struct error *err) MUST_USE;

#endif
