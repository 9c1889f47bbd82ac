#include "iam/verify.h"

#include <string.h>

#include "iam/chain.h"

static const struct sql CHAIN_END = SQL("SELECT revision, head FROM orgs WHERE org = $1");
static const struct sql CHAIN_RECORDS =
	SQL("SELECT revision, part, time_us, actor, actor_kind, actor_org, credential, address,"
	    " action, subject_kind, subject, salt, body, digest, hash FROM records WHERE org = $1"
	    " AND (revision, part) > ($2, $3) ORDER BY revision, part LIMIT $4");
/* Means every organisation, as all that follow do. */
static const struct sql ORGS = SQL("SELECT org FROM orgs WHERE org > $1 ORDER BY org LIMIT $2");

/* An engine may fetch all the rows of a statement at once. */
#define RECORDS_PER_PAGE 200
#define ORGS_PER_PAGE 200

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
		"families f WHERE" NONE("clients c",
			"c.org = f.client_org AND c.client = f.client") "AND" NONE("gone_clients g",
			"g.gone = f.client")),
	RULE("a consent's client exists, or is about to be forgotten",
		"consents k WHERE" NONE("clients c",
			"(c.org = k.org OR c.org = $1) AND c.client = k.client") "AND" NONE("gone_"
											    "client"
											    "s g",
			"g.gone = k.client")),
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
};

static enum status
load_end(struct chain_report *report, uint8_t head[SHA256_LEN], struct tx *tx, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, &CHAIN_END, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, report->org.id);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK) {
		struct str stored = query_bytes(&q, 1);
		report->revision = query_int(&q, 0);
		if (stored.len == SHA256_LEN)
			memcpy(head, stored.ptr, SHA256_LEN);
		else
			report->broken = "the organisation names no head";
	}
	query_end(&q);
	return rc;
}

static bool
is_hash(struct str stored, const uint8_t hash[SHA256_LEN])
{
	return stored.len == SHA256_LEN && memcmp(stored.ptr, hash, SHA256_LEN) == 0;
}

/* A body that was erased took its salt with it; its digest still links the chain. */
static const char *
check_body(const struct query *q, uint8_t digest[SHA256_LEN])
{
	struct str salt = query_bytes(q, 11);
	struct str stored = query_bytes(q, 13);

	if (stored.len != SHA256_LEN)
		return "it has no digest";
	memcpy(digest, stored.ptr, SHA256_LEN);
	if (query_is_null(q, 12))
		return NULL;
	uint8_t computed[SHA256_LEN];
	if (salt.len != RECORD_SALT_LEN)
		return "it has no salt";
	record_digest(computed, (const uint8_t *)salt.ptr, query_str(q, 12));
	return memcmp(computed, digest, SHA256_LEN) == 0 ? NULL : "its content was changed";
}

/* What is wrong with the record at hand, or NULL; `hash` goes from the previous to its own. */
static const char *
check_record(const struct query *q, struct org_id org, uint8_t hash[SHA256_LEN])
{
	const struct record_facts facts = {
		.org = org,
		.revision = query_int(q, 0),
		.part = query_int(q, 1),
		.time_us = query_int(q, 2),
		.actor = query_uuid(q, 3),
		.actor_kind = query_int(q, 4),
		.actor_org = query_uuid(q, 5),
		.credential = query_uuid(q, 6),
		.address = query_str(q, 7),
		.action = query_str(q, 8),
		.subject_kind = query_str(q, 9),
		.subject = query_str(q, 10),
	};
	uint8_t digest[SHA256_LEN], computed[SHA256_LEN];

	const char *broken = check_body(q, digest);
	if (broken)
		return broken;
	record_hash(computed, hash, &facts, digest);
	memcpy(hash, computed, SHA256_LEN);
	return is_hash(query_bytes(q, 14), computed) ? NULL : "its hash does not follow";
}

static void
break_at(struct chain_report *report, const char *why, int64_t revision, int64_t part)
{
	report->broken = why;
	report->broken_revision = revision;
	report->broken_part = part;
}

