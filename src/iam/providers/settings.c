#include "iam/providers/settings.h"

#include <stdio.h>

#include "iam/access/owners.h"
#include "iam/access/role_names.h"
#include "iam/access/roles.h"
#include "iam/rows.h"
#include "iam/tokens/endings.h"
#include "iam/tree/orgs.h"
#include "model/names.h"
#include "model/uri.h"

#define CLIENT_ID_MAX 255
#define TOKEN_MAX 64
#define DOMAIN_MAX 253
#define CLAIM_MAX 128
#define GROUP_MAX 256

static const struct sql PROVIDER_COUNT = SQL("SELECT COUNT(*) FROM providers WHERE org = $1");
static const struct sql PROVIDER_IDS =
	SQL("SELECT provider FROM providers WHERE org = $1 AND provider > $2 AND name >= $3"
	    " AND name < $4 ORDER BY provider LIMIT $5");
static const struct sql PROVIDER_SET =
	SQL("INSERT INTO providers (org, provider, name, issuer, client_id, client_secret, state,"
	    " scopes, sign_up, domains, groups_claim, rules, created_us, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)"
	    " ON CONFLICT (org, provider) DO UPDATE SET name = $3, client_id = $5,"
	    " client_secret = $6, state = $7, scopes = $8, sign_up = $9, domains = $10,"
	    " groups_claim = $11, rules = $12, changed = $14");
static const struct sql SYNCED_PRINCIPALS =
	SQL("SELECT DISTINCT principal FROM synced_grants WHERE org = $1 AND provider = $2");
/* What goes with a provider, in this order. */
static const struct sql PROVIDER_ERASE[] = {
	SQL("DELETE FROM grants WHERE org = $1 AND grant_id IN"
	    " (SELECT grant_id FROM synced_grants WHERE org = $1 AND provider = $2)"
	    " AND NOT EXISTS (SELECT 1 FROM synced_grants s WHERE s.org = $1"
	    "  AND s.grant_id = grants.grant_id AND s.provider <> $2)"),
	SQL("DELETE FROM synced_grants WHERE org = $1 AND provider = $2"),
	SQL("DELETE FROM identities WHERE org = $1 AND provider = $2"),
	SQL("DELETE FROM providers WHERE org = $1 AND provider = $2"),
};

#define invalid(err, ...) error_set(err, ERR_INVALID, "invalid-provider", __VA_ARGS__)

void
provider_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct provider *provider = entity;
	struct str scopes = provider->scopes;

	jw_object(w, name);
	jw_uuid(w, "id", provider->id.id);
	jw_str(w, "name", provider->name);
	jw_str(w, "issuer", provider->issuer);
	jw_str(w, "client_id", provider->client_id);
	jw_bool(w, "has_secret", provider->sealed_secret.ptr != NULL);
	jw_z(w, "state", state_name(provider->state));
	jw_array(w, "scopes");
	while (scopes.len)
		jw_str(w, NULL, str_cut(&scopes, ' '));
	jw_end_array(w);
	jw_bool(w, "sign_up", provider->sign_up);
	jw_raw(w, "domains", provider->domains);
	jw_str(w, "groups_claim", provider->groups_claim);
	jw_raw(w, "rules", provider->rules);
	jw_time(w, "created_at", provider->created_us);
	jw_int(w, "changed", provider->changed);
	jw_end_object(w);
}

/* Of the characters of a scope (RFC 6749 section 3.3) or of a name that machines give: no blank. */
static bool
is_token(struct str text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] <= ' ' || text.ptr[i] > '~' || text.ptr[i] == '"' ||
			text.ptr[i] == '\\')
			return false;
	}
	return text.len > 0 && text.len <= max;
}

/* What client identifiers and secrets are made of (RFC 6749 appendix A). */
static bool
is_printable(struct str text, size_t max)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.ptr[i] < ' ' || text.ptr[i] > '~')
			return false;
	}
	return text.len > 0 && text.len <= max;
}

static bool
is_domain(struct str domain)
{
	struct str rest = domain;

	for (size_t i = 0; i < domain.len; i++) {
		char c = domain.ptr[i];
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.')
			return false;
	}
	while (rest.ptr) {
		if (str_cut(&rest, '.').len == 0)
			return false;
	}
	return domain.len <= DOMAIN_MAX && memchr(domain.ptr, '.', domain.len);
}

