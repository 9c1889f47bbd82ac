#ifndef IAM_OWNERS_H
#define IAM_OWNERS_H

#include "iam/call.h"

/*
 * An organisation keeps an owner, and the platform an operator: somebody active, neither confined
 * nor under a ceiling of its own, who holds the system role number 0 at its root without a
 * condition, and can still prove it (a member, or a machine with a live credential). While there is
 * one whose ownership never ends, one of those has to be left. Whatever may take that away counts
 * before and checks after.
 */
#define ROLE_NUMBER_OWNER 0
struct owners {
	int64_t live;
	int64_t lasting; /* of these, neither they nor their grants expire */
};
enum status owners_count(struct owners *out, struct call *call, struct error *err) MUST_USE;
/* ERR_CONFLICT "last-owner" or "last-operator" when there were some before and none are left. */
enum status owners_check_left(struct call *call, struct owners before, struct error *err) MUST_USE;

#endif
