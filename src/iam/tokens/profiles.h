#ifndef IAM_PROFILES_H
#define IAM_PROFILES_H

#include "iam/call.h"

/* What is told about a user to clients that he allowed to know it. */
struct profile {
	struct str name, email; /* absent: there is none */
	bool email_verified;
};

/* `found` false: there is no such principal. In a reading transaction as well, and in the call of
 * an event. Texts lie in call->arena. */
enum status profile_load(struct profile *out, bool *found, struct call *call,
	struct principal_id principal, struct error *err) MUST_USE;

#endif
