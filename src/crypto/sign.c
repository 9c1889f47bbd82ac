#include "crypto/sign.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/internal.h"

#define P256_LEN 32
#define ED25519_LEN 32
#define RSA_MADE_BITS 2048
#define RSA_LEN_MIN 256
#define RSA_LEN_MAX 512
#define ECDSA_DER_MAX 72

/* A key, and a context that is ready for what it does. Starting one looks algorithms up under the
 * library's locks; copying a started one for each signature costs no more than keeping it. */
struct ready {
	struct public_key public;
	EVP_PKEY *pkey;
	EVP_PKEY_CTX *digest; /* for all but EDDSA, which signs the message itself */
	EVP_MD_CTX *message;
};

struct sign_key {
	struct ready ready;
};

struct verify_key {
	struct ready ready;
};

static const char *const names[SIGN_ALG_COUNT] = {
	[SIGN_ES256] = "ES256", [SIGN_RS256] = "RS256", [SIGN_EDDSA] = "EdDSA"};

enum sign_alg
sign_alg_parse(struct str name)
{
	for (enum sign_alg alg = SIGN_ES256; alg < SIGN_ALG_COUNT; alg++) {
		if (str_eq(name, str_from(names[alg])))
			return alg;
	}
	return SIGN_ALG_NONE;
}

const char *
sign_alg_name(enum sign_alg alg)
{
	ASSERT(alg > SIGN_ALG_NONE && alg < SIGN_ALG_COUNT);
	return names[alg];
}

/* All that can be said without computing: whether a point is one of the curve is the library's. */
static bool
has_valid_form(const struct public_key *key)
{
	size_t n = key->first_len, e = key->second_len;
	switch (key->alg) {
	case SIGN_ALG_NONE:
		return false;
	case SIGN_ES256:
		return n == P256_LEN && e == P256_LEN;
	case SIGN_RS256:
		return n >= RSA_LEN_MIN && n <= RSA_LEN_MAX &&
			key->first[0] >= (n == RSA_LEN_MIN ? 0x80 : 1) && key->first[n - 1] & 1 &&
			e >= 1 && e <= 4 && key->second[0] != 0 && key->second[e - 1] & 1 &&
			!(e == 1 && key->second[0] < 3);
	case SIGN_EDDSA:
		return n == ED25519_LEN && e == 0;
	}
	return false;
}

static bool
start_digest(EVP_PKEY_CTX *ctx, enum sign_alg alg, bool signs)
{
	int started = signs ? EVP_PKEY_sign_init(ctx) : EVP_PKEY_verify_init(ctx);
	return started == 1 &&
		(alg != SIGN_RS256 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) == 1) &&
		EVP_PKEY_CTX_set_signature_md(ctx, EVP_sha256()) == 1;
}

static bool
start_message(EVP_MD_CTX *ctx, EVP_PKEY *pkey, bool signs)
{
	return (signs ? EVP_DigestSignInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL)
		      : EVP_DigestVerifyInit_ex(ctx, NULL, NULL, NULL, NULL, pkey, NULL)) == 1;
}

static bool
prepare(struct ready *key, bool signs)
{
	if (key->public.alg == SIGN_EDDSA) {
		key->message = EVP_MD_CTX_new();
		return key->message && start_message(key->message, key->pkey, signs);
	}
	key->digest = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	return key->digest && start_digest(key->digest, key->public.alg, signs);
}

static void
clear(struct ready *key)
{
	EVP_PKEY_CTX_free(key->digest);
	EVP_MD_CTX_free(key->message);
	EVP_PKEY_free(key->pkey);
}

/* The number in `len` bytes, or in as few as it needs when that is 0; the length, 0 on failure. */
static size_t
read_number(uint8_t *out, size_t size, size_t len, const EVP_PKEY *pkey, const char *name)
{
	BIGNUM *number = NULL;
	size_t got = 0;
	if (EVP_PKEY_get_bn_param(pkey, name, &number) == 1) {
		size_t needs = (size_t)BN_num_bytes(number);
		size_t want = len ? len : needs;
		if (needs <= want && want <= size &&
			BN_bn2binpad(number, out, (int)want) == (int)want)
			got = want;
	}
	BN_free(number);
	return got;
}

