#include "iam/people/sessions.h"

#include "base/clock.h"
#include "iam/rows.h"

#define SESSION_COLUMNS                                                                            \
	" s.session, s.workspace, s.principal, s.person, s.only_org, s.provider, s.methods,"       \
	" s.auth_us, s.second_us, s.address, s.agent, s.created_us, s.used_us, s.expires_us"

/* With what says whether its owner may still sign in. */
static const struct sql SESSION_SELECT =
	SQL("SELECT" SESSION_COLUMNS ", COALESCE(p.email, u.email), COALESCE(p.name, u.name),"
	    " s.hash, s.pepper, p.state, u.state, u.expires_us, w.state, o.state"
	    " FROM sessions s LEFT JOIN persons p ON p.person = s.person"
	    " LEFT JOIN principals u ON u.org = s.org AND u.principal = s.principal"
	    " LEFT JOIN workspaces w ON w.org = s.org AND w.workspace = s.workspace"
	    " LEFT JOIN orgs o ON o.org = s.org"
	    " WHERE s.org = $1 AND s.session = $2 AND s.workspace = $3 AND s.expires_us > $4");
static const struct sql SESSION_LIST =
	SQL("SELECT" SESSION_COLUMNS ", '', '' FROM sessions s WHERE s.org = $1"
	    " AND s.expires_us > $4 AND (s.person = $2 OR s.principal = $3)"
	    " ORDER BY s.used_us DESC, s.session LIMIT 100");
static const struct sql SESSION_INSERT =
	SQL("INSERT INTO sessions (org, session, workspace, principal, person, only_org, provider,"
	    " hash, pepper, methods, auth_us, second_us, address, agent, created_us, used_us,"
	    " expires_us)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
	    " ON CONFLICT (org, session) DO UPDATE SET only_org = $6, provider = $7, hash = $8,"
	    " pepper = $9, methods = $10, auth_us = $11, second_us = $12, address = $13,"
	    " agent = $14, used_us = $16, expires_us = $17");
static const struct sql SESSION_USED =
	SQL("UPDATE sessions SET used_us = $3,"
	    " expires_us = CASE WHEN auth_us + $5 < $4 THEN auth_us + $5 ELSE $4 END"
	    " WHERE org = $1 AND session = $2 AND used_us < $3 AND expires_us > $3");
static const struct sql SESSION_DELETE =
	SQL("DELETE FROM sessions WHERE org = $1 AND session = $2");
static const struct sql SESSION_DELETE_OWN =
	SQL("DELETE FROM sessions WHERE org = $1 AND session = $2"
	    " AND (person = $3 OR principal = $4)");
static const struct sql SESSION_DELETE_OTHERS =
	SQL("DELETE FROM sessions WHERE org = $1 AND session <> $2"
	    " AND (person = $3 OR principal = $4)");

static void
session_read(struct session *out, struct query *q, struct call *call)
{
	*out = (struct session){
		.id = {query_uuid(q, 0)},
		.org = call->chain.org,
		.workspace = {query_uuid(q, 1)},
		.principal = {query_uuid(q, 2)},
		.person = {query_uuid(q, 3)},
		.only_org = {query_uuid(q, 4)},
		.provider = query_uuid(q, 5),
		.methods = iam__text(q, 6, call),
		.auth_us = query_int(q, 7),
		.second_us = query_int(q, 8),
		.address = iam__text(q, 9, call),
		.agent = iam__text(q, 10, call),
		.created_us = query_int(q, 11),
		.used_us = query_int(q, 12),
		.expires_us = query_int(q, 13),
		.email = iam__text(q, 14, call),
		.name = iam__text(q, 15, call),
	};
}

static bool
owner_is_live(const struct query *q, int64_t now_us)
{
	if (!query_is_null(q, 18))
		return query_int(q, 18) == STATE_ACTIVE;
	bool ended = !query_is_null(q, 20) && query_int(q, 20) <= now_us;
	return query_int(q, 19) == STATE_ACTIVE && !ended && query_int(q, 21) == STATE_ACTIVE &&
		query_int(q, 22) == STATE_ACTIVE;
}

static bool
is_proved(const struct query *q, const struct call *call, struct str secret)
{
	struct str hash = query_bytes(q, 16);

	return hash.len == SHA256_LEN &&
		keyring_verify(
			call->keyring, (const uint8_t *)hash.ptr, (int)query_int(q, 17), secret);
}

enum status
session_find(struct session *out, bool *found, struct call *call, struct workspace_id workspace,
	struct str secret, struct error *err)
{
	struct secret_parts parts;
	struct query q;

