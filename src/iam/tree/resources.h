#ifndef IAM_RESOURCES_H
#define IAM_RESOURCES_H

#include "iam/call.h"

/* Whatever is guarded, as (type, id) in a workspace; or global in the organisation, offered to
 * workspaces and usable there once enabled (B13). */
struct resource {
	struct resource_id uuid;
	struct workspace_id workspace; /* nil: global */
	struct str type, id, name;
	enum state state;
	int64_t created_us, changed;
};
struct resource_draft {
	struct workspace_id workspace;
	struct str type, id;
	struct str name; /* absent: the id; in an update: stays */
	enum state state; /* in an update: ACTIVE, SUSPENDED, or STATE_NONE: stays */
	const struct rgroup_id *groups; /* to join at once */
	size_t group_count;
	int64_t if_match;
};

/* ERR_INVALID "resource-type-unknown", ERR_CONFLICT "resource-exists". Gateways and devices come
 * with their principals: ERR_CONFLICT "resource-is-principal", also when they are deleted.
 * IAM_RESOURCES_CREATE is required at the workspace (nil: the organisation); of a confined caller
 * who states groups, at each of these. */
enum status resource_create(struct resource *out, struct call *call,
	const struct resource_draft *draft, struct error *err) MUST_USE;
/* ERR_NOT_FOUND "resource-not-found". */
enum status resource_load(struct resource *out, struct call *call, struct workspace_id workspace,
	struct str type, struct str id, struct error *err) MUST_USE;
struct resource_filter {
	struct workspace_id workspace; /* nil: the global ones */
	struct str type; /* absent: any */
	enum state state; /* STATE_NONE: any */
	struct rgroup_id group; /* nil: any */
};
enum status resource_list(struct resource **out, size_t *count, struct call *call,
	const struct resource_filter *filter, struct page *page, struct error *err) MUST_USE;
enum status resource_update(struct resource *out, struct call *call,
	const struct resource_draft *draft, struct error *err) MUST_USE;
/* With its grants, offers and places in groups. */
enum status resource_delete(
	struct call *call, const struct resource_draft *named, struct error *err) MUST_USE;

/* The row alone, for principals that are resources: no rule, one record less. */
enum status resource__register(struct resource *out, struct call *call,
	const struct resource_draft *draft, struct error *err) MUST_USE;

/* Offers of global resources. */
struct offer {
	struct resource resource;
	struct workspace_id workspace;
	bool enabled;
};
/* Only global resources can be offered: others are not found. Offering twice, and taking back what
 * is not offered, change nothing. ERR_LIMIT "too-many-offers" past OFFERS_PER_RESOURCE_MAX. */
enum status offer_create(struct call *call, struct str type, struct str id,
	struct workspace_id workspace, struct error *err) MUST_USE;
enum status offer_delete(struct call *call, struct str type, struct str id,
	struct workspace_id workspace, struct error *err) MUST_USE;
/* ERR_NOT_FOUND "offer-not-found" for what was not offered there. */
enum status offer_enable(struct call *call, struct str type, struct str id,
	struct workspace_id workspace, bool enabled, struct error *err) MUST_USE;
enum status offer_load(struct offer *out, struct call *call, struct workspace_id workspace,
	struct str type, struct str id, struct error *err) MUST_USE;
enum status offer_list(struct offer **out, size_t *count, struct call *call,
	struct workspace_id workspace, struct page *page, struct error *err) MUST_USE;

struct resource_type {
	struct str type, description, origin;
	bool registered;
};
enum status resource_type_list(
	struct resource_type **out, size_t *count, struct call *call, struct error *err) MUST_USE;

void resource_write(struct json_writer *w, const char *name, const void *resource);
void offer_write(struct json_writer *w, const char *name, const void *offer);
void resource_type_write(struct json_writer *w, const char *name, const void *type);

#endif
