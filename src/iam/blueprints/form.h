#ifndef IAM_BLUEPRINT_FORM_H
#define IAM_BLUEPRINT_FORM_H

#include "iam/blueprints/plan.h"

/* What the checks of the parts of a document share. Each sets "invalid-blueprint" with the place.
 */
struct plan_check {
	struct blueprint_plan *plan;
	struct arena *arena;
	struct error *err;
};

#define PLACE_MAX 96
void plan__place(char out[PLACE_MAX], const char *fmt, ...) PRINTF(2, 3);
enum status plan__refuse(struct plan_check *c, const char *place, const char *what) MUST_USE;

/* The types that a member may have, one bit each, and whether it has to be there. */
#define IS(type) (1U << (type))
#define TEXT IS(JSON_STRING)
#define FLAG IS(JSON_BOOL)
#define LIST IS(JSON_ARRAY)
#define OBJECT IS(JSON_OBJECT)
#define OR_NULL IS(JSON_NULL)
struct plan_member {
	const char *name;
	unsigned types;
	bool required;
};

/* An object with the members of `form` and no others, each of its type. */
enum status plan__check_object(struct plan_check *c, const struct json *object,
	const struct plan_member *form, size_t count, const char *place) MUST_USE;
/* A name, or a description. */
enum status plan__check_text(struct plan_check *c, struct str *out, const struct json *object,
	const char *name, const char *place) MUST_USE;
enum status plan__check_kinds(
	struct plan_check *c, kind_mask *out, const struct json *list, const char *place) MUST_USE;

/* One of the document's lists, its most elements, and what becomes of each. */
struct plan_list {
	const char *name;
	size_t max, size;
};
/* Zeroed elements for all of it. */
enum status plan__begin_list(struct plan_check *c, void **out, size_t *count,
	const struct plan_list *form, const struct json *document) MUST_USE;
/* Elements begin with their name: sorted by it, none twice. */
enum status plan__end_list(
	struct plan_check *c, void *list, size_t count, size_t size, const char *name) MUST_USE;

/* Names of permissions, of this document or built in, sorted. */
struct plan_names {
	struct str *items;
	size_t count;
};
enum status plan__check_names(struct plan_check *c, struct plan_names *out, const struct json *list,
	const char *place) MUST_USE;
/* NULL: it is none of this document. */
const struct plan_permission *plan__own_permission(
	const struct blueprint_plan *plan, struct str name);

enum status plan__canonical(
	struct plan_check *c, struct str *out, const struct json *value) MUST_USE;

/* The parts that stand in files of their own; after the permissions. */
enum status plan__check_roles(struct plan_check *c, const struct json *document) MUST_USE;
enum status plan__check_guardrails(struct plan_check *c, const struct json *document) MUST_USE;

#endif
