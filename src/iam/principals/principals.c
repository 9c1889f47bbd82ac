#include "iam/principals/principals.h"

#include "directory/rows.h"
#include "iam/access/owners.h"
#include "iam/guard.h"
#include "iam/principals/clients.h"
#include "iam/principals/rows.h"
#include "iam/rows.h"
#include "iam/tokens/endings.h"
#include "iam/tree/resource_rows.h"
#include "model/names.h"

static const struct sql CONFINE =
	SQL("UPDATE principals SET confined = 1 WHERE org = $1 AND principal = $2");

bool
kind_has_email(enum principal_kind kind)
{
	return kind == KIND_MEMBER || kind == KIND_END_USER;
}

bool
principal_has_secret(const struct principal *principal)
{
	enum principal_kind kind = principal->kind;

	if (principal->client)
		return client_has_secret(principal->client);
	return kind == KIND_API_KEY || kind == KIND_SERVICE_ACCOUNT || kind_has_resource(kind);
}

bool
kind_has_resource(enum principal_kind kind)
{
	return kind == KIND_GATEWAY || kind == KIND_DEVICE;
}

struct node
principal_node(const struct principal *principal)
{
	return uuid_is_nil(principal->workspace.id) ? node_org(principal->org)
						    : node_workspace(principal->workspace);
}

enum status
principal_view_load(const struct principal_view **out, struct call *call, struct principal_id id,
	struct error *err)
{
	enum status rc = rows_load_principal(out, call->tx, call->org, id, call->arena, err);
	if (rc == OK && !*out)
		rc = error_set(
			err, ERR_NOT_FOUND, "principal-not-found", "There is no such principal.");
	return rc;
}

enum status
principal_guard_give(
	struct call *call, const struct principal_view *principal, bool to_self, struct error *err)
{
	enum status rc = guard_give_grants(call, &principal->grants, to_self, err);

	for (uint32_t i = 0; rc == OK && i < principal->group_count; i++) {
		const struct group_view *group;
		rc = rows_load_group(
			&group, call->tx, call->org, principal->groups[i], call->arena, err);
		if (rc == OK && group)
			rc = guard_give_grants(call, &group->grants, to_self, err);
	}
	return rc;
}

enum status
principal_confine(struct call *call, struct principal_id id, struct error *err)
{
	call_touch(call, VIEW_PRINCIPAL, id.id);
	return iam__run(call, &CONFINE, id.id, err);
}

/* Whoever brings back what was suspended or had ended hands out all that it carries. */
static enum status
guard_revival(struct call *call, const struct principal *before, const struct principal *after,
	struct error *err)
{
	const struct principal_view *view;
	bool revived = before->state != STATE_ACTIVE && after->state == STATE_ACTIVE;
	bool self = uuid_eq(before->id.id, call->caller.principal.id);

	if (!revived && after->expires_us <= before->expires_us)
		return OK;
	if (self)
		return error_set(err, ERR_FORBIDDEN, "own-end",
			"Nobody puts off his own end: ask somebody else who may.");
	enum status rc = principal_view_load(&view, call, before->id, err);
	if (rc != OK)
		return rc;
	return principal_guard_give(call, view, false, err);
}

/* Keys of a client are as good as a secret of it: so is whoever states them. */
static enum status
guard_proof(struct call *call, const struct principal *before, const struct principal *after,
	struct error *err)
{
	const struct principal_view *view;

	if (!after->client || client__same_proof(before->client, after->client))
		return OK;
	if (uuid_eq(before->id.id, call->caller.principal.id))
		return error_set(err, ERR_FORBIDDEN, "own-end",
			"A token changes no keys of the client that it stands for: ask somebody "
			"else who may.");
	enum status rc = principal_view_load(&view, call, before->id, err);
	return rc == OK ? principal_guard_give(call, view, false, err) : rc;
}

static enum status
apply_update(struct principal *after, struct call *call, const struct principal_update *update,
	struct error *err)
{
	if (update->name.ptr)
		after->name = update->name;
	/* A machine is unique by its name. */
	if (update->name.ptr && !kind_has_email(after->kind) && !kind_has_resource(after->kind))
		after->label = after->name;
	if (update->description.ptr)
		after->description = update->description;
	if (update->state != STATE_NONE)
		after->state = update->state;
	if (update->expires_stated)
		after->expires_us = update->expires_us;
	after->changed = call_next_revision(call);

	enum status rc = name_check(after->name, "name", err);
	if (rc == OK)
		rc = description_check(after->description, "description", err);
	if (rc == OK && after->client && update->client)
		rc = client__change(&after->client, call, after->client, update->client, err);
	return rc;
}

enum status
principal_update(struct principal *out, struct call *call, struct principal_id id,
	const struct principal_update *update, struct error *err)
{
	struct principal before;
	struct owners owners;

	enum status rc = principal_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(update->if_match, before.changed, err);
	*out = before;
	if (rc == OK)
		rc = apply_update(out, call, update, err);
	if (rc == OK)
		rc = guard_revival(call, &before, out, err);
	if (rc == OK)
		rc = guard_proof(call, &before, out, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "principals.update", kind_name(before.kind), id.id,
			VERSIONS(principal__json(call, &before), principal__json(call, out)), err);
	if (rc == OK)
		rc = principal__write(call, out, out->state != before.state, err);
	if (rc == OK && out->client)
		rc = client__write(call, out, err);
	if (rc == OK && out->state == STATE_SUSPENDED && before.state != STATE_SUSPENDED)
		rc = endings_of_principal(call, &before, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		principal__touch(call, out);
	return rc;
}

enum status
principal_accept(
	struct principal *out, struct call *call, struct principal_id id, struct error *err)
{
	bool found;

	enum status rc = principal__select(out, &found, call, id, err);
	if (rc != OK)
		return rc;
	bool ended = found && call->now_us >= out->expires_us;
	if (!found || ended || (out->state != STATE_INVITED && out->state != STATE_ACTIVE))
		return error_set(err, ERR_FORBIDDEN, "principal-not-active",
			"There is no access here any more: ask whoever invited you.");
	if (out->state == STATE_ACTIVE)
		return OK;
	const struct principal before = *out;
	out->state = STATE_ACTIVE;
	out->changed = call_next_revision(call);
	rc = iam__record(call, "principals.accept", kind_name(out->kind), id.id,
		VERSIONS(principal__json(call, &before), principal__json(call, out)), err);
	if (rc == OK)
		rc = principal__write(call, out, false, err);
	if (rc == OK)
		call_touch(call, VIEW_PRINCIPAL, id.id);
	return rc;
}

enum status
principal_delete(struct call *call, struct principal_id id, int64_t if_match, struct error *err)
{
	struct principal before;
	struct owners owners;

	enum status rc = principal_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK && kind_has_resource(before.kind))
		rc = resource__guard_gone(call, before.resource, before.workspace, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "principals.delete", kind_name(before.kind), id.id,
			VERSIONS(principal__json(call, &before), NOTHING), err);
	if (rc == OK)
		rc = endings_of_principal(call, &before, err);
	if (rc == OK)
		rc = principal__erase(call, &before, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		principal__touch(call, &before);
	if (rc == OK && kind_has_resource(before.kind))
		call_touch(call, VIEW_RESOURCE,
			resource_key(
				before.workspace, str_from(kind_name(before.kind)), before.label));
	return rc;
}
