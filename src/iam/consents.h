#ifndef IAM_CONSENTS_H
#define IAM_CONSENTS_H

#include "iam/call.h"

/* What a user has allowed a client to have: scopes with blanks between, until it is withdrawn. Of
 * one principal and one client there is one, to which later ones are added. */
struct consent {
	struct principal_id principal, client;
	struct str scope;
	int64_t given_us;
};

#define CONSENT_SCOPE_MAX ((size_t)8 * 1024)

enum status consent_find(struct consent *out, bool *found, struct call *call,
	struct principal_id principal, struct principal_id client, struct error *err) MUST_USE;

/* Adds scopes to what was allowed before. In a call that is open as the principal. ERR_LIMIT. */
enum status consent_give(struct call *call, struct principal_id principal,
	struct principal_id client, struct str scope, struct error *err) MUST_USE;

/* Taking back what is not there changes nothing. */
enum status consent_withdraw(struct call *call, struct principal_id principal,
	struct principal_id client, struct error *err) MUST_USE;

#endif
