#include "iam/tokens/key_rotation.h"

#include "iam/rows.h"

static const struct sql KEY_LIST =
	SQL("SELECT key_id, algorithm, state, public_key, created_us, activated_us, retired_us"
	    " FROM signing_keys WHERE org = $1 AND workspace = $2 ORDER BY key_id");
static const struct sql KEY_SET_STATE =
	SQL("UPDATE signing_keys SET state = $4, activated_us = $5, retired_us = $6"
	    " WHERE org = $1 AND workspace = $2 AND key_id = $3");
static const struct sql KEY_DELETE =
	SQL("DELETE FROM signing_keys WHERE org = $1 AND workspace = $2 AND key_id = $3");
/* Of every organisation: the schedule is the installation's. $1: signs since before that; $2: has
 * to be announced; $3: retired before that. */
static const struct sql KEYS_DUE =
	SQL("SELECT DISTINCT k.org, k.workspace, k.algorithm FROM signing_keys k"
	    " WHERE (k.state = 2 AND k.activated_us <= $1)"
	    " OR (k.state = 2 AND k.activated_us <= $2 AND NOT EXISTS (SELECT 1"
	    "  FROM signing_keys n WHERE n.org = k.org AND n.workspace = k.workspace"
	    "  AND n.algorithm = k.algorithm AND n.state = 1))"
	    " OR (k.state = 3 AND k.retired_us <= $3)"
	    " ORDER BY 1, 2, 3 LIMIT $4");

static const char *const STATES[] = {
	[KEY_NONE] = "none",
	[KEY_NEXT] = "next",
	[KEY_SIGNS] = "signs",
	[KEY_RETIRED] = "retired",
};

void
signing_key_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct signing_key *key = entity;

	jw_object(w, name);
	jw_uuid(w, "id", key->id);
	jw_z(w, "algorithm", sign_alg_name(key->alg));
	jw_z(w, "state", STATES[key->state]);
	jw_raw(w, "public_key", key->public_key);
	jw_time(w, "created_at", key->created_us);
	jw_time(w, "signs_since", key->activated_us);
	jw_time(w, "retired_at", key->retired_us);
	jw_end_object(w);
}

enum status
signing_key_list(struct signing_key **out, size_t *count, struct call *call,
	struct workspace_id issuer, struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct signing_key, KEYS_PER_ISSUER_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, &KEY_LIST, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, issuer.id);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < KEYS_PER_ISSUER_MAX) {
		(*out)[(*count)++] = (struct signing_key){
			.id = query_uuid(&q, 0),
			.alg = (enum sign_alg)query_int(&q, 1),
			.state = (enum key_state)query_int(&q, 2),
			.public_key = iam__text(&q, 3, call),
			.created_us = query_int(&q, 4),
			.activated_us = query_int(&q, 5),
			.retired_us = query_int(&q, 6),
		};
	}
	query_end(&q);
	return rc;
}

/* The keys of an issuer, with those of one algorithm that matter here. */
struct ring {
	struct workspace_id issuer;
	struct signing_key *keys;
	size_t count;
	const struct signing_key *signs, *next; /* NULL: none */
};

static enum status
load(struct ring *out, struct call *call, struct workspace_id issuer, enum sign_alg alg,
	struct error *err)
{
	*out = (struct ring){.issuer = issuer};
	enum status rc = signing_key_list(&out->keys, &out->count, call, issuer, err);
	for (size_t i = 0; rc == OK && i < out->count; i++) {
		const struct signing_key *key = &out->keys[i];
		if (key->alg == alg && key->state == KEY_SIGNS)
			out->signs = key;
		else if (key->alg == alg && key->state == KEY_NEXT)
			out->next = key;
	}
	return rc;
}

/* A statement on one key. */
static enum status
begin(struct query *q, struct call *call, const struct sql *sql, const struct ring *ring,
	struct uuid key, struct error *err)
{
	enum status rc = iam__query(q, call, sql, (struct uuid){{0}}, err);

	if (rc != OK)
		return rc;
	query_bind_uuid(q, 2, ring->issuer.id);
	query_bind_uuid(q, 3, key);
	return OK;
}

static enum status
set_state(struct call *call, const struct ring *ring, const struct signing_key *before,
	enum key_state state, struct error *err)
{
	struct signing_key after = *before;
	struct query q;

	after.state = state;
	if (state == KEY_SIGNS)
		after.activated_us = call->now_us;
	else
		after.retired_us = call->now_us;
	enum status rc = begin(&q, call, &KEY_SET_STATE, ring, before->id, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 4, state);
	query_bind_int_or_null(&q, 5, after.activated_us);
	query_bind_int_or_null(&q, 6, after.retired_us);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = iam__record(call, "signing_keys.update", "signing_key", before->id,
			VERSIONS(call_json(call, signing_key_write, before),
				call_json(call, signing_key_write, &after)),
			err);
	if (rc == OK)
		call_touch(call, VIEW_KEYS, ring->issuer.id);
	return rc;
}

