#ifndef IAM_SIGNING_KEYS_H
#define IAM_SIGNING_KEYS_H

#include "crypto/sign.h"
#include "iam/upkeep/seals.h"

/*
 * The keys of an issuer: a workspace, or (nil, of the platform) the installation. Each is published
 * before it signs and after, as its tokens live; its private half is sealed under the master key.
 */

/* What a private key is sealed with beside the key. */
struct str signing_key_name(
	struct seal_name *space, struct org_id org, struct workspace_id issuer, struct uuid key);

struct signing_key_draft {
	struct org_id org;
	struct workspace_id issuer;
	enum sign_alg alg;

	/* Set by signing_key_make. */
	struct uuid id;
	struct str public_key; /* a JWK */
	struct str private_key; /* sealed */
};

/* Makes a key, which for RS256 takes too long for a job that changes something. Into `arena`. */
enum status signing_key_make(struct signing_key_draft *draft, const struct keyring *ring,
	struct arena *arena, struct error *err) MUST_USE;

/*
 * Keeps the issuer's first key of this algorithm, which signs at once: nobody can have asked for
 * its keys in vain before. Does nothing when there is one that signs.
 */
enum status signing_key_ensure(
	struct call *call, const struct signing_key_draft *draft, struct error *err) MUST_USE;
/* Keeps one in this state, with a record. */
enum status signing_key__keep(struct call *call, const struct signing_key_draft *draft,
	enum key_state state, struct error *err) MUST_USE;

#endif
