#ifndef CRYPTO_SECRET_H
#define CRYPTO_SECRET_H

#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"
#include "crypto/crypto.h"

/*
 * Opaque secrets: a prefix that scanners know ("twk_" …), then base64url of the organisation (nil
 * for the platform), the credential's id, 256 random bits and a CRC-32 of all of it, prefix
 * included. The store keeps HMAC-SHA-256 of the whole under the pepper.
 */
#define SECRET_PREFIX_LEN 4
#define SECRET_TEXT_MAX 96 /* with the NUL */

struct secret_text {
	char text[SECRET_TEXT_MAX]; /* secret: show once, then crypto_wipe */
};

struct secret_parts {
	char prefix[SECRET_PREFIX_LEN + 1];
	struct uuid org;
	struct uuid credential;
};

/* `prefix` is one of "twk_", "twc_", "tws_", "twd_", "twr_", "twa_". */
void secret_issue(struct secret_text *out, const char *prefix, struct uuid org,
	struct uuid credential);

/* False unless form and checksum are right. Proves nothing: the hash is what proves. */
bool secret_parse(struct secret_parts *out, struct str text) MUST_USE;

/*
 * The installation's secrets: pepper (for hashes) and master key (for seals), each with a one-byte
 * name. Read from a file of mode 0600 that is made on first start:
 *	{"pepper":{"1":"base64url 32 bytes"},"master":{"1":"…"}}
 */
struct keyring; /* owned, secret */
enum status keyring_load(struct keyring **out, const char *path, bool create,
	struct error *err) MUST_USE;
void keyring_free(struct keyring **ring);

/* The hash under the newest pepper, and which one that is. */
void keyring_hash(const struct keyring *ring, uint8_t hash[SHA256_LEN], int *pepper,
	struct str secret);
/* Constant time; false as well when that pepper is gone. */
bool keyring_verify(const struct keyring *ring, const uint8_t hash[SHA256_LEN], int pepper,
	struct str secret);

#endif
