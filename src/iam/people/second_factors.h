#ifndef IAM_SECOND_FACTORS_H
#define IAM_SECOND_FACTORS_H

#include "iam/call.h"

/*
 * What proves a person beside a password: an authenticator app (iam/people/totps.h), passkeys
 * (iam/people/passkeys.h), and for the day on which they are lost, recovery codes
 * (iam/people/recovery_codes.h). Proving by one is an event; coming and going are changes, in calls
 * that are open on the platform, whose chain records them.
 */
struct second_factors {
	bool totp;
	uint32_t passkeys;
	uint32_t recovery_codes; /* that were not used */
};
enum status second_factors_find(struct second_factors *out, struct call *call,
	struct person_id person, struct error *err) MUST_USE;

static inline bool
second_factors_any(const struct second_factors *factors)
{
	return factors->totp || factors->passkeys > 0;
}

/* All that there are, when the person has lost them (iam/people/recovery.h), with a record if there
 * was any. In a call that is open on the platform. */
enum status second_factors_remove(
	struct call *call, struct person_id person, struct error *err) MUST_USE;

/* For what takes one away. ERR_CONFLICT "password-too-short-alone" when it is the last, and the
 * password was let be short because of it. */
enum status second_factors__check_last(
	struct call *call, struct person_id person, struct error *err) MUST_USE;
/* … and afterwards: recovery codes without a factor open nothing, and go. */
enum status second_factors__clean(
	struct call *call, struct person_id person, struct error *err) MUST_USE;

/* Opens a change of the person's own beside an event, to record what that came upon; call_close. */
enum status second_factors__open(struct call *own, const struct call *event,
	struct person_id person, struct error *err) MUST_USE;

#endif
