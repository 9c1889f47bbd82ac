#include "iam/people/links.h"

#include "base/clock.h"
#include "iam/rows.h"

static const struct sql LINK_DELETE_OLDER = SQL(
	"DELETE FROM links WHERE org = $1 AND workspace = $2 AND kind = $3 AND email_normal = $4");
static const struct sql LINK_INSERT =
	SQL("INSERT INTO links (org, link, kind, workspace, principal, person, email, email_normal,"
	    " hash, pepper, browser, request, created_us, expires_us)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
static const struct sql LINK_SELECT =
	SQL("SELECT link, workspace, principal, person, email, email_normal, browser, request,"
	    " created_us, expires_us, used_us, hash, pepper"
	    " FROM links WHERE org = $1 AND link = $2 AND kind = $3");
static const struct sql LINK_USE = SQL("UPDATE links SET used_us = $3"
				       " WHERE org = $1 AND link = $2 AND used_us IS NULL");

int64_t
link_life_s(enum link_kind kind)
{
	switch (kind) {
	case LINK_SIGN_IN:
		return 15 * 60;
	case LINK_INVITATION:
		return 7 * 24 * 60 * 60;
	case LINK_RESET:
		return 30 * 60;
	case LINK_SIGN_UP:
		return 60 * 60;
	case LINK_NONE:
		break;
	}
	return 0;
}

/* Takes back what was issued to an address. */
static enum status
withdraw(struct call *call, enum link_kind kind, struct workspace_id workspace,
	struct str email_normal, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &LINK_DELETE_OLDER, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, workspace.id);
	query_bind_int(&q, 3, kind);
	query_bind_str(&q, 4, email_normal);
	return query_run(&q, NULL, err);
}

static enum status
insert(struct call *call, const struct link *link, struct str secret, struct error *err)
{
	uint8_t hash[SHA256_LEN];
	int pepper;
	struct query q;

	keyring_hash(call->keyring, hash, &pepper, secret);
	enum status rc = iam__query(&q, call, &LINK_INSERT, link->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, link->kind);
	query_bind_uuid(&q, 4, link->workspace.id);
	query_bind_uuid_or_null(&q, 5, link->principal.id);
	query_bind_uuid_or_null(&q, 6, link->person.id);
	query_bind_str(&q, 7, link->email);
	query_bind_str(&q, 8, link->email_normal);
	query_bind_bytes(&q, 9, hash, sizeof(hash));
	query_bind_int(&q, 10, pepper);
	if (link->browser.ptr)
		query_bind_bytes(&q, 11, link->browser.ptr, link->browser.len);
	query_bind_str(&q, 12, link->request);
	query_bind_int(&q, 13, link->created_us);
	query_bind_int(&q, 14, link->expires_us);
	return query_run(&q, NULL, err);
}

enum status
link_issue(struct link *out, struct secret_text *secret, struct call *call,
	const struct link *draft, struct error *err)
{
	ASSERT(draft->kind != LINK_NONE && draft->request.len <= LINK_REQUEST_MAX);
	*out = *draft;
	out->id = (struct link_id){uuid_new()};
	out->org = call->chain.org;
	out->created_us = call->now_us;
	out->expires_us = call->now_us + link_life_s(draft->kind) * US_PER_S;
	out->used_us = 0;
	secret_issue(secret, "twl_", out->org.id, out->id.id);
	enum status rc = withdraw(call, draft->kind, draft->workspace, draft->email_normal, err);
	return rc == OK ? insert(call, out, str_from(secret->text), err) : rc;
}

static enum status
unknown(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "link-unknown",
		"This link does not work: a newer one was sent, it was taken back, or it is "
		"incomplete. Only the newest works.");
}

static enum status
used(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "link-used",
		"This link was used already. Each works once: ask for a new one.");
}

static enum status
check_time(const struct link *link, int64_t now_us, struct error *err)
{
	if (link->used_us)
		return used(err);
	if (now_us >= link->expires_us)
		return error_set(err, ERR_NOT_FOUND, "link-expired",
			"This link has expired: ask for a new one.");
	return OK;
}

static void
link_read(struct link *out, struct query *q, struct call *call, enum link_kind kind)
{
	*out = (struct link){
		.id = {query_uuid(q, 0)},
		.org = call->chain.org,
		.kind = kind,
		.workspace = {query_uuid(q, 1)},
		.principal = {query_uuid(q, 2)},
		.person = {query_uuid(q, 3)},
		.email = iam__text(q, 4, call),
		.email_normal = iam__text(q, 5, call),
		.browser = arena_copy(call->arena, query_bytes(q, 6)),
		.request = iam__text(q, 7, call),
		.created_us = query_int(q, 8),
		.expires_us = query_int(q, 9),
		.used_us = query_int(q, 10),
	};
}

enum status
link_find(struct link *out, struct call *call, enum link_kind kind, struct str secret,
	struct error *err)
{
	struct secret_parts parts;
	struct query q;

	if (!secret.ptr || !secret_parse(&parts, secret) || strcmp(parts.prefix, "twl_") != 0 ||
		!uuid_eq(parts.org, call->chain.org.id))
		return unknown(err);
	enum status rc = iam__query(&q, call, &LINK_SELECT, parts.credential, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, parts.credential);
	query_bind_int(&q, 3, kind);
	rc = query_next(&q, err);
	struct str hash = rc == OK && q.row ? query_bytes(&q, 11) : (struct str){NULL, 0};
	bool proved = hash.len == SHA256_LEN &&
		keyring_verify(
			call->keyring, (const uint8_t *)hash.ptr, (int)query_int(&q, 12), secret);
	if (proved) {
		link_read(out, &q, call, kind);
		rc = query_next(&q, err);
	}
	query_end(&q);
	if (rc == OK)
		rc = proved ? check_time(out, call->now_us, err) : unknown(err);
	return rc;
}

enum status
link_consume(struct call *call, const struct link *link, struct error *err)
{
	int64_t changed = 0;
	struct query q;

	enum status rc = iam__query(&q, call, &LINK_USE, link->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, call->now_us);
	rc = query_run(&q, &changed, err);
	return rc == OK && changed == 0 ? used(err) : rc;
}