static enum status
erase(struct call *call, const struct ring *ring, const struct signing_key *before,
	struct error *err)
{
	struct query q;

	enum status rc = begin(&q, call, &KEY_DELETE, ring, before->id, err);
	if (rc == OK)
		rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = iam__record(call, "signing_keys.delete", "signing_key", before->id,
			VERSIONS(call_json(call, signing_key_write, before), NOTHING), err);
	if (rc == OK)
		call_touch(call, VIEW_KEYS, ring->issuer.id);
	return rc;
}

static enum status
make_successor(struct call *call, const struct ring *ring, enum sign_alg alg, struct error *err)
{
	struct signing_key_draft draft = {
		.org = call->chain.org, .issuer = ring->issuer, .alg = alg};

	if (alg == SIGN_RS256)
		return OK;
	enum status rc = signing_key_make(&draft, call->keyring, call->arena, err);
	return rc == OK ? signing_key__keep(call, &draft, KEY_SIGNS, err) : rc;
}

static enum status
succeed(struct call *call, const struct ring *ring, enum sign_alg alg, struct error *err)
{
	enum status rc = set_state(call, ring, ring->signs, KEY_RETIRED, err);

	if (rc != OK)
		return rc;
	return ring->next ? set_state(call, ring, ring->next, KEY_SIGNS, err)
			  : make_successor(call, ring, alg, err);
}

enum status
signing_keys_rotate(
	struct call *call, struct workspace_id issuer, enum sign_alg alg, struct error *err)
{
	struct ring ring;

	enum status rc = load(&ring, call, issuer, alg, err);
	if (rc == OK && !ring.signs)
		rc = error_set(err, ERR_CONFLICT, "no-signing-key",
			"No key of this algorithm signs here yet: the first is made when it is "
			"needed.");
	/* The last place is the schedule's. */
	if (rc == OK && !ring.next && ring.count >= KEYS_PER_ISSUER_MAX - 1)
		rc = error_set(err, ERR_LIMIT, "too-many-keys",
			"At most %d keys are published: withdraw some that have retired.",
			KEYS_PER_ISSUER_MAX);
	return rc == OK ? succeed(call, &ring, alg, err) : rc;
}

enum status
signing_key_withdraw(
	struct call *call, struct workspace_id issuer, struct uuid key, struct error *err)
{
	struct ring ring;

	enum status rc = load(&ring, call, issuer, SIGN_ALG_NONE, err);
	for (size_t i = 0; rc == OK && i < ring.count; i++) {
		if (!uuid_eq(ring.keys[i].id, key))
			continue;
		if (ring.keys[i].state == KEY_SIGNS)
			return error_set(err, ERR_CONFLICT, "key-signs",
				"This key signs: rotate first, then withdraw it.");
		return erase(call, &ring, &ring.keys[i], err);
	}
	return rc != OK
		? rc
		: error_set(err, ERR_NOT_FOUND, "signing-key-not-found", "There is no such key.");
}

enum status
signing_keys_due(struct key_turn *out, size_t *count, size_t max, struct tx *tx, int64_t now_us,
	struct error *err)
{
	struct query q;

	*count = 0;
	enum status rc = query_begin(&q, tx, &KEYS_DUE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, now_us - KEY_SIGNS_US);
	query_bind_int(&q, 2, now_us - KEY_SIGNS_US + KEY_ANNOUNCED_US);
	query_bind_int(&q, 3, now_us - KEY_KEPT_US);
	query_bind_int(&q, 4, (int64_t)max);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < max)
		out[(*count)++] = (struct key_turn){
			{query_uuid(&q, 0)}, {query_uuid(&q, 1)}, (enum sign_alg)query_int(&q, 2)};
	query_end(&q);
	return rc;
}

static enum status
remove_retired(struct call *call, const struct ring *ring, enum sign_alg alg, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < ring->count; i++) {
		const struct signing_key *key = &ring->keys[i];
		if (key->alg == alg && key->state == KEY_RETIRED &&
			key->retired_us <= call->now_us - KEY_KEPT_US)
			rc = erase(call, ring, key, err);
	}
	return rc;
}

enum status
signing_keys_turn(struct call *call, const struct key_turn *turn,
	const struct signing_key_draft *made, struct error *err)
{
	struct ring ring;

	enum status rc = load(&ring, call, turn->issuer, turn->alg, err);
	if (rc == OK)
		rc = remove_retired(call, &ring, turn->alg, err);
	if (rc != OK || !ring.signs)
		return rc;
	int64_t age_us = call->now_us - ring.signs->activated_us;
	if (!ring.next && made && age_us >= KEY_SIGNS_US - KEY_ANNOUNCED_US &&
		ring.count < KEYS_PER_ISSUER_MAX)
		return signing_key__keep(call, made, KEY_NEXT, err);
	if (ring.next && age_us >= KEY_SIGNS_US &&
		call->now_us - ring.next->created_us >= KEY_PUBLISHED_US)
		return succeed(call, &ring, turn->alg, err);
	return OK;
}
