#ifndef IAM_ROLES_H
#define IAM_ROLES_H

#include "iam/call.h"
#include "json/json.h"

/* Named sets of permissions that their holder exercises, and may give. */
struct role {
	struct role_id id;
	int64_t number;
	struct workspace_id workspace; /* nil: of the whole organisation */
	struct str name, title, description, origin;
	kind_mask kinds;
	bool system, exercises_all, gives_all;
	struct str ceiling; /* JSON text; absent: bears none */
	int64_t created_us, changed;
	const struct role_permission {
		struct str name;
		bool exercises, gives;
	} * permissions;
	size_t permission_count;
};

#define PERMISSIONS_PER_ROLE_MAX 2048
struct role_draft {
	struct str name, title, description; /* title absent: the name */
	kind_mask kinds;
	struct workspace_id workspace;
	const struct str *exercises, *gives;
	size_t exercise_count, give_count;
	bool gives_stated; /* otherwise the same as exercises */
	const struct json *ceiling; /* NULL or null: none */
	int64_t if_match;
};

/* ERR_INVALID "permission-unknown"; ERR_CONFLICT "role-name-taken"; ERR_LIMIT. */
enum status role_create(struct role *out, struct call *call, const struct role_draft *draft,
	struct error *err) MUST_USE;
enum status role_load(
	struct role *out, struct call *call, struct role_id id, struct error *err) MUST_USE;
struct role_filter {
	struct workspace_id workspace; /* nil: any */
	struct str permission; /* absent: any */
};
enum status role_list(struct role **out, size_t *count, struct call *call,
	const struct role_filter *filter, struct page *page, struct error *err) MUST_USE;
/* What it gains passes the guard at every node where it is granted. ERR_CONFLICT
 * "role-is-system". */
enum status role_replace(struct role *out, struct call *call, struct role_id id,
	const struct role_draft *draft, struct error *err) MUST_USE;
/* ERR_CONFLICT "role-is-system", "role-in-use" while it is granted or a default. */
enum status role_delete(
	struct call *call, struct role_id id, int64_t if_match, struct error *err) MUST_USE;

/* What a role carries, and for whom; borrowed. */
struct role_carried {
	kind_mask kinds;
	const struct permset *exercises, *gives;
};
/* Whether what a role gains may be given to all who hold it, where and as they hold it: what it
 * newly carries, or all of it when it becomes good for other kinds. ERR_LIMIT
 * "role-held-too-widely". */
enum status role_guard_gain(struct call *call, struct role_id id, const struct role_carried *had,
	const struct role_carried *now, struct error *err) MUST_USE;
/* For what could raise everybody's bounds: all that an owner has must be the caller's to give. */
enum status role_guard_everything(struct call *call, struct error *err) MUST_USE;

void role_write(struct json_writer *w, const char *name, const void *role);

#endif
