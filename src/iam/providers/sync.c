#include "iam/providers/sync.h"

#include "base/log.h"
#include "iam/access/grants.h"
#include "iam/providers/rules.h"
#include "iam/rows.h"
#include "policy/lookup.h"

static const struct sql SYNCED_LIST = SQL("SELECT grant_id FROM synced_grants"
					  " WHERE org = $1 AND principal = $2 AND provider = $3");
static const struct sql SYNCED_COUNT =
	SQL("SELECT COUNT(*) FROM synced_grants WHERE org = $1 AND principal = $2"
	    " AND grant_id = $3");
static const struct sql SYNCED_INSERT =
	SQL("INSERT INTO synced_grants (org, principal, provider, grant_id)"
	    " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING");
static const struct sql SYNCED_DELETE =
	SQL("DELETE FROM synced_grants WHERE org = $1 AND principal = $2 AND provider = $3"
	    " AND grant_id = $4");

/* One synchronisation on its way. */
struct sync {
	struct call *call;
	const struct provider *provider;
	struct principal_id member;
	struct grant_id had[PROVIDER_RULES_MAX];
	bool wanted[PROVIDER_RULES_MAX]; /* of what it had */
	size_t had_count;
};

static enum status
load_had(struct sync *s, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, s->call, &SYNCED_LIST, s->member.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, s->provider->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row && s->had_count < PROVIDER_RULES_MAX)
		s->had[s->had_count++].id = query_uuid(&q, 0);
	query_end(&q);
	return rc;
}

/* How many providers gave it. */
static enum status
count_givers(int64_t *out, const struct sync *s, struct grant_id grant, struct error *err)
{
	struct query q;

	*out = 0;
	enum status rc = iam__query(&q, s->call, &SYNCED_COUNT, s->member.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, grant.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = query_int(&q, 0);
	query_end(&q);
	return rc;
}

static enum status
write_row(const struct sync *s, const struct sql *sql, struct grant_id grant, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, s->call, sql, s->member.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, s->provider->id.id);
	query_bind_uuid(&q, 4, grant.id);
	return query_run(&q, NULL, err);
}

/* What was there before, and no provider gave it, was given by hand, and is left alone. */
static enum status
keep_account(struct sync *s, const struct grant *grant, struct error *err)
{
	int64_t givers = 0;
	bool fresh = uuid_eq(grant->created_by.id, s->provider->id.id);

	for (size_t i = 0; i < s->had_count; i++) {
		if (!uuid_eq(s->had[i].id, grant->id.id))
			continue;
		s->wanted[i] = true;
		return OK;
	}
	enum status rc = fresh ? OK : count_givers(&givers, s, grant->id, err);
	return rc == OK && (fresh || givers > 0) ? write_row(s, &SYNCED_INSERT, grant->id, err)
						 : rc;
}

static bool
is_unfit(enum status rc)
{
	return rc == ERR_NOT_FOUND || rc == ERR_CONFLICT || rc == ERR_LIMIT || rc == ERR_INVALID;
}

static void
log_unfit(const struct sync *s, const struct provider_rule *rule, const struct error *why)
{
	char provider[UUID_TEXT_LEN + 1], role[UUID_TEXT_LEN + 1];

	uuid_format(provider, s->provider->id.id);
	uuid_format(role, rule->role.id);
	log_event(LOG_WARN, "provider-rule-unfit", LOG_Z("provider", provider), LOG_Z("role", role),
		LOG_Z("code", why->code));
}

static enum status
give(struct sync *s, const struct provider_rule *rule, struct error *err)
{
	char role[UUID_TEXT_LEN + 1];
	const struct role_view *view = org_role_by_id(s->call->org, rule->role, NULL);
	struct error unfit = {0};
	struct grant grant;

	uuid_format(role, rule->role.id);
	const struct grant_draft draft = {.holder_kind = HOLDER_PRINCIPAL,
		.holder = s->member.id,
		.role = str_from(role),
		.node = provider_rule_node(rule, s->call->chain.org),
		.expires_us = NEVER,
		.by_rule = true};
	enum status rc = OK;
	if (view && view->ceiling)
		rc = error_set(&unfit, ERR_CONFLICT, "role-not-for-rules",
			"A role that bears a ceiling is given to each member by itself.");
	if (rc == OK)
		rc = grant_create(&grant, s->call, &draft, &unfit);
	if (rc == OK)
		return keep_account(s, &grant, err);
	if (!is_unfit(rc)) {
		*err = unfit;
		return rc;
	}
	log_unfit(s, rule, &unfit);
	return OK;
}

/* What has to stay is tried again the next time. */
static enum status
take_back(struct sync *s, struct grant_id grant, struct error *err)
{
	int64_t givers;
	bool taken = true;

	enum status rc = count_givers(&givers, s, grant, err);
	if (rc == OK && givers <= 1)
		rc = grant_take_back(&taken, s->call, grant, err);
	return rc == OK && taken ? write_row(s, &SYNCED_DELETE, grant, err) : rc;
}

static bool
is_in(struct str group, struct provider_groups groups)
{
	for (size_t i = 0; i < groups.count; i++) {
		if (str_eq(groups.names[i], group))
			return true;
	}
	return false;
}

enum status
provider_sync(struct call *call, const struct provider *provider, struct principal_id member,
	struct provider_groups groups, struct error *err)
{
	struct sync *s = arena_new_one(call->arena, struct sync);
	struct provider_rule *rules;
	size_t count;

	if (!s)
		return error_no_memory(err);
	*s = (struct sync){.call = call, .provider = provider, .member = member};
	enum status rc = provider_rules_read(&rules, &count, provider->rules, call->arena, err);
	if (rc == OK)
		rc = load_had(s, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		if (is_in(rules[i].group, groups))
			rc = give(s, &rules[i], err);
	}
	for (size_t i = 0; rc == OK && i < s->had_count; i++) {
		if (!s->wanted[i])
			rc = take_back(s, s->had[i], err);
	}
	return rc;
}
