#ifndef IAM_SIGNING_KEYS_H
#define IAM_SIGNING_KEYS_H

#include "crypto/sign.h"
#include "iam/call.h"

/*
 * The keys of an issuer: a workspace, or (nil, of the platform) the installation. Each is published
 * before it signs and after, as its tokens live; its private half is sealed under the master key.
 */

/* What a private key is sealed with beside the key: table, organisation, issuer and row. */
#define SIGNING_KEY_NAME_MAX 64
struct signing_key_name {
	char bytes[SIGNING_KEY_NAME_MAX];
};
struct str signing_key_name(struct signing_key_name *space, struct org_id org,
	struct workspace_id issuer, struct uuid key);

/*
 * Makes the issuer's first key of this algorithm, which signs at once: nobody can have asked for
 * its keys in vain before. Does nothing when there is one that signs. Not of RS256, which takes too
 * long to make for a job.
 */
enum status signing_keys_ensure(struct call *call, struct workspace_id issuer, enum sign_alg alg,
	struct error *err) MUST_USE;

#endif
