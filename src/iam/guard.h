#ifndef IAM_GUARD_H
#define IAM_GUARD_H

#include "iam/call.h"

/*
 * The escalation guard (*Giving* in MISSION): the one function that every path by which access
 * can be given passes. The caller of `call` must be allowed to give every permission of `gift` at
 * its node, on its terms. ERR_FORBIDDEN "may-not-give" names the first that he may not.
 */
struct gift {
	struct node node;
	const struct permset *permissions; /* what the receiver could exercise or give on */
	int64_t expires_us; /* NEVER */
	const struct condition *condition; /* NULL: none */
	bool to_self; /* the receiver is, or contains, the caller: then it must exercise … */
	const struct permset *exercised; /* … these of them; NULL: all */
};
enum status guard_give(struct call *call, const struct gift *gift, struct error *err) MUST_USE;

/* The terms of a gift, from a row of grants: its condition in this column, then the time of its
 * end, then whether its holder is, or contains, the caller. In call->arena. */
enum status guard_read_terms(struct gift *gift, struct call *call, const struct query *q,
	int column, struct error *err) MUST_USE;

/* What a role carries: exercised and given on. In call->arena. */
enum status guard_role_set(struct permset *out, struct call *call, const struct role_view *role,
	struct error *err) MUST_USE;

/* Everything that one holder's grants carry, each at its own node and terms: for membership of a
 * group, a credential for a principal, a wider reach. */
enum status guard_give_grants(
	struct call *call, const struct grants *grants, bool to_self, struct error *err) MUST_USE;

#endif
