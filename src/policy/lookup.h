#ifndef POLICY_LOOKUP_H
#define POLICY_LOOKUP_H

#include "policy/views.h"

/* Looking things up in the skeleton of an organisation. Pure; threads: any. */

/* A built-in permission, a scope of `workspace` (may be nil), or one of the organisation's own;
 * PERMISSION_NONE when there is no such name. A name is never both of the last two. */
uint32_t org_permission_number(
	const struct org_view *org, struct workspace_id workspace, struct str name);
/* Absent for a number that is not in use. */
struct str org_permission_name(const struct org_view *org, uint32_t number);
const struct permission_view *org_permission_at(const struct org_view *org, uint32_t number);

/* The slot of (workspace, name) in a table of `mask` + 1 slots: the first that is empty or equal.
 */
uint32_t org_permission_slot(const struct permission_view *const *names, uint32_t mask,
	struct workspace_id workspace, struct str name);

const struct resource_type_view *org_resource_type(const struct org_view *org, struct str name);
const struct role_view *org_role_at(const struct org_view *org, uint32_t number);
const struct role_view *org_role_by_id(
	const struct org_view *org, struct role_id id, uint32_t *number);

bool resource_is_enabled_in(const struct resource_view *resource, struct workspace_id workspace);

#endif