static bool
is_p256(const EVP_PKEY *pkey)
{
	char group[32];
	size_t len = 0;
	return EVP_PKEY_is_a(pkey, "EC") == 1 &&
		EVP_PKEY_get_group_name(pkey, group, sizeof(group), &len) == 1 &&
		strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* False as well when the key is of another algorithm. */
static bool
read_public(struct public_key *out, enum sign_alg alg, const EVP_PKEY *pkey)
{
	*out = (struct public_key){.alg = alg};
	switch (alg) {
	case SIGN_ALG_NONE:
		return false;
	case SIGN_ES256:
		if (!is_p256(pkey))
			return false;
		out->first_len = read_number(
			out->first, sizeof(out->first), P256_LEN, pkey, OSSL_PKEY_PARAM_EC_PUB_X);
		out->second_len = read_number(
			out->second, sizeof(out->second), P256_LEN, pkey, OSSL_PKEY_PARAM_EC_PUB_Y);
		break;
	case SIGN_RS256:
		if (EVP_PKEY_is_a(pkey, "RSA") != 1)
			return false;
		out->first_len =
			read_number(out->first, sizeof(out->first), 0, pkey, OSSL_PKEY_PARAM_RSA_N);
		out->second_len = read_number(
			out->second, sizeof(out->second), 0, pkey, OSSL_PKEY_PARAM_RSA_E);
		break;
	case SIGN_EDDSA:
		out->first_len = sizeof(out->first);
		if (EVP_PKEY_is_a(pkey, "ED25519") != 1 ||
			EVP_PKEY_get_raw_public_key(pkey, out->first, &out->first_len) != 1)
			return false;
		break;
	}
	return has_valid_form(out);
}

/* Takes `pkey` over, in any case. */
static enum status
new_sign_key(struct sign_key **out, enum sign_alg alg, EVP_PKEY *pkey, struct error *err)
{
	struct sign_key *key = calloc(1, sizeof(*key));
	if (!key) {
		EVP_PKEY_free(pkey);
		return error_no_memory(err);
	}
	key->ready.pkey = pkey;
	enum status rc = OK;
	if (!read_public(&key->ready.public, alg, pkey))
		rc = error_set(err, ERR_CORRUPT, "key-broken",
			"A stored signing key is not one of its algorithm.");
	else if (!prepare(&key->ready, true))
		rc = crypto__failed(err);
	ERR_clear_error();
	if (rc != OK)
		sign_key_free(&key);
	*out = key;
	return rc;
}

enum status
sign_key_generate(struct sign_key **out, enum sign_alg alg, struct error *err)
{
	EVP_PKEY *pkey = NULL;
	*out = NULL;
	switch (alg) {
	case SIGN_ALG_NONE:
		break;
	case SIGN_ES256:
		pkey = EVP_EC_gen("P-256");
		break;
	case SIGN_RS256:
		pkey = EVP_RSA_gen(RSA_MADE_BITS);
		break;
	case SIGN_EDDSA:
		pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
		break;
	}
	if (!pkey)
		return crypto__failed(err);
	return new_sign_key(out, alg, pkey, err);
}

enum status
sign_key_export(struct buf *out, const struct sign_key *key, struct error *err)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key->ready.pkey);
	int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, NULL) : -1;
	enum status rc = OK;
	if (len <= 0) {
		rc = crypto__failed(err);
	} else {
		unsigned char *room = (unsigned char *)buf_extend(out, (size_t)len);
		if (!room)
			rc = error_set(err, ERR_TOO_LARGE, "key-too-large",
				"The private key does not fit where it is wanted.");
		else if (i2d_PKCS8_PRIV_KEY_INFO(info, &room) != len)
			rc = crypto__failed(err);
	}
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