static enum status
take_scopes(struct provider *out, struct call *call, const struct provider_draft *draft,
	struct error *err)
{
	char space[PROVIDER_SCOPES_MAX * (TOKEN_MAX + 1) + sizeof("openid")];
	struct buf text;

	buf_init_fixed(&text, space, sizeof(space));
	buf_str(&text, STR("openid"));
	for (size_t i = 0; i < draft->scope_count; i++) {
		if (i >= PROVIDER_SCOPES_MAX || !is_token(draft->scopes[i], TOKEN_MAX))
			return invalid(err, "scopes: at most %d, each without a blank.",
				PROVIDER_SCOPES_MAX);
		if (str_eq(draft->scopes[i], STR("openid")))
			continue;
		buf_char(&text, ' ');
		buf_str(&text, draft->scopes[i]);
	}
	out->scopes = arena_copy(call->arena, buf_view(&text));
	return out->scopes.ptr ? OK : error_no_memory(err);
}

static void
write_domains(struct json_writer *w, const char *name, const void *entity)
{
	const struct provider_draft *draft = entity;

	jw_array(w, name);
	for (size_t i = 0; i < draft->domain_count; i++)
		jw_str(w, NULL, draft->domains[i]);
	jw_end_array(w);
}

static enum status
take_domains(struct provider *out, struct call *call, const struct provider_draft *draft,
	struct error *err)
{
	for (size_t i = 0; i < draft->domain_count; i++) {
		if (i >= PROVIDER_DOMAINS_MAX || !is_domain(draft->domains[i]))
			return invalid(err,
				"domains: at most %d, each like example.org, in small letters.",
				PROVIDER_DOMAINS_MAX);
	}
	out->domains = call_json(call, write_domains, draft);
	return out->domains.len ? OK : error_no_memory(err);
}

struct resolved {
	const struct provider_draft *draft;
	const struct provider_rule *rules;
};

