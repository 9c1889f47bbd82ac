#include "iam/principals/credentials.h"

#include <string.h>

#include "base/clock.h"
#include "iam/access/owners.h"
#include "iam/principals/principals.h"
#include "iam/rows.h"
#include "model/names.h"

#define CREDENTIAL_COLUMNS                                                                         \
	" credential, principal, name, state, expires_us, last_used_us, created_by, created_us "

static const struct sql CREDENTIAL_INSERT = SQL(
	"INSERT INTO credentials (org, credential, principal, name, hash, pepper, state,"
	" expires_us, created_by, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
static const struct sql CREDENTIAL_LIST =
	SQL("SELECT" CREDENTIAL_COLUMNS
	    "FROM credentials WHERE org = $1 AND principal = $2 ORDER BY credential LIMIT 256");
static const struct sql CREDENTIAL_SELECT =
	SQL("SELECT" CREDENTIAL_COLUMNS
	    "FROM credentials WHERE org = $1 AND credential = $2 AND principal = $3");
static const struct sql CREDENTIAL_COUNT_LIVE =
	SQL("SELECT COUNT(*) FROM credentials WHERE org = $1 AND principal = $2 AND state = 1");
static const struct sql CREDENTIAL_PURGE_DEAD =
	SQL("DELETE FROM credentials WHERE org = $1 AND principal = $2 AND credential NOT IN"
	    " (SELECT credential FROM credentials WHERE org = $1 AND principal = $2"
	    "  ORDER BY state, credential DESC LIMIT 64)");
static const struct sql CREDENTIAL_RETIRE =
	SQL("UPDATE credentials SET expires_us = $3 WHERE org = $1 AND credential = $2");
static const struct sql CREDENTIAL_REVOKE =
	SQL("UPDATE credentials SET state = 5 WHERE org = $1 AND credential = $2");
static const struct sql CREDENTIAL_USED =
	SQL("UPDATE credentials SET last_used_us = $3 WHERE org = $1 AND credential = $2"
	    " AND (last_used_us IS NULL OR last_used_us < $3)");

static enum status
credential_read(struct credential *out, struct query *q, struct call *call)
{
	*out = (struct credential){
		.id = {query_uuid(q, 0)},
		.principal = {query_uuid(q, 1)},
		.name = iam__text(q, 2, call),
		.state = (enum state)query_int(q, 3),
		.expires_us = query_is_null(q, 4) ? NEVER : query_int(q, 4),
		.last_used_us = query_int(q, 5),
		.created_by = {query_uuid(q, 6)},
		.created_us = query_int(q, 7),
	};
	out->rotation_due = out->state == STATE_ACTIVE &&
		call->now_us - out->created_us > ROTATION_REMINDER_DAYS * 86400 * US_PER_S;
	return OK;
}

void
credential_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct credential *credential = entity;

	jw_object(w, name);
	jw_uuid(w, "id", credential->id.id);
	jw_uuid(w, "principal", credential->principal.id);
	jw_str(w, "name", credential->name);
	jw_z(w, "state", state_name(credential->state));
	jw_time(w, "expires_at", credential->expires_us == NEVER ? 0 : credential->expires_us);
	jw_time(w, "last_used_at", credential->last_used_us);
	jw_bool(w, "rotation_due", credential->rotation_due);
	jw_uuid(w, "created_by", credential->created_by.id);
	jw_time(w, "created_at", credential->created_us);
	jw_end_object(w);
}

static const char *
prefix_of(enum principal_kind kind)
{
	switch (kind) {
	case KIND_API_KEY:
		return "twk_";
	case KIND_SERVICE_ACCOUNT:
		return "tws_";
	case KIND_GATEWAY:
	case KIND_DEVICE:
		return "twd_";
	case KIND_APPLICATION:
		return "twc_";
	case KIND_NONE:
	case KIND_MEMBER:
	case KIND_END_USER:
	case KIND_COUNT:
		break;
	}
	return NULL;
}

static enum status
draft_check(const struct call *call, const struct credential_draft *draft, struct error *err)
{
	enum status rc = name_check(draft->name, "name", err);
	if (rc == OK)
		rc = iam__check_expiry(call, draft->expires_us, err);
	return rc;
}

enum status
credential__insert(struct issued_secret *out, struct call *call, struct principal_id principal,
	enum principal_kind kind, const struct credential_draft *draft, struct error *err)
{
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;

	enum status rc = draft_check(call, draft, err);
	if (rc != OK)
		return rc;
	out->credential = (struct credential){.id = {uuid_new()},
		.principal = principal,
		.name = draft->name,
		.state = STATE_ACTIVE,
		.expires_us = draft->expires_us,
		.created_by = call->caller.principal,
		.created_us = call->now_us};
	struct credential *made = &out->credential;

	secret_issue(&out->text, prefix_of(kind), call->chain.org.id, made->id.id);
	keyring_hash(call->keyring, hash, &pepper, str_from(out->text.text));
	rc = iam__query(&q, call, &CREDENTIAL_INSERT, made->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, principal.id);
	query_bind_str(&q, 4, made->name);
	query_bind_bytes(&q, 5, hash, sizeof(hash));
	query_bind_int(&q, 6, pepper);
	query_bind_int(&q, 7, STATE_ACTIVE);
	query_bind_int_or_null(&q, 8, made->expires_us == NEVER ? 0 : made->expires_us);
	query_bind_uuid_or_null(&q, 9, made->created_by.id);
	query_bind_int(&q, 10, made->created_us);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = iam__record(call, "credentials.create", "credential", made->id.id,
			VERSIONS(NOTHING, call_json(call, credential_write, made)), err);
	if (rc == OK)
		call_touch(call, VIEW_CREDENTIAL, made->id.id);
	return rc;
}

