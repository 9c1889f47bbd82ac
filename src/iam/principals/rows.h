#ifndef IAM_PRINCIPAL_ROWS_H
#define IAM_PRINCIPAL_ROWS_H

#include "iam/principals/principals.h"

/* Rows of principals, without any rule: for the use cases that stand beside. */
enum status principal__select(struct principal *out, bool *found, struct call *call,
	struct principal_id id, struct error *err) MUST_USE;
enum status principal__insert(
	struct call *call, const struct principal *principal, struct error *err) MUST_USE;
/* Everything that can change in place; raises the generation when `revoke`. */
enum status principal__write(struct call *call, const struct principal *principal, bool revoke,
	struct error *err) MUST_USE;
/* One more resource group to which it is confined; twice is once. */
enum status principal__add_reach(struct call *call, struct principal_id id, struct rgroup_id group,
	struct error *err) MUST_USE;
enum status principal__erase(
	struct call *call, const struct principal *principal, struct error *err) MUST_USE;
/* Its views. */
void principal__touch(struct call *call, const struct principal *principal);

#endif
