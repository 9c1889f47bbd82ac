#include <string.h>

#include "directory/rows.h"
#include "iam/access/grants.h"
#include "iam/access/owners.h"
#include "iam/blueprints/blueprints.h"
#include "iam/chain.h"
#include "iam/guard.h"
#include "iam/rows.h"
#include "iam/tree/orgs.h"
#include "iam/tree/workspaces.h"
#include "model/names.h"

static const struct sql ORG_INSERT = SQL(
	"INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission, next_role,"
	" created_us, changed) VALUES ($1, $2, 1, 0, 0, $3, $4, 1, $5, 1)");
static const struct sql ORG_EXISTS = SQL("SELECT COUNT(*) FROM orgs WHERE org = $1");
static const struct sql INSTALLATION_INSERT =
	SQL("INSERT INTO installation (one, incarnation, created_us) VALUES (1, $1, $2)");
static const struct sql OWNER_ROLE_INSERT = SQL(
	"INSERT INTO roles (org, role, number, workspace, name, title, description, kinds, system,"
	" exercises_all, gives_all, confines, ceiling, origin, created_us, changed)"
	" VALUES ($1, $2, 0, $3, $4, $5, $6, $7, 1, 1, 1, 0, '{\"except\":[]}', 'system', $8, 1)");
static const struct sql TYPE_INSERT =
	SQL("INSERT INTO resource_types (org, type, description, registered, origin)"
	    " VALUES ($1, $2, $3, 1, 'system')");

static enum status
insert_org(struct call *call, struct org_id id, struct str name, struct error *err)
{
	static const uint8_t genesis[SHA256_LEN] = {0};
	struct query q;

	enum status rc = query_begin(&q, call->tx, &ORG_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id.id);
	query_bind_str(&q, 2, name);
	query_bind_bytes(&q, 3, genesis, sizeof(genesis));
	query_bind_int(&q, 4, PERMISSION_OWN_FIRST);
	query_bind_int(&q, 5, call->now_us);
	return query_run(&q, NULL, err);
}

/* The role number 0, which nobody can change and everything stands on. It bears a ceiling, the
 * highest, so that no default bound holds its holder down. */
static enum status
insert_owner_role(struct call *call, struct org_id id, struct error *err)
{
	bool platform = org_is_platform(id);
	struct query q;

	enum status rc = query_begin(&q, call->tx, &OWNER_ROLE_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id.id);
	query_bind_uuid(&q, 2, uuid_new());
	query_bind_uuid(&q, 3, (struct uuid){{0}});
	query_bind_str(&q, 4, platform ? STR("operator") : STR("owner"));
	query_bind_str(&q, 5, platform ? STR("Operator") : STR("Owner"));
	query_bind_str(&q, 6,
		platform ? STR("Runs the platform: makes, suspends and deletes organisations. What "
			       "organisations own is not theirs.")
			 : STR("Everything in the organisation, and may give everything."));
	query_bind_int(&q, 7,
		KIND_BIT(KIND_MEMBER) | KIND_BIT(KIND_API_KEY) | KIND_BIT(KIND_SERVICE_ACCOUNT));
	query_bind_int(&q, 8, call->now_us);
	return query_run(&q, NULL, err);
}

static enum status
insert_type(
	struct call *call, struct org_id id, struct str type, struct str text, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &TYPE_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id.id);
	query_bind_str(&q, 2, type);
	query_bind_str(&q, 3, text);
	return query_run(&q, NULL, err);
}

static enum status
insert_rows(struct call *call, struct org_id id, struct str name, struct error *err)
{
	enum status rc = insert_org(call, id, name, err);
	if (rc == OK)
		rc = insert_owner_role(call, id, err);
	if (rc == OK && !org_is_platform(id))
		rc = insert_type(
			call, id, STR("gateway"), STR("A gateway, itself a principal."), err);
	if (rc == OK && !org_is_platform(id))
		rc = insert_type(
			call, id, STR("device"), STR("A device, itself a principal."), err);
	return rc;
}

/* Turns the call to another organisation: its chain and its skeleton, from rows. The caller stays
 * who he is, and is judged nowhere in it. */
static enum status
enter_org(struct call *call, struct org_id id, struct error *err)
{
	enum status rc = chain_open(&call->chain, call->tx, id, err);
	if (rc == OK)
		rc = rows_load_org(&call->org, call->tx, id, call->arena, err);
	if (rc == OK && !call->org)
		rc = error_set(err, ERR_INTERNAL, "org-missing", "The organisation was not made.");
	return rc;
}

/* The operator makes an owner of somebody else's organisation: at the platform he must be allowed
 * to give all that an owner has of the built-in permissions. */
static enum status
guard_founding(struct call *call, struct error *err)
{
	struct permset all;

	if (!permset_init(&all, call->arena, PERMISSION_OWN_FIRST))
		return error_no_memory(err);
	for (uint32_t i = 0; i < catalogue_count; i++)
		permset_add(&all, catalogue[i].number);
	const struct gift gift = {
		.node = {NODE_PLATFORM, {{0}}}, .permissions = &all, .expires_us = NEVER};
	return guard_give(call, &gift, err);
}

