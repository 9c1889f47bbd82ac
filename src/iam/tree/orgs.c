#include "iam/tree/orgs.h"

#include <string.h>

#include "iam/access/role_names.h"
#include "iam/chain.h"
#include "iam/guard.h"
#include "iam/rows.h"
#include "model/names.h"

#define ORG_COLUMNS                                                                                \
	" org, name, state, creator_role, revision, created_us, changed, sign_up, mail_sender "

static const struct sql ORG_SELECT = SQL("SELECT" ORG_COLUMNS "FROM orgs WHERE org = $1");
/* Of every organisation: an operator lists them. */
static const struct sql ORG_LIST =
	SQL("SELECT" ORG_COLUMNS "FROM orgs WHERE (org = $1 OR org <> $1) AND org > $2"
	    " AND name >= $3 AND name < $4 AND state <> 3 ORDER BY org LIMIT $5");
static const struct sql ORG_UPDATE =
	SQL("UPDATE orgs SET name = $2, state = $3, creator_role = $4, changed = $5, sign_up = $6,"
	    " mail_sender = $7 WHERE org = $1");

static enum status
org_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct org *org = element;

	(void)err;
	*org = (struct org){
		.id = {query_uuid(q, 0)},
		.name = iam__text(q, 1, call),
		.state = (enum state)query_int(q, 2),
		.creator_role = {query_uuid(q, 3)},
		.revision = query_int(q, 4),
		.created_us = query_int(q, 5),
		.changed = query_int(q, 6),
		.sign_up = query_int(q, 7) != 0,
		.mail_sender = iam__text(q, 8, call),
	};
	return OK;
}

void
org_write_id(struct json_writer *w, const char *name, struct org_id id)
{
	iam__write_org(w, name, id);
}

void
org_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct org *org = entity;

	jw_object(w, name);
	iam__write_org(w, "id", org->id);
	jw_str(w, "name", org->name);
	jw_z(w, "state", state_name(org->state));
	jw_uuid(w, "creator_role", org->creator_role.id);
	jw_bool(w, "sign_up", org->sign_up);
	jw_str(w, "mail_sender", org->mail_sender);
	jw_int(w, "revision", org->revision);
	jw_time(w, "created_at", org->created_us);
	jw_int(w, "changed", org->changed);
	jw_end_object(w);
}

enum status
org_load(struct org *out, struct call *call, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &ORG_SELECT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK)
		rc = org_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
org_list(struct org **out, size_t *count, struct call *call, struct page *page, struct error *err)
{
	const struct listing listing = {
		.sql = &ORG_LIST, .size = sizeof(struct org), .read = org_read};

	return iam__list((void **)out, count, call, page, &listing, err);
}

/* Who creates a workspace is given this role there by rule: setting it is giving it. */
static enum status
set_creator_role(struct org *org, struct call *call, struct str reference, struct error *err)
{
	const struct role_view *role;
	struct permset set;

	org->creator_role = (struct role_id){{{0}}};
	if (!reference.ptr)
		return OK;
	enum status rc =
		role_resolve(&role, call, reference, (struct workspace_id){{{0}}}, NULL, err);
	if (rc == OK)
		rc = guard_role_set(&set, call, role, err);
	if (rc != OK)
		return rc;
	org->creator_role = role->id;
	const struct gift gift = {.node = node_org(call->org->id),
		.permissions = &set,
		.expires_us = NEVER,
		.to_self = true,
		.exercised = &role->exercises};
	return guard_give(call, &gift, err);
}

static enum status
write_row(struct call *call, const struct org *org, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &ORG_UPDATE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org->id.id);
	query_bind_str(&q, 2, org->name);
	query_bind_int(&q, 3, org->state);
	query_bind_uuid_or_null(&q, 4, org->creator_role.id);
	query_bind_int(&q, 5, org->changed);
	query_bind_int(&q, 6, org->sign_up);
	query_bind_str(&q, 7, org->mail_sender);
	return query_run(&q, NULL, err);
}

/* What an operator does to an organisation is the platform's concern too: the organisation's own
 * records are out of sight once it is gone. */
static enum status
record_at_platform(struct call *call, const struct change *change, struct error *err)
{
	struct chain platform;

	if (!org_is_platform(call->caller.org) || org_is_platform(call->chain.org))
		return OK;
	enum status rc = chain_open(&platform, call->tx, PLATFORM, err);
	if (rc == OK)
		rc = chain_record(&platform, call, change, err);
	return rc == OK ? chain_close(&platform, call->tx, err) : rc;
}

static enum status
record_update(struct call *call, const char *action, const struct org *before,
	const struct org *after, struct error *err)
{
	char id[UUID_TEXT_LEN + 1];
	const struct change change = {.action = action,
		.subject_kind = "organisation",
		.subject = {id, UUID_TEXT_LEN},
		.before = call_json(call, org_write, before),
		.after = call_json(call, org_write, after)};

	uuid_format(id, before->id.id);
	enum status rc = iam__record(call, action, "organisation", before->id.id,
		VERSIONS(change.before, change.after), err);
	if (rc == OK)
		rc = record_at_platform(call, &change, err);
	if (rc == OK)
		rc = write_row(call, after, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}

/* Whoever opens the door gives the default role to all who come. */
static enum status
set_coming_in(
	struct org *org, struct call *call, const struct org_update *update, struct error *err)
{
	enum status rc = OK;

	if (update->mail_sender_stated)
		org->mail_sender = update->mail_sender;
	if (org->mail_sender.ptr)
		rc = name_check(org->mail_sender, "mail_sender", err);
	if (rc != OK || !update->sign_up_stated || update->sign_up == org->sign_up)
		return rc;
	org->sign_up = update->sign_up;
	if (org->sign_up && org_is_platform(org->id))
		return error_set(err, ERR_CONFLICT, "platform-stays-closed",
			"Nobody joins the platform on his own: open an organisation.");
	return org->sign_up ? default_guard_give(call, KIND_MEMBER, err) : OK;
}

enum status
org_update(struct org *out, struct call *call, const struct org_update *update, struct error *err)
{
	struct org before;

	enum status rc = org_load(&before, call, err);
	if (rc == OK)
		rc = call_check_match(update->if_match, before.changed, err);
	if (rc != OK)
		return rc;
	*out = before;
	if (update->name.ptr)
		out->name = update->name;
	if (update->state != STATE_NONE)
		out->state = update->state;
	if (out->state != STATE_ACTIVE && org_is_platform(out->id))
		return error_set(err, ERR_CONFLICT, "platform-stays",
			"The platform itself cannot be suspended or deleted.");
	out->changed = out->revision = call_next_revision(call);
	rc = name_check(out->name, "name", err);
	if (rc == OK && update->creator_role_stated)
		rc = set_creator_role(out, call, update->creator_role, err);
	if (rc == OK)
		rc = set_coming_in(out, call, update, err);
	if (rc == OK)
		rc = record_update(call, "organisations.update", &before, out, err);
	return rc;
}

enum status
org_delete(struct call *call, int64_t if_match, struct error *err)
{
	struct org before;

	enum status rc = org_load(&before, call, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK && org_is_platform(before.id))
		rc = error_set(err, ERR_CONFLICT, "platform-stays",
			"The platform itself cannot be suspended or deleted.");
	if (rc != OK)
		return rc;
	struct org after = before;
	after.state = STATE_DELETED;
	after.changed = call_next_revision(call);
	return record_update(call, "organisations.delete", &before, &after, err);
}
