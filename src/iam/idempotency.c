#include "iam/idempotency.h"

#include <string.h>

#include "base/log.h"
#include "iam/rows.h"
#include "iam/upkeep/seals.h"

#define ANSWER_MAX ((size_t)4 * 1024 * 1024)

static const struct sql ANSWER_SELECT =
	SQL("SELECT request, status, etag, location, revision, answer FROM idempotency"
	    " WHERE org = $1 AND principal = $2 AND key_hash = $3 AND created_us > $4");
static const struct sql ANSWER_KEEP =
	SQL("INSERT INTO idempotency (org, principal, key_hash, request, status, etag, location,"
	    " revision, answer, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
	    " ON CONFLICT (org, principal, key_hash) DO UPDATE SET request = excluded.request,"
	    " status = excluded.status, etag = excluded.etag, location = excluded.location,"
	    " revision = excluded.revision, answer = excluded.answer,"
	    " created_us = excluded.created_us");

/* The row that a sealed answer belongs to. */
static struct str
name_row(struct seal_name *name, const struct call *call, const struct idempotency *id)
{
	return SEAL_NAME(name, "idempotency", SEAL_KEY(call->chain.org.id),
		SEAL_KEY(call->caller.principal.id),
		((struct str){(const char *)id->key_hash, SHA256_LEN}));
}

/* The key that sealed it is gone, or the row was tampered with: the change stays made. */
static enum status
answer_lost(struct error *err)
{
	log_event(LOG_WARN, "answer-not-opened", LOG_Z("why", err->text));
	error_clear(err);
	return error_set(err, ERR_CONFLICT, "answer-lost",
		"This was done before, and its answer cannot be given again: look for what was "
		"made.");
}

/* What was opened goes into the arena, which is wiped when the request ends. */
static enum status
open_body(struct str *out, struct call *call, const struct idempotency *id, struct str sealed,
	struct error *err)
{
	struct seal_name name;
	struct buf plain;

	buf_init(&plain, ANSWER_MAX);
	enum status rc =
		keyring_open(call->keyring, &plain, sealed, name_row(&name, call, id), err);
	if (rc == OK)
		*out = arena_copy(call->arena, (struct str){plain.ptr ? plain.ptr : "", plain.len});
	if (rc == OK && !out->ptr)
		rc = error_no_memory(err);
	if (plain.ptr)
		crypto_wipe(plain.ptr, plain.cap);
	buf_clear(&plain);
	return rc == ERR_CORRUPT ? answer_lost(err) : rc;
}

static enum status
answer_read(struct kept_answer *out, struct query *q, struct call *call,
	const struct idempotency *id, struct error *err)
{
	struct str request = query_bytes(q, 0);

	if (request.len != SHA256_LEN || memcmp(request.ptr, id->request, SHA256_LEN) != 0)
		return error_set(err, ERR_CONFLICT, "idempotency-key-reused",
			"This Idempotency-Key came with another request, or with a token for "
			"something else: choose a new one for each change.");
	*out = (struct kept_answer){
		.status = (unsigned)query_int(q, 1),
		.etag = query_int(q, 2),
		.location = iam__text(q, 3, call),
		.revision = query_int(q, 4),
	};
	return open_body(&out->body, call, id, query_bytes(q, 5), err);
}

enum status
idempotency_find(bool *found, struct kept_answer *out, struct call *call,
	const struct idempotency *id, struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = iam__query(&q, call, &ANSWER_SELECT, call->caller.principal.id, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 3, id->key_hash, SHA256_LEN);
	query_bind_int(&q, 4, call->now_us - IDEMPOTENCY_KEPT_US);
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found)
		rc = answer_read(out, &q, call, id, err);
	query_end(&q);
	return rc;
}

static enum status
insert(struct call *call, const struct idempotency *id, const struct kept_answer *answer,
	struct str sealed, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &ANSWER_KEEP, call->caller.principal.id, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 3, id->key_hash, SHA256_LEN);
	query_bind_bytes(&q, 4, id->request, SHA256_LEN);
	query_bind_int(&q, 5, answer->status);
	query_bind_int(&q, 6, answer->etag);
	query_bind_str(&q, 7, answer->location);
	query_bind_int(&q, 8, answer->revision);
	query_bind_bytes(&q, 9, sealed.ptr, sealed.len);
	query_bind_int(&q, 10, call->now_us);
	return query_run(&q, NULL, err);
}

enum status
idempotency_keep(struct call *call, const struct idempotency *id, const struct kept_answer *answer,
	struct error *err)
{
	struct seal_name name;
	struct buf sealed;

	buf_init(&sealed, ANSWER_MAX + KEYRING_SEAL_OVERHEAD);
	enum status rc =
		keyring_seal(call->keyring, &sealed, answer->body, name_row(&name, call, id), err);
	if (rc == OK)
		rc = insert(call, id, answer, buf_view(&sealed), err);
	buf_clear(&sealed);
	return rc;
}
