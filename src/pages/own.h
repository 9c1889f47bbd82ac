#ifndef PAGES_OWN_H
#define PAGES_OWN_H

#include "iam/people/recovery_codes.h"
#include "iam/people/second_factors.h"
#include "iam/people/sessions.h"
#include "iam/people/totps.h"
#include "iam/tokens/consents.h"
#include "pages/routes.h"
#include "pages/second.h"

/* The pages of one's own account, which share what they load: `v->state`. */
typedef enum status own_job(struct visit *v, struct call *own, struct error *err);

struct owned {
	struct session *sessions;
	size_t count;
	struct consent *consents;
	size_t consent_count;
	/* Of a person; nothing of an end-user. */
	struct person person;
	struct second_factors factors;
	struct passkey *passkeys;
	size_t passkey_count;
	struct totp totp; /* one that waits for its first code … */
	bool totp_waits; /* … if it does */

	/* What is to be changed, and what came of it. */
	struct session_id ends;
	const struct consent *withdrawn;
	struct str normal; /* secret: the new password */
	struct str typed; /* a code, or a name */
	struct passkey_id passkey;
	struct passkey_key key; /* of a new one */
	bool accepted;
	bool codes_made;
	struct recovery_codes codes; /* secret */
	own_job *job;
};

/* What account_load loads of second factors. */
enum status own_load_factors(struct visit *v, struct call *call, struct error *err) MUST_USE;
/* Of passkeys, for the page: whether there can be any, those there are, and the options for a new
 * one, "" until a factor has been proved again. */
bool own_passkeys_possible(const struct visit *v);
void own_passkey_maps(struct html_map out[PASSKEYS_MAX], struct visit *v);
enum status own_passkey_options(struct str *out, struct visit *v, struct error *err) MUST_USE;

/* Of clients, for the page. */
void own_client_maps(struct html_map out[CONSENTS_LISTED_MAX], struct visit *v);

/* To the minute, in UTC. */
struct str own_time(struct visit *v, int64_t time_us);

/* Runs in a call of the person's own, on the platform, as a job; refusals are told on the page of
 * the account. */
void own_change(struct visit *v, own_job *job, visit_step *next);
/* … which tells this one. */
bool own_refused(struct visit *v, const struct error *err);

/* Whether a factor was proved in the last five minutes: a browser that was left open is not enough
 * for some things. If not, it is asked for, and leads back to the account. */
#define OWN_FRESH_US (5 * 60 * US_PER_S)
bool own_is_fresh(const struct visit *v);
void own_ask_again(struct visit *v);

/* Recovery codes, if there are none: they come with the first second factor. */
enum status own_first_codes(struct visit *v, struct call *own, struct error *err) MUST_USE;
/* Shows them, this once, and wipes them. */
void own_show_codes(struct visit *v);

#endif
