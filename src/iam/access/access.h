#ifndef IAM_ACCESS_H
#define IAM_ACCESS_H

#include "iam/access/grants.h"
#include "iam/access/groups.h"
#include "iam/principals/principals.h"

/* What a principal holds and through what: its own grants and those of its groups. */
#define ACCESS_GRANTS_MAX 2000
struct access {
	struct principal principal;
	struct group *groups;
	size_t group_count;
	struct held_grant {
		struct grant grant;
		struct group_id group; /* nil: its own */
	} * grants;
	size_t grant_count;
	bool truncated; /* it holds more than ACCESS_GRANTS_MAX */
};
enum status access_load(
	struct access *out, struct call *call, struct principal_id id, struct error *err) MUST_USE;

/* The whole of it; and the roles alone, as an array. */
void access_write(struct json_writer *w, const char *name, const void *access);
void access_write_roles(struct json_writer *w, const char *name, const struct access *access);

#endif
