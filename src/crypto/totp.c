#include "crypto/totp.h"

#include <stdio.h>

#include "base/random.h"

#define MODULUS 1000000 /* of TOTP_DIGITS digits */
#define WINDOW 1 /* steps to either side */
#define BASE32_LEN (TOTP_SECRET_LEN * 8 / 5)

void
totp_secret_new(struct totp_secret *out)
{
	random_bytes(out->bytes, sizeof(out->bytes));
}

/* RFC 4226 section 5.3. */
enum status
totp_code(char out[TOTP_DIGITS + 1], const struct totp_secret *secret, int64_t step,
	struct error *err)
{
	uint8_t mac[SHA1_LEN], counter[8];

	out[0] = '\0';
	for (size_t i = 0; i < sizeof(counter); i++)
		counter[i] = (uint8_t)((uint64_t)step >> (56 - 8 * i));
	enum status rc = crypto_hmac_sha1(mac,
		(struct str){(const char *)secret->bytes, sizeof(secret->bytes)},
		(struct str){(const char *)counter, sizeof(counter)}, err);
	if (rc != OK)
		return rc;
	const uint8_t *at = mac + (mac[SHA1_LEN - 1] & 15);
	uint32_t number = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 |
		(uint32_t)at[2] << 8 | at[3];
	snprintf(out, TOTP_DIGITS + 1, "%06u", number % MODULUS);
	crypto_wipe(mac, sizeof(mac));
	return OK;
}

/* Apps show the digits in two groups, and some people type them so. */
static bool
read_digits(char out[TOTP_DIGITS], struct str typed)
{
	size_t count = 0;
	for (size_t i = 0; i < typed.len; i++) {
		char c = typed.ptr[i];
		if (c == ' ')
			continue;
		if (c < '0' || c > '9' || count == TOTP_DIGITS)
			return false;
		out[count++] = c;
	}
	return count == TOTP_DIGITS;
}

enum status
totp_match(int64_t *step, const struct totp_secret *secret, struct str typed,
	struct totp_clock clock, struct error *err)
{
	char digits[TOTP_DIGITS], code[TOTP_DIGITS + 1];
	int64_t now = clock.now_us / TOTP_STEP_US;
	enum status rc = OK;

	*step = TOTP_NO_STEP;
	if (!read_digits(digits, typed))
		return OK;
	for (int64_t at = now - WINDOW; at <= now + WINDOW && rc == OK; at++) {
		if (at <= clock.last_step)
			continue;
		rc = totp_code(code, secret, at, err);
		if (rc == OK && *step == TOTP_NO_STEP && crypto_equal(code, digits, TOTP_DIGITS))
			*step = at;
	}
	crypto_wipe(code, sizeof(code));
	return rc;
}

void
totp_secret_text(char out[TOTP_SECRET_TEXT_LEN + 1], const struct totp_secret *secret)
{
	char text[BASE32_LEN + 1];
	size_t n = 0;

	crypto_base32(text, sizeof(text), secret->bytes, sizeof(secret->bytes));
	for (size_t i = 0; i < BASE32_LEN; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = ' ';
		out[n++] = text[i];
	}
	out[n] = '\0';
	crypto_wipe(text, sizeof(text));
}

/* RFC 3986 section 2: all but what is unreserved. */
static void
write_escaped(struct buf *out, struct str text)
{
	for (size_t i = 0; i < text.len; i++) {
		char c = text.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (letter || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' ||
			c == '~')
			buf_char(out, c);
		else
			buf_printf(out, "%%%02X", (unsigned)(uint8_t)c);
	}
}

void
totp_uri(struct buf *out, const struct totp_secret *secret, struct str issuer, struct str account)
{
	char text[BASE32_LEN + 1];

	crypto_base32(text, sizeof(text), secret->bytes, sizeof(secret->bytes));
	buf_str(out, STR("otpauth://totp/"));
	write_escaped(out, issuer);
	buf_char(out, ':');
	write_escaped(out, account);
	buf_printf(out, "?secret=%s&issuer=", text);
	write_escaped(out, issuer);
	crypto_wipe(text, sizeof(text));
}
