#include "crypto/crypto.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "crypto/internal.h"

#define HMAC_BLOCK 64
#define GCM_IV 12
#define GCM_TAG 16

struct crypto_hmac_key {
	EVP_MD_CTX *inner, *outer; /* SHA-256 after the padded key */
};

/* What a thread computes with, so that a call neither allocates nor shares. */
struct contexts {
	EVP_MD_CTX *digest;
	EVP_CIPHER_CTX *cipher;
};

static EVP_MD *sha256;
static EVP_CIPHER *aes_gcm;
static EVP_MD_CTX *empty_digest;
static pthread_key_t contexts_key;
static _Thread_local struct contexts *own_contexts;

static void
free_contexts(void *arg)
{
	struct contexts *c = arg;
	EVP_MD_CTX_free(c->digest);
	EVP_CIPHER_CTX_free(c->cipher);
	free(c);
}

static struct contexts *
make_contexts(void)
{
	struct contexts *c = calloc(1, sizeof(*c));
	ASSERT(c != NULL);
	c->digest = EVP_MD_CTX_new();
	c->cipher = EVP_CIPHER_CTX_new();
	ASSERT(c->digest && c->cipher && pthread_setspecific(contexts_key, c) == 0);
	own_contexts = c;
	return c;
}

static inline struct contexts *
contexts(void)
{
	struct contexts *c = own_contexts;
	return LIKELY(c != NULL) ? c : make_contexts();
}

enum status
crypto__failed(struct error *err)
{
	char text[128];
	unsigned long code = ERR_get_error();
	ERR_error_string_n(code, text, sizeof(text));
	ERR_clear_error();
	error_set(err, ERR_INTERNAL, "crypto-failed", "The cryptographic library failed.");
	return error_detail(err, "%s", text);
}

enum status
crypto_init(struct error *err)
{
	if (sha256)
		return OK;
	aes_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	empty_digest = EVP_MD_CTX_new();
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (!md || !aes_gcm || !empty_digest || EVP_DigestInit_ex2(empty_digest, md, NULL) != 1 ||
		pthread_key_create(&contexts_key, free_contexts) != 0)
		return crypto__failed(err);
	sha256 = md;
	return OK;
}

void
crypto_sha256(uint8_t out[SHA256_LEN], const void *bytes, size_t len)
{
	struct crypto_piece piece = {bytes, len};
	crypto_sha256_pieces(out, &piece, 1);
}

/* Copying a started context is cheaper than starting one, which looks up parameters. */
void
crypto_sha256_pieces(uint8_t out[SHA256_LEN], const struct crypto_piece *pieces, size_t count)
{
	EVP_MD_CTX *ctx = contexts()->digest;
	ASSERT(EVP_MD_CTX_copy_ex(ctx, empty_digest) == 1);
	for (size_t i = 0; i < count; i++)
		ASSERT(EVP_DigestUpdate(ctx, pieces[i].bytes, pieces[i].len) == 1);
	ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

enum status
crypto_sha512(uint8_t out[SHA512_LEN], struct str text, struct error *err)
{
	return EVP_Q_digest(NULL, "SHA512", NULL, text.ptr, text.len, out, NULL) == 1
		? OK
		: crypto__failed(err);
}

static EVP_MD_CTX *
start_padded(const uint8_t key[HMAC_BLOCK], uint8_t pad)
{
	uint8_t block[HMAC_BLOCK];
	for (size_t i = 0; i < HMAC_BLOCK; i++)
		block[i] = key[i] ^ pad;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	if (ctx &&
		(EVP_DigestInit_ex2(ctx, sha256, NULL) != 1 ||
			EVP_DigestUpdate(ctx, block, HMAC_BLOCK) != 1)) {
		EVP_MD_CTX_free(ctx);
		ctx = NULL;
	}
	crypto_wipe(block, sizeof(block));
	return ctx;
}

enum status
crypto_hmac_key_new(struct crypto_hmac_key **out, const uint8_t *key, size_t len, struct error *err)
{
	uint8_t block[HMAC_BLOCK] = {0};
	*out = NULL;
	struct crypto_hmac_key *made = calloc(1, sizeof(*made));
	if (!made)
		return error_no_memory(err);
	if (len > HMAC_BLOCK)
		crypto_sha256(block, key, len);
	else if (len > 0)
		memcpy(block, key, len);
	made->inner = start_padded(block, 0x36);
	made->outer = start_padded(block, 0x5c);
	crypto_wipe(block, sizeof(block));
	if (!made->inner || !made->outer) {
		crypto_hmac_key_free(&made);
		return crypto__failed(err);
	}
	*out = made;
	return OK;
}

void
crypto_hmac_key_free(struct crypto_hmac_key **key)
{
	if (!*key)
		return;
	EVP_MD_CTX_free((*key)->inner);
	EVP_MD_CTX_free((*key)->outer);
	free(*key);
	*key = NULL;
}

void
crypto_hmac(
	uint8_t out[SHA256_LEN], const struct crypto_hmac_key *key, const void *bytes, size_t len)
{
	EVP_MD_CTX *ctx = contexts()->digest;
	uint8_t inner[SHA256_LEN];
	ASSERT(EVP_MD_CTX_copy_ex(ctx, key->inner) == 1);
	ASSERT(EVP_DigestUpdate(ctx, bytes, len) == 1);
	ASSERT(EVP_DigestFinal_ex(ctx, inner, NULL) == 1);
	ASSERT(EVP_MD_CTX_copy_ex(ctx, key->outer) == 1);
	ASSERT(EVP_DigestUpdate(ctx, inner, sizeof(inner)) == 1);
	ASSERT(EVP_DigestFinal_ex(ctx, out, NULL) == 1);
}

enum status
crypto_hmac_sha1(uint8_t out[SHA1_LEN], struct str key, struct str message, struct error *err)
{
	size_t len = 0;
	if (!EVP_Q_mac(NULL, "HMAC", NULL, "SHA1", NULL, key.ptr ? key.ptr : "", key.len,
		    (const uint8_t *)message.ptr, message.len, out, SHA1_LEN, &len) ||
		len != SHA1_LEN)
		return crypto__failed(err);
	return OK;
}

bool
crypto_equal(const void *a, const void *b, size_t len)
{
	return CRYPTO_memcmp(a, b, len) == 0;
}

void
crypto_wipe(void *bytes, size_t len)
{
	OPENSSL_cleanse(bytes, len);
}

/* `out` has room for the plain text and the overhead. */
static bool
encrypt(uint8_t *out, const uint8_t key[32], struct str plain, struct str aad)
{
	EVP_CIPHER_CTX *ctx = contexts()->cipher;
	uint8_t *body = out + GCM_IV, *tag = body + plain.len;
	int done = 0, last = 0;
	random_bytes(out, GCM_IV);
	bool sealed = EVP_EncryptInit_ex2(ctx, aes_gcm, key, out, NULL) == 1 &&
		EVP_EncryptUpdate(ctx, NULL, &done, (const uint8_t *)aad.ptr, (int)aad.len) == 1 &&
		EVP_EncryptUpdate(ctx, body, &done, (const uint8_t *)plain.ptr, (int)plain.len) ==
			1 &&
		EVP_EncryptFinal_ex(ctx, body + done, &last) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG, tag) == 1;
	EVP_CIPHER_CTX_reset(ctx);
	return sealed;
}

