#ifndef IAM_GRANT_RULES_H
#define IAM_GRANT_RULES_H

#include "iam/access/grants.h"

/*
 * What makes a grant valid and allowed: its holder and node exist and belong together, its role is
 * for that kind, its condition compiles, its expiry lies ahead, and the caller may give it. Fills
 * in role, permission and condition as they are stored; confines the holder if the role does.
 */
enum status grant__check(struct grant *grant, struct call *call, const struct grant_draft *draft,
	struct error *err) MUST_USE;

/* Taking away a role that bears a ceiling can widen what its holder may do: then it must be
 * allowed to be given. */
enum status grant__check_removal(
	struct call *call, const struct grant *grant, struct error *err) MUST_USE;

#endif
