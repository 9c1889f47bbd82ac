#include "iam/call.h"

#include <stdio.h>

#include "directory/rows.h"
#include "iam/chain.h"
#include "policy/lookup.h"

static enum status
unauthenticated(struct error *err)
{
	return error_set(err, ERR_UNAUTHENTICATED, "unauthenticated",
		"The credential is missing or not valid.");
}

/* The skeleton that this transaction sees: the live view when it is of exactly that revision. */
static enum status
skeleton_load(const struct org_view **out, struct call *call, struct org_id org, int64_t skeleton,
	struct error *err)
{
	*out = directory_org_at(call->directory, org, skeleton);
	if (*out)
		return OK;
	enum status rc = rows_load_org(out, call->tx, org, call->arena, err);
	if (rc == OK && !*out)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	return rc;
}

static enum status
open_skeletons(struct call *call, struct error *err)
{
	enum status rc =
		skeleton_load(&call->org, call, call->chain.org, call->chain.skeleton, err);
	if (rc != OK)
		return rc;
	call->home = call->org;
	if (uuid_eq(call->caller.org.id, call->chain.org.id))
		return OK;

	struct org_heads heads;
	rc = rows_org_heads(&heads, call->tx, call->caller.org, err);
	if (rc != OK)
		return rc;
	return skeleton_load(&call->home, call, call->caller.org, heads.skeleton, err);
}

static enum status
prove_credential(bool *proved, struct call *call, struct error *err)
{
	enum status rc = rows_load_credential(&call->credential, call->tx, call->caller.org,
		call->caller.credential, call->arena, err);
	const struct credential_view *credential = call->credential;
	*proved = rc == OK && credential && credential->state == STATE_ACTIVE &&
		call->now_us < credential->expires_us &&
		uuid_eq(credential->principal.id, call->caller.principal.id);
	return rc;
}

static enum status
prove_token(bool *proved, struct call *call, struct error *err)
{
	const struct token *token = call->caller.token;
	enum status rc = token_prove(
		proved, call->tx, token, call->principal->generation, call->now_us, err);
	return rc == OK ? token_bounds_load(&call->bounds, token, call->home, call->arena, err)
			: rc;
}

static enum status
open_caller(struct call *call, struct error *err)
{
	bool proved = false;
	enum status rc = rows_load_principal(
		&call->principal, call->tx, call->home, call->caller.principal, call->arena, err);
	if (rc != OK)
		return rc;
	const struct principal_view *principal = call->principal;
	if (!principal || principal->state != STATE_ACTIVE ||
		call->now_us >= principal->expires_us || call->home->state != STATE_ACTIVE)
		return unauthenticated(err);
	rc = call->caller.token ? prove_token(&proved, call, err)
				: prove_credential(&proved, call, err);
	if (rc == OK && !proved)
		rc = unauthenticated(err);

	for (uint32_t i = 0; i < principal->group_count && rc == OK; i++)
		rc = rows_load_group(&call->groups[i], call->tx, call->home, principal->groups[i],
			call->arena, err);
	return rc;
}

enum status
call_open(struct call *call, struct tx *tx, struct org_id org, struct error *err)
{
	call->tx = tx;
	if (!uuid_eq(call->caller.org.id, org.id) && !org_is_platform(call->caller.org))
		return error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	enum status rc = chain_open(&call->chain, tx, org, err);
	if (rc == OK && call->chain.state == STATE_DELETED)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK)
		rc = open_skeletons(call, err);
	if (rc == OK)
		rc = open_caller(call, err);
	return rc;
}

enum status
call_open_as(struct call *call, struct tx *tx, struct org_id org, const struct actor *actor,
	struct error *err)
{
	call->tx = tx;
	call->caller =
		(struct caller){.org = actor->org, .principal = {actor->id}, .kind = actor->kind};
	enum status rc = chain_open(&call->chain, tx, org, err);
	if (rc == OK && call->chain.state == STATE_DELETED)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK)
		rc = skeleton_load(&call->org, call, org, call->chain.skeleton, err);
	call->home = call->org;
	return rc;
}

void
call_open_event(struct call *call, struct tx *tx, struct org_id org)
{
	call->tx = tx;
	call->chain = (struct chain){.org = org};
}

enum status
call_close(struct call *call, struct error *err)
{
	return chain_close(&call->chain, call->tx, err);
}

static enum status
target_workspace(struct target *out, struct call *call, struct workspace_id id, struct error *err)
{
	enum status rc =
		rows_load_workspace(&out->workspace, call->tx, call->org->id, id, call->arena, err);
	if (rc == OK && (!out->workspace || out->workspace->state == STATE_DELETED))
		rc = error_set(
			err, ERR_NOT_FOUND, "workspace-not-found", "There is no such workspace.");
	return rc;
}

