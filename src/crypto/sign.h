#ifndef CRYPTO_SIGN_H
#define CRYPTO_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Signatures as JOSE has them. Keys are immutable, and prepared when they are made, so that signing
 * costs what the mathematics costs. Everything here needs crypto_init; ERR_INTERNAL "crypto-failed"
 * or ERR_NO_MEMORY when the library cannot. Threads: any, one key in many at once.
 */
enum sign_alg {
	SIGN_ALG_NONE = 0, /* of no key */
	SIGN_ES256, /* ECDSA on P-256 with SHA-256, r and s (RFC 7518 section 3.4) */
	SIGN_RS256, /* RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 section 3.3) */
	SIGN_EDDSA, /* Ed25519 (RFC 8037) */
};
#define SIGN_ALG_COUNT 4

/* "ES256", "RS256", "EdDSA"; SIGN_ALG_NONE of any other text and of an absent one. */
enum sign_alg sign_alg_parse(struct str name);
const char *sign_alg_name(enum sign_alg alg); /* not of SIGN_ALG_NONE */

/*
 * What is public of a key, big-endian, as RFC 7518 section 6 and RFC 8037 section 2 name it:
 *	ES256: x and y, 32 bytes each, a point of the curve
 *	RS256: n, odd, 2048 to 4096 bits, and e, odd, 3 to 2^32 - 1; neither with leading zeros
 *	EDDSA: x, 32 bytes
 */
#define PUBLIC_KEY_FIRST_MAX 512
#define PUBLIC_KEY_SECOND_MAX 32
struct public_key {
	enum sign_alg alg;
	size_t first_len, second_len;
	uint8_t first[PUBLIC_KEY_FIRST_MAX]; /* x, or n */
	uint8_t second[PUBLIC_KEY_SECOND_MAX]; /* y, or e */
};

struct sign_key; /* owned, secret */
struct verify_key; /* owned */

/* RS256 makes 2048 bits and takes a tenth of a second, the others no time: not within a job. */
enum status sign_key_generate(struct sign_key **out, enum sign_alg alg, struct error *err) MUST_USE;

/* The private key as PKCS#8 in DER, appended, secret: give it a fixed buffer, seal it, wipe it.
 * ERR_TOO_LARGE "key-too-large"; what it then holds is to be wiped as well. */
#define SIGN_KEY_PRIVATE_MAX 4096
enum status sign_key_export(
	struct buf *out, const struct sign_key *key, struct error *err) MUST_USE;
/* What was exported. ERR_CORRUPT "key-broken": something else, or a key of another algorithm. */
enum status sign_key_load(
	struct sign_key **out, enum sign_alg alg, struct str der, struct error *err) MUST_USE;
void sign_key_free(struct sign_key **key); /* wipes it */

/* Borrowed from the key. */
const struct public_key *sign_key_public(const struct sign_key *key);

/* `out` takes the signature, `len` bytes: 64 for ES256 and EDDSA, as many as the modulus for RS256.
 */
#define SIGNATURE_MAX 512
enum status sign_key_sign(uint8_t out[SIGNATURE_MAX], size_t *len, const struct sign_key *key,
	struct str message, struct error *err) MUST_USE;

/* ERR_INVALID "key-invalid" unless it is as struct public_key says. An EDDSA x that is no point is
 * taken, and verifies nothing. */
enum status verify_key_new(
	struct verify_key **out, const struct public_key *key, struct error *err) MUST_USE;
void verify_key_free(struct verify_key **key);

/* Borrowed from the key. */
const struct public_key *verify_key_public(const struct verify_key *key);

/* ERR_UNAUTHENTICATED "signature-wrong": of another length, message or key. */
enum status verify_key_check(const struct verify_key *key, struct str message, struct str signature,
	struct error *err) MUST_USE;

#endif
