#ifndef IAM_FAMILY_TOKENS_H
#define IAM_FAMILY_TOKENS_H

#include "base/clock.h"
#include "iam/call.h"

/*
 * The refresh tokens of a family (iam/tokens/families.h): each is used once and followed by
 * another, and one is live at a time. Beginning a family and rotating its token are events; the
 * calls are those of the organisation that the token, or the code before it, names.
 */
#define FAMILY_GRACE_US (30 * US_PER_S)

/* Texts are absent where nothing was stated. */
struct family_row {
	struct family_id id;
	struct workspace_id workspace; /* nil: of the installation's issuer */
	struct org_id client_org;
	struct principal_id client;
	struct principal_id principal; /* the `sub` */
	struct person_id person; /* of a member; nil otherwise */
	int64_t generation, client_generation, person_generation; /* when it began */
	struct session_id session; /* of the browser; nil: none */
	struct uuid provider; /* that session's, when it begins; nil: none */
	struct str scope; /* as it was asked for: what it comes to is found for each token */
	struct str resource, nonce;
	struct str claims; /* JSON */
	struct str methods;
	int64_t auth_us;
	int64_t created_us, used_us; /* used: when its token was last rotated */
	int64_t expires_us; /* unless it is used before; of one that was read */
};

/* How long it lives without use, and in all. */
struct family_lives {
	int64_t idle_s, absolute_s;
};

/* Begins one as `family` says, but for its times, which are set. The token goes to the client
 * alone, once, and only after the commit. */
enum status family_begin(struct family_row *family, struct secret_text *token, struct call *call,
	struct family_lives lives, struct error *err) MUST_USE;

/* What came, and from whom. */
struct family_presented {
	struct str token;
	struct org_id client_org;
	struct principal_id client;
	struct workspace_id workspace;
	struct family_lives lives;
};

/* What a token is that was presented. */
enum family_token {
	FAMILY_TOKEN_NONE = 0, /* of no live family of this client */
	FAMILY_TOKEN_LIVE,
	FAMILY_TOKEN_AGAIN, /* the one before, within the grace: its answer may have been lost */
	FAMILY_TOKEN_OTHER, /* names the family, and is neither: see family_token_was_ours */
};

struct family_rotation {
	enum family_token kind;
	struct family_row family; /* unless it is FAMILY_TOKEN_NONE, as is what follows */
	int64_t revision; /* of the organisation, then */
	struct secret_text next; /* secret; of a live one and of the one before: what follows it */
	/* Of the live token, as it is stored. */
	uint8_t hash[SHA256_LEN];
	int pepper, previous_pepper;
	int64_t rotations;
};

/* What the token is; one that is live is followed by the next. Texts lie in call->arena. */
enum status family_rotate(struct family_rotation *out, struct call *call,
	const struct family_presented *presented, struct error *err) MUST_USE;

/* The same, and nothing is written; in a reading transaction as well. */
enum status family_look(struct family_rotation *out, struct call *call,
	const struct family_presented *presented, struct error *err) MUST_USE;

/* Whether the live token follows from this one: then it was given once, and two have used it. Up
 * to FAMILY_STEPS_MAX hashes, so not within a job. Pure. */
#define FAMILY_STEPS_MAX 4096
bool family_token_was_ours(
	const struct family_rotation *found, const struct keyring *ring, struct str token);

/* The parameter `claims` of the request that it began with; absent: none, or it is gone. */
enum status family_claims_load(
	struct str *out, struct call *call, struct family_id id, struct error *err) MUST_USE;

#endif
