#ifndef IAM_GUARDRAILS_H
#define IAM_GUARDRAILS_H

#include "iam/call.h"
#include "json/json.h"

/* A list of permissions denied at a node and below, to stated kinds of principal. */
struct guardrail {
	struct guardrail_id id;
	struct str name, description, origin;
	struct node node;
	kind_mask kinds;
	struct str permissions; /* JSON list of names */
	struct str condition; /* JSON text; absent: none */
	int64_t created_us, changed;
};

#define GUARDRAILS_PER_ORG_MAX 1024
struct guardrail_draft {
	struct str name, description;
	struct node node;
	kind_mask kinds; /* 0: all */
	const struct str *permissions;
	size_t permission_count;
	const struct json *condition;
	int64_t if_match;
};

/* Whoever writes one, or takes one away, must be allowed to give all that it denies at its node.
 * ERR_CONFLICT "guardrail-name-taken"; "guardrail-is-system" for one that a blueprint brought. */
enum status guardrail_create(struct guardrail *out, struct call *call,
	const struct guardrail_draft *draft, struct error *err) MUST_USE;
enum status guardrail_load(struct guardrail *out, struct call *call, struct guardrail_id id,
	struct error *err) MUST_USE;
enum status guardrail_list(struct guardrail **out, size_t *count, struct call *call,
	struct page *page, struct error *err) MUST_USE;
enum status guardrail_replace(struct guardrail *out, struct call *call, struct guardrail_id id,
	const struct guardrail_draft *draft, struct error *err) MUST_USE;
enum status guardrail_delete(
	struct call *call, struct guardrail_id id, int64_t if_match, struct error *err) MUST_USE;

void guardrail_write(struct json_writer *w, const char *name, const void *guardrail);

#endif
