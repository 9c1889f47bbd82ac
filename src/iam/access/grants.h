#ifndef IAM_GRANTS_H
#define IAM_GRANTS_H

#include "iam/call.h"
#include "json/json.h"

/* A grant: (principal or group) × role × node, or a single permission for an end-user or an
 * application; with an optional expiry and condition. */
enum holder_kind { HOLDER_PRINCIPAL = 0, HOLDER_GROUP = 1 };

struct grant {
	struct grant_id id;
	enum holder_kind holder_kind;
	struct uuid holder;
	struct role_id role; /* nil: a single permission */
	struct str role_name; /* for show */
	struct str permission; /* absent: a role */
	struct node node;
	struct str condition; /* JSON text; absent: none */
	int64_t expires_us; /* NEVER */
	struct principal_id created_by;
	int64_t created_us;
};

struct grant_draft {
	enum holder_kind holder_kind;
	struct uuid holder;
	struct str role; /* an identifier or a name; absent: a single permission */
	struct str permission;
	struct node node;
	const struct json *condition; /* NULL: none */
	int64_t expires_us; /* NEVER; otherwise in the future */
	bool by_rule; /* a default of the organisation, guarded when it was set */
};

/* Gives. Passes the guard unless by_rule. The same grant (holder, what, node, condition, expiry)
 * twice is one: the second answers the first. ERR_CONFLICT "role-not-for-kind",
 * "permission-not-for-kind"; ERR_LIMIT past GRANTS_PER_HOLDER_MAX. */
enum status grant_create(struct grant *out, struct call *call, const struct grant_draft *draft,
	struct error *err) MUST_USE;
enum status grant_load(
	struct grant *out, struct call *call, struct grant_id id, struct error *err) MUST_USE;
struct grant_filter {
	struct uuid holder, node; /* nil: any */
	struct workspace_id within; /* nil: any; else at it, its resource groups and resources */
	struct role_id role;
};
enum status grant_list(struct grant **out, size_t *count, struct call *call,
	const struct grant_filter *filter, struct page *page, struct error *err) MUST_USE;
enum status grant_delete(struct call *call, struct grant_id id, struct error *err) MUST_USE;
/* Takes back what a rule gave, in a call that is open as somebody. `taken` false when its role
 * bears a ceiling, as an owner's does: without it its holder could do more. What is not there any
 * more counts as taken. */
enum status grant_take_back(
	bool *taken, struct call *call, struct grant_id id, struct error *err) MUST_USE;

/* One single permission of an end-user or application in its workspace (E3, E4): giving twice
 * and taking what is not there change nothing. */
enum status grant_permission(struct call *call, struct principal_id who, struct workspace_id ws,
	struct str permission, struct error *err) MUST_USE;
enum status grant_revoke_permission(struct call *call, struct principal_id who,
	struct workspace_id ws, struct str permission, struct error *err) MUST_USE;

void grant_write(struct json_writer *w, const char *name, const void *grant);

#endif