enum status
sign_key_load(struct sign_key **out, enum sign_alg alg, struct str der, struct error *err)
{
	const unsigned char *at = (const unsigned char *)der.ptr;
	*out = NULL;
	PKCS8_PRIV_KEY_INFO *info = der.ptr && der.len <= SIGN_KEY_PRIVATE_MAX
		? d2i_PKCS8_PRIV_KEY_INFO(NULL, &at, (long)der.len)
		: NULL;
	bool whole = info && at == (const unsigned char *)der.ptr + der.len;
	EVP_PKEY *pkey = whole ? EVP_PKCS82PKEY_ex(info, NULL, NULL) : NULL;
	PKCS8_PRIV_KEY_INFO_free(info);
	ERR_clear_error();
	if (!pkey)
		return error_set(
			err, ERR_CORRUPT, "key-broken", "A stored signing key cannot be read.");
	return new_sign_key(out, alg, pkey, err);
}

void
sign_key_free(struct sign_key **key)
{
	if (!*key)
		return;
	clear(&(*key)->ready);
	free(*key);
	*key = NULL;
}

const struct public_key *
sign_key_public(const struct sign_key *key)
{
	return &key->ready.public;
}

/* The library's DER form of r and s to JOSE's two numbers of 32 bytes each. */
static bool
ecdsa_to_raw(uint8_t out[2 * P256_LEN], const uint8_t *der, size_t len)
{
	const BIGNUM *r = NULL, *s = NULL;
	ECDSA_SIG *parts = d2i_ECDSA_SIG(NULL, &der, (long)len);
	if (parts)
		ECDSA_SIG_get0(parts, &r, &s);
	bool good = parts && BN_bn2binpad(r, out, P256_LEN) == P256_LEN &&
		BN_bn2binpad(s, out + P256_LEN, P256_LEN) == P256_LEN;
	ECDSA_SIG_free(parts);
	return good;
}

/* The length; 0 when there is no memory. */
static size_t
ecdsa_from_raw(uint8_t out[ECDSA_DER_MAX], const uint8_t raw[2 * P256_LEN])
{
	int len = 0;
	BIGNUM *r = BN_bin2bn(raw, P256_LEN, NULL), *s = BN_bin2bn(raw + P256_LEN, P256_LEN, NULL);
	ECDSA_SIG *parts = ECDSA_SIG_new();
	if (r && s && parts && ECDSA_SIG_set0(parts, r, s) == 1) {
		r = s = NULL; /* taken */
		len = i2d_ECDSA_SIG(parts, NULL);
		if (len > 0 && len <= ECDSA_DER_MAX)
			len = i2d_ECDSA_SIG(parts, &out);
		else
			len = 0;
	}
	ECDSA_SIG_free(parts);
	BN_free(r);
	BN_free(s);
	return len > 0 ? (size_t)len : 0;
}

static bool
sign_message(uint8_t *out, size_t *len, const struct ready *key, struct str message)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx && EVP_MD_CTX_copy_ex(ctx, key->message) == 1 &&
		EVP_DigestSign(ctx, out, len, (const uint8_t *)message.ptr, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	return done;
}

static bool
sign_digest(uint8_t *out, size_t *len, const struct ready *key, struct str message)
{
	uint8_t hash[SHA256_LEN];
	crypto_sha256(hash, message.ptr, message.len);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->digest);
	bool done = ctx && EVP_PKEY_sign(ctx, out, len, hash, sizeof(hash)) == 1;
	EVP_PKEY_CTX_free(ctx);
	if (done && key->public.alg == SIGN_ES256) {
		uint8_t der[ECDSA_DER_MAX];
		ASSERT(*len <= sizeof(der));
		memcpy(der, out, *len);
		done = ecdsa_to_raw(out, der, *len);
		*len = 2 * P256_LEN;
	}
	return done;
}

enum status
sign_key_sign(uint8_t out[SIGNATURE_MAX], size_t *len, const struct sign_key *key,
	struct str message, struct error *err)
{
	*len = SIGNATURE_MAX;
	bool done = key->ready.public.alg == SIGN_EDDSA
		? sign_message(out, len, &key->ready, message)
		: sign_digest(out, len, &key->ready, message);
	return done ? OK : crypto__failed(err);
}

static EVP_PKEY *
from_params(const char *type, OSSL_PARAM *params)
{
	EVP_PKEY *pkey = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* Refuses coordinates beyond the field, and points that are not on the curve. */
static EVP_PKEY *
make_p256(const struct public_key *key)
{
	uint8_t point[1 + 2 * P256_LEN] = {POINT_CONVERSION_UNCOMPRESSED};
	char group[] = SN_X9_62_prime256v1;
	memcpy(point + 1, key->first, P256_LEN);
	memcpy(point + 1 + P256_LEN, key->second, P256_LEN);
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point)),
		OSSL_PARAM_construct_end(),
	};
	return from_params("EC", params);
}

