#ifndef TESTS_UNIT_JOSE_SUPPORT_H
#define TESTS_UNIT_JOSE_SUPPORT_H

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "check.h"
#include "crypto/crypto.h"
#include "jose/jwk.h"
#include "jose/jws.h"

/* The one key of a set. */
static inline struct jwk_set *
one_key(const char *json)
{
	struct error err = {0};
	struct jwk_set *set = NULL;
	assert_int_equal(jwk_set_parse(&set, str_from(json), &err), OK);
	assert_int_equal(jwk_set_count(set), 1);
	return set;
}

/* Appends the base64url of bytes. */
static inline void
put_encoded(struct buf *out, struct str bytes)
{
	char *text = malloc(bytes.len * 2 + 4);
	assert_non_null(text);
	buf_append(out, text, crypto_base64url(text, bytes.len * 2 + 4, bytes.ptr, bytes.len));
	free(text);
}

/* A token with any header and payload, signed as the bytes say. */
static inline void
forge(struct buf *out, const struct sign_key *key, struct str header, struct str payload)
{
	uint8_t signature[SIGNATURE_MAX];
	size_t len = 0;
	struct error err = {0};
	buf_reset(out);
	put_encoded(out, header);
	buf_char(out, '.');
	put_encoded(out, payload);
	assert_int_equal(sign_key_sign(signature, &len, key, buf_view(out), &err), OK);
	buf_char(out, '.');
	put_encoded(out, (struct str){(const char *)signature, len});
	assert_false(out->failed);
}

#endif
