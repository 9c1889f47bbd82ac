#ifndef IAM_BLUEPRINTS_H
#define IAM_BLUEPRINTS_H

#include "iam/call.h"
#include "json/json.h"

/* Importable catalogues of resource types, permissions, roles, defaults and guardrails. Applying
 * one twice changes nothing; applying a newer version changes what differs. */
struct blueprint {
	struct str name, title, description;
	int64_t version;
	uint8_t digest[SHA256_LEN];
	int64_t applied_us; /* 0: only shipped */
};

#define BLUEPRINT_CHANGES_MAX 2048
struct blueprint_change {
	enum { BLUEPRINT_CREATE, BLUEPRINT_UPDATE, BLUEPRINT_DELETE } action;
	const char *kind; /* "role", "permission", "resource_type", "guardrail", "default" … */
	struct str name;
};
struct blueprint_result {
	struct blueprint blueprint;
	bool changed, preview;
	const struct blueprint_change *changes;
	size_t change_count;
};

struct blueprint_options {
	bool preview; /* say what would change, change nothing */
	bool by_rule; /* the founding of an organisation: the guard has been passed */
};

/*
 * `document` is checked whole before anything is written: ERR_INVALID with the place. Roles and
 * guardrails that already have grants pass the guard, as any other change of a role does.
 * ERR_CONFLICT "blueprint-older" for a version below the applied one, "name-taken" for a role,
 * type or permission that something else brought.
 */
enum status blueprint_apply(struct blueprint_result *out, struct call *call,
	const struct json *document, const struct blueprint_options *options,
	struct error *err) MUST_USE;

/* One of those in the binary. ERR_NOT_FOUND "blueprint-not-found". */
enum status blueprint_apply_shipped(struct blueprint_result *out, struct call *call,
	struct str name, const struct blueprint_options *options, struct error *err) MUST_USE;
/* The text of a shipped one; absent when there is none of that name. Static. */
struct str blueprint_shipped_text(struct str name);
enum status blueprint_list_shipped(
	struct blueprint **out, size_t *count, struct arena *arena, struct error *err) MUST_USE;
enum status blueprint_list(
	struct blueprint **out, size_t *count, struct call *call, struct error *err) MUST_USE;

/* The document that is in force, in its canonical form. ERR_NOT_FOUND "blueprint-not-found" for one
 * that is not applied here. */
enum status blueprint_load_document(
	struct str *out, struct call *call, struct str name, struct error *err) MUST_USE;

void blueprint_write(struct json_writer *w, const char *name, const void *blueprint);
void blueprint_result_write(struct json_writer *w, const char *name, const void *result);

#endif
