#ifndef IAM_IDENTITIES_H
#define IAM_IDENTITIES_H

#include "iam/people/persons.h"
#include "iam/principals/principals.h"
#include "iam/providers/sync.h"

/*
 * Who a provider says that somebody is. An identity is (provider, subject) and nothing else; an
 * address counts only at the first sign-in, when it is verified:
 *
 * - of a domain that the organisation lets the provider link, it names a person of the
 *   installation. One who is a member already, or invited, is linked;
 * - of any other, it names nobody but an account of this organisation's own, which no other sign-in
 *   finds: a provider that an organisation set up says nothing about accounts elsewhere. Nobody is
 *   invited, or joins, by that address as long as this one is a member.
 *
 * Whoever is no member becomes one where organisation and provider are open for signing up. What
 * the provider says later changes the identity, never a person.
 */
#define IDENTITY_SUBJECT_MAX 255
struct identity_claims {
	struct str subject;
	struct str email; /* absent: none */
	bool email_verified;
	struct str name; /* absent: none */
	struct provider_groups groups;
};

struct identity_sign_in {
	struct org_id org;
	struct provider_id provider;
	int64_t changed; /* of the provider whose word it is */
	struct identity_claims claims;
};

struct identified {
	struct principal member;
	struct person person;
	bool new_member;
};

/*
 * Finds, links or makes the member, and gives him what the provider's groups give. `call` is what
 * the door has set, not open; afterwards it is open as an event on the platform, for the session,
 * and the change is closed. The actor of all that is recorded is the provider.
 *
 * ERR_NOT_FOUND "provider-not-found"; ERR_CONFLICT "provider-changed" meanwhile: begin again.
 * ERR_FORBIDDEN, for the eyes of who signed in there: "address-not-verified", "address-in-use" (of
 * a member who may not be linked), "sign-up-closed", "principal-not-active", "account-not-active".
 */
enum status identity_accept(struct identified *out, struct call *call,
	const struct identity_sign_in *sign_in, struct error *err) MUST_USE;

#endif
