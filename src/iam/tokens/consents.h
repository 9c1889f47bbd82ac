#ifndef IAM_CONSENTS_H
#define IAM_CONSENTS_H

#include "iam/people/sessions.h"

/* What a user has allowed a client to have: scopes with blanks between, until it is withdrawn. Of
 * one principal and one client there is one, to which later ones are added. */
struct consent {
	struct org_id org; /* of the principal */
	struct principal_id principal, client;
	struct str scope;
	int64_t given_us;
	struct str org_name, client_name; /* in lists; the organisation's in those of persons */
};

#define CONSENT_SCOPE_MAX ((size_t)8 * 1024)
#define CONSENTS_LISTED_MAX 100

/* All of a person, in every organisation, in a call on the platform; or of a principal in its own.
 * By the names of the clients, CONSENTS_LISTED_MAX at most. */
enum status consent_list(struct consent **out, size_t *count, struct call *call,
	struct session_owner owner, struct error *err) MUST_USE;

enum status consent_find(struct consent *out, bool *found, struct call *call,
	struct principal_id principal, struct principal_id client, struct error *err) MUST_USE;

/* Adds scopes to what was allowed before. In a call that is open as the principal. ERR_LIMIT. */
enum status consent_give(struct call *call, struct principal_id principal,
	struct principal_id client, struct str scope, struct error *err) MUST_USE;

/* What the client was given by it ends as well, at once. Taking back what is not there changes
 * nothing. */
enum status consent_withdraw(struct call *call, struct principal_id principal,
	struct principal_id client, struct error *err) MUST_USE;

#endif
