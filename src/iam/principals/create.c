#include "iam/access/grants.h"
#include "iam/access/groups.h"
#include "iam/guard.h"
#include "iam/people/joining.h"
#include "iam/people/persons.h"
#include "iam/principals/clients.h"
#include "iam/principals/rows.h"
#include "iam/rows.h"
#include "iam/tree/resource_groups.h"
#include "iam/tree/resources.h"
#include "model/names.h"
#include "policy/lookup.h"

static const struct sql PERSON_BY_EMAIL = SQL("SELECT person FROM persons WHERE email_normal = $1");
static const struct sql PERSON_INSERT =
	SQL("INSERT INTO persons (person, email, email_normal, name, state, created_us)"
	    " VALUES ($1, $2, $3, $4, 1, $5)");
static const struct sql OWN_MEMBER =
	SQL("SELECT 1 FROM principals p JOIN persons n ON n.person = p.person"
	    " WHERE p.org = $1 AND p.kind = 1 AND n.email_normal = $2");

/* An account is the installation's, one for each address; the first to name it makes it. */
static enum status
person_find_or_create(struct person_id *out, struct call *call, const struct principal *member,
	struct str normal, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &PERSON_BY_EMAIL, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 1, normal);
	rc = query_next(&q, err);
	bool known = rc == OK && q.row;
	out->id = known ? query_uuid(&q, 0) : uuid_new();
	query_end(&q);
	if (rc != OK || known)
		return rc;

	rc = query_begin(&q, call->tx, &PERSON_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, out->id);
	query_bind_str(&q, 2, member->email);
	query_bind_str(&q, 3, normal);
	query_bind_str(&q, 4, member->name);
	query_bind_int(&q, 5, call->now_us);
	return query_run(&q, NULL, err);
}

/* Who came by a provider alone has an account of the organisation's own
 * (iam/providers/identities.h): one of the installation would make him a member twice. */
static enum status
check_no_own(struct call *call, struct str normal, struct error *err)
{
	struct str name = person_own_name(call->arena, call->chain.org, normal);
	struct query q;

	if (!name.ptr)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, &OWN_MEMBER, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, name);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		rc = error_set(err, ERR_CONFLICT, "member-by-provider",
			"A member with this address signs in by a provider already: that one has "
			"to be removed before the address can become a member in another way.");
	query_end(&q);
	return rc;
}

/* An account is the installation's, unless a provider alone vouches for it. */
static enum status
set_person(struct principal *member, struct call *call, const struct principal_draft *draft,
	struct str normal, struct error *err)
{
	member->person = draft->person;
	if (!uuid_is_nil(draft->person.id))
		return OK;
	enum status rc = check_no_own(call, normal, err);
	return rc == OK ? person_find_or_create(&member->person, call, member, normal, err) : rc;
}

/* What a principal of its kind is unique by; a member's account is found or made. */
static enum status
set_label(struct principal *principal, struct call *call, const struct principal_draft *draft,
	struct error *err)
{
	char text[UUID_TEXT_LEN + 1];
	struct str normal;

	if (kind_has_email(principal->kind)) {
		enum status rc = email_check(principal->email, "email", call->arena, &normal, err);
		if (rc != OK)
			return rc;
		principal->label = normal;
		if (principal->kind == KIND_END_USER)
			return OK;
		rc = set_person(principal, call, draft, normal, err);
		if (rc != OK)
			return rc;
		uuid_format(text, principal->person.id);
		principal->label = arena_copy(call->arena, str_from(text));
	} else if (kind_has_resource(principal->kind)) {
		uuid_format(text, principal->id.id);
		principal->label = draft->resource_id.ptr ? draft->resource_id
							  : arena_copy(call->arena, str_from(text));
	} else {
		principal->label = principal->name;
	}
	return principal->label.ptr ? OK : error_no_memory(err);
}

static enum status
draft_check(struct call *call, const struct principal_draft *draft, struct error *err)
{
	enum status rc = name_check(draft->name, "name", err);
	if (rc == OK && draft->description.ptr)
		rc = description_check(draft->description, "description", err);
	if (rc == OK && draft->resource_id.ptr)
		rc = resource_id_check(draft->resource_id, "resource_id", err);
	if (rc == OK)
		rc = iam__check_expiry(call, draft->expires_us, err);
	return rc;
}

/* Who makes one of these holds what proves it and can act as it: nobody gets more by a default than
 * by stating the role. Gateways and devices have what machines alone exercise. */
static bool
acts_for_caller(const struct principal *principal)
{
	if (principal->client)
		return principal->client->type != CLIENT_PUBLIC;
	return principal_has_secret(principal) && !kind_has_resource(principal->kind);
}

static enum status
give_roles(struct call *call, const struct principal *principal,
	const struct principal_draft *draft, struct error *err)
{
	struct grant grant;
	struct grant_draft give = {.holder_kind = HOLDER_PRINCIPAL,
		.holder = principal->id.id,
		.node = principal_node(principal),
		.expires_us = NEVER};
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < draft->role_count; i++) {
		give.role = draft->roles[i];
		rc = grant_create(&grant, call, &give, err);
	}
	if (rc != OK || draft->roles_stated)
		return rc;

	const struct role_view *role =
		org_role_at(call->org, call->org->default_roles[principal->kind]);
	char text[UUID_TEXT_LEN + 1];
	if (!role)
		return OK;
	uuid_format(text, role->id.id);
	give.role = str_from(text);
	give.by_rule = !acts_for_caller(principal);
	return grant_create(&grant, call, &give, err);
}

static enum status
give_permissions(struct call *call, const struct principal *principal,
	const struct principal_draft *draft, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < draft->permission_count; i++)
		rc = grant_permission(
			call, principal->id, principal->workspace, draft->permissions[i], err);
	return rc;
}

