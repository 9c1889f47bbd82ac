/* Rules about the rows of a store that a statement can judge. */
#include "iam/upkeep/verify_rules.h"

#include <string.h>

/* Each counts the rows of every organisation that break it; $1 is the nil identifier. */
struct invariant {
	const char *rule;
	struct sql count;
};
#define RULE(rule_, text_)                                                                         \
	{                                                                                          \
		.rule = (rule_), .count = SQL("SELECT COUNT(*) FROM " text_)                       \
	}
#define NONE(table, condition) " NOT EXISTS (SELECT 1 FROM " table " WHERE " condition ") "
#define NOT_GONE(client) NONE("gone_clients g", "g.gone = " client)

static const struct invariant INVARIANTS[] = {
	RULE("a change record's organisation exists",
		"records c WHERE" NONE("orgs o", "o.org = c.org")),
	RULE("a workspace's organisation exists",
		"workspaces w WHERE" NONE("orgs o", "o.org = w.org")),
	RULE("a principal's organisation exists",
		"principals p WHERE" NONE("orgs o", "o.org = p.org")),
	RULE("a group's organisation exists", "groups g WHERE" NONE("orgs o", "o.org = g.org")),
	RULE("a role's organisation exists", "roles r WHERE" NONE("orgs o", "o.org = r.org")),
	RULE("a permission's organisation exists",
		"permissions p WHERE" NONE("orgs o", "o.org = p.org")),
	RULE("a guardrail's organisation exists",
		"guardrails d WHERE" NONE("orgs o", "o.org = d.org")),
	RULE("a resource's organisation exists",
		"resources r WHERE" NONE("orgs o", "o.org = r.org")),
	RULE("a provider's organisation exists",
		"providers p WHERE" NONE("orgs o", "o.org = p.org")),
	RULE("an organisation's skeleton is of one of its revisions",
		"orgs o WHERE o.skeleton > o.revision"),
	RULE("an authenticator app's person exists",
		"totps t WHERE" NONE("persons n", "n.person = t.person")),
	RULE("a recovery code's person exists",
		"recovery_codes t WHERE" NONE("persons n", "n.person = t.person")),
	RULE("a passkey's person exists",
		"passkeys t WHERE" NONE("persons n", "n.person = t.person")),
	RULE("a code's client exists, unless it was the platform's",
		"codes c WHERE c.client_org = c.org AND" NONE(
			"clients t", "t.org = c.org AND t.client = c.client")),
	RULE("a grant's principal exists",
		"grants g WHERE g.holder_kind = 0 AND" NONE(
			"principals p", "p.org = g.org AND p.principal = g.holder")),
	RULE("a grant's group exists",
		"grants g WHERE g.holder_kind = 1 AND" NONE(
			"groups p", "p.org = g.org AND p.grp = g.holder")),
	RULE("a grant is of a role or of a permission",
		"grants g WHERE (g.role IS NULL) = (g.permission IS NULL)"),
	RULE("a grant's role exists",
		"grants g WHERE g.role IS NOT NULL AND" NONE(
			"roles r", "r.org = g.org AND r.role = g.role")),
	RULE("a grant at the root is at its own organisation",
		"grants g WHERE g.node_kind <= 2 AND g.node <> g.org"),
	RULE("a grant's workspace exists",
		"grants g WHERE g.node_kind = 3 AND" NONE(
			"workspaces w", "w.org = g.org AND w.workspace = g.node")),
	RULE("a grant's resource group exists",
		"grants g WHERE g.node_kind = 4 AND" NONE(
			"resource_groups w", "w.org = g.org AND w.grp = g.node")),
	RULE("a grant's resource exists",
		"grants g WHERE g.node_kind = 5 AND" NONE(
			"resources w", "w.org = g.org AND w.resource = g.node")),
	RULE("a guardrail's workspace exists",
		"guardrails d WHERE d.node_kind = 3 AND" NONE(
			"workspaces w", "w.org = d.org AND w.workspace = d.node")),
	RULE("a guardrail's resource group exists",
		"guardrails d WHERE d.node_kind = 4 AND" NONE(
			"resource_groups w", "w.org = d.org AND w.grp = d.node")),
	RULE("a guardrail's resource exists",
		"guardrails d WHERE d.node_kind = 5 AND" NONE(
			"resources w", "w.org = d.org AND w.resource = d.node")),
	RULE("a membership's group exists",
		"group_members m WHERE" NONE("groups g", "g.org = m.org AND g.grp = m.grp")),
	RULE("a membership's principal exists",
		"group_members m WHERE" NONE(
			"principals p", "p.org = m.org AND p.principal = m.principal")),
	RULE("a reach's principal exists",
		"reach m WHERE" NONE(
			"principals p", "p.org = m.org AND p.principal = m.principal")),
	RULE("a reach's resource group exists",
		"reach m WHERE" NONE("resource_groups g", "g.org = m.org AND g.grp = m.grp")),
	RULE("a credential's principal exists",
		"credentials c WHERE" NONE(
			"principals p", "p.org = c.org AND p.principal = c.principal")),
	RULE("a principal's workspace exists",
		"principals p WHERE p.workspace <> $1 AND" NONE(
			"workspaces w", "w.org = p.org AND w.workspace = p.workspace")),
	RULE("a member's person exists",
		"principals p WHERE p.person IS NOT NULL AND" NONE(
			"persons n", "n.person = p.person")),
	RULE("a principal's resource exists",
		"principals p WHERE p.resource IS NOT NULL AND" NONE(
			"resources r", "r.org = p.org AND r.resource = p.resource")),
	RULE("a gateway's home group exists",
		"principals p WHERE p.home_group IS NOT NULL AND" NONE(
			"resource_groups g", "g.org = p.org AND g.grp = p.home_group")),
	RULE("a resource's workspace exists",
		"resources r WHERE r.workspace <> $1 AND" NONE(
			"workspaces w", "w.org = r.org AND w.workspace = r.workspace")),
	RULE("a resource group's workspace exists",
		"resource_groups g WHERE" NONE(
			"workspaces w", "w.org = g.org AND w.workspace = g.workspace")),
	RULE("a resource is in groups of its own workspace",
		"resource_group_members m WHERE" NONE("resource_groups g JOIN resources r"
						      " ON r.org = g.org AND"
						      " r.workspace = g.workspace",
			"g.org = m.org AND g.grp = m.grp AND r.resource = m.resource")),
	RULE("an offer is of a global resource",
		"offers o WHERE" NONE("resources r",
			"r.org = o.org AND r.resource = o.resource AND r.workspace = $1")),
	RULE("an offer's workspace exists",
		"offers o WHERE" NONE(
			"workspaces w", "w.org = o.org AND w.workspace = o.workspace")),
	RULE("what a role carries belongs to a role",
		"role_permissions p WHERE" NONE("roles r", "r.org = p.org AND r.role = p.role")),
	RULE("a role's number was given by its organisation",
		"roles r JOIN orgs o ON o.org = r.org WHERE r.number >= o.next_role"),
	RULE("a permission's number was given by its organisation",
		"permissions p JOIN orgs o ON o.org = p.org WHERE p.number >= o.next_permission"),
	RULE("a name is not both a permission and a workspace's scope",
		"permissions p JOIN permissions s ON s.org = p.org AND s.name = p.name WHERE"
		" p.removed = 0 AND s.removed = 0 AND p.workspace = $1 AND s.workspace <> $1"),
	RULE("a default's role exists",
		"kind_defaults d WHERE d.role IS NOT NULL AND" NONE(
			"roles r", "r.org = d.org AND r.role = d.role")),
	RULE("a default's bound exists",
		"kind_defaults d WHERE d.ceiling_role IS NOT NULL AND" NONE(
			"roles r", "r.org = d.org AND r.role = d.ceiling_role")),
	RULE("a workspace has an issuer",
		"workspaces w WHERE" NONE(
			"issuers i", "i.org = w.org AND i.workspace = w.workspace")),
	RULE("a signing key's workspace exists",
		"signing_keys k WHERE k.workspace <> $1 AND" NONE(
			"workspaces w", "w.org = k.org AND w.workspace = k.workspace")),
	RULE("an application is a client",
		"principals p WHERE p.kind = 5 AND" NONE(
			"clients c", "c.org = p.org AND c.client = p.principal")),
	RULE("a client is an application of its workspace",
		"clients c WHERE" NONE("principals p",
			"p.org = c.org AND p.principal = c.client AND p.kind = 5 AND"
			" p.workspace = c.workspace")),
	RULE("the principal of metadata exists",
		"metadata m WHERE" NONE(
			"principals p", "p.org = m.org AND p.principal = m.principal")),
	RULE("a session's end-user exists",
		"sessions s WHERE s.principal IS NOT NULL AND" NONE(
			"principals p", "p.org = s.org AND p.principal = s.principal")),
	RULE("a session's person exists",
		"sessions s WHERE s.person IS NOT NULL AND" NONE(
			"persons n", "n.person = s.person")),
	RULE("a link's principal exists",
		"links k WHERE k.principal IS NOT NULL AND" NONE(
			"principals p", "p.org = k.org AND p.principal = k.principal")),
	RULE("a code's principal exists",
		"codes c WHERE" NONE(
			"principals p", "p.org = c.org AND p.principal = c.principal")),
	RULE("a refresh token's principal exists",
		"families f WHERE" NONE(
			"principals p", "p.org = f.org AND p.principal = f.principal")),
	RULE("a refresh token's client exists, or is about to be forgotten",
		"families f WHERE" NOT_GONE("f.client") "AND" NONE(
			"clients c", "c.org = f.client_org AND c.client = f.client")),
	RULE("a consent's client exists, or is about to be forgotten",
		"consents k WHERE" NOT_GONE("k.client") "AND" NONE(
			"clients c", "(c.org = k.org OR c.org = $1) AND c.client = k.client")),
	RULE("the provider that a session began with exists",
		"sessions s WHERE s.provider IS NOT NULL AND" NONE(
			"providers p", "p.org = s.only_org AND p.provider = s.provider")),
	RULE("the provider that a code came of exists",
		"codes c WHERE c.provider IS NOT NULL AND" NONE(
			"providers p", "p.org = c.org AND p.provider = c.provider")),
	RULE("the provider that a refresh token came of exists",
		"families f WHERE f.provider IS NOT NULL AND" NONE(
			"providers p", "p.org = f.org AND p.provider = f.provider")),
	RULE("a consent's principal exists",
		"consents c WHERE" NONE(
			"principals p", "p.org = c.org AND p.principal = c.principal")),
	RULE("an upstream identity with an address has a principal",
		"identities i WHERE i.email <> '' AND" NONE(
			"principals p", "p.org = i.org AND p.principal = i.principal")),
	RULE("an upstream identity's provider exists",
		"identities i WHERE" NONE(
			"providers p", "p.org = i.org AND p.provider = i.provider")),
	RULE("what a provider's rules gave has a principal",
		"synced_grants s WHERE" NONE(
			"principals p", "p.org = s.org AND p.principal = s.principal")),
	RULE("what a provider's rules gave has a provider",
		"synced_grants s WHERE" NONE(
			"providers p", "p.org = s.org AND p.provider = s.provider")),
	RULE("the role for creators of workspaces exists",
		"orgs o WHERE o.creator_role IS NOT NULL AND" NONE(
			"roles r", "r.org = o.org AND r.role = o.creator_role")),
	RULE("a gateway or device is known as its resource is",
		"principals p WHERE p.kind IN (6, 7) AND" NONE("resources r",
			"r.org = p.org AND r.resource = p.resource AND r.id = p.label")),
};

static enum status
count_violations(struct invariant_report *report, struct tx *tx, const struct invariant *invariant,
	struct error *err)
{
	struct query q;

	*report = (struct invariant_report){.rule = invariant->rule};
	enum status rc = query_begin(&q, tx, &invariant->count, err);
	if (rc != OK)
		return rc;
	if (strstr(invariant->count.text, "$1"))
		query_bind_uuid(&q, 1, (struct uuid){{0}});
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		report->violations = query_int(&q, 0);
	query_end(&q);
	return rc;
}

enum status
verify__invariants(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(INVARIANTS); i++) {
		struct invariant_report report;
		rc = count_violations(&report, tx, &INVARIANTS[i], err);
		if (rc != OK)
			break;
		*sound = *sound && report.violations == 0;
		listener->invariant(listener->context, &report);
	}
	return rc;
}