enum status
crypto_seal(
	struct buf *out, const uint8_t key[32], struct str plain, struct str aad, struct error *err)
{
	size_t before = out->len;
	bool fits = plain.len <= INT32_MAX && aad.len <= INT32_MAX;
	char *room = fits ? buf_extend(out, plain.len + CRYPTO_SEAL_OVERHEAD) : NULL;
	if (!room)
		return error_set(
			err, ERR_TOO_LARGE, "seal-too-large", "The text to seal is too large.");
	if (encrypt((uint8_t *)room, key, plain, aad))
		return OK;
	out->len = before;
	return crypto__failed(err);
}

/* `out` has room for the sealed text without the overhead. */
static enum status
decrypt(uint8_t *out, const uint8_t key[32], struct str sealed, struct str aad, struct error *err)
{
	EVP_CIPHER_CTX *ctx = contexts()->cipher;
	const uint8_t *iv = (const uint8_t *)sealed.ptr, *body = iv + GCM_IV;
	size_t len = sealed.len - CRYPTO_SEAL_OVERHEAD;
	uint8_t tag[GCM_TAG];
	int done = 0, last = 0;
	memcpy(tag, body + len, GCM_TAG);
	bool started = EVP_DecryptInit_ex2(ctx, aes_gcm, key, iv, NULL) == 1;
	bool opened = started &&
		EVP_DecryptUpdate(ctx, NULL, &done, (const uint8_t *)aad.ptr, (int)aad.len) == 1 &&
		EVP_DecryptUpdate(ctx, out, &done, body, (int)len) == 1 &&
		EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, GCM_TAG, tag) == 1 &&
		EVP_DecryptFinal_ex(ctx, out + done, &last) == 1;
	EVP_CIPHER_CTX_reset(ctx);
	if (opened)
		return OK;
	crypto_wipe(out, len);
	if (!started)
		return crypto__failed(err);
	ERR_clear_error();
	return error_set(err, ERR_CORRUPT, "seal-broken", "A sealed value cannot be opened.");
}

enum status
crypto_open(struct buf *out, const uint8_t key[32], struct str sealed, struct str aad,
	struct error *err)
{
	size_t before = out->len;
	if (sealed.len < CRYPTO_SEAL_OVERHEAD || sealed.len > INT32_MAX || aad.len > INT32_MAX)
		return error_set(
			err, ERR_CORRUPT, "seal-broken", "A sealed value cannot be opened.");
	char *room = buf_extend(out, sealed.len - CRYPTO_SEAL_OVERHEAD);
	if (!room)
		return error_set(err, ERR_TOO_LARGE, "seal-too-large",
			"The text to open does not fit where it is wanted.");
	enum status rc = decrypt((uint8_t *)room, key, sealed, aad, err);
	if (rc != OK)
		out->len = before;
	return rc;
}
