#ifndef SIGNIN_ACCESS_TOKEN_H
#define SIGNIN_ACCESS_TOKEN_H

#include "jose/jws.h"
#include "signin/signer.h"

/*
 * Makes the access tokens that signin/token.h proves: RFC 9068 with our own claims `sid` (the
 * family), `org`, `person`, and the generations `gen`, `cgen`, `pgen`. The audience is the
 * workspace (of the installation its base URL), and the resource that was asked for.
 */
struct access_token {
	struct token claims;
	struct str issuer;
};

#define ACCESS_TOKEN_MAX JWS_TOKEN_MAX

/* Appends the token. ERR_TOO_LARGE "jws-too-large": its scopes are too many. Threads: any. */
enum status access_token_issue(struct buf *out, const struct access_token *token,
	const struct signer *signer, struct error *err) MUST_USE;

#endif
