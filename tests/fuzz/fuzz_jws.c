/* Tokens as they come in: the input as a token, as the header of one, and as its claims. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "crypto/crypto.h"
#include "fuzz.h"
#include "jose/jwk.h"
#include "jose/jwt.h"

#define MEMORY_MAX ((size_t)1 << 20)

static bool
same(struct str a, struct str b)
{
	return a.ptr ? str_eq(a, b) : !b.ptr;
}

static const struct verify_key *
key_of(enum sign_alg alg)
{
	static struct jwk_set *set;
	struct error err = {0};
	if (!set) {
		struct str keys = STR(
			"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"f83OJ3D2xF1Bg8vub9tLe"
			"1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5"
			"a0\"},{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7"
			"hcvPapiMlrwIaaPcHURo\"}]}");
		require(crypto_init(&err) == OK && jwk_set_parse(&set, keys, &err) == OK);
	}
	return jwk_set_find(set, alg, (struct str){0});
}

/* What is written of claims that were accepted is accepted, and says the same in whole seconds. */
static void
check_claims(struct arena *arena, struct str payload)
{
	struct jwt_claims first, second;
	struct error err = {0};
	struct json_writer w;
	struct buf text;
	if (jwt_claims_parse(&first, arena, payload, &err) != OK) {
		require(err.status == ERR_UNAUTHENTICATED);
		return;
	}
	buf_init(&text, MEMORY_MAX);
	jw_init(&w, &text);
	jw_object(&w, NULL);
	jwt_claims_write(&w, &first);
	jw_end_object(&w);
	require(!text.failed && jwt_claims_parse(&second, arena, buf_view(&text), &err) == OK);
	require(same(first.iss, second.iss) && same(first.sub, second.sub) &&
		same(first.jti, second.jti) && first.aud_count == second.aud_count);
	for (size_t i = 0; i < first.aud_count; i++)
		require(same(first.aud[i], second.aud[i]) && jwt_has_aud(&second, first.aud[i]));
	require(first.exp_us / US_PER_S * US_PER_S == second.exp_us && first.exp_us >= 0);
	require(first.nbf_us / US_PER_S * US_PER_S == second.nbf_us && first.nbf_us >= 0);
	require(first.iat_us / US_PER_S * US_PER_S == second.iat_us && first.iat_us >= 0);
	buf_clear(&text);
}

static void
check_token(struct arena *arena, struct str token)
{
	struct jws jws;
	struct error err = {0}, why = {0};
	if (jws_parse(&jws, arena, token, &err) != OK) {
		require(err.status == ERR_UNAUTHENTICATED);
		return;
	}
	require(jws.alg != SIGN_ALG_NONE && token.len <= JWS_TOKEN_MAX);
	require(jws.typ.len <= JWS_TYP_MAX && jws.kid.len <= JWS_KID_MAX);
	require(jws.signed_text.ptr == token.ptr && jws.signed_text.len < token.len);
	/* By a key of another algorithm never, whatever the signature is. */
	enum sign_alg other = jws.alg == SIGN_ES256 ? SIGN_EDDSA : SIGN_ES256;
	require(jws_verify(&jws, key_of(other), &err) == ERR_UNAUTHENTICATED);
	const struct verify_key *key = key_of(jws.alg);
	if (key && jws_verify(&jws, key, &why) != OK)
		require(why.status == ERR_UNAUTHENTICATED);
	check_claims(arena, jws.payload);
}

static void
check_header(struct arena *arena, struct str header)
{
	size_t size = header.len * 2 + 32;
	char *token = malloc(size);
	require(token != NULL);
	size_t len = crypto_base64url(token, size, header.ptr, header.len);
	memcpy(token + len, ".e30.AAAA", 9);
	check_token(arena, (struct str){token, len + 9});
	free(token);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena *arena = arena_new(MEMORY_MAX);
	require(arena != NULL);
	check_token(arena, text);
	if (size <= JWS_TOKEN_MAX) {
		check_claims(arena, text);
		check_header(arena, text);
	}
	arena_free(&arena);
	return 0;
}