static enum status
target_rgroup(struct target *out, struct call *call, struct rgroup_id id, struct error *err)
{
	enum status rc =
		rows_load_rgroup(&out->rgroup, call->tx, call->org->id, id, call->arena, err);
	if (rc == OK && !out->rgroup)
		rc = error_set(err, ERR_NOT_FOUND, "resource-group-not-found",
			"There is no such resource group.");
	if (rc == OK)
		rc = target_workspace(out, call, out->rgroup->workspace, err);
	return rc;
}

/* What is suspended cannot be used, but still be managed: or nobody could bring it back. */
static enum status
target_resource(struct target *out, struct call *call, struct resource_id id, struct error *err)
{
	enum status rc = rows_load_resource_by_id(
		&out->resource, call->tx, call->org->id, id, call->arena, err);
	if (rc == OK && !out->resource)
		rc = error_set(
			err, ERR_NOT_FOUND, "resource-not-found", "There is no such resource.");
	if (rc != OK)
		return rc;
	out->type = org_resource_type(call->org, out->resource->type);
	if (out->resource->state == STATE_SUSPENDED) {
		struct resource_view *managed = arena_new_one(call->arena, struct resource_view);
		if (!managed)
			return error_no_memory(err);
		*managed = *out->resource;
		managed->state = STATE_ACTIVE;
		out->resource = managed;
	}
	if (uuid_is_nil(out->resource->workspace.id))
		return OK;
	return target_workspace(out, call, out->resource->workspace, err);
}

enum status
call_target(struct target *out, struct call *call, struct node node, struct error *err)
{
	*out = (struct target){0};
	switch (node.kind) {
	case NODE_PLATFORM:
	case NODE_ORG:
		out->kind = TARGET_ORG;
		return OK;
	case NODE_WORKSPACE:
		out->kind = TARGET_WORKSPACE;
		return target_workspace(out, call, (struct workspace_id){node.id}, err);
	case NODE_RESOURCE_GROUP:
		out->kind = TARGET_RESOURCE_GROUP;
		return target_rgroup(out, call, (struct rgroup_id){node.id}, err);
	case NODE_RESOURCE:
		out->kind = TARGET_RESOURCE;
		return target_resource(out, call, (struct resource_id){node.id}, err);
	case NODE_NONE:
		break;
	}
	return error_set(err, ERR_NOT_FOUND, "node-not-found", "There is no such node.");
}

enum status
call_find_node(struct node *out, struct call *call, struct uuid id, struct error *err)
{
	static const enum node_kind BELOW[] = {NODE_WORKSPACE, NODE_RESOURCE_GROUP, NODE_RESOURCE};

	*out = (struct node){NODE_NONE, id};
	if (uuid_eq(id, call->org->id.id)) {
		*out = node_org(call->org->id);
		return OK;
	}
	for (size_t i = 0; i < ARRAY_LEN(BELOW); i++) {
		struct target target;
		struct error absent = {0};
		enum status rc = call_target(&target, call, (struct node){BELOW[i], id}, &absent);
		if (rc == OK) {
			out->kind = BELOW[i];
			return OK;
		}
		if (rc != ERR_NOT_FOUND) {
			*err = absent;
			return rc;
		}
	}
	return OK;
}

/* Which condition attributes a call of the API itself carries. */
static void
call_attributes(struct attributes *out, const struct call *call, struct attribute *space)
{
	*space = (struct attribute){
		.path = STR("context.address"), .type = ATTRIBUTE_STRING, .str = call->address};
	*out = (struct attributes){.items = space, .count = 1, .now_us = call->now_us};
}

/* An operator is judged at the platform, a tenant's caller anywhere but there. */
static bool
judged_at(const struct call *call, struct node node)
{
	return node.kind == NODE_PLATFORM ? org_is_platform(call->home->id)
					  : call->home == call->org;
}

enum status
call_question(struct question *out, struct call *call, struct node node, struct error *err)
{
	struct attribute *address = arena_new_one(call->arena, struct attribute);

	*out = (struct question){
		.org = node.kind == NODE_PLATFORM ? call->home : call->org,
		.subject = {.groups = call->groups,
			.credential = call->credential,
			.bounds = call->bounds},
		.permission = PERMISSION_NONE,
	};
	if (!address)
		return error_no_memory(err);
	call_attributes(&out->attributes, call, address);
	if (judged_at(call, node))
		out->subject.principal = call->principal;
	return call_target(&out->target, call, node, err);
}

