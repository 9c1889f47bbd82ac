#include "iam/tree/orgs.h"
#include "api/body.h"
#include "api/list.h"
#include "api/operations.h"

static enum status
show(struct operation_call *op, const struct org *org, enum status rc)
{
	if (rc != OK)
		return rc;
	org_write(&op->out, NULL, org);
	op->etag = org->changed;
	return OK;
}

enum status
api_org_list(struct operation_call *op, struct error *err)
{
	struct org *orgs;
	size_t count;

	enum status rc = org_list(&orgs, &count, &op->call, &op->page, err);
	if (rc == OK)
		list_write(op, orgs, count, sizeof(*orgs), org_write);
	return rc;
}

static void
write_created(struct json_writer *w, const struct org_created *created)
{
	jw_object(w, NULL);
	org_write(w, "org", &created->org);
	if (!uuid_is_nil(created->owner.id.id))
		principal_write(w, "owner", &created->owner);
	if (!uuid_is_nil(created->first_key.id.id)) {
		principal_write(w, "first_key", &created->first_key);
		jw_z(w, "secret", created->secret.text.text);
	}
	jw_end_object(w);
}

enum status
api_org_create(struct operation_call *op, struct error *err)
{
	const struct json *owner = body_get(op, "owner"), *key = body_get(op, "first_key");
	struct org_draft draft = {.name = body_str(op, "name"),
		.owner_email = json_str(json_get(owner, "email")),
		.owner_name = json_str(json_get(owner, "name")),
		.first_key_name = json_str(json_get(key, "name"))};
	struct org_created created;

	draft.first_key_expires_us = json_time_us(json_get(key, "expires_at"));
	enum status rc =
		body_strings(&draft.blueprints, &draft.blueprint_count, op, "blueprints", err);
	if (rc == OK)
		rc = org_create(&created, &op->call, &draft, err);
	if (rc == OK)
		write_created(&op->out, &created);
	crypto_wipe(&created.secret.text, sizeof(created.secret.text));
	return rc;
}

enum status
api_org_get(struct operation_call *op, struct error *err)
{
	struct org org;

	return show(op, &org, org_load(&org, &op->call, err));
}

enum status
api_org_update(struct operation_call *op, struct error *err)
{
	struct org org;
	const struct org_update update = {.name = body_str(op, "name"),
		.creator_role_stated = body_states(op, "creator_role"),
		.creator_role = body_str(op, "creator_role"),
		.sign_up_stated = body_states(op, "sign_up"),
		.sign_up = body_bool(op, "sign_up"),
		.mail_sender_stated = body_states(op, "mail_sender"),
		.mail_sender = body_str(op, "mail_sender"),
		.if_match = op->if_match};

	return show(op, &org, org_update(&org, &op->call, &update, err));
}

enum status
api_org_set_state(struct operation_call *op, struct error *err)
{
	struct org org;
	const struct org_update update = {
		.state = body_state(op, "state"), .if_match = op->if_match};

	return show(op, &org, org_update(&org, &op->call, &update, err));
}

enum status
api_org_delete(struct operation_call *op, struct error *err)
{
	return org_delete(&op->call, op->if_match, err);
}

enum status
api_default_list(struct operation_call *op, struct error *err)
{
	struct kind_default *defaults;
	size_t count;

	enum status rc = default_list(&defaults, &count, &op->call, err);
	if (rc == OK)
		list_write(op, defaults, count, sizeof(*defaults), default_write);
	return rc;
}

enum status
api_default_set(struct operation_call *op, struct error *err)
{
	struct kind_default set;

	enum status rc = default_set(&set, &op->call, kind_parse(op->path[1]), body_str(op, "role"),
		body_str(op, "ceiling_role"), err);
	if (rc == OK)
		default_write(&op->out, NULL, &set);
	return rc;
}
