#ifndef IAM_GROUPS_H
#define IAM_GROUPS_H

#include "iam/call.h"

/* Named sets of principals of one organisation, of any kind. Groups do not nest. */
struct group {
	struct group_id id;
	struct str name, description;
	int64_t created_us, changed;
};

struct group_draft {
	struct str name; /* absent in an update: stays */
	struct str description; /* likewise */
	int64_t if_match;
};

/* Each answers ERR_NOT_FOUND "group-not-found" for what is not of call->org, and fills `out`
 * (may be NULL) with what is now there. Names are unique: ERR_CONFLICT "group-name-taken". */
enum status group_create(struct group *out, struct call *call, const struct group_draft *draft,
	struct error *err) MUST_USE;
enum status group_load(
	struct group *out, struct call *call, struct group_id id, struct error *err) MUST_USE;
enum status group_list(struct group **out, size_t *count, struct call *call, struct page *page,
	struct error *err) MUST_USE;
enum status group_update(struct group *out, struct call *call, struct group_id id,
	const struct group_draft *draft, struct error *err) MUST_USE;
/* Its grants and memberships go with it. */
enum status group_delete(
	struct call *call, struct group_id id, int64_t if_match, struct error *err) MUST_USE;

/* Membership. Adding gives what the group's grants carry, hence passes the guard; adding twice
 * and removing who is not in it change nothing. ERR_LIMIT past GROUPS_PER_PRINCIPAL_MAX. */
enum status group_add_member(
	struct call *call, struct group_id id, struct principal_id who, struct error *err) MUST_USE;
enum status group_remove_member(
	struct call *call, struct group_id id, struct principal_id who, struct error *err) MUST_USE;

struct group_member {
	struct principal_id id;
	enum principal_kind kind;
	struct str name;
	int64_t since_us;
};
enum status group_list_members(struct group_member **out, size_t *count, struct call *call,
	struct group_id id, struct page *page, struct error *err) MUST_USE;

void group_write(struct json_writer *w, const char *name, const void *group);
void group_member_write(struct json_writer *w, const char *name, const void *member);

#endif
