#include "iam/tokens/codes.h"

#include "iam/rows.h"

static const struct sql CODE_INSERT =
	SQL("INSERT INTO codes (org, code, hash, pepper, workspace, client_org, client, principal,"
	    " person, session, redirect_uri, redirect_stated, challenge, scope, resource, nonce,"
	    " claims, methods, auth_us, created_us, expires_us, provider) VALUES ($1, $2, $3, $4,"
	    " $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21,"
	    " $22)");

static const struct sql SESSION_HOLD = SQL("UPDATE sessions SET used_us = $3"
					   " WHERE org = $1 AND session = $2 AND expires_us > $3");

static void
bind_who(struct query *q, const struct code_draft *draft)
{
	query_bind_uuid(q, 5, draft->workspace.id);
	query_bind_uuid(q, 6, draft->client_org.id);
	query_bind_uuid(q, 7, draft->client.id);
	query_bind_uuid(q, 8, draft->principal.id);
	query_bind_uuid_or_null(q, 9, draft->person.id);
	query_bind_uuid_or_null(q, 10, draft->session.id);
	query_bind_uuid_or_null(q, 22, draft->provider);
}

static void
bind_what(struct query *q, const struct code_draft *draft)
{
	query_bind_str(q, 11, draft->redirect_uri);
	query_bind_int(q, 12, draft->redirect_stated);
	query_bind_str(q, 13, draft->challenge);
	query_bind_str(q, 14, draft->scope.ptr ? draft->scope : STR(""));
	query_bind_str(q, 15, draft->resource);
	query_bind_str(q, 16, draft->nonce);
	query_bind_str(q, 17, draft->claims);
	query_bind_str(q, 18, draft->methods);
	query_bind_int(q, 19, draft->auth_us);
}

/* Held against its end until this commits. */
static enum status
hold_session(bool *held, struct call *call, const struct code_draft *draft, struct error *err)
{
	struct query q;
	int64_t changed = 0;
	enum status rc = query_begin(&q, call->tx, &SESSION_HOLD, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, draft->session_org.id);
	query_bind_uuid(&q, 2, draft->session.id);
	query_bind_int(&q, 3, call->now_us);
	rc = query_run(&q, &changed, err);
	*held = changed > 0;
	return rc;
}

static enum status
insert(struct secret_text *out, struct call *call, const struct code_draft *draft,
	struct error *err)
{
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;
	struct uuid id = uuid_new(), org = call->chain.org.id;

	enum status rc = query_begin(&q, call->tx, &CODE_INSERT, err);
	if (rc != OK)
		return rc;
	secret_issue(out, "twg_", org, id);
	keyring_hash(call->keyring, hash, &pepper, str_from(out->text));
	query_bind_uuid(&q, 1, org);
	query_bind_uuid(&q, 2, id);
	query_bind_bytes(&q, 3, hash, sizeof(hash));
	query_bind_int(&q, 4, pepper);
	bind_who(&q, draft);
	bind_what(&q, draft);
	query_bind_int(&q, 20, call->now_us);
	query_bind_int(&q, 21, call->now_us + CODE_LIFE_US);
	return query_run(&q, NULL, err);
}

enum status
code_issue(struct secret_text *out, bool *issued, struct call *call, const struct code_draft *draft,
	struct error *err)
{
	enum status rc = hold_session(issued, call, draft, err);
	return rc == OK && *issued ? insert(out, call, draft, err) : rc;
}
