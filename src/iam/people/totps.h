#ifndef IAM_TOTPS_H
#define IAM_TOTPS_H

#include "base/clock.h"
#include "crypto/totp.h"
#include "iam/call.h"

/* Authenticator apps (RFC 6238), one for each person. It counts once a first code has proved it. */
#define TOTP_SET_UP_LIFE_US (3600 * US_PER_S)

struct totp {
	struct person_id person;
	struct totp_secret secret;
	int64_t created_us, confirmed_us; /* 0: not yet */
	int64_t last_step;
};

/* In any call. */
enum status totp_find(struct totp *out, bool *found, struct call *call, struct person_id person,
	struct error *err) MUST_USE;

/* The secret to show to who sets one up: the one that waits for its first code, for an hour, or a
 * new one. ERR_CONFLICT "totp-is-on". In a call that is open on the platform; without a record, as
 * it counts for nothing yet. */
enum status totp_begin(
	struct totp *out, struct call *call, struct person_id person, struct error *err) MUST_USE;

/* Turns it on by a first code; not accepted when the code is wrong. ERR_CONFLICT "totp-is-on",
 * "totp-not-begun". In a call that is open on the platform. */
enum status totp_confirm(bool *accepted, struct call *call, struct person_id person,
	struct str code, struct error *err) MUST_USE;

/* Whether a code proves the person: of a step that was not used before (RFC 6238 section 5.2), and
 * is now. In any call; an event. */
enum status totp_use(bool *accepted, struct call *call, struct person_id person, struct str code,
	struct error *err) MUST_USE;

/* Turns it off. ERR_NOT_FOUND "totp-is-off"; ERR_CONFLICT "password-too-short-alone". In a call
 * that is open on the platform. */
enum status totp_remove(struct call *call, struct person_id person, struct error *err) MUST_USE;

#endif
