#include "oauth/id_token.h"

#include "iam/tokens/scopes_of_token.h"
#include "jose/jwt.h"
#include "signin/acr.h"
#include "json/json.h"

struct claims_wanted
claims_wanted(struct str scope, struct str claims, const char *place)
{
	struct claims_wanted wanted = {
		.name = scope_has(scope, STR("profile")),
		.email = scope_has(scope, STR("email")),
	};
	struct error ignored = {0};
	struct json *doc = NULL;
	if (claims.ptr && json_parse(&doc, claims, JSON_LIMITS_DEFAULT, &ignored) == OK) {
		const struct json *named = json_get(doc, place);
		wanted.name = wanted.name || json_get(named, "name");
		wanted.email = wanted.email || json_get(named, "email") ||
			json_get(named, "email_verified");
	}
	json_free(&doc);
	return wanted;
}

void
claims_write(struct json_writer *w, const struct profile *profile, struct claims_wanted wanted)
{
	if (wanted.name && profile->name.len)
		jw_str(w, "name", profile->name);
	if (wanted.email && profile->email.len) {
		jw_str(w, "email", profile->email);
		jw_bool(w, "email_verified", profile->email_verified);
	}
}

/* Section 3.1.3.6: the left half of the hash that the algorithm of the signature goes with. */
static void
write_at_hash(struct json_writer *w, struct str access_token, enum sign_alg alg)
{
	uint8_t hash[SHA256_LEN];
	char text[SHA256_LEN];
	if (alg == SIGN_EDDSA) /* goes with SHA-512; and nobody has to be told */
		return;
	crypto_sha256(hash, access_token.ptr, access_token.len);
	size_t len = crypto_base64url(text, sizeof(text), hash, SHA256_LEN / 2);
	jw_str(w, "at_hash", (struct str){text, len});
}

static void
write_authentication(struct json_writer *w, const struct family_row *family)
{
	struct str methods = family->methods;
	jw_int(w, "auth_time", family->auth_us / US_PER_S);
	jw_str(w, "acr", acr_of_methods(methods));
	jw_array(w, "amr");
	while (methods.len) {
		struct str method = str_cut(&methods, ' ');
		if (method.len)
			jw_str(w, NULL, method);
	}
	jw_end_array(w);
}

static void
write_claims(struct json_writer *w, const struct id_token *token, enum sign_alg alg)
{
	const struct family_row *family = token->family;
	char sub[UUID_TEXT_LEN + 1], client[UUID_TEXT_LEN + 1], sid[UUID_TEXT_LEN + 1];
	uuid_format(sub, family->principal.id);
	uuid_format(client, family->client.id);
	uuid_format(sid, family->id.id);
	const struct jwt_claims registered = {
		.iss = token->issuer,
		.sub = str_from(sub),
		.aud = {str_from(client)},
		.aud_count = 1,
		.exp_us = token->expires_us,
		.iat_us = token->issued_us,
	};
	jwt_claims_write(w, &registered);
	jw_z(w, "azp", client);
	jw_z(w, "sid", sid);
	if (token->first && family->nonce.ptr)
		jw_str(w, "nonce", family->nonce);
	write_authentication(w, family);
	write_at_hash(w, token->access_token, alg);
	claims_write(w, token->profile, claims_wanted(family->scope, family->claims, "id_token"));
}

enum status
id_token_issue(struct buf *out, const struct id_token *token, const struct signer *signer,
	struct error *err)
{
	char space[JWS_TOKEN_MAX];
	struct json_writer w;
	struct buf payload;

	buf_init_fixed(&payload, space, sizeof(space));
	jw_init(&w, &payload);
	jw_object(&w, NULL);
	write_claims(&w, token, sign_key_public(signer->key)->alg);
	jw_end_object(&w);
	if (payload.failed)
		return error_set(err, ERR_TOO_LARGE, "jws-too-large",
			"The token is too large: it holds more than fits into one.");
	return jws_sign(
		out, signer->key, STR("JWT"), str_from(signer->kid), buf_view(&payload), err);
}
