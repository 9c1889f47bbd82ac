#ifndef IAM_WORKSPACES_H
#define IAM_WORKSPACES_H

#include "iam/call.h"

/* A boundary inside an organisation. */
struct workspace {
	struct workspace_id id;
	struct org_id org;
	struct str name, description;
	enum state state;
	int64_t created_us, changed;
};
struct workspace_draft {
	struct str name, description; /* absent in an update: stays */
	struct principal_id owner; /* nil: the caller */
	enum state state; /* STATE_NONE: stays */
	int64_t if_match;
};

/* Where what concerns a workspace itself is decided: there, or at its organisation when it is
 * suspended. ERR_NOT_FOUND, also for a suspended one that the caller may not read. */
enum status workspace_judged_at(
	struct node *out, struct call *call, struct workspace_id id, struct error *err) MUST_USE;

/* Its owner gets the organisation's creator role there (B7): the caller by that rule, anybody
 * else as a gift of the caller's, which passes the guard. ERR_CONFLICT "workspace-name-taken". */
enum status workspace_create(struct workspace *out, struct call *call,
	const struct workspace_draft *draft, struct error *err) MUST_USE;
/* ERR_NOT_FOUND "workspace-not-found". */
enum status workspace_load(struct workspace *out, struct call *call, struct workspace_id id,
	struct error *err) MUST_USE;
/* Those that the caller may see. */
enum status workspace_list(struct workspace **out, size_t *count, struct call *call,
	struct page *page, struct error *err) MUST_USE;
/* ERR_CONFLICT "workspace-suspended" for anything but the state of one that is not active; so for
 * deleting it. */
enum status workspace_update(struct workspace *out, struct call *call, struct workspace_id id,
	const struct workspace_draft *draft, struct error *err) MUST_USE;
/* A tombstone: nothing in it is allowed from now on, and its name is free. ERR_CONFLICT
 * "last-workspace" for the only one of an organisation. */
enum status workspace_delete(
	struct call *call, struct workspace_id id, int64_t if_match, struct error *err) MUST_USE;

/* An organisation's first one, without an owner of its own. */
enum status workspace__found(struct workspace *out, struct call *call,
	const struct workspace_draft *draft, struct error *err) MUST_USE;

void workspace_write(struct json_writer *w, const char *name, const void *workspace);

#endif
