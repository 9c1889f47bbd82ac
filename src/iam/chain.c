#include "iam/chain.h"

#include <string.h>

#include "base/random.h"

#define CHAIN_COLUMNS " state, revision, skeleton, head, next_permission, next_role "

static const struct sql CHAIN_LOCK =
	SQL("UPDATE orgs SET revision = revision WHERE org = $1 RETURNING" CHAIN_COLUMNS);
static const struct sql CHAIN_READ = SQL("SELECT" CHAIN_COLUMNS "FROM orgs WHERE org = $1");
static const struct sql CHAIN_WRITE =
	SQL("UPDATE orgs SET revision = $2, skeleton = $3, head = $4, next_permission = $5,"
	    " next_role = $6 WHERE org = $1");
static const struct sql RECORD_INSERT =
	SQL("INSERT INTO records (org, revision, part, time_us, actor, actor_kind, actor_org,"
	    " credential, address, action, subject_kind, subject, salt, body, digest, hash)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");

static enum status
chain_from_row(struct chain *chain, const struct query *q, struct error *err)
{
	struct str head = query_bytes(q, 3);
	if (head.len != SHA256_LEN)
		return error_set(
			err, ERR_CORRUPT, "store-corrupt", "The store holds a broken chain head.");

	chain->state = (enum state)query_int(q, 0);
	chain->revision = query_int(q, 1);
	chain->skeleton = query_int(q, 2);
	memcpy(chain->head, head.ptr, SHA256_LEN);
	chain->next_permission = query_int(q, 4);
	chain->next_role = query_int(q, 5);
	return OK;
}

enum status
chain_open(struct chain *chain, struct tx *tx, struct org_id org, struct error *err)
{
	struct query q;

	*chain = (struct chain){.org = org};
	enum status rc = query_begin(&q, tx, tx_is_change(tx) ? &CHAIN_LOCK : &CHAIN_READ, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"There is no such organisation.");
	if (rc == OK)
		rc = chain_from_row(chain, &q, err);
	query_end(&q);
	return rc;
}

int64_t
chain_revision(const struct chain *chain)
{
	return chain->parts > 0 ? chain->revision : chain->revision + 1;
}

enum status
chain_close(struct chain *chain, struct tx *tx, struct error *err)
{
	struct query q;

	if (chain->parts == 0)
		return OK;
	enum status rc = query_begin(&q, tx, &CHAIN_WRITE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, chain->org.id);
	query_bind_int(&q, 2, chain->revision);
	query_bind_int(&q, 3, chain->skeleton_changed ? chain->revision : chain->skeleton);
	query_bind_bytes(&q, 4, chain->head, SHA256_LEN);
	query_bind_int(&q, 5, chain->next_permission);
	query_bind_int(&q, 6, chain->next_role);
	/* Whoever waits for this revision learns of it, whatever it touched. */
	tx_touch(tx, chain->org.id, chain->revision, TOUCHED_NOTHING, chain->org.id);
	return query_run(&q, NULL, err);
}

void
record_digest(uint8_t out[SHA256_LEN], const uint8_t salt[RECORD_SALT_LEN], struct str body)
{
	const struct crypto_piece pieces[] = {{salt, RECORD_SALT_LEN}, {body.ptr, body.len}};

	crypto_sha256_pieces(out, pieces, ARRAY_LEN(pieces));
}

/* Numbers and lengths as 8 bytes, big end first. */
static void
put_u64(uint8_t out[8], uint64_t value)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

