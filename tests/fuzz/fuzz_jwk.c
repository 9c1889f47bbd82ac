/* Key sets as they come in. What is accepted of one is written, read again, and the same. */
#include <string.h>

#include "crypto/crypto.h"
#include "fuzz.h"
#include "jose/jwk.h"

static void
check_key(const struct jwk *jwk)
{
	const struct public_key *key = verify_key_public(jwk->key);
	struct jwk_set *again = NULL;
	struct error err = {0};
	struct json_writer w;
	struct buf text;
	buf_init(&text, 1 << 16);
	jw_init(&w, &text);
	jwk_write(&w, NULL, key, jwk->kid);
	require(!text.failed && jwk_set_parse(&again, buf_view(&text), &err) == OK);
	require(jwk_set_count(again) == 1);
	const struct jwk *read = jwk_set_at(again, 0);
	require(memcmp(verify_key_public(read->key), key, sizeof(*key)) == 0);
	require(jwk->kid.ptr ? str_eq(read->kid, jwk->kid) : !read->kid.ptr);
	jwk_set_free(&again);
	buf_clear(&text);
}

/* No signature is nobody's. */
static void
check_signature(const struct verify_key *key)
{
	static const char zeros[SIGNATURE_MAX];
	struct error err = {0};
	const struct public_key *public = verify_key_public(key);
	size_t len = public->alg == SIGN_RS256 ? public->first_len : 64;
	if (public->alg != SIGN_EDDSA)
		require(verify_key_check(key, STR("m"), (struct str){zeros, len}, &err) ==
			ERR_UNAUTHENTICATED);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct error err = {0};
	struct jwk_set *set = NULL;
	require(crypto_init(&err) == OK);
	if (jwk_set_parse(&set, (struct str){(const char *)data, size}, &err) != OK)
		return 0;
	require(jwk_set_count(set) + (jwk_set_first_skipped(set) > 0) <= 32);
	for (size_t i = 0; i < jwk_set_count(set); i++) {
		const struct jwk *jwk = jwk_set_at(set, i);
		require(!jwk->kid.ptr ||
			jwk_set_find(set, verify_key_public(jwk->key)->alg, jwk->kid));
		check_key(jwk);
		check_signature(jwk->key);
	}
	jwk_set_free(&set);
	return 0;
}
