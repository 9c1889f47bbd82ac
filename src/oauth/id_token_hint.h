#ifndef OAUTH_ID_TOKEN_HINT_H
#define OAUTH_ID_TOKEN_HINT_H

#include "jose/jwt.h"
#include "oauth/exchange.h"

/*
 * An ID token that this issuer gave and that comes back as a hint (OpenID Connect Core section
 * 3.1.2.1, RP-Initiated Logout section 2). It proves who was meant and nothing more, however old it
 * is.
 */
struct id_token {
	struct str subject;
	struct jwt_claims claims;
};

/* ERR_INVALID "invalid_request": none of this issuer's, or of a key that it no longer has. ERR_BUSY
 * while something is missed. Its texts lie in the arena of the request. */
enum status id_token_hint_verify(
	struct id_token *out, struct exchange *x, struct str hint, struct error *err) MUST_USE;

#endif
