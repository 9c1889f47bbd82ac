#ifndef SIGNIN_TICKET_H
#define SIGNIN_TICKET_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "model/ids.h"

/*
 * What a browser carries from the authorization server to the pages and back, in place of anything
 * that the server would have to keep: a request as it was accepted, sealed, and bound to its
 *issuer. It proves nothing about who holds it. The ways of one, TICKET as the parameter `ticket`:
 *
 *	{issuer}/authorize?…                           the request is good, and needs its user
 *	→ {issuer}/sign-in?ticket=T&need=…             need: login, second_factor, select_account,
 *	                                               organisation
 *	→ {issuer}/authorize/resume?ticket=T           looked at again: a code, an error, or on to
 *	→ {issuer}/consent?ticket=T                    which goes back to resume
 *
 *	{issuer}/logout?…                              not known to be the user's own wish
 *	→ {issuer}/sign-out?ticket=T                   asks; ends the session
 *(iam/people/sign_out.h) → {issuer}/logout/done?ticket=T                goes on to where the client
 *wants it
 *
 *	{issuer}/sign-in                               by somebody himself, or on the way to a page
 *	→ {path}                                       of ours, which wants him signed in
 *
 * What the user decided on a page goes back inside the ticket, sealed again: `account`,
 * `organisation`, `denied`. A page whose form leads back to the client by redirects has to allow
 * the origin of `redirect_uri` as form-action.
 */
#define TICKET_TEXT_MAX 3072
#define TICKET_LIFE_US (3600 * US_PER_S)

/* The numbers are within tickets that are out: append only. */
enum ticket_kind {
	TICKET_NONE = 0,
	TICKET_AUTHORIZE = 1,
	TICKET_SIGN_OUT = 2,
	TICKET_PAGE = 3, /* nobody's request: the pages' own */
};

/* OpenID Connect Core section 3.1.2.1; a set. */
enum ticket_prompt {
	PROMPT_NONE = 1,
	PROMPT_LOGIN = 2,
	PROMPT_CONSENT = 4,
	PROMPT_SELECT_ACCOUNT = 8,
};

/* Whether a second factor has to be there. */
enum ticket_second {
	SECOND_NOT_ASKED = 0,
	SECOND_WANTED = 1, /* when the user has one */
	SECOND_NEEDED = 2, /* or an error */
};

#define MAX_AGE_NONE (-1)

/* Texts are absent where nothing was stated. */
struct ticket {
	enum ticket_kind kind;
	int64_t started_us; /* when the request came; of its issuer's clock */
	struct principal_id client; /* of the issuer; nil of a sign-out that names none */
	struct str redirect_uri; /* registered; of a sign-out where it goes on to, or absent */
	struct str state;

	/* Of TICKET_AUTHORIZE. */
	bool redirect_stated; /* in the request; the only one otherwise */
	bool form_post; /* response_mode */
	unsigned prompt; /* of enum ticket_prompt */
	int64_t max_age_s; /* or MAX_AGE_NONE */
	enum ticket_second second;
	struct str scope; /* names with one blank between */
	struct str challenge; /* S256 */
	struct str nonce, resource, login_hint;
	struct str claims; /* JSON */
	struct str subject; /* who it has to be: a `sub` */

	/* What pages add. Of a browser that asked for a link: also what was typed. */
	struct uuid account; /* who was chosen: the person, or the end-user's principal; or nil */
	struct org_id organisation; /* to act in; also a hint of the request; or nil */
	bool denied; /* the user refused */
	struct str name; /* of who signs up */
	struct str path; /* of TICKET_PAGE: where to go on, "/…" */
};

/*
 * The text into `arena`, terminated. ERR_INVALID "ticket-too-long" when it would be longer than
 * TICKET_TEXT_MAX: the request states too much. ERR_NO_MEMORY. Threads: any.
 */
enum status ticket_seal(struct str *out, const struct ticket *ticket, struct workspace_id issuer,
	const struct keyring *ring, struct arena *arena, struct error *err) MUST_USE;

/*
 * Into `arena`. ERR_INVALID "ticket-invalid" unless it is one of this kind, of this issuer (nil:
 * the installation's) and untouched; "ticket-expired" TICKET_LIFE_US after it was started.
 * ERR_NO_MEMORY. Threads: any.
 */
struct ticket_source {
	enum ticket_kind kind;
	struct workspace_id issuer;
	const struct keyring *ring;
	int64_t now_us;
};
enum status ticket_open(struct ticket *out, struct str text, const struct ticket_source *source,
	struct arena *arena, struct error *err) MUST_USE;

#endif
