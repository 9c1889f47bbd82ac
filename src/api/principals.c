/* One set of operations for the seven kinds; the route says which. */
#include "iam/principals/principals.h"
#include "api/body.h"
#include "api/clients.h"
#include "api/list.h"
#include "api/operations.h"
#include "api/route.h"
#include "iam/access/access.h"
#include "iam/people/joining.h"
#include "iam/principals/api_keys.h"

static struct principal_id
path_principal(const struct operation_call *op)
{
	return (struct principal_id){path_uuid(op, 1)};
}

/* Applications are shown with their settings where they are asked for as such. */
static entity_writer *
writer_of(const struct operation_call *op)
{
	return op->route->kind == KIND_APPLICATION ? client_write : principal_write;
}

static enum status
show(struct operation_call *op, const struct principal *principal, enum status rc)
{
	if (rc != OK)
		return rc;
	writer_of(op)(&op->out, NULL, principal);
	op->etag = principal->changed;
	return OK;
}

/* Loads the one that the path names, of the route's kind and workspace. What is itself a resource
 * is decided about where it stands. */
static enum status
load(struct principal *out, struct operation_call *op, struct error *err)
{
	struct call *call = &op->call;
	enum principal_kind kind = op->route->kind;

	enum status rc = kind == KIND_NONE
		? principal_load(out, call, path_principal(op), err)
		: principal_load_kind(out, call, path_principal(op), kind, path_workspace(op), err);
	if (rc == OK && kind_has_resource(kind))
		rc = operation_require(op, (struct node){NODE_RESOURCE, out->resource.id}, err);
	return rc;
}

enum status
api_principal_list(struct operation_call *op, struct error *err)
{
	struct principal_filter filter = {.kind = op->route->kind,
		.workspace = path_workspace(op),
		.state = state_parse(param_str(op, "state"))};
	struct principal *principals;
	size_t count;

	if (op->route->kind == KIND_NONE) {
		filter.kind = kind_parse(param_str(op, "kind"));
		filter.workspace.id = param_uuid(op, "workspace");
		filter.group.id = param_uuid(op, "group");
		filter.role.id = param_uuid(op, "role");
	}
	enum status rc = principal_list(&principals, &count, &op->call, &filter, &op->page, err);
	if (rc == OK)
		list_write(op, principals, count, sizeof(*principals), writer_of(op));
	return rc;
}

enum status
api_principal_get(struct operation_call *op, struct error *err)
{
	struct principal principal;

	return show(op, &principal, load(&principal, op, err));
}

/* "groups" are resource groups for what is a resource, groups of principals otherwise. */
static enum status
decode_groups(struct principal_draft *draft, const struct operation_call *op, struct error *err)
{
	const struct uuid *ids;
	size_t count;

	enum status rc = body_uuids(&ids, &count, op, "groups", err);
	if (rc != OK)
		return rc;
	if (kind_has_resource(draft->kind)) {
		draft->groups = (const struct rgroup_id *)(const void *)ids;
		draft->group_count = count;
	} else {
		draft->memberships = (const struct group_id *)(const void *)ids;
		draft->membership_count = count;
	}
	return OK;
}

static enum status
decode_draft(struct principal_draft *draft, const struct operation_call *op, struct error *err)
{
	*draft = (struct principal_draft){.kind = op->route->kind,
		.workspace = path_workspace(op),
		.name = body_str(op, "name"),
		.email = body_str(op, "email"),
		.description = body_str(op, "description"),
		.resource_id = body_str(op, "id"),
		.expires_us = body_time_us(op, "expires_at"),
		.roles_stated = body_get(op, "roles") != NULL,
		.invited = body_bool(op, "invite"),
		.base_url = op->base_url};

	enum status rc = body_strings(&draft->roles, &draft->role_count, op, "roles", err);
	if (rc == OK)
		rc = body_strings(
			&draft->permissions, &draft->permission_count, op, "permissions", err);
	if (rc == OK)
		rc = decode_groups(draft, op, err);
	if (rc == OK && draft->kind == KIND_APPLICATION)
		rc = client_decode(&draft->client, op, err);
	return rc;
}

