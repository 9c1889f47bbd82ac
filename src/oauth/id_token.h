#ifndef OAUTH_ID_TOKEN_H
#define OAUTH_ID_TOKEN_H

#include "iam/tokens/family_tokens.h"
#include "iam/tokens/profiles.h"
#include "signin/signer.h"

/* ID tokens (OpenID Connect Core section 2), and the claims about a user that stand in them and in
 * the answer of UserInfo. */
struct id_token {
	struct str issuer;
	const struct family_row *family;
	const struct profile *profile;
	struct str access_token; /* that comes with it */
	int64_t issued_us, expires_us;
	bool first; /* given for a code, whose nonce it then has */
};

/* Appends it. ERR_TOO_LARGE. Threads: any. */
enum status id_token_issue(struct buf *out, const struct id_token *token,
	const struct signer *signer, struct error *err) MUST_USE;

/* Which claims beside `sub` a client is told: by scopes (profile, email), or because the parameter
 * `claims` names them for `place`, "id_token" or "userinfo" (section 5.5). */
struct claims_wanted {
	bool name, email;
};
struct claims_wanted claims_wanted(struct str scope, struct str claims, const char *place);
void claims_write(
	struct json_writer *w, const struct profile *profile, struct claims_wanted wanted);

#endif
