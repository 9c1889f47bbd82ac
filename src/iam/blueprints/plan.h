#ifndef IAM_BLUEPRINT_PLAN_H
#define IAM_BLUEPRINT_PLAN_H

#include "iam/access/roles.h"
#include "iam/blueprints/blueprints.h"

/* A checked document: what the rows of this blueprint have to be. Everything lives in the arena of
 * the call, or in the document itself. */
struct plan_type {
	struct str name, description;
	bool registered;
};
struct plan_permission {
	struct str name, group, description;
	enum permission_class class;
	bool machine;
	uint32_t alias; /* a built-in number, or PERMISSION_NONE */
};
struct plan_role {
	struct role role; /* `id` is set once its row is known; permissions sorted by name */
	bool confines;
};
struct plan_default {
	bool stated;
	struct str role, ceiling_role; /* absent: names none */
};
struct plan_guardrail {
	struct str name, description;
	kind_mask kinds;
	struct str permissions; /* a JSON array, sorted */
	struct str condition; /* canonical; absent: none */
};

/* No list has a name twice. All but `roles`, which stand as in the document, are sorted by it. */
struct blueprint_plan {
	struct blueprint facts;
	struct str document; /* canonical */
	struct plan_type *types;
	struct plan_permission *permissions;
	struct plan_role *roles;
	struct plan_guardrail *guardrails;
	size_t type_count, permission_count, role_count, guardrail_count;
	struct plan_default defaults[KIND_COUNT];
	struct str creator_role; /* absent: none */
};

#define PLAN_TYPES_MAX 256
#define PLAN_PERMISSIONS_MAX 1024
#define PLAN_ROLES_MAX 256
#define PLAN_GUARDRAILS_MAX 256
#define PLAN_NAMES_MAX 1024 /* in any one list of permissions */
#define PLAN_DOCUMENT_MAX ((size_t)1024 * 1024)

/* Form, bounds, names and references of a whole document. ERR_INVALID "invalid-blueprint" (or the
 * code of the part) with the place: "roles[3].exercises[12]". */
enum status blueprint__check(struct blueprint_plan *out, const struct json *document,
	struct arena *arena, struct error *err) MUST_USE;

/* The index in a list of the plan, whose elements begin with their name; SIZE_MAX when absent. */
size_t plan_find(const void *list, size_t count, size_t size, struct str name);
struct plan_role *plan_role_find(const struct blueprint_plan *plan, struct str name);

/* A plan on its way into the rows. */
struct blueprint_job {
	struct call *call;
	struct blueprint_plan *plan;
	bool write; /* otherwise only what would change is noted */
	struct blueprint_change *changes;
	size_t change_count;
	/* The roles of this blueprint as they were found. */
	struct found_role {
		struct role role;
		bool confines, changed;
	} * found;
	size_t found_count;
	bool creator_changed;
};

/* Notes one change. ERR_LIMIT. */
enum status blueprint__note(struct blueprint_job *job, int action, const char *kind,
	struct str name, struct error *err) MUST_USE;
/* ERR_CONFLICT "name-taken", which says what by whom. */
enum status blueprint__taken(
	const char *kind, struct str name, struct str origin, struct error *err) MUST_USE;
/* Room for one more in an array that doubles, in the arena of the call. */
enum status blueprint__grow(void **items, size_t count, size_t *cap, size_t size,
	struct arena *arena, struct error *err) MUST_USE;

/* Each finds what differs from the rows of this blueprint, notes it, and writes it if the job
 * says so; in this order. */
enum status blueprint__apply_types(struct blueprint_job *job, struct error *err) MUST_USE;
enum status blueprint__apply_permissions(struct blueprint_job *job, struct error *err) MUST_USE;
enum status blueprint__apply_roles(struct blueprint_job *job, struct error *err) MUST_USE;
enum status blueprint__apply_defaults(struct blueprint_job *job, struct error *err) MUST_USE;
enum status blueprint__apply_guardrails(struct blueprint_job *job, struct error *err) MUST_USE;

/* Whether the caller may give whatever somebody gains by what was written. */
enum status blueprint__guard(struct blueprint_job *job, struct error *err) MUST_USE;

#endif
