#include "oauth/id_token_hint.h"

#include "jose/jwk.h"

static enum status
refuse(struct error *err)
{
	return oauth__refuse(
		err, "invalid_request", "id_token_hint is no ID token of this issuer.");
}

static const struct signing_key_view *
find_key(const struct keys_view *keys, struct str kid)
{
	struct uuid id;
	if (!uuid_parse(kid, &id))
		return NULL;
	for (uint32_t i = 0; i < keys->count; i++)
		if (uuid_eq(keys->keys[i].id, id))
			return &keys->keys[i];
	return NULL;
}

static bool
is_signed(const struct jws *jws, const struct keys_view *keys)
{
	struct jwk_set *set = NULL;
	struct error why = {0};
	const struct signing_key_view *key = find_key(keys, jws->kid);
	bool good = key && jwk_set_parse(&set, key->public_key, &why) == OK &&
		jwk_set_count(set) == 1 && jws_verify(jws, jwk_set_at(set, 0)->key, &why) == OK;
	jwk_set_free(&set);
	return good;
}

/* Access tokens and logout tokens of this issuer say of what type they are. */
static bool
is_id_token(const struct jws *jws)
{
	return !jws->typ.ptr || jws_typ_is(jws->typ, STR("jwt"));
}

enum status
id_token_hint_verify(struct id_token *out, struct exchange *x, struct str hint, struct error *err)
{
	struct jws jws;
	struct error why = {0};
	struct arena *arena = http_arena(x->http);

	*out = (struct id_token){0};
	const struct keys_view *keys =
		directory_keys(x->signin->directory, x->org->id, x->workspace, x->misses);
	if (x->misses->count)
		return error_set(err, ERR_BUSY, "not-loaded", "The keys are not loaded yet.");
	if (!keys || jws_parse(&jws, arena, hint, &why) != OK || !is_id_token(&jws) ||
		!is_signed(&jws, keys) ||
		jwt_claims_parse(&out->claims, arena, jws.payload, &why) != OK ||
		!str_eq(out->claims.iss, x->issuer) || !out->claims.sub.ptr)
		return refuse(err);
	out->subject = out->claims.sub;
	return OK;
}
