#ifndef SIGNIN_SIGNER_H
#define SIGNIN_SIGNER_H

#include "signin/credential.h"

/*
 * The key that signs for an issuer now, opened once for each view of its keys and closed with it:
 * no private key is held longer than it is published. Inside directory_enter/leave, and borrowed
 * until then. Threads: any.
 */
struct signer {
	const struct sign_key *key;
	char kid[UUID_TEXT_LEN + 1];
};

/* ERR_NOT_FOUND "no-signing-key": none of this algorithm signs; it has to be made
 * (signing_keys_ensure). ERR_CORRUPT: the seal does not open, or holds something else. */
enum status signer_open(struct signer *out, const struct signin *signin,
	const struct keys_view *keys, enum sign_alg alg, struct error *err) MUST_USE;

#endif
