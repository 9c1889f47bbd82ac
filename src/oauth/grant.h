#ifndef OAUTH_GRANT_H
#define OAUTH_GRANT_H

#include "base/clock.h"
#include "iam/tokens/scopes_of_token.h"
#include "oauth/client_auth.h"
#include "signin/access_token.h"

/* The grants of the token endpoint; each is run once the client is known. */
typedef enum status grant_run(struct exchange *x, const struct client *client, struct error *err);
grant_run oauth__grant_client_credentials, oauth__grant_code, oauth__grant_refresh;

/* An access token, its type and its life, as members of the answer being written; the token by
 * itself is in `text`, which holds ACCESS_TOKEN_MAX bytes. */
enum status oauth__write_access_token(struct json_writer *w, struct buf *text, struct exchange *x,
	const struct access_token *token, enum sign_alg alg, struct error *err) MUST_USE;

/* The answer of the token endpoint. */
#define TOKEN_ANSWER_MAX ((size_t)48 * 1024)

/* RFC 8707: one resource, an absolute URI without fragment. Absent when none was asked for.
 * ERR_INVALID "invalid_target". */
enum status oauth__resource(struct str *out, struct exchange *x, struct error *err) MUST_USE;

#endif
