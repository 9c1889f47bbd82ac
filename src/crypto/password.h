#ifndef CRYPTO_PASSWORD_H
#define CRYPTO_PASSWORD_H

#include <stdbool.h>

#include "base/error.h"
#include "base/str.h"

/*
 * Passwords under argon2id (RFC 9106), as PHC strings: 19 MiB, two passes, one lane, 16 bytes of
 * salt, 32 of tag. Each call takes 25 ms of a processor and 19 MiB, so it belongs on a pool of its
 * own with a bounded queue. What a good password is, and its normal form, is the caller's.
 * Threads: any.
 */
#define PASSWORD_PHC_MAX 128 /* with the NUL */
#define PASSWORD_MAX 1024 /* bytes */

/* ERR_INVALID "password-too-long" beyond PASSWORD_MAX; ERR_NO_MEMORY. `out` is not for logs. */
enum status password_hash(
	char out[PASSWORD_PHC_MAX], struct str password, struct error *err) MUST_USE;

/*
 * Whether it is the password that was hashed; never of one beyond PASSWORD_MAX. ERR_CORRUPT
 * "password-hash-broken" for what is no argon2id of version 19 with one lane, 8 KiB to 64 MiB and
 * one to ten passes; ERR_NO_MEMORY: nothing is known then.
 */
enum status password_verify(
	bool *match, const char *phc, struct str password, struct error *err) MUST_USE;

/* True when password_hash would now hash otherwise: do so once the password has been proven. */
bool password_needs_rehash(const char *phc);

/* A hash that no password has, to verify against where there is no account: it takes as long. */
extern const char password_of_nobody[];

#endif
