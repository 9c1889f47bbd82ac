#ifndef CRYPTO_CRYPTO_H
#define CRYPTO_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

#define SHA256_LEN 32

/* What can go wrong with the library does so in crypto_init, which stands at start-up and may be
 * called again; afterwards only what returns a status can fail. Threads: any; contexts are
 * kept per thread, and hashing allocates nothing. */
enum status crypto_init(struct error *err) MUST_USE;

void crypto_sha256(uint8_t out[SHA256_LEN], const void *bytes, size_t len);

/* Of several pieces in order. */
struct crypto_piece {
	const void *bytes;
	size_t len;
};
void crypto_sha256_pieces(uint8_t out[SHA256_LEN], const struct crypto_piece *pieces, size_t count);

/* SHA-512, for what goes with Ed25519 alone; it allocates. */
#define SHA512_LEN 64
enum status crypto_sha512(uint8_t out[SHA512_LEN], struct str text, struct error *err) MUST_USE;

/* HMAC-SHA-256 (RFC 2104) with a key prepared once. */
struct crypto_hmac_key; /* owned, secret */
enum status crypto_hmac_key_new(
	struct crypto_hmac_key **out, const uint8_t *key, size_t len, struct error *err) MUST_USE;
void crypto_hmac_key_free(struct crypto_hmac_key **key);
void crypto_hmac(
	uint8_t out[SHA256_LEN], const struct crypto_hmac_key *key, const void *bytes, size_t len);

/* HMAC-SHA-1, for the one-time passwords of RFC 6238 alone: their apps know nothing else. */
#define SHA1_LEN 20
enum status crypto_hmac_sha1(
	uint8_t out[SHA1_LEN], struct str key, struct str message, struct error *err) MUST_USE;

/* False for different lengths; constant time for equal ones. */
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *bytes, size_t len);

/*
 * AES-256-GCM: 12 random bytes, ciphertext, 16-byte tag. `aad` binds table, organisation, row. The
 * result is appended to `out`; after a failure `out` is as before, or failed. ERR_TOO_LARGE when it
 * does not fit; ERR_CORRUPT when key, aad or a bit is another. What is opened is secret.
 */
#define CRYPTO_SEAL_OVERHEAD 28
enum status crypto_seal(struct buf *out, const uint8_t key[32], struct str plain, struct str aad,
	struct error *err) MUST_USE;
enum status crypto_open(struct buf *out, const uint8_t key[32], struct str sealed, struct str aad,
	struct error *err) MUST_USE;

/* base64url without padding (RFC 4648 section 5). Decoding is strict: no padding, no other
 * character, no non-zero trailing bits. */
size_t crypto_base64url(char *out, size_t out_size, const void *bytes, size_t len); /* terminated */
bool crypto_base64url_decode(uint8_t *out, size_t out_size, size_t *out_len, struct str text);
/* base32 (RFC 4648 section 6) of a multiple of five bytes, so without padding; terminated. */
size_t crypto_base32(char *out, size_t out_size, const void *bytes, size_t len);
void crypto_hex(char *out, const void *bytes, size_t len); /* 2*len characters and a NUL */

#endif
