#ifndef IAM_PERMISSIONS_H
#define IAM_PERMISSIONS_H

#include "iam/call.h"

/* The catalogue as an organisation sees it: the built-in permissions, what blueprints brought,
 * and the scopes of its workspaces; with the roles that contain each (A7). */
struct permission {
	uint32_t number;
	struct str name, description, origin; /* origin: "built-in", a blueprint's name, "scope" */
	struct str group; /* of operations; the resource of a built-in one, a scope's namespace */
	enum permission_class class;
	struct workspace_id workspace; /* of a scope; nil otherwise */
	bool machine;
	int64_t created_us;
	const struct role_view **roles; /* that exercise it */
	size_t role_count;
};
struct permission_filter {
	struct workspace_id workspace; /* nil: those of no workspace and of all */
	struct str resource; /* the part before the action, "groups"; absent: any */
	struct str group; /* of operations; absent: any */
};
/* In the order of their numbers; `page` counts by number. */
enum status permission_list(struct permission **out, size_t *count, struct call *call,
	const struct permission_filter *filter, struct page *page, struct error *err) MUST_USE;

/* The operation group of each permission, by number, for the numbers below `end`; absent where
 * there is none of that number. */
enum status permission_load_groups(
	struct str **out, uint32_t end, struct call *call, struct error *err) MUST_USE;

/* The scopes of a workspace (E1): permissions of its own, in the form namespace:action. */
struct scope_draft {
	struct str name, description;
	enum permission_class class; /* CLASS_NONE: write */
};
/* ERR_CONFLICT "scope-exists", or "permission-name-taken" by one of the organisation; ERR_LIMIT
 * past PERMISSION_LIMIT numbers ever given. */
enum status scope_create(struct permission *out, struct call *call, struct workspace_id workspace,
	const struct scope_draft *draft, struct error *err) MUST_USE;
enum status scope_list(struct permission **out, size_t *count, struct call *call,
	struct workspace_id workspace, struct page *page, struct error *err) MUST_USE;
/* Grants of it, and its places in roles, go with it; a later one of the same name is another. */
enum status scope_delete(struct call *call, struct workspace_id workspace, struct str name,
	struct error *err) MUST_USE;

void permission_write(struct json_writer *w, const char *name, const void *permission);
void scope_write(struct json_writer *w, const char *name, const void *scope);

/* The built-in catalogue grouped by resource, and the presets computed from its classes (E5):
 * read_only ⊂ operator ⊂ full_access. The same for everybody. */
void catalogue_write(struct json_writer *w);
void presets_write(struct json_writer *w, const char *name);

#endif
