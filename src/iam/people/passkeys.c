#include "iam/people/passkeys.h"

#include "iam/people/second_factors.h"
#include "iam/rows.h"
#include "model/names.h"

#define PASSKEY_COLUMNS                                                                            \
	" k.passkey, k.person, k.credential_id, k.algorithm, k.public_key, k.sign_count, k.name,"  \
	" k.created_us, k.used_us FROM passkeys k"

static const struct sql PASSKEYS_OF_PERSON = SQL("SELECT" PASSKEY_COLUMNS " WHERE k.person = $1"
						 " ORDER BY k.passkey LIMIT 20");
static const struct sql PASSKEY_BY_CREDENTIAL =
	SQL("SELECT" PASSKEY_COLUMNS " JOIN persons p ON p.person = k.person AND p.state = 1"
	    " WHERE k.credential_id = $1");
static const struct sql PASSKEY_BY_ID =
	SQL("SELECT" PASSKEY_COLUMNS " WHERE k.person = $1 AND k.passkey = $2");
static const struct sql PASSKEY_INSERT =
	SQL("INSERT INTO passkeys (person, passkey, credential_id, algorithm, public_key,"
	    " sign_count, name, created_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
	    " ON CONFLICT DO NOTHING");
static const struct sql PASSKEY_RENAME =
	SQL("UPDATE passkeys SET name = $3 WHERE person = $1 AND passkey = $2");
static const struct sql PASSKEY_DELETE =
	SQL("DELETE FROM passkeys WHERE person = $1 AND passkey = $2");
/* Of those that do not count, the counter stays 0. */
static const struct sql PASSKEY_USE =
	SQL("UPDATE passkeys SET sign_count = $3, used_us = $4 WHERE person = $1 AND passkey = $2"
	    " AND (sign_count < $3 OR (sign_count = 0 AND $3 = 0))"
	    " AND (used_us IS NULL OR used_us < $5)");

static void
passkey_read(struct passkey *out, struct query *q, struct call *call)
{
	*out = (struct passkey){
		.id = {query_uuid(q, 0)},
		.person = {query_uuid(q, 1)},
		.key = {.credential_id = arena_copy(call->arena, query_bytes(q, 2)),
			.algorithm = (int32_t)query_int(q, 3),
			.public_key = arena_copy(call->arena, query_bytes(q, 4)),
			.sign_count = (uint32_t)query_int(q, 5)},
		.name = iam__text(q, 6, call),
		.created_us = query_int(q, 7),
		.used_us = query_int(q, 8),
	};
}

static void
passkey_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct passkey *passkey = entity;

	jw_object(w, name);
	jw_uuid(w, "id", passkey->id.id);
	jw_uuid(w, "person", passkey->person.id);
	jw_str(w, "name", passkey->name);
	jw_time(w, "created_at", passkey->created_us);
	jw_end_object(w);
}

enum status
passkey_list(struct passkey **out, size_t *count, struct call *call, struct person_id person,
	struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct passkey, PASSKEYS_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = query_begin(&q, call->tx, &PASSKEYS_OF_PERSON, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, person.id);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < PASSKEYS_MAX)
		passkey_read(&(*out)[(*count)++], &q, call);
	query_end(&q);
	return rc;
}

/* Reads the row of a query that is bound, and ends it. */
static enum status
read_one(struct passkey *out, bool *found, struct call *call, struct query *q, struct error *err)
{
	enum status rc = query_next(q, err);
	*found = rc == OK && q->row;
	if (*found) {
		passkey_read(out, q, call);
		if (!out->key.credential_id.ptr || !out->key.public_key.ptr)
			rc = error_no_memory(err);
	}
	query_end(q);
	return rc;
}

enum status
passkey_find(struct passkey *out, bool *found, struct call *call, struct str credential_id,
	struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = query_begin(&q, call->tx, &PASSKEY_BY_CREDENTIAL, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 1, credential_id.ptr, credential_id.len);
	return read_one(out, found, call, &q, err);
}

/* A statement on one passkey of a person. */
static enum status
query_own(struct query *q, struct call *call, const struct sql *sql, struct person_id person,
	struct passkey_id id, struct error *err)
{
	enum status rc = query_begin(q, call->tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(q, 1, person.id);
	query_bind_uuid(q, 2, id.id);
	return OK;
}

static enum status
find_own(struct passkey *out, struct call *call, struct person_id person, struct passkey_id id,
	struct error *err)
{
	struct query q;
	bool found = false;

