#ifndef SIGNIN_BROWSER_H
#define SIGNIN_BROWSER_H

#include "base/arena.h"
#include "crypto/secret.h"
#include "model/ids.h"

/*
 * What a browser is known by before and after anybody signs in: a random text in a cookie of its
 * own, made by the first page, and marks of the accounts that were signed in to there. The marks
 * are ours alone to make, so that nothing about browsers has to be stored. To it are bound the
 * tokens of forms (against requests that other sites forge) and the links that it asks for.
 * Threads: any.
 */
#define BROWSER_COOKIE "__Host-thingward-browser"
#define BROWSER_COOKIE_LIFE_S (400 * 24 * 60 * 60)
#define BROWSER_ACCOUNTS_MAX 4 /* those signed in to last */
#define BROWSER_ID_LEN 43

struct browser {
	struct str id; /* secret; absent: it has none yet */
	struct str marks[BROWSER_ACCOUNTS_MAX];
	size_t mark_count;
};

/* From the cookie; without an identifier when it is none of ours by its form. Borrows. */
void browser_parse(struct browser *out, struct str cookie);
/* A new one. ERR_NO_MEMORY. */
enum status browser_make(struct browser *out, struct arena *arena, struct error *err) MUST_USE;

/* Of what an account is named by to these: its issuer and its normalised address. */
struct browser_account {
	struct workspace_id issuer;
	struct str email_normal;
};
bool browser_knows(const struct browser *browser, const struct keyring *ring,
	const struct browser_account *account);
/* The cookie of a browser that knows the account, first of all. ERR_NO_MEMORY. */
enum status browser_remember(struct str *cookie, const struct browser *browser,
	const struct keyring *ring, const struct browser_account *account, struct arena *arena,
	struct error *err) MUST_USE;

/* What stands in the store in place of the identifier; terminated by nothing. */
void browser_digest(uint8_t out[SHA256_LEN], const struct browser *browser);

/* The hidden field of a form: of this browser, and of this session (nil: nobody is signed in). */
#define CSRF_TEXT_MAX 64
void csrf_token(char out[CSRF_TEXT_MAX], const struct browser *browser, struct session_id session,
	const struct keyring *ring);
bool csrf_check(struct str token, const struct browser *browser, struct session_id session,
	const struct keyring *ring);

/* Whether a form comes from a page of `base_url`, as far as the browser says: by Sec-Fetch-Site, or
 * else by Origin. What says nothing passes: its token is looked at all the same. */
bool csrf_origin_ok(struct str base_url, struct str fetch_site, struct str origin);

#endif