static void
write_rules(struct json_writer *w, const char *name, const void *entity)
{
	const struct resolved *resolved = entity;

	jw_array(w, name);
	for (size_t i = 0; i < resolved->draft->rule_count; i++) {
		jw_object(w, NULL);
		jw_str(w, "group", resolved->rules[i].group);
		jw_uuid(w, "role", resolved->rules[i].role.id);
		jw_uuid(w, "workspace", resolved->rules[i].workspace.id);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static enum status
take_rules(struct provider *out, struct call *call, const struct provider_draft *draft,
	struct error *err)
{
	struct provider_rule *rules =
		arena_new_array(call->arena, struct provider_rule, draft->rule_count);
	enum status rc = OK;

	if (!rules)
		return error_no_memory(err);
	if (draft->rule_count > PROVIDER_RULES_MAX)
		return invalid(err, "rules: at most %d.", PROVIDER_RULES_MAX);
	for (size_t i = 0; rc == OK && i < draft->rule_count; i++) {
		const struct stated_rule *stated = &draft->rules[i];
		const struct role_view *role;
		if (!stated->group.len || stated->group.len > GROUP_MAX)
			return invalid(err, "rules[%zu].group: has 1 to %d bytes.", i, GROUP_MAX);
		rc = role_resolve(&role, call, stated->role, stated->workspace, NULL, err);
		if (rc == OK)
			rules[i] =
				(struct provider_rule){stated->group, role->id, stated->workspace};
	}
	if (rc != OK)
		return rc;
	const struct resolved resolved = {draft, rules};
	out->rules = call_json(call, write_rules, &resolved);
	return out->rules.len ? OK : error_no_memory(err);
}

static enum status
take_secret(struct provider *out, struct call *call, struct str secret, struct error *err)
{
	struct seal_name name;
	struct buf sealed;

	out->sealed_secret = NOTHING;
	if (!secret.ptr)
		return OK;
	if (!is_printable(secret, PROVIDER_SECRET_MAX))
		return invalid(
			err, "client_secret: has 1 to %d bytes of ASCII.", PROVIDER_SECRET_MAX);
	buf_init(&sealed, PROVIDER_SECRET_MAX + KEYRING_SEAL_OVERHEAD);
	enum status rc = keyring_seal(call->keyring, &sealed, secret,
		provider_seal_name(&name, call->chain.org, out->id), err);
	if (rc == OK) {
		out->sealed_secret = arena_copy(call->arena, buf_view(&sealed));
		rc = out->sealed_secret.ptr ? OK : error_no_memory(err);
	}
	buf_clear(&sealed);
	return rc;
}

static void
take_plain(struct provider *out, const struct provider_draft *draft)
{
	if (draft->stated & PROVIDER_NAME)
		out->name = draft->name;
	if (draft->stated & PROVIDER_ISSUER)
		out->issuer = draft->issuer;
	if (draft->stated & PROVIDER_CLIENT_ID)
		out->client_id = draft->client_id;
	if (draft->stated & PROVIDER_STATE)
		out->state = draft->state;
	if (draft->stated & PROVIDER_SIGN_UP)
		out->sign_up = draft->sign_up;
	if (draft->stated & PROVIDER_GROUPS_CLAIM)
		out->groups_claim = draft->groups_claim.ptr ? draft->groups_claim : STR("");
}

static enum status
check_plain(const struct provider *provider, struct error *err)
{
	enum status rc = name_check(provider->name, "name", err);
	if (rc == OK)
		rc = issuer_uri_check(provider->issuer, "issuer", err);
	if (rc == OK && !is_printable(provider->client_id, CLIENT_ID_MAX))
		rc = invalid(err, "client_id: has 1 to %d bytes of ASCII.", CLIENT_ID_MAX);
	if (rc == OK && provider->groups_claim.len && !is_token(provider->groups_claim, CLAIM_MAX))
		rc = invalid(err, "groups_claim: is the name of a claim, of at most %d bytes.",
			CLAIM_MAX);
	return rc;
}

static enum status
take(struct provider *out, struct call *call, const struct provider_draft *draft, struct error *err)
{
	take_plain(out, draft);
	enum status rc = check_plain(out, err);
	if (rc == OK && (draft->stated & PROVIDER_SCOPES))
		rc = take_scopes(out, call, draft, err);
	if (rc == OK && (draft->stated & PROVIDER_DOMAINS))
		rc = take_domains(out, call, draft, err);
	if (rc == OK && (draft->stated & PROVIDER_RULES))
		rc = take_rules(out, call, draft, err);
	if (rc == OK && (draft->stated & PROVIDER_CLIENT_SECRET))
		rc = take_secret(out, call, draft->client_secret, err);
	return rc;
}

static enum status
guard_rules(struct call *call, const struct provider *provider, struct error *err)
{
	struct provider_rule *rules;
	size_t count;

	enum status rc = provider_rules_read(&rules, &count, provider->rules, call->arena, err);
	return rc == OK ? provider_rules_guard(call, rules, count, err) : rc;
}

/* What is new in it, or all of it when it begins to be of effect. */
static enum status
guard(struct call *call, const struct provider *before, const struct provider *after,
	struct error *err)
{
	static const struct str NONE = {"[]", 2};
	bool begins = after->state == STATE_ACTIVE && before->state != STATE_ACTIVE;
	enum status rc = OK;

	if (!str_eq(after->domains, NONE) && (begins || !str_eq(before->domains, after->domains)))
		rc = role_guard_everything(call, err);
	if (rc == OK && after->sign_up && (begins || !before->sign_up))
		rc = default_guard_give(call, KIND_MEMBER, err);
	if (rc == OK && (begins || !iam__same_text(before->rules, after->rules)))
		rc = guard_rules(call, after, err);
	return rc;
}

static enum status
write_row(struct call *call, const struct provider *provider, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &PROVIDER_SET, provider->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, provider->name);
	query_bind_str(&q, 4, provider->issuer);
	query_bind_str(&q, 5, provider->client_id);
	if (provider->sealed_secret.ptr)
		query_bind_bytes(&q, 6, provider->sealed_secret.ptr, provider->sealed_secret.len);
	else
		query_bind_null(&q, 6);
	query_bind_int(&q, 7, provider->state);
	query_bind_str(&q, 8, provider->scopes);
	query_bind_int(&q, 9, provider->sign_up);
	query_bind_str(&q, 10, provider->domains);
	query_bind_str(&q, 11, provider->groups_claim);
	query_bind_str(&q, 12, provider->rules);
	query_bind_int(&q, 13, provider->created_us);
	query_bind_int(&q, 14, provider->changed);
	return iam__taken(query_run(&q, NULL, err), "provider-name-taken",
		"Another provider of this organisation has this name: choose another.", err);
}

static enum status
check_room(struct call *call, struct error *err)
{
	int64_t count;

	if (org_is_platform(call->chain.org))
		return error_set(err, ERR_CONFLICT, "platform-has-no-providers",
			"Providers are those of an organisation.");
	enum status rc = iam__count(&count, call, &PROVIDER_COUNT, (struct uuid){{0}}, err);
	if (rc == OK && count >= PROVIDERS_PER_ORG_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-providers",
			"An organisation can have at most %d providers: delete one first.",
			PROVIDERS_PER_ORG_MAX);
	return rc;
}

enum status
provider_create(struct provider *out, struct call *call, const struct provider_draft *draft,
	struct error *err)
{
	const struct provider none = {
		.domains = STR("[]"), .rules = STR("[]"), .state = STATE_NONE};

	*out = (struct provider){.id = {uuid_new()},
		.org = call->chain.org,
		.state = STATE_ACTIVE,
		.scopes = STR("openid profile email"),
		.domains = none.domains,
		.groups_claim = STR(""),
		.rules = none.rules,
		.created_us = call->now_us,
		.changed = call_next_revision(call)};
	enum status rc = check_room(call, err);
	if (rc == OK)
		rc = take(out, call, draft, err);
	if (rc == OK)
		rc = guard(call, &none, out, err);
	if (rc == OK)
		rc = write_row(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "providers.create", "provider", out->id.id,
			VERSIONS(NOTHING, call_json(call, provider_write, out)), err);
	return rc;
}

enum status
provider_load(struct provider *out, struct call *call, struct provider_id id, struct error *err)
{
	bool found;

	enum status rc = provider_find(out, &found, call, id, err);
	if (rc == OK && !found)
		rc = error_set(
			err, ERR_NOT_FOUND, "provider-not-found", "There is no such provider.");
	return rc;
}

enum status
provider_update(struct provider *out, struct call *call, struct provider_id id,
	const struct provider_draft *draft, struct error *err)
{
	struct provider before;

	enum status rc = provider_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc != OK)
		return rc;
	if ((draft->stated & PROVIDER_ISSUER) && !str_eq(draft->issuer, before.issuer))
		return error_set(err, ERR_CONFLICT, "provider-issuer-fixed",
			"issuer: whom a provider knows, it knows by this issuer: make another "
			"one.");
	*out = before;
	out->changed = call_next_revision(call);
	rc = take(out, call, draft, err);
	if (rc == OK)
		rc = guard(call, &before, out, err);
	if (rc == OK)
		rc = write_row(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "providers.update", "provider", id.id,
			VERSIONS(call_json(call, provider_write, &before),
				call_json(call, provider_write, out)),
			err);
	if (rc == OK && out->state == STATE_SUSPENDED && before.state != STATE_SUSPENDED)
		rc = endings_of_provider(call, id, err);
	return rc;
}