static void
write_created(struct operation_call *op, const struct principal *principal,
	const struct issued_secret *issued)
{
	jw_object(&op->out, NULL);
	writer_of(op)(&op->out, "principal", principal);
	if (issued->text.text[0]) {
		credential_write(&op->out, "credential", &issued->credential);
		jw_z(&op->out, "secret", issued->text.text);
	}
	jw_end_object(&op->out);
	op->etag = principal->changed;
}

enum status
api_principal_create(struct operation_call *op, struct error *err)
{
	struct principal_draft draft;
	struct principal principal;
	struct issued_secret issued = {0};

	enum status rc = decode_draft(&draft, op, err);
	if (rc == OK)
		rc = principal_create(&principal, &issued, &op->call, &draft, err);
	if (rc == OK)
		write_created(op, &principal, &issued);
	op->required = op->required || rc == OK;
	crypto_wipe(&issued.text, sizeof(issued.text));
	return rc;
}

enum status
api_principal_update(struct operation_call *op, struct error *err)
{
	struct principal principal;
	struct principal_update update = {.name = body_str(op, "name"),
		.description = body_str(op, "description"),
		.state = body_state(op, "state"),
		.expires_stated = body_states(op, "expires_at"),
		.expires_us = body_time_us(op, "expires_at"),
		.if_match = op->if_match};

	enum status rc = load(&principal, op, err);
	if (rc == OK && op->route->kind == KIND_APPLICATION)
		rc = client_decode(&update.client, op, err);
	if (rc == OK)
		rc = principal_update(&principal, &op->call, principal.id, &update, err);
	return show(op, &principal, rc);
}

enum status
api_principal_delete(struct operation_call *op, struct error *err)
{
	struct principal principal;

	enum status rc = load(&principal, op, err);
	return rc == OK ? principal_delete(&op->call, principal.id, op->if_match, err) : rc;
}

enum status
api_invitation_resend(struct operation_call *op, struct error *err)
{
	struct principal principal;

	enum status rc = load(&principal, op, err);
	if (rc == OK)
		rc = invitation_resend(&op->call, &principal, op->base_url, err);
	return rc;
}

enum status
api_principal_set_reach(struct operation_call *op, struct error *err)
{
	struct reach_draft draft = {
		.confined = body_bool(op, "confined"), .if_match = op->if_match};
	struct principal principal;
	const struct uuid *groups;

	enum status rc = body_uuids(&groups, &draft.count, op, "groups", err);
	draft.groups = (const struct rgroup_id *)(const void *)groups;
	if (rc == OK)
		rc = principal_set_reach(&principal, &op->call, path_principal(op), &draft, err);
	return show(op, &principal, rc);
}

enum status
api_principal_set_ceiling(struct operation_call *op, struct error *err)
{
	struct principal principal;

	return show(op, &principal,
		principal_set_ceiling(&principal, &op->call, path_principal(op),
			body_get(op, "ceiling"), op->if_match, err));
}

enum status
api_principal_access(struct operation_call *op, struct error *err)
{
	struct access access;

	enum status rc = access_load(&access, &op->call, path_principal(op), err);
	if (rc == OK)
		access_write(&op->out, NULL, &access);
	return rc;
}

/* PUT by name: makes a key the first time, brings it to what is stated afterwards. */
enum status
api_api_key_put(struct operation_call *op, struct error *err)
{
	struct api_key_draft draft = {.state = body_state(op, "state"),
		.description_stated = body_states(op, "description"),
		.expires_stated = body_states(op, "expires_at")};
	struct principal principal;
	struct issued_secret issued = {0};
	bool created = false;

	enum status rc = decode_draft(&draft.principal, op, err);
	draft.principal.name = op->path[1];
	if (rc == OK)
		rc = api_key_put(&principal, &issued, &created, &op->call, &draft, err);
	if (rc == OK)
		write_created(op, &principal, &issued);
	op->http_status = created ? 201 : 200;
	crypto_wipe(&issued.text, sizeof(issued.text));
	return rc;
}