static enum status
retire(struct call *call, const struct credential *before, int64_t end_us, struct error *err)
{
	struct credential after = *before;
	struct query q;

	after.expires_us = end_us;
	enum status rc = iam__record(call, "credentials.update", "credential", before->id.id,
		VERSIONS(call_json(call, credential_write, before),
			call_json(call, credential_write, &after)),
		err);
	if (rc == OK)
		rc = iam__query(&q, call, &CREDENTIAL_RETIRE, before->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, end_us);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		call_touch(call, VIEW_CREDENTIAL, before->id.id);
	return rc;
}

/* The others go on for an overlap, then end by themselves. */
static enum status
retire_others(struct call *call, const struct credential *kept, int64_t after_s, struct error *err)
{
	int64_t end_us = call->now_us + after_s * US_PER_S;
	struct credential *all;
	size_t count;

	enum status rc = credential_list(&all, &count, call, kept->principal, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		if (!uuid_eq(all[i].id.id, kept->id.id) && all[i].state == STATE_ACTIVE &&
			all[i].expires_us > end_us)
			rc = retire(call, &all[i], end_us, err);
	}
	return rc;
}

static enum status
check_room(struct call *call, struct principal_id principal, struct error *err)
{
	int64_t live;

	enum status rc = iam__count(&live, call, &CREDENTIAL_COUNT_LIVE, principal.id, err);
	if (rc == OK && live >= CREDENTIALS_PER_PRINCIPAL_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-credentials",
			"A principal can have at most %d live credentials: revoke one first.",
			CREDENTIALS_PER_PRINCIPAL_MAX);
	if (rc == OK)
		rc = iam__run(call, &CREDENTIAL_PURGE_DEAD, principal.id, err);
	return rc;
}

/* What ends does not prolong itself by another secret, nor does a token get around its scopes. */
static enum status
check_own_end(const struct call *call, const struct credential_draft *draft, struct error *err)
{
	if (!call->credential)
		return error_set(err, ERR_FORBIDDEN, "own-end",
			"A token makes no secret for whom it stands for: ask somebody else who "
			"may.");
	if (draft->expires_us <= call->credential->expires_us)
		return OK;
	return error_set(err, ERR_FORBIDDEN, "own-end",
		"What you call with ends: state an expires_at not later than its own.");
}

enum status
credential_issue(struct issued_secret *out, struct call *call, struct principal_id id,
	const struct credential_draft *draft, struct error *err)
{
	const struct principal_view *view;
	struct principal principal;
	bool own = uuid_eq(id.id, call->caller.principal.id);

	enum status rc = principal_load(&principal, call, id, err);
	if (rc == OK && !principal_has_secret(&principal))
		rc = error_set(err, ERR_CONFLICT, "kind-has-no-secret",
			"This %s has no secret of this sort.", kind_name(principal.kind));
	if (rc == OK && own)
		rc = check_own_end(call, draft, err);
	if (rc == OK)
		rc = principal_view_load(&view, call, id, err);
	if (rc == OK && !own)
		rc = principal_guard_give(call, view, false, err);
	if (rc == OK && draft->retire_others)
		rc = call_require(call, IAM_CREDENTIALS_ROTATE, principal_node(&principal), err);
	if (rc == OK)
		rc = check_room(call, id, err);
	if (rc == OK)
		rc = credential__insert(out, call, id, principal.kind, draft, err);
	if (rc == OK && draft->retire_others)
		rc = retire_others(call, &out->credential, draft->retire_others_after_s, err);
	return rc;
}

enum status
credential_list(struct credential **out, size_t *count, struct call *call,
	struct principal_id principal, struct error *err)
{
	enum { AT_MOST = 256 };
	struct principal owner;
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct credential, AT_MOST);
	if (!*out)
		return error_no_memory(err);
	enum status rc = principal_load(&owner, call, principal, err);
	if (rc == OK)
		rc = iam__query(&q, call, &CREDENTIAL_LIST, principal.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && *count < AT_MOST)
		credential_read(&(*out)[(*count)++], &q, call);
	query_end(&q);
	return rc;
}

static enum status
credential_load(struct credential *out, struct call *call, struct principal_id principal,
	struct credential_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &CREDENTIAL_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, principal.id);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(
			err, ERR_NOT_FOUND, "credential-not-found", "There is no such credential.");
	if (rc == OK)
		credential_read(out, &q, call);
	query_end(&q);
	return rc;
}

enum status
credential_revoke(struct call *call, struct principal_id principal, struct credential_id id,
	struct error *err)
{
	struct principal owner;
	struct credential before;
	struct owners owners;

	enum status rc = principal_load(&owner, call, principal, err);
	if (rc == OK)
		rc = credential_load(&before, call, principal, id, err);
	if (rc != OK || before.state == STATE_REVOKED)
		return rc;
	struct credential after = before;
	after.state = STATE_REVOKED;
	after.rotation_due = false;

	rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "credentials.delete", "credential", id.id,
			VERSIONS(call_json(call, credential_write, &before),
				call_json(call, credential_write, &after)),
			err);
	if (rc == OK)
		rc = iam__run(call, &CREDENTIAL_REVOKE, id.id, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		call_touch(call, VIEW_CREDENTIAL, id.id);
	return rc;
}

enum status
credential_note_uses(
	struct tx *tx, const struct credential_use *uses, size_t count, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		struct query q;
		enum status rc = query_begin(&q, tx, &CREDENTIAL_USED, err);
		if (rc != OK)
			return rc;
		query_bind_uuid(&q, 1, uses[i].org.id);
		query_bind_uuid(&q, 2, uses[i].id.id);
		query_bind_int(&q, 3, uses[i].used_us);
		rc = query_run(&q, NULL, err);
		if (rc != OK)
			return rc;
	}
	return OK;
}
