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

/* `prefix` is one of "twk_", "twc_", "tws_", "twd_", "twr_", "twa_", and of what is not
 * called with: "twb_" (a browser), "twg_" (an authorization code), "twl_" (a link). */
void secret_issue(
	struct secret_text *out, const char *prefix, struct uuid org, struct uuid credential);

/* False unless form and checksum are right. Proves nothing: the hash is what proves. */
bool secret_parse(struct secret_parts *out, struct str text) MUST_USE;

/*
 * The installation's secrets: peppers (for hashes) and master keys (for seals), each named by a
 * number from 1 to 255, of which the greatest is the newest and used for what is new. Read from a
 * file of lines, whose blank lines and lines beginning with '#' say nothing:
 *	pepper 1 <base64url of 32 bytes>
 *	master 1 <base64url of 32 bytes>
 */
struct keyring; /* owned, secret */

/*
 * With `create`, a missing file is made, mode 0600, in one step: another process sees all of it or
 * none, and never loses one that it made meanwhile. Needs crypto_init. ERR_NOT_FOUND
 * "key-file-missing", ERR_INVALID "key-file-exposed" (group or others may read it),
 * "key-file-unreadable", "key-file-unwritable", "key-file-broken". Start-up.
 */
enum status keyring_load(
	struct keyring **out, const char *path, bool create, struct error *err) MUST_USE;
void keyring_free(struct keyring **ring);

/* Their numbers. */
int keyring_newest_pepper(const struct keyring *ring);
int keyring_newest_master(const struct keyring *ring);

/* The hash under the newest pepper, and which one that is. */
void keyring_hash(
	const struct keyring *ring, uint8_t hash[SHA256_LEN], int *pepper, struct str secret);
/* Constant time; false as well when that pepper is gone. */
bool keyring_verify(
	const struct keyring *ring, const uint8_t hash[SHA256_LEN], int pepper, struct str secret);

/*
 * The one secret that follows another: of the same prefix, organisation and credential, its random
 * part derived under a pepper, so that it can be given again. False unless `before` has the form of
 * a secret and that pepper is there.
 */
bool keyring_succeed(struct secret_text *out, const struct keyring *ring, int pepper,
	struct str before) MUST_USE;

/* crypto_seal under the newest master key, with one byte before it that names the key. */
#define KEYRING_SEAL_OVERHEAD (1 + CRYPTO_SEAL_OVERHEAD)
enum status keyring_seal(const struct keyring *ring, struct buf *out, struct str plain,
	struct str aad, struct error *err) MUST_USE;
/* ERR_CORRUPT as well when that master key is gone. */
enum status keyring_open(const struct keyring *ring, struct buf *out, struct str sealed,
	struct str aad, struct error *err) MUST_USE;

#endif