static EVP_PKEY *
make_rsa(const struct public_key *key)
{
	BIGNUM *n = BN_bin2bn(key->first, (int)key->first_len, NULL);
	BIGNUM *e = BN_bin2bn(key->second, (int)key->second_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	if (n && e && build && OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) == 1)
		params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY *pkey = params ? from_params("RSA", params) : NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(n);
	BN_free(e);
	return pkey;
}

static EVP_PKEY *
make_public(const struct public_key *key)
{
	if (!has_valid_form(key))
		return NULL;
	switch (key->alg) {
	case SIGN_ALG_NONE:
		break;
	case SIGN_ES256:
		return make_p256(key);
	case SIGN_RS256:
		return make_rsa(key);
	case SIGN_EDDSA:
		return EVP_PKEY_new_raw_public_key_ex(
			NULL, "ED25519", NULL, key->first, key->first_len);
	}
	return NULL;
}

enum status
verify_key_new(struct verify_key **out, const struct public_key *key, struct error *err)
{
	*out = NULL;
	struct verify_key *made = calloc(1, sizeof(*made));
	if (!made)
		return error_no_memory(err);
	made->ready.public = *key;
	made->ready.pkey = make_public(key);
	enum status rc = OK;
	if (!made->ready.pkey)
		rc = error_set(err, ERR_INVALID, "key-invalid",
			"A public key must be a point of P-256, an RSA modulus of 2048 to 4096 "
			"bits "
			"with an odd exponent from 3 to 2^32 - 1, or 32 bytes of Ed25519.");
	else if (!prepare(&made->ready, false))
		rc = crypto__failed(err);
	ERR_clear_error();
	if (rc != OK)
		verify_key_free(&made);
	*out = made;
	return rc;
}

void
verify_key_free(struct verify_key **key)
{
	if (!*key)
		return;
	clear(&(*key)->ready);
	free(*key);
	*key = NULL;
}

const struct public_key *
verify_key_public(const struct verify_key *key)
{
	return &key->ready.public;
}

static enum status
wrong_signature(struct error *err)
{
	ERR_clear_error();
	return error_set(
		err, ERR_UNAUTHENTICATED, "signature-wrong", "The signature is not valid.");
}

static enum status
check_message(const struct ready *key, struct str message, struct str signature, struct error *err)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool started = ctx && EVP_MD_CTX_copy_ex(ctx, key->message) == 1;
	bool good = started &&
		EVP_DigestVerify(ctx, (const uint8_t *)signature.ptr, signature.len,
			(const uint8_t *)message.ptr, message.len) == 1;
	EVP_MD_CTX_free(ctx);
	if (!started)
		return crypto__failed(err);
	return good ? OK : wrong_signature(err);
}

static enum status
check_digest(const struct ready *key, struct str message, struct str signature, struct error *err)
{
	uint8_t hash[SHA256_LEN], der[ECDSA_DER_MAX];
	const uint8_t *sig = (const uint8_t *)signature.ptr;
	size_t len = signature.len;
	if (key->public.alg == SIGN_ES256) {
		len = ecdsa_from_raw(der, sig);
		sig = der;
		if (len == 0)
			return crypto__failed(err);
	}
	crypto_sha256(hash, message.ptr, message.len);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_dup(key->digest);
	if (!ctx)
		return crypto__failed(err);
	bool good = EVP_PKEY_verify(ctx, sig, len, hash, sizeof(hash)) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? OK : wrong_signature(err);
}

enum status
verify_key_check(
	const struct verify_key *key, struct str message, struct str signature, struct error *err)
{
	const struct ready *ready = &key->ready;
	size_t len = ready->public.alg == SIGN_RS256 ? ready->public.first_len : 2 * P256_LEN;
	if (!signature.ptr || signature.len != len)
		return wrong_signature(err);
	return ready->public.alg == SIGN_EDDSA ? check_message(ready, message, signature, err)
					       : check_digest(ready, message, signature, err);
}
