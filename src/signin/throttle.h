#ifndef SIGNIN_THROTTLE_H
#define SIGNIN_THROTTLE_H

#include <stdint.h>

#include "base/error.h"
#include "model/ids.h"

/*
 * How often somebody may try: by account and by address, in the memory of this node alone. After a
 * few tries each one has to wait twice as long as the one before, up to a bound; after a while
 * without any, all is forgotten. A browser in which the account was signed in to before is counted
 * by itself alone, so that no stranger can make its user wait.
 *
 * The table is of fixed size: where it is full, what was tried least goes first. Threads: any.
 */
struct throttle; /* owned */

enum status throttle_new(struct throttle **out, struct error *err) MUST_USE;
void throttle_free(struct throttle **throttle);

/* What is tried. */
enum try_kind {
	TRY_PASSWORD, /* a password, a code: what can be guessed */
	TRY_MAIL, /* what sends a mail */
};

struct
try {
	enum try_kind kind;
	struct workspace_id issuer;
	struct str account; /* any text that stands for it; absent: none in particular */
	struct str
		address; /* of who tries: an IP address, of which an IPv6 one counts by its /64 */
	struct str browser; /* one that the account knows; absent: it knows none */
	int64_t now_us; /* of the monotonic clock */
};

/* 0, and then the try is counted; otherwise how long to wait, and it is not. */
int64_t throttle_try(struct throttle *throttle, const struct try *try);

/* It was no guess: what was counted of the account (or of its browser) is forgotten. */
void throttle_succeeded(struct throttle *throttle, const struct try *try);

#endif