static enum status
join_memberships(struct call *call, const struct principal *principal,
	const struct principal_draft *draft, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < draft->membership_count; i++)
		rc = group_add_member(call, draft->memberships[i], principal->id, err);
	return rc;
}

/* A device joins its groups; a gateway is confined to them, the first being its home. */
static enum status
join_groups(struct call *call, const struct principal *principal,
	const struct principal_draft *draft, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < draft->group_count; i++) {
		struct resource_group group;
		rc = resource_group_load(&group, call, principal->workspace, draft->groups[i], err);
		if (rc == OK && principal->kind == KIND_DEVICE)
			rc = resource_group_add(call, principal->workspace, draft->groups[i],
				principal->resource, err);
		else if (rc == OK)
			rc = principal__add_reach(call, principal->id, draft->groups[i], err);
	}
	return rc;
}

/* Creating is decided at the parent: for a confined caller, the group that it creates in. */
static enum status
set_parent(struct principal_draft *draft, struct call *call, struct error *err)
{
	static const uint32_t NEEDED[KIND_COUNT] = {
		[KIND_END_USER] = IAM_END_USERS_CREATE,
		[KIND_APPLICATION] = IAM_CLIENTS_CREATE,
		[KIND_GATEWAY] = IAM_GATEWAYS_CREATE,
		[KIND_DEVICE] = IAM_DEVICES_CREATE,
	};
	struct principal caller;
	bool found;

	if (uuid_is_nil(draft->workspace.id))
		return OK;
	if (!call->principal->confined || draft->kind != KIND_DEVICE)
		return call_require(
			call, NEEDED[draft->kind], node_workspace(draft->workspace), err);

	enum status rc = principal__select(&caller, &found, call, call->caller.principal, err);
	if (rc != OK)
		return rc;
	if (draft->group_count == 0 && found && !uuid_is_nil(caller.home_group.id)) {
		struct rgroup_id *home = arena_new_one(call->arena, struct rgroup_id);
		if (!home)
			return error_no_memory(err);
		*home = caller.home_group;
		draft->groups = home;
		draft->group_count = 1;
	}
	if (draft->group_count == 0)
		return call_require(
			call, NEEDED[draft->kind], node_workspace(draft->workspace), err);
	for (size_t i = 0; rc == OK && i < draft->group_count; i++)
		rc = call_require(call, NEEDED[draft->kind],
			(struct node){NODE_RESOURCE_GROUP, draft->groups[i].id}, err);
	return rc;
}

static enum status
insert_resource(struct principal *principal, struct call *call, struct error *err)
{
	struct resource resource;
	const struct resource_draft draft = {.workspace = principal->workspace,
		.type = str_from(kind_name(principal->kind)),
		.id = principal->label,
		.name = principal->name};

	if (!kind_has_resource(principal->kind))
		return OK;
	enum status rc = resource__register(&resource, call, &draft, err);
	principal->resource = resource.uuid;
	return rc;
}

static enum status
insert_credential(struct issued_secret *secret, struct call *call,
	const struct principal *principal, struct error *err)
{
	const struct credential_draft draft = {.name = STR("first"), .expires_us = NEVER};

	*secret = (struct issued_secret){0};
	if (!principal_has_secret(principal))
		return OK;
	return credential__insert(secret, call, principal->id, principal->kind, &draft, err);
}

static void
fill(struct principal *out, const struct call *call, const struct principal_draft *draft)
{
	*out = (struct principal){.id = {uuid_new()},
		.org = call->chain.org,
		.kind = draft->kind,
		.workspace = draft->workspace,
		.name = draft->name,
		.email = draft->email,
		.description = draft->description.ptr ? draft->description : STR(""),
		.state = draft->invited ? STATE_INVITED : STATE_ACTIVE,
		.expires_us = draft->expires_us,
		.created_by = call->caller.principal,
		.created_us = call->now_us,
		.changed = call_next_revision(call)};
	out->confined = draft->kind == KIND_DEVICE ||
		(draft->kind == KIND_GATEWAY && draft->group_count > 0);
	if (draft->kind == KIND_GATEWAY && draft->group_count > 0) {
		out->home_group = draft->groups[0];
		out->reach = draft->groups;
		out->reach_count = draft->group_count;
	}
}

enum status
principal_create(struct principal *out, struct issued_secret *secret, struct call *call,
	const struct principal_draft *stated, struct error *err)
{
	struct principal_draft draft = *stated;

	if (!draft.name.ptr)
		draft.name = draft.email;
	enum status rc = draft_check(call, &draft, err);
	if (rc == OK)
		rc = set_parent(&draft, call, err);
	if (rc != OK)
		return rc;
	fill(out, call, &draft);
	if (out->kind == KIND_APPLICATION)
		rc = client__make(&out->client, call, out, draft.client, err);
	if (rc == OK)
		rc = set_label(out, call, &draft, err);
	if (rc == OK)
		rc = insert_resource(out, call, err);
	if (rc == OK)
		rc = principal__insert(call, out, err);
	if (rc == OK && out->client)
		rc = client__write(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "principals.create", kind_name(out->kind), out->id.id,
			VERSIONS(NOTHING, principal__json(call, out)), err);
	if (rc == OK)
		rc = join_groups(call, out, &draft, err);
	if (rc == OK)
		rc = give_roles(call, out, &draft, err);
	if (rc == OK)
		rc = give_permissions(call, out, &draft, err);
	if (rc == OK)
		rc = join_memberships(call, out, &draft, err);
	if (rc == OK)
		rc = insert_credential(secret, call, out, err);
	if (rc == OK && draft.invited)
		rc = invitation_send(call, out, draft.base_url, err);
	if (rc == OK)
		principal__touch(call, out);
	return rc;
}
