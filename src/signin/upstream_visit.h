#ifndef SIGNIN_UPSTREAM_VISIT_H
#define SIGNIN_UPSTREAM_VISIT_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "model/ids.h"

/*
 * A browser that is away at a provider: all of it is in a sealed cookie, so that nothing is stored,
 * and nobody but that browser can come back from there. The last visit that a browser began is the
 * one that counts.
 */
#define UPSTREAM_VISIT_COOKIE "__Host-thingward-upstream"
#define UPSTREAM_VISIT_LIFE_US (10 * 60 * US_PER_S)

struct upstream_visit {
	struct org_id org;
	struct provider_id provider;
	int64_t started_us;
	uint8_t seed[32]; /* secret */
	struct str ticket; /* where to go on; absent: nowhere */
};

/* What follows from the seed: `state` and `nonce` (OpenID Connect Core section 3.1.2.1), and the
 * verifier of RFC 7636 section 4.1 with its challenge. */
#define UPSTREAM_PROOF_SIZE 44 /* with the NUL */
enum upstream_proof { UPSTREAM_STATE, UPSTREAM_NONCE, UPSTREAM_VERIFIER };
void upstream_prove(char out[UPSTREAM_PROOF_SIZE], const struct upstream_visit *visit,
	enum upstream_proof what);
void upstream_challenge(char out[UPSTREAM_PROOF_SIZE], const struct upstream_visit *visit);

/* Into the arena. ERR_INVALID "ticket-invalid" unless the ticket is base64url. */
enum status upstream_visit_seal(struct str *out, const struct upstream_visit *visit,
	const struct keyring *ring, struct arena *arena, struct error *err) MUST_USE;
/* Into the arena. ERR_INVALID "visit-unknown" unless it is one of ours, UPSTREAM_VISIT_LIFE_US old
 * at most, and `state` is its own; absent ones are none. ERR_INTERNAL, ERR_NO_MEMORY. */
struct upstream_return {
	struct str cookie, state;
	int64_t now_us;
};
enum status upstream_visit_open(struct upstream_visit *out, const struct upstream_return *back,
	const struct keyring *ring, struct arena *arena, struct error *err) MUST_USE;

#endif
