#ifndef POLICY_DECIDE_H
#define POLICY_DECIDE_H

#include "policy/views.h"

/*
 * The decision of MISSION ("The decision"): pure functions over views. No clock, no I/O, no lock,
 * no allocation. Threads: any.
 */

enum decision { DECISION_DENY = 0, DECISION_ALLOW = 1 };

/* Why. The names (policy_reason_code) are stable and part of the API. */
enum reason {
	REASON_UNDETERMINED = 0,
	REASON_GRANTED,
	/* state */
	REASON_SUBJECT_UNKNOWN,
	REASON_SUBJECT_INACTIVE,
	REASON_SUBJECT_EXPIRED,
	REASON_CREDENTIAL_INACTIVE,
	REASON_CREDENTIAL_EXPIRED,
	REASON_NODE_INACTIVE,
	REASON_RESOURCE_TYPE_UNKNOWN,
	REASON_RESOURCE_UNKNOWN,
	REASON_RESOURCE_INACTIVE,
	REASON_RESOURCE_NOT_ENABLED,
	/* grant */
	REASON_PERMISSION_UNKNOWN,
	REASON_NO_GRANT,
	REASON_GRANT_EXPIRED,
	REASON_CONDITION_NOT_MET,
	/* reach, guardrail, ceiling, credential */
	REASON_OUT_OF_REACH,
	REASON_GUARDRAIL,
	REASON_CEILING,
	REASON_CREDENTIAL_LACKS_PERMISSION,
	REASON_CREDENTIAL_OTHER_NODE,
};
const char *reason_code(enum reason reason); /* "no-grant" */
const char *reason_condition(enum reason reason); /* "state", "grant" …; "" when granted */

enum target_kind {
	TARGET_UNKNOWN = 0,
	TARGET_ORG,
	TARGET_WORKSPACE,
	TARGET_RESOURCE_GROUP,
	TARGET_RESOURCE
};

/* What is asked about. `workspace` is NULL for the organisation itself and its own resources. */
struct target {
	enum target_kind kind;
	const struct workspace_view *workspace;
	const struct rgroup_view *rgroup; /* of a TARGET_RESOURCE_GROUP */
	const struct resource_view *resource; /* NULL: a bare name of a type that may be one */
	const struct resource_type_view *type; /* of a TARGET_RESOURCE; NULL: no such type */
};

/* What a token lets through of what its holder may. */
struct token_bounds {
	struct workspace_id workspace; /* that it was issued for; nil: the organisation */
	const struct permset *permissions; /* NULL: all */
};

/* Who asks. */
struct subject {
	const struct principal_view *principal; /* NULL: unknown */
	const struct group_view *const *groups; /* principal->group_count of them; an entry may be
						 * NULL: a group that is gone */
	const struct credential_view *credential; /* NULL: judged without one … */
	const struct token_bounds *bounds; /* … or by a token that is known to hold; NULL: none */
};

struct question {
	const struct org_view *org;
	struct subject subject;
	struct target target;
	uint32_t permission; /* PERMISSION_NONE: no such permission */
	struct attributes attributes;
};

/* What explains an answer; the pointers are into the views of the question. */
struct answer {
	enum decision decision;
	enum reason reason;
	const struct grant_entry *grant; /* the one that allowed, or the nearest that failed */
	const struct group_view *group; /* through which it came, or NULL: its own */
	const struct guardrail_view *guardrail; /* which denied */
};

/* Decides; `answer` is always filled. All six conditions are checked in the order of MISSION, and
 * the first that fails names the reason. */
enum decision policy_decide(const struct question *question, struct answer *answer);

/*
 * *Giving*: may the subject give `permission` at the target, to hold until `expires_us` (NEVER)
 * under `condition` (NULL)? It may when a grant on the path of its own, active now, carries the
 * permission among what its holder may give, was itself given at least as long and under no other
 * condition than is given on, and state, reach, ceiling and credential hold. `iam:` permissions
 * (below PERMISSION_OWN_FIRST) must be exercised as well; so must all when `to_self`.
 */
struct terms {
	int64_t expires_us;
	const struct condition *condition;
	bool to_self;
};
enum decision policy_may_give(
	const struct question *question, const struct terms *terms, struct answer *answer);

/*
 * The same for all permissions at once, in one pass over what the subject holds: what it may give
 * to others, and to itself (`terms->to_self` is not looked at; nor is the question's permission).
 * Both are sets that the caller has made for numbers below PERMISSION_LIMIT.
 */
void policy_givable(const struct question *question, const struct terms *terms,
	struct permset *to_others, struct permset *to_self);

#endif
