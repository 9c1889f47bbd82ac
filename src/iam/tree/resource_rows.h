#ifndef IAM_RESOURCE_ROWS_H
#define IAM_RESOURCE_ROWS_H

#include "iam/tree/resource_groups.h"

/* Rows of resources, and what follows when a node goes: without any rule of who may. */
enum status resource__select(
	struct resource *out, struct call *call, struct resource_id id, struct error *err) MUST_USE;
void resource__touch(struct call *call, const struct resource *resource);

/* Takes away the grants and guardrails at a node that goes, and touches their holders. After
 * call_record. */
enum status node__erase(struct call *call, struct uuid node, struct error *err) MUST_USE;

/* The same for a resource, and takes it away with its offers and places in groups. */
enum status resource__erase(
	struct call *call, struct resource_id resource, struct error *err) MUST_USE;

/* What a resource comes under by joining a group must be the caller's to give. */
enum status resource__guard_join(struct call *call, const struct resource *resource,
	struct rgroup_id group, struct error *err) MUST_USE;
/* What the guardrails at `node` deny must be the caller's to give at `at`: for whoever takes
 * something from under them. */
enum status node__guard_lift(
	struct call *call, struct uuid node, struct node at, struct error *err) MUST_USE;

/* The same for all that a resource stands under and would come out of, if it went and were made
 * anew: its own and its groups', at its parent. */
enum status resource__guard_gone(struct call *call, struct resource_id resource,
	struct workspace_id workspace, struct error *err) MUST_USE;

#endif