	enum status rc = query_own(&q, call, &PASSKEY_BY_ID, person, id, err);
	if (rc == OK)
		rc = read_one(out, &found, call, &q, err);
	if (rc == OK && !found)
		rc = error_set(
			err, ERR_NOT_FOUND, "passkey-not-found", "There is no such passkey.");
	return rc;
}

static enum status
insert(bool *inserted, struct call *call, const struct passkey *passkey, struct error *err)
{
	const struct passkey_key *key = &passkey->key;
	int64_t changed;
	struct query q;

	enum status rc = query_own(&q, call, &PASSKEY_INSERT, passkey->person, passkey->id, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 3, key->credential_id.ptr, key->credential_id.len);
	query_bind_int(&q, 4, key->algorithm);
	query_bind_bytes(&q, 5, key->public_key.ptr, key->public_key.len);
	query_bind_int(&q, 6, key->sign_count);
	query_bind_str(&q, 7, passkey->name);
	query_bind_int(&q, 8, passkey->created_us);
	rc = query_run(&q, &changed, err);
	*inserted = rc == OK && changed == 1;
	return rc;
}

static enum status
check_room(struct call *call, struct person_id person, struct error *err)
{
	struct second_factors factors;

	enum status rc = second_factors_find(&factors, call, person, err);
	if (rc == OK && factors.passkeys >= PASSKEYS_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-passkeys",
			"You have %d passkeys, which is as many as there can be: remove one first.",
			PASSKEYS_MAX);
	return rc;
}

enum status
passkey_add(struct passkey *out, struct call *call, struct person_id person,
	const struct passkey_key *key, struct str name, struct error *err)
{
	bool inserted = false;

	ASSERT(org_is_platform(call->chain.org));
	ASSERT(key->credential_id.len <= PASSKEY_CREDENTIAL_MAX);
	*out = (struct passkey){.id = {uuid_new()},
		.person = person,
		.key = *key,
		.name = name,
		.created_us = call->now_us};
	enum status rc = name_check(name, "name", err);
	if (rc == OK)
		rc = check_room(call, person, err);
	if (rc == OK)
		rc = insert(&inserted, call, out, err);
	if (rc == OK && !inserted)
		rc = error_set(
			err, ERR_CONFLICT, "passkey-exists", "This passkey has been added before.");
	if (rc == OK)
		rc = iam__record(call, "passkeys.create", "passkey", out->id.id,
			VERSIONS(NOTHING, call_json(call, passkey_write, out)), err);
	return rc;
}

enum status
passkey_rename(struct call *call, struct person_id person, struct passkey_id id, struct str name,
	struct error *err)
{
	struct passkey before, after;
	struct query q;

	ASSERT(org_is_platform(call->chain.org));
	enum status rc = find_own(&before, call, person, id, err);
	if (rc == OK)
		rc = name_check(name, "name", err);
	if (rc != OK)
		return rc;
	after = before;
	after.name = name;
	rc = iam__record(call, "passkeys.update", "passkey", id.id,
		VERSIONS(call_json(call, passkey_write, &before),
			call_json(call, passkey_write, &after)),
		err);
	if (rc == OK)
		rc = query_own(&q, call, &PASSKEY_RENAME, person, id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, name);
	return query_run(&q, NULL, err);
}

enum status
passkey_remove(struct call *call, struct person_id person, struct passkey_id id, struct error *err)
{
	struct passkey passkey;
	struct query q;

	ASSERT(org_is_platform(call->chain.org));
	enum status rc = find_own(&passkey, call, person, id, err);
	if (rc == OK)
		rc = second_factors__check_last(call, person, err);
	if (rc == OK)
		rc = iam__record(call, "passkeys.delete", "passkey", id.id,
			VERSIONS(call_json(call, passkey_write, &passkey), NOTHING), err);
	if (rc == OK)
		rc = query_own(&q, call, &PASSKEY_DELETE, person, id, err);
	if (rc == OK)
		rc = query_run(&q, NULL, err);
	return rc == OK ? second_factors__clean(call, person, err) : rc;
}

static bool
has_moved_on(const struct passkey *passkey, uint32_t sign_count)
{
	uint32_t before = passkey->key.sign_count;

	return before < sign_count || (before == 0 && sign_count == 0);
}

static enum status
record_copy(struct call *call, const struct passkey *passkey, struct error *err)
{
	struct call own;

	enum status rc = second_factors__open(&own, call, passkey->person, err);
	if (rc == OK)
		rc = iam__record(&own, "passkeys.copied", "passkey", passkey->id.id,
			VERSIONS(NOTHING, call_json(call, passkey_write, passkey)), err);
	return rc == OK ? call_close(&own, err) : rc;
}

enum status
passkey_use(bool *accepted, struct call *call, const struct passkey *passkey,
	const struct passkey_answered *answered, struct error *err)
{
	int64_t changed;
	struct query q;

	*accepted = false;
	/* The same answer again, or another of before: a form that was sent twice. */
	if (passkey->used_us >= answered->challenged_us)
		return OK;
	if (!has_moved_on(passkey, answered->sign_count))
		return record_copy(call, passkey, err);
	enum status rc = query_own(&q, call, &PASSKEY_USE, passkey->person, passkey->id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, answered->sign_count);
	query_bind_int(&q, 4, call->now_us);
	query_bind_int(&q, 5, answered->challenged_us);
	rc = query_run(&q, &changed, err);
	*accepted = rc == OK && changed == 1;
	return rc;
}
