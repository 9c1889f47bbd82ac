#ifndef IAM_OWNERS_H
#define IAM_OWNERS_H

#include "iam/call.h"

/*
 * An organisation keeps an owner, and the platform an operator: somebody active who holds the
 * system role number 0 at its root without a condition, and can still prove it (a member, or a
 * machine with a live credential). Whatever may take that away counts before and checks after.
 */
#define ROLE_NUMBER_OWNER 0
enum status owners_count(int64_t *out, struct call *call, struct error *err) MUST_USE;
/* ERR_CONFLICT "last-owner" when there were some before and none are left. */
enum status owners_check_left(struct call *call, int64_t before, struct error *err) MUST_USE;

#endif
