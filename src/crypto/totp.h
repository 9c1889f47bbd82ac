#ifndef CRYPTO_TOTP_H
#define CRYPTO_TOTP_H

#include "base/buf.h"
#include "crypto/crypto.h"

/*
 * Codes that change with the time (RFC 6238 over RFC 4226), as every app makes them: HMAC-SHA-1,
 * six digits, a step of 30 seconds since 1970. Threads: any.
 */
#define TOTP_SECRET_LEN 20 /* RFC 4226 section 4, R6 */
#define TOTP_DIGITS 6
#define TOTP_STEP_US INT64_C(30000000)

struct totp_secret {
	uint8_t bytes[TOTP_SECRET_LEN]; /* secret */
};
void totp_secret_new(struct totp_secret *out);

/* The code of one step, secret. ERR_INTERNAL. */
enum status totp_code(char out[TOTP_DIGITS + 1], const struct totp_secret *secret, int64_t step,
	struct error *err) MUST_USE;

/*
 * The step whose code was typed, blanks aside: the present one, the one before (RFC 6238 section
 * 5.2) or the one after, and of these none up to `last_step`, so that none is accepted twice; or
 * TOTP_NO_STEP. ERR_INTERNAL.
 */
#define TOTP_NO_STEP (-1)
struct totp_clock {
	int64_t now_us, last_step;
};
enum status totp_match(int64_t *step, const struct totp_secret *secret, struct str typed,
	struct totp_clock clock, struct error *err) MUST_USE;

/* In groups of four, for eyes and fingers; terminated, secret. */
#define TOTP_SECRET_TEXT_LEN (TOTP_SECRET_LEN * 8 / 5 + TOTP_SECRET_LEN * 8 / 5 / 4 - 1)
void totp_secret_text(char out[TOTP_SECRET_TEXT_LEN + 1], const struct totp_secret *secret);

/* What apps read from a QR code: otpauth://totp/ISSUER:ACCOUNT?…, appended, secret. */
void totp_uri(
	struct buf *out, const struct totp_secret *secret, struct str issuer, struct str account);

#endif