static enum status
give_owner_role(struct call *call, struct principal_id who, struct error *err)
{
	struct grant grant;
	const struct grant_draft draft = {.holder = who.id,
		.role = org_is_platform(call->org->id) ? STR("operator") : STR("owner"),
		.node = node_org(call->org->id),
		.expires_us = NEVER,
		.by_rule = true};

	return grant_create(&grant, call, &draft, err);
}

static enum status
create_founder(struct principal *out, struct issued_secret *secret, struct call *call,
	struct principal_draft *draft, struct error *err)
{
	draft->roles_stated = true;
	enum status rc = principal_create(out, secret, call, draft, err);
	return rc == OK ? give_owner_role(call, out->id, err) : rc;
}

static enum status
create_founders(struct org_created *out, struct call *call, const struct org_draft *draft,
	struct error *err)
{
	enum status rc = OK;

	if (draft->owner_email.ptr) {
		struct issued_secret none;
		struct principal_draft owner = {.kind = KIND_MEMBER,
			.email = draft->owner_email,
			.name = draft->owner_name,
			.expires_us = NEVER};
		rc = create_founder(&out->owner, &none, call, &owner, err);
	}
	if (rc == OK && draft->first_key_name.ptr) {
		struct principal_draft key = {.kind = KIND_API_KEY,
			.name = draft->first_key_name,
			.expires_us = draft->first_key_expires_us};
		rc = create_founder(&out->first_key, &out->secret, call, &key, err);
	}
	return rc;
}

static enum status
apply_blueprints(struct call *call, const struct org_draft *draft, struct error *err)
{
	const struct blueprint_options by_rule = {.by_rule = true};
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < draft->blueprint_count; i++) {
		struct blueprint_result result;
		rc = blueprint_apply_shipped(&result, call, draft->blueprints[i], &by_rule, err);
		if (rc == OK)
			rc = rows_load_org(&call->org, call->tx, call->chain.org, call->arena, err);
	}
	return rc;
}

static enum status
furnish(struct org_created *out, struct call *call, const struct org_draft *draft,
	struct error *err)
{
	struct workspace workspace;
	const struct workspace_draft first = {
		.name = STR("Main"), .description = STR("The first workspace.")};

	enum status rc = enter_org(call, out->org.id, err);
	if (rc == OK)
		rc = org_load(&out->org, call, err);
	if (rc == OK)
		rc = iam__record(call, "organisations.create", "organisation", out->org.id.id,
			VERSIONS(NOTHING, call_json(call, org_write, &out->org)), err);
	if (rc == OK)
		rc = workspace__found(&workspace, call, &first, err);
	if (rc == OK)
		rc = apply_blueprints(call, draft, err);
	if (rc == OK)
		rc = create_founders(out, call, draft, err);
	if (rc == OK)
		rc = org_load(&out->org, call, err);
	if (rc != OK)
		return rc;
	out->org.revision = call->chain.revision;
	call_touch_skeleton(call);
	return chain_close(&call->chain, call->tx, err);
}

enum status
org_create(struct org_created *out, struct call *call, const struct org_draft *draft,
	struct error *err)
{
	const struct chain platform = call->chain;
	const struct org_view *platform_view = call->org;

	*out = (struct org_created){.org = {.id = {uuid_new()}, .name = draft->name}};
	enum status rc = name_check(draft->name, "name", err);
	if (rc == OK)
		rc = guard_founding(call, err);
	if (rc == OK)
		rc = insert_rows(call, out->org.id, draft->name, err);
	if (rc == OK)
		rc = furnish(out, call, draft, err);
	call->chain = platform;
	call->org = platform_view;
	if (rc == OK)
		rc = iam__record(call, "organisations.create", "organisation", out->org.id.id,
			VERSIONS(NOTHING, call_json(call, org_write, &out->org)), err);
	return rc;
}

static enum status
insert_installation(struct call *call, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &INSTALLATION_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, uuid_new());
	query_bind_int(&q, 2, call->now_us);
	return query_run(&q, NULL, err);
}

enum status
platform_found(struct call *call, struct error *err)
{
	int64_t there;

	call->chain.org = PLATFORM;
	enum status rc = iam__count(&there, call, &ORG_EXISTS, (struct uuid){{0}}, err);
	if (rc == OK && there == 0)
		rc = insert_installation(call, err);
	if (rc == OK && there == 0)
		rc = insert_rows(call, PLATFORM, STR("Platform"), err);
	return rc;
}

enum status
platform_create_operator(struct principal *out, struct issued_secret *secret, struct call *call,
	struct str name, struct error *err)
{
	struct principal_draft draft = {.kind = KIND_API_KEY, .name = name, .expires_us = NEVER};

	enum status rc = platform_found(call, err);
	if (rc == OK)
		rc = enter_org(call, PLATFORM, err);
	if (rc == OK)
		rc = create_founder(out, secret, call, &draft, err);
	if (rc == OK)
		rc = chain_close(&call->chain, call->tx, err);
	return rc;
}
