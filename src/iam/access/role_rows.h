#ifndef IAM_ROLE_ROWS_H
#define IAM_ROLE_ROWS_H

#include "iam/access/roles.h"

/* Rows of roles, without any rule. */
enum status role__insert(struct call *call, const struct role *role, struct error *err) MUST_USE;
enum status role__update(struct call *call, const struct role *role, struct error *err) MUST_USE;
/* Replaces what a role carries. */
enum status role__write_permissions(
	struct call *call, const struct role *role, struct error *err) MUST_USE;
enum status role__erase(struct call *call, struct role_id id, struct error *err) MUST_USE;

#endif
