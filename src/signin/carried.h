#ifndef SIGNIN_CARRIED_H
#define SIGNIN_CARRIED_H

#include "base/arena.h"
#include "crypto/secret.h"

/*
 * What a browser carries for us, in a cookie, an address or a form: sealed, in base64url. Whatever
 * it brings back may be anything.
 */
#define CARRIED_TEXT_MAX 4096

/* Seals it for `aad`, into the arena, with a NUL behind it. `plain` is short enough for
 * CARRIED_TEXT_MAX, asserted. ERR_NO_MEMORY. Threads: any. */
enum status carried_seal(struct str *out, struct str plain, const struct keyring *ring,
	struct str aad, struct arena *arena, struct error *err) MUST_USE;

/*
 * Opens it into `plain`, whose limit is that of what is expected. `*sound` is false when it is none
 * that was sealed for `aad`, or fits nowhere; an absent one is none. ERR_INTERNAL: it could not be
 * looked at, which says nothing of it. Threads: any.
 */
enum status carried_open(bool *sound, struct buf *plain, struct str text,
	const struct keyring *ring, struct str aad, struct error *err) MUST_USE;

#endif