enum status
provider_delete(struct call *call, struct provider_id id, int64_t if_match, struct error *err)
{
	struct provider before;
	struct owners owners;

	enum status rc = provider_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "providers.delete", "provider", id.id,
			VERSIONS(call_json(call, provider_write, &before), NOTHING), err);
	if (rc == OK)
		rc = endings_of_provider(call, id, err);
	if (rc == OK)
		rc = iam__touch_all(call, VIEW_PRINCIPAL, &SYNCED_PRINCIPALS, id.id, err);
	for (size_t i = 0; rc == OK && i < ARRAY_LEN(PROVIDER_ERASE); i++)
		rc = iam__run(call, &PROVIDER_ERASE[i], id.id, err);
	return rc == OK ? owners_check_left(call, owners, err) : rc;
}

static enum status
id_read(void *element, struct query *q, struct call *call, struct error *err)
{
	(void)call;
	(void)err;
	*(struct provider_id *)element = (struct provider_id){query_uuid(q, 0)};
	return OK;
}

enum status
provider_list(struct provider **out, size_t *count, struct call *call, struct page *page,
	struct error *err)
{
	const struct listing listing = {
		.sql = &PROVIDER_IDS, .size = sizeof(struct provider_id), .read = id_read};
	struct provider_id *ids;

	enum status rc = iam__list((void **)&ids, count, call, page, &listing, err);
	*out = arena_new_array(call->arena, struct provider, page->limit);
	if (rc == OK && !*out)
		rc = error_no_memory(err);
	for (size_t i = 0; rc == OK && i < *count; i++)
		rc = provider_load(&(*out)[i], call, ids[i], err);
	return rc;
}
