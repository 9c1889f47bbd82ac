#ifndef IAM_PROVIDER_RULES_H
#define IAM_PROVIDER_RULES_H

#include "iam/guard.h"
#include "iam/providers/providers.h"

/*
 * What a provider's groups give here: a role in a workspace, which makes a member of it, or in the
 * organisation. As JSON
 *	[{"group": "engineers", "role": "<id>", "workspace": "<id>"}]
 * where the organisation is meant without a workspace. A rule is the organisation's own standing
 * decision: who writes it must be allowed to give what it gives, to anybody and so to himself, and
 * it goes on when he leaves; who widens its role later must be allowed to give the gain.
 */
#define PROVIDER_RULES_MAX 200
struct provider_rule {
	struct str group;
	struct role_id role;
	struct workspace_id workspace; /* nil: the organisation */
};

/* Into the arena. ERR_INVALID "provider-rules-invalid". */
enum status provider_rules_read(struct provider_rule **out, size_t *count, struct str json,
	struct arena *arena, struct error *err) MUST_USE;

/* For whoever writes them: passes the guard. ERR_NOT_FOUND, ERR_CONFLICT "role-not-for-kind",
 * "role-of-other-workspace"; "role-not-for-rules" of one that bears a ceiling or confines. */
enum status provider_rules_guard(struct call *call, const struct provider_rule *rules, size_t count,
	struct error *err) MUST_USE;

/* For whoever widens a role: what it gains, at each node where a rule gives it. */
enum status provider_rules_guard_gain(struct call *call, struct role_id role,
	const struct gift *gain, struct error *err) MUST_USE;

struct node provider_rule_node(const struct provider_rule *rule, struct org_id org);

#endif