void
record_hash(uint8_t out[SHA256_LEN], const uint8_t previous[SHA256_LEN],
	const struct record_facts *facts, const uint8_t digest[SHA256_LEN])
{
	const int64_t numbers[] = {facts->revision, facts->part, facts->time_us, facts->actor_kind};
	const struct uuid ids[] = {
		facts->org.id, facts->actor, facts->actor_org, facts->credential};
	const struct str texts[] = {
		facts->address, facts->action, facts->subject_kind, facts->subject};
	uint8_t words[ARRAY_LEN(numbers) + ARRAY_LEN(texts)][8];
	struct crypto_piece pieces[2 + ARRAY_LEN(numbers) + ARRAY_LEN(ids) + 2 * ARRAY_LEN(texts)];
	size_t n = 0, w = 0;

	pieces[n++] = (struct crypto_piece){previous, SHA256_LEN};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++, w++) {
		put_u64(words[w], (uint64_t)numbers[i]);
		pieces[n++] = (struct crypto_piece){words[w], 8};
	}
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		pieces[n++] = (struct crypto_piece){ids[i].bytes, 16};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++, w++) {
		put_u64(words[w], texts[i].len);
		pieces[n++] = (struct crypto_piece){words[w], 8};
		pieces[n++] = (struct crypto_piece){texts[i].ptr, texts[i].len};
	}
	pieces[n++] = (struct crypto_piece){digest, SHA256_LEN};
	crypto_sha256_pieces(out, pieces, n);
}

/* What call_json could not write. */
static bool
is_lost(struct str json)
{
	return json.ptr && json.len == 0;
}

/* {"before":…,"after":…}, each an object or null. */
static enum status
record_body(struct str *out, struct call *call, const struct change *change, struct error *err)
{
	struct buf buf;
	struct json_writer w;

	*out = (struct str){NULL, 0};
	if (is_lost(change->before) || is_lost(change->after))
		return error_no_memory(err);
	buf_init(&buf, 2 * ENTITY_JSON_MAX);
	jw_init(&w, &buf);
	jw_object(&w, NULL);
	jw_raw(&w, "before", change->before.ptr ? change->before : STR("null"));
	jw_raw(&w, "after", change->after.ptr ? change->after : STR("null"));
	jw_end_object(&w);
	*out = buf.failed ? (struct str){NULL, 0} : arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return out->ptr ? OK : error_no_memory(err);
}

static enum status
record_insert(struct tx *tx, const struct record_facts *facts, const uint8_t salt[RECORD_SALT_LEN],
	struct str body, const uint8_t hashes[2][SHA256_LEN], struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, &RECORD_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, facts->org.id);
	query_bind_int(&q, 2, facts->revision);
	query_bind_int(&q, 3, facts->part);
	query_bind_int(&q, 4, facts->time_us);
	query_bind_uuid(&q, 5, facts->actor);
	query_bind_int(&q, 6, facts->actor_kind);
	query_bind_uuid(&q, 7, facts->actor_org);
	query_bind_uuid_or_null(&q, 8, facts->credential);
	query_bind_str(&q, 9, facts->address);
	query_bind_str(&q, 10, facts->action);
	query_bind_str(&q, 11, facts->subject_kind);
	query_bind_str(&q, 12, facts->subject);
	query_bind_bytes(&q, 13, salt, RECORD_SALT_LEN);
	query_bind_str(&q, 14, body);
	query_bind_bytes(&q, 15, hashes[0], SHA256_LEN);
	query_bind_bytes(&q, 16, hashes[1], SHA256_LEN);
	return query_run(&q, NULL, err);
}

enum status
chain_record(struct chain *chain, struct call *call, const struct change *change, struct error *err)
{
	struct str body;
	enum status rc = record_body(&body, call, change, err);
	if (rc != OK)
		return rc;

	if (chain->parts == 0)
		chain->revision++;
	struct record_facts facts = {
		.org = chain->org,
		.revision = chain->revision,
		.part = chain->parts++,
		.time_us = call->now_us,
		.actor = call->caller.principal.id,
		.actor_org = call->caller.org.id,
		.credential = call->caller.credential.id,
		.actor_kind = call->caller.kind,
		.address = call->address.ptr ? call->address : STR(""),
		.action = str_from(change->action),
		.subject_kind = str_from(change->subject_kind),
		.subject = change->subject,
	};
	uint8_t salt[RECORD_SALT_LEN];
	uint8_t hashes[2][SHA256_LEN];

	random_bytes(salt, sizeof(salt));
	record_digest(hashes[0], salt, body);
	record_hash(hashes[1], chain->head, &facts, hashes[0]);
	rc = record_insert(call->tx, &facts, salt, body, (const uint8_t(*)[SHA256_LEN])hashes, err);
	if (rc == OK)
		memcpy(chain->head, hashes[1], SHA256_LEN);
	return rc;
}
