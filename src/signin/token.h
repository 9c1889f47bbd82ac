#ifndef SIGNIN_TOKEN_H
#define SIGNIN_TOKEN_H

#include "iam/call.h"
#include "signin/credential.h"

/*
 * Our own access tokens: JWTs of the profile of RFC 9068, verified as its section 4 says against
 * the keys of the issuer that they name, which has to be one of this installation. A signature is
 * verified once on each thread; expiry, refusal, generations and the state of key, client,
 * principal, person and workspace are looked at each time, in live views.
 */

/* Whether a text has the form of such a token: three parts. */
bool token_is_jwt(struct str text);

/*
 * What a token says, if it holds now; `*principal` is its holder. ERR_UNAUTHENTICATED, with one
 * public text for every reason; while `misses` names what has still to be loaded the answer means
 * nothing and `err` is left empty. ERR_NO_MEMORY, ERR_INTERNAL: it was not looked at. Its texts lie
 * in the arena. Inside directory_enter/leave. No lock. Threads: any.
 */
enum status signin_token(struct token *out, const struct principal_view **principal,
	const struct signin *signin, const struct proof *proof, struct misses *misses,
	struct error *err) MUST_USE;

#endif
