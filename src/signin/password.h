#ifndef SIGNIN_PASSWORD_H
#define SIGNIN_PASSWORD_H

#include "base/arena.h"
#include "base/error.h"
#include "crypto/password.h"

/*
 * What a password may be: long enough, and none that is guessed first. No rules of composition, and
 * every character counts (NIST SP 800-63B section 5.1.1.2, and its fourth revision). Pure; any
 * thread.
 */
#define PASSWORD_LEAST 15 /* code points, of one that opens the account alone */
#define PASSWORD_LEAST_SECOND 8 /* beside a second factor */
#define PASSWORD_CHARS_MAX 256

struct password_rule {
	struct str email, name; /* whose it will be; may be absent */
	bool second; /* a second factor is asked for as well */
};

/*
 * `*normal`, in NFC, is what is hashed. ERR_INVALID "password-too-short", "password-too-long",
 * "password-common" (known from lists; a word, or a run on the keyboard, with something before or
 * behind; repetitions; the name or address), "invalid-name" (not UTF-8).
 */
enum status password_check(struct str *normal, struct str typed, const struct password_rule *rule,
	struct arena *arena, struct error *err) MUST_USE;

/* Whether it opens an account only beside a second factor. */
bool password_is_short(struct str normal);

/* One that is to be verified: in NFC, or as it is where that is of no use. ERR_NO_MEMORY. */
enum status password_normal(
	struct str *normal, struct str typed, struct arena *arena, struct error *err) MUST_USE;

/* Whether a text in lower case stands in the list of common words. */
bool password__is_listed(struct str text);

extern const unsigned char common_passwords[];
extern const size_t common_passwords_len;

#endif