bool
call_may(struct call *call, uint32_t permission, struct node node)
{
	struct question question;
	struct answer answer;
	struct error ignored = {0};

	if (call_question(&question, call, node, &ignored) != OK)
		return false;
	question.permission = permission;
	return policy_decide(&question, &answer) == DECISION_ALLOW;
}

/* Whoever may not even read a node below the organisation is told that it is not there. */
static uint32_t
reading_of_node(enum node_kind kind)
{
	switch (kind) {
	case NODE_WORKSPACE:
		return IAM_WORKSPACES_READ;
	case NODE_RESOURCE_GROUP:
		return IAM_RESOURCE_GROUPS_READ;
	case NODE_RESOURCE:
		return IAM_RESOURCES_READ;
	case NODE_NONE:
	case NODE_PLATFORM:
	case NODE_ORG:
		break;
	}
	return PERMISSION_NONE;
}

/* Reading what a permission is about: of iam:devices:update, iam:devices:read. */
static uint32_t
reading_of_same(uint32_t permission)
{
	const struct catalogue_entry *asked = catalogue_at(permission);

	for (uint32_t i = 0; asked && i < catalogue_count; i++) {
		if (strcmp(catalogue[i].resource, asked->resource) == 0 &&
			strcmp(catalogue[i].action, "read") == 0)
			return catalogue[i].number;
	}
	return PERMISSION_NONE;
}

/* Whoever reads there what it is about knows the node, and is told what is missing. */
static bool
may_see(const struct question *asked, enum node_kind kind)
{
	struct question question = *asked;
	struct answer answer;

	question.permission = reading_of_node(kind);
	if (question.permission == PERMISSION_NONE)
		return true;
	if (policy_decide(&question, &answer) == DECISION_ALLOW)
		return true;
	question.permission = reading_of_same(asked->permission);
	return policy_decide(&question, &answer) == DECISION_ALLOW;
}

static enum status
refuse_unseen(enum node_kind kind, struct error *err)
{
	if (kind == NODE_WORKSPACE)
		return error_set(
			err, ERR_NOT_FOUND, "workspace-not-found", "There is no such workspace.");
	if (kind == NODE_RESOURCE_GROUP)
		return error_set(err, ERR_NOT_FOUND, "resource-group-not-found",
			"There is no such resource group.");
	return error_set(err, ERR_NOT_FOUND, "resource-not-found", "There is no such resource.");
}

enum status
call_require(struct call *call, uint32_t permission, struct node node, struct error *err)
{
	struct question question;
	struct answer answer;

	enum status rc = call_question(&question, call, node, err);
	if (rc != OK)
		return rc;
	question.permission = permission;
	if (policy_decide(&question, &answer) == DECISION_ALLOW)
		return OK;

	if (!may_see(&question, node.kind))
		return refuse_unseen(node.kind, err);

	struct str name = org_permission_name(question.org, permission);
	rc = error_set(err, ERR_FORBIDDEN, "permission-missing",
		"This needs the permission %.*s here (%s).", STR_ARG(name),
		reason_code(answer.reason));
	snprintf(err->permission, sizeof(err->permission), "%.*s", STR_ARG(name));
	return rc;
}

enum status
call_record(struct call *call, const struct change *change, struct error *err)
{
	return chain_record(&call->chain, call, change, err);
}

int64_t
call_next_revision(const struct call *call)
{
	return chain_revision(&call->chain);
}

void
call_touch(struct call *call, enum view_kind kind, struct uuid id)
{
	tx_touch(call->tx, call->chain.org.id, chain_revision(&call->chain), (int)kind, id);
}

void
call_touch_skeleton(struct call *call)
{
	call->chain.skeleton_changed = true;
	call_touch(call, VIEW_ORG, call->chain.org.id);
}

struct str
call_json(struct call *call, entity_writer *write, const void *entity)
{
	struct buf buf;
	struct json_writer w;
	struct str out = {NULL, 0};

	buf_init(&buf, ENTITY_JSON_MAX);
	jw_init(&w, &buf);
	write(&w, NULL, entity);
	if (!buf.failed)
		out = arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return out.ptr ? out : STR("");
}

enum status
call_check_match(int64_t if_match, int64_t changed, struct error *err)
{
	if (if_match == 0 || if_match == changed)
		return OK;
	return error_set(err, ERR_PRECONDITION, "changed-meanwhile",
		"It was changed meanwhile, at revision %lld: read it again and repeat.",
		(long long)changed);
}
