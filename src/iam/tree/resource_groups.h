#ifndef IAM_RESOURCE_GROUPS_H
#define IAM_RESOURCE_GROUPS_H

#include "iam/tree/resources.h"

/* A named set of resources of one workspace; a resource may be in up to RGROUPS_PER_RESOURCE_MAX.
 */
struct resource_group {
	struct rgroup_id id;
	struct workspace_id workspace;
	struct str name, description;
	int64_t created_us, changed;
};
struct resource_group_draft {
	struct str name, description; /* absent in an update: stays */
	int64_t if_match;
};

/* ERR_NOT_FOUND "resource-group-not-found" also for one of another workspace (nil: any of the
 * organisation). ERR_CONFLICT "resource-group-name-taken". */
enum status resource_group_create(struct resource_group *out, struct call *call,
	struct workspace_id workspace, const struct resource_group_draft *draft,
	struct error *err) MUST_USE;
enum status resource_group_load(struct resource_group *out, struct call *call,
	struct workspace_id workspace, struct rgroup_id id, struct error *err) MUST_USE;
enum status resource_group_list(struct resource_group **out, size_t *count, struct call *call,
	struct workspace_id workspace, struct page *page, struct error *err) MUST_USE;
enum status resource_group_update(struct resource_group *out, struct call *call,
	struct workspace_id workspace, struct rgroup_id id,
	const struct resource_group_draft *draft, struct error *err) MUST_USE;
/* Whoever was confined to it stays confined, to what is left (D6, "Easy to overlook"). */
enum status resource_group_delete(struct call *call, struct workspace_id workspace,
	struct rgroup_id id, int64_t if_match, struct error *err) MUST_USE;

/*
 * Membership. Adding brings the resource under the grants at the group and into the reach of who
 * is confined to it, hence passes the guard: all that is granted at the group, and all that those
 * confined to it carry, must be the caller's to give. Adding twice and removing what is not in it
 * change nothing.
 */
enum status resource_group_add(struct call *call, struct workspace_id workspace,
	struct rgroup_id id, struct resource_id resource, struct error *err) MUST_USE;
enum status resource_group_remove(struct call *call, struct workspace_id workspace,
	struct rgroup_id id, struct resource_id resource, struct error *err) MUST_USE;
/* Those that the filter's group, of the filter's workspace, has. ERR_NOT_FOUND as above. */
enum status resource_group_list_resources(struct resource **out, size_t *count, struct call *call,
	const struct resource_filter *filter, struct page *page, struct error *err) MUST_USE;

void resource_group_write(struct json_writer *w, const char *name, const void *group);

#endif