	*found = false;
	if (!secret.ptr || !secret_parse(&parts, secret) || strcmp(parts.prefix, "twb_") != 0 ||
		!uuid_eq(parts.org, call->chain.org.id))
		return OK;
	enum status rc = iam__query(&q, call, &SESSION_SELECT, parts.credential, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, parts.credential);
	query_bind_uuid(&q, 3, workspace.id);
	query_bind_int(&q, 4, call->now_us);
	rc = query_next(&q, err);
	if (rc == OK && q.row && is_proved(&q, call, secret) && owner_is_live(&q, call->now_us)) {
		session_read(out, &q, call);
		*found = true;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

static int64_t
least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static bool
is_same_owner(const struct session *session, const struct session_draft *draft)
{
	return uuid_eq(session->person.id, draft->person.id) &&
		uuid_eq(session->principal.id, draft->principal.id);
}

static enum status
session_insert(
	struct call *call, const struct session *session, struct str secret, struct error *err)
{
	uint8_t hash[SHA256_LEN];
	int pepper;
	struct query q;

	keyring_hash(call->keyring, hash, &pepper, secret);
	enum status rc = iam__query(&q, call, &SESSION_INSERT, session->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, session->workspace.id);
	query_bind_uuid_or_null(&q, 4, session->principal.id);
	query_bind_uuid_or_null(&q, 5, session->person.id);
	query_bind_uuid_or_null(&q, 6, session->only_org.id);
	query_bind_uuid_or_null(&q, 7, session->provider);
	query_bind_bytes(&q, 8, hash, sizeof(hash));
	query_bind_int(&q, 9, pepper);
	query_bind_str(&q, 10, session->methods);
	query_bind_int(&q, 11, session->auth_us);
	query_bind_int_or_null(&q, 12, session->second_us);
	query_bind_str(&q, 13, session->address);
	query_bind_str(&q, 14, session->agent);
	query_bind_int(&q, 15, session->created_us);
	query_bind_int(&q, 16, session->used_us);
	query_bind_int(&q, 17, session->expires_us);
	return query_run(&q, NULL, err);
}

enum status
session_begin(struct session *out, struct secret_text *secret, struct call *call,
	const struct session_draft *draft, const struct session *replaced, struct error *err)
{
	bool again = replaced && is_same_owner(replaced, draft);
	int64_t now_us = call->now_us;
	int64_t auth_us = draft->auth_us ? draft->auth_us : now_us;

	ASSERT(draft->methods.len && draft->methods.len <= SESSION_METHODS_MAX);
	*out = (struct session){
		.id = again ? replaced->id : (struct session_id){uuid_new()},
		.org = call->chain.org,
		.workspace = draft->workspace,
		.principal = draft->principal,
		.person = draft->person,
		.only_org = draft->only_org,
		.provider = draft->provider,
		.methods = draft->methods,
		.auth_us = auth_us,
		.second_us = draft->second ? now_us : 0,
		.address = call->address.ptr ? call->address : STR(""),
		.agent = str_utf8_head(draft->agent, SESSION_AGENT_MAX),
		.created_us = again ? replaced->created_us : now_us,
		.used_us = now_us,
		.expires_us = least(now_us + draft->lives.idle_s * US_PER_S,
			auth_us + draft->lives.absolute_s * US_PER_S),
	};
	secret_issue(secret, "twb_", out->org.id, out->id.id);
	enum status rc = OK;
	if (replaced && !again)
		rc = iam__run(call, &SESSION_DELETE, replaced->id.id, err);
	return rc == OK ? session_insert(call, out, str_from(secret->text), err) : rc;
}

enum status
session_note_uses(struct tx *tx, const struct session_use *uses, size_t count,
	struct session_lives lives, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < count; i++) {
		struct query q;
		rc = query_begin(&q, tx, &SESSION_USED, err);
		if (rc != OK)
			break;
		query_bind_uuid(&q, 1, uses[i].org.id);
		query_bind_uuid(&q, 2, uses[i].id.id);
		query_bind_int(&q, 3, uses[i].used_us);
		query_bind_int(&q, 4, uses[i].used_us + lives.idle_s * US_PER_S);
		query_bind_int(&q, 5, lives.absolute_s * US_PER_S);
		rc = query_run(&q, NULL, err);
	}
	return rc;
}

enum status
session_list(struct session **out, size_t *count, struct call *call, struct session_owner owner,
	struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct session, SESSIONS_LISTED_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, &SESSION_LIST, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid_or_null(&q, 2, owner.person.id);
	query_bind_uuid_or_null(&q, 3, owner.principal.id);
	query_bind_int(&q, 4, call->now_us);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < SESSIONS_LISTED_MAX)
		session_read(&(*out)[(*count)++], &q, call);
	query_end(&q);
	return rc;
}

static enum status
delete_of(int64_t *changed, struct call *call, const struct sql *sql, struct session_owner owner,
	struct session_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, sql, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid_or_null(&q, 3, owner.person.id);
	query_bind_uuid_or_null(&q, 4, owner.principal.id);
	return query_run(&q, changed, err);
}

enum status
session_end(struct call *call, struct session_owner owner, struct session_id id, struct error *err)
{
	int64_t changed;

	enum status rc = delete_of(&changed, call, &SESSION_DELETE_OWN, owner, id, err);
	if (rc == OK && changed == 0)
		rc = error_set(
			err, ERR_NOT_FOUND, "session-not-found", "There is no such session.");
	if (rc == OK)
		rc = iam__record(
			call, "sessions.end", "session", id.id, VERSIONS(NOTHING, NOTHING), err);
	return rc;
}

enum status
session_end_others(
	struct call *call, struct session_owner owner, struct session_id kept, struct error *err)
{
	enum status rc = delete_of(NULL, call, &SESSION_DELETE_OTHERS, owner, kept, err);
	if (rc == OK)
		rc = iam__record(call, "sessions.end_others", "session", kept.id,
			VERSIONS(NOTHING, NOTHING), err);
	return rc;
}