/* On its way along one chain. */
struct walk {
	struct chain_report *report;
	uint8_t hash[SHA256_LEN]; /* of the last record that holds */
	int64_t revision, part; /* of that record */
};

/* Revisions run from 1 without a gap, the parts of each from 0. */
static void
step(struct walk *w, const struct query *q)
{
	int64_t at = query_int(q, 0), at_part = query_int(q, 1);
	bool next_part = at == w->revision && at_part == w->part + 1 && w->revision > 0;
	bool next_revision = at == w->revision + 1 && at_part == 0;
	const char *broken = next_part || next_revision ? check_record(q, w->report->org, w->hash)
							: "a record before it is missing";
	if (broken) {
		break_at(w->report, broken, at, at_part);
		return;
	}
	w->revision = at;
	w->part = at_part;
	w->report->records++;
	w->report->erased += query_is_null(q, 12);
}

/* Everything after the last record that holds; before the first, whatever there is. */
static enum status
walk_page(struct walk *w, int *count, struct tx *tx, struct error *err)
{
	struct query q;

	*count = 0;
	enum status rc = query_begin(&q, tx, &CHAIN_RECORDS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, w->report->org.id);
	query_bind_int(&q, 2, w->report->records > 0 ? w->revision : INT64_MIN);
	query_bind_int(&q, 3, w->part);
	query_bind_int(&q, 4, RECORDS_PER_PAGE);
	while (!w->report->broken && (rc = query_next(&q, err)) == OK && q.row) {
		step(w, &q);
		++*count;
	}
	query_end(&q);
	return rc;
}

static enum status
walk_all(struct walk *w, struct tx *tx, struct error *err)
{
	int count = RECORDS_PER_PAGE;
	enum status rc = OK;

	while (rc == OK && !w->report->broken && count == RECORDS_PER_PAGE)
		rc = walk_page(w, &count, tx, err);
	return rc;
}

enum status
chain_verify(struct chain_report *out, struct tx *tx, struct org_id org, struct error *err)
{
	uint8_t head[SHA256_LEN] = {0};
	struct walk w = {.report = out};

	*out = (struct chain_report){.org = org};
	enum status rc = load_end(out, head, tx, err);
	if (rc == OK && !out->broken)
		rc = walk_all(&w, tx, err);
	if (rc != OK || out->broken)
		return rc;
	if (w.revision != out->revision)
		break_at(out, "the newest records are missing", w.revision + 1, 0);
	else if (memcmp(w.hash, head, SHA256_LEN) != 0)
		break_at(out, "the newest record is not the organisation's head", w.revision, 0);
	return OK;
}

/* The organisations after the last of the page before; at first all, the platform among them. */
struct org_page {
	struct org_id ids[ORGS_PER_PAGE];
	size_t count;
};

static enum status
next_orgs(struct org_page *page, bool first, struct tx *tx, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, &ORGS, err);
	if (rc != OK)
		return rc;
	if (first)
		query_bind_bytes(&q, 1, "", 0);
	else
		query_bind_uuid(&q, 1, page->ids[page->count - 1].id);
	query_bind_int(&q, 2, ORGS_PER_PAGE);
	page->count = 0;
	while ((rc = query_next(&q, err)) == OK && q.row)
		page->ids[page->count++] = (struct org_id){query_uuid(&q, 0)};
	query_end(&q);
	return rc;
}

static enum status
verify_chains(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	struct org_page page;

	enum status rc = next_orgs(&page, true, tx, err);
	while (rc == OK && page.count > 0) {
		for (size_t i = 0; i < page.count; i++) {
			struct chain_report report;
			rc = chain_verify(&report, tx, page.ids[i], err);
			if (rc != OK)
				return rc;
			*sound = *sound && !report.broken;
			listener->chain(listener->context, &report);
		}
		rc = next_orgs(&page, false, tx, err);
	}
	return rc;
}

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
store_verify(
	bool *sound, struct tx *tx, const struct store_verify_listener *listener, struct error *err)
{
	*sound = true;
	enum status rc = verify_chains(sound, tx, listener, err);
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
