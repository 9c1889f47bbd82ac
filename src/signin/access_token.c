#include "signin/access_token.h"

#include "jose/jwt.h"

static void
write_registered(struct json_writer *w, const struct access_token *token)
{
	const struct token *claims = &token->claims;
	char sub[UUID_TEXT_LEN + 1], jti[UUID_TEXT_LEN + 1], workspace[UUID_TEXT_LEN + 1];
	uuid_format(sub, claims->principal.id);
	uuid_format(jti, claims->id);
	uuid_format(workspace, claims->workspace.id);
	bool installation = uuid_is_nil(claims->workspace.id);
	const struct jwt_claims registered = {
		.iss = token->issuer,
		.sub = {sub, UUID_TEXT_LEN},
		.jti = {jti, UUID_TEXT_LEN},
		.aud = {installation ? token->issuer : (struct str){workspace, UUID_TEXT_LEN},
			claims->resource},
		.aud_count = claims->resource.ptr ? 2 : 1,
		.exp_us = claims->expires_us,
		.iat_us = claims->issued_us,
	};
	jwt_claims_write(w, &registered);
}

static void
write_own(struct json_writer *w, const struct token *claims)
{
	jw_id(w, "client_id", claims->client.id);
	if (claims->scope.len)
		jw_str(w, "scope", claims->scope);
	if (!uuid_is_nil(claims->family))
		jw_id(w, "sid", claims->family);
	if (uuid_is_nil(claims->workspace.id))
		jw_id(w, "org", claims->org.id);
	jw_int(w, "gen", claims->generation);
	jw_int(w, "cgen", claims->client_generation);
	if (!uuid_is_nil(claims->person.id)) {
		jw_id(w, "person", claims->person.id);
		jw_int(w, "pgen", claims->person_generation);
	}
}

enum status
access_token_issue(struct buf *out, const struct access_token *token, const struct signer *signer,
	struct error *err)
{
	char space[JWS_TOKEN_MAX];
	struct json_writer w;
	struct buf payload;

	buf_init_fixed(&payload, space, sizeof(space));
	jw_init(&w, &payload);
	jw_object(&w, NULL);
	write_registered(&w, token);
	write_own(&w, &token->claims);
	jw_end_object(&w);
	if (payload.failed)
		return error_set(err, ERR_TOO_LARGE, "jws-too-large",
			"The token is too large: it holds more than fits into one.");
	return jws_sign(
		out, signer->key, STR("at+jwt"), str_from(signer->kid), buf_view(&payload), err);
}
