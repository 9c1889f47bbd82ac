#include "iam/tokens/family_tokens.h"

#include "iam/rows.h"

#define FAMILY_COLUMNS                                                                             \
	" family, workspace, client_org, client, principal, person, generation,"                   \
	" client_generation, person_generation, session, scope, resource, nonce, claims, methods," \
	" auth_us, created_us, used_us, hash, pepper, previous_hash, previous_pepper, rotations,"  \
	" expires_us, (SELECT revision FROM orgs WHERE orgs.org = families.org)"

static const struct sql FAMILY_INSERT =
	SQL("INSERT INTO families (org, family, workspace, client_org, client, principal, person,"
	    " generation, client_generation, person_generation, session, scope, resource, nonce,"
	    " claims, methods, auth_us, created_us, used_us, hash, pepper, rotations, expires_us,"
	    " ends_us, provider) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13,"
	    " $14, $15, $16, $17, $18, $18, $19, $20, 0, $21, $22, $23)");
/* Of two that bring the same token at once, one finds it. */
static const struct sql FAMILY_ROTATE =
	SQL("UPDATE families SET previous_hash = hash, previous_pepper = pepper, hash = $4,"
	    " pepper = $5, rotations = rotations + 1, used_us = $6, expires_us ="
	    " CASE WHEN ends_us < $7 THEN ends_us ELSE $7 END"
	    " WHERE org = $1 AND family = $2 AND hash = $3 AND client = $8 AND workspace = $9"
	    " AND client_org = $10 AND expires_us > $6 RETURNING" FAMILY_COLUMNS);
static const struct sql FAMILY_SELECT =
	SQL("SELECT" FAMILY_COLUMNS " FROM families WHERE org = $1 AND family = $2 AND client = $3"
	    " AND workspace = $4 AND client_org = $5 AND expires_us > $6");

static const struct sql FAMILY_CLAIMS =
	SQL("SELECT claims FROM families WHERE org = $1 AND family = $2");

static void
bind_who(struct query *q, const struct family_row *family)
{
	query_bind_uuid(q, 2, family->id.id);
	query_bind_uuid(q, 3, family->workspace.id);
	query_bind_uuid(q, 4, family->client_org.id);
	query_bind_uuid(q, 5, family->client.id);
	query_bind_uuid(q, 6, family->principal.id);
	query_bind_uuid_or_null(q, 7, family->person.id);
	query_bind_int(q, 8, family->generation);
	query_bind_int(q, 9, family->client_generation);
	if (!uuid_is_nil(family->person.id))
		query_bind_int(q, 10, family->person_generation);
	query_bind_uuid_or_null(q, 11, family->session.id);
	query_bind_uuid_or_null(q, 23, family->provider);
}

static void
bind_what(struct query *q, const struct family_row *family)
{
	query_bind_str(q, 12, family->scope.ptr ? family->scope : STR(""));
	query_bind_str(q, 13, family->resource);
	query_bind_str(q, 14, family->nonce);
	query_bind_str(q, 15, family->claims);
	query_bind_str(q, 16, family->methods);
	query_bind_int(q, 17, family->auth_us);
	query_bind_int(q, 18, family->created_us);
}

enum status
family_begin(struct family_row *family, struct secret_text *token, struct call *call,
	struct family_lives lives, struct error *err)
{
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;
	int64_t idle_us = lives.idle_s * US_PER_S, ends_us = lives.absolute_s * US_PER_S;

	enum status rc = iam__query(&q, call, &FAMILY_INSERT, family->id.id, err);
	if (rc != OK)
		return rc;
	family->created_us = call->now_us;
	family->used_us = call->now_us;
	secret_issue(token, "twr_", call->chain.org.id, family->id.id);
	keyring_hash(call->keyring, hash, &pepper, str_from(token->text));
	bind_who(&q, family);
	bind_what(&q, family);
	query_bind_bytes(&q, 19, hash, sizeof(hash));
	query_bind_int(&q, 20, pepper);
	query_bind_int(&q, 21, call->now_us + (idle_us < ends_us ? idle_us : ends_us));
	query_bind_int(&q, 22, call->now_us + ends_us);
	return query_run(&q, NULL, err);
}

/* The stored hash and pepper of one token. */
struct stored {
	uint8_t hash[SHA256_LEN];
	int pepper; /* 0: there is none */
};

static struct stored
read_stored(const struct query *q, int column)
{
	struct stored out = {.pepper = (int)query_int(q, column + 1)};
	struct str hash = query_bytes(q, column);

	if (hash.len == SHA256_LEN)
		memcpy(out.hash, hash.ptr, SHA256_LEN);
	else
		out.pepper = 0;
	return out;
}

static void
read_family(struct family_rotation *out, struct query *q, struct call *call)
{
	struct stored live = read_stored(q, 18);

	out->family = (struct family_row){
		.id = {query_uuid(q, 0)},
		.workspace = {query_uuid(q, 1)},
		.client_org = {query_uuid(q, 2)},
		.client = {query_uuid(q, 3)},
		.principal = {query_uuid(q, 4)},
		.person = {query_uuid(q, 5)},
		.generation = query_int(q, 6),
		.client_generation = query_int(q, 7),
		.person_generation = query_int(q, 8),
		.session = {query_uuid(q, 9)},
		.scope = iam__text(q, 10, call),
		.resource = iam__text(q, 11, call),
		.nonce = iam__text(q, 12, call),
		.claims = iam__text(q, 13, call),
		.methods = iam__text(q, 14, call),
		.auth_us = query_int(q, 15),
		.created_us = query_int(q, 16),
		.used_us = query_int(q, 17),
		.expires_us = query_int(q, 23),
	};
	memcpy(out->hash, live.hash, SHA256_LEN);
	out->pepper = live.pepper;
	out->previous_pepper = (int)query_int(q, 21);
	out->rotations = query_int(q, 22);
	out->revision = query_int(q, 24);
}

static enum status
parse_id(struct family_id *out, const struct call *call, struct str token)
{
	struct secret_parts parts;

	if (!secret_parse(&parts, token) || strcmp(parts.prefix, "twr_") != 0 ||
		!uuid_eq(parts.org, call->chain.org.id))
		return ERR_NOT_FOUND;
	out->id = parts.credential;
	return OK;
}

/* The row of a live token, and what its successor is derived and hashed under: the number of one
 * pepper then tells that of the other. */
struct live {
	struct family_id id;
	uint8_t hash[SHA256_LEN];
	int newest_pepper;
};

/* `found` false when it is not live, or not any more. */
static enum status
rotate_from(bool *found, struct family_rotation *out, struct call *call, const struct live *live,
	const struct family_presented *presented, struct error *err)
{
	struct query q;
	uint8_t hash[SHA256_LEN];
	int pepper;

	*found = false;
	if (!keyring_succeed(&out->next, call->keyring, live->newest_pepper, presented->token))
		return OK;
	keyring_hash(call->keyring, hash, &pepper, str_from(out->next.text));
	enum status rc = iam__query(&q, call, &FAMILY_ROTATE, live->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_bytes(&q, 3, live->hash, SHA256_LEN);
	query_bind_bytes(&q, 4, hash, sizeof(hash));
	query_bind_int(&q, 5, pepper);
	query_bind_int(&q, 6, call->now_us);
	query_bind_int(&q, 7, call->now_us + presented->lives.idle_s * US_PER_S);
	query_bind_uuid(&q, 8, presented->client.id);
	query_bind_uuid(&q, 9, presented->workspace.id);
	query_bind_uuid(&q, 10, presented->client_org.id);
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found) {
		read_family(out, &q, call);
		out->kind = FAMILY_TOKEN_LIVE;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

static void
judge(struct family_rotation *out, const struct query *q, const struct call *call, struct str token)
{
	struct stored before = read_stored(q, 20);

	out->kind = FAMILY_TOKEN_OTHER;
	if (keyring_verify(call->keyring, out->hash, out->pepper, token))
		out->kind = FAMILY_TOKEN_LIVE;
	else if (call->now_us < out->family.used_us + FAMILY_GRACE_US &&
		keyring_verify(call->keyring, before.hash, before.pepper, token) &&
		keyring_succeed(&out->next, call->keyring, out->pepper, token))
		out->kind = FAMILY_TOKEN_AGAIN;
}

static enum status
look(struct family_rotation *out, struct call *call, struct family_id id,
	const struct family_presented *presented, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &FAMILY_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, presented->client.id);
	query_bind_uuid(&q, 4, presented->workspace.id);
	query_bind_uuid(&q, 5, presented->client_org.id);
	query_bind_int(&q, 6, call->now_us);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		read_family(out, &q, call);
		judge(out, &q, call, presented->token);
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

enum status
family_look(struct family_rotation *out, struct call *call,
	const struct family_presented *presented, struct error *err)
{
	struct family_id id;

	*out = (struct family_rotation){.kind = FAMILY_TOKEN_NONE};
	if (parse_id(&id, call, presented->token) != OK)
		return OK;
	return look(out, call, id, presented, err);
}

/* One statement when the token is live and the pepper the newest, as nearly always. */
enum status
family_rotate(struct family_rotation *out, struct call *call,
	const struct family_presented *presented, struct error *err)
{
	struct live live;
	bool found;

	*out = (struct family_rotation){.kind = FAMILY_TOKEN_NONE};
	if (parse_id(&live.id, call, presented->token) != OK)
		return OK;
	keyring_hash(call->keyring, live.hash, &live.newest_pepper, presented->token);
	enum status rc = rotate_from(&found, out, call, &live, presented, err);
	if (rc != OK || found)
		return rc;
	rc = look(out, call, live.id, presented, err);
	if (rc != OK || out->kind != FAMILY_TOKEN_LIVE)
		return rc;
	memcpy(live.hash, out->hash, SHA256_LEN);
	rc = rotate_from(&found, out, call, &live, presented, err);
	/* Another has brought the same token meanwhile: to him it was live. */
	return rc == OK && !found ? look(out, call, live.id, presented, err) : rc;
}

static bool
leads_to_live(const struct family_rotation *found, const struct keyring *ring, int pepper,
	struct str token)
{
	struct secret_text at, next;
	int64_t steps = found->rotations < FAMILY_STEPS_MAX ? found->rotations : FAMILY_STEPS_MAX;
	bool reached = false, good = keyring_succeed(&at, ring, pepper, token);

	for (int64_t i = 0; i < steps && good && !reached; i++) {
		reached = keyring_verify(ring, found->hash, found->pepper, str_from(at.text));
		good = keyring_succeed(&next, ring, pepper, str_from(at.text));
		at = next;
	}
	crypto_wipe(&at, sizeof(at));
	crypto_wipe(&next, sizeof(next));
	return reached;
}

bool
family_token_was_ours(
	const struct family_rotation *found, const struct keyring *ring, struct str token)
{
	if (found->kind != FAMILY_TOKEN_OTHER)
		return false;
	return leads_to_live(found, ring, found->pepper, token) ||
		(found->previous_pepper != 0 && found->previous_pepper != found->pepper &&
			leads_to_live(found, ring, found->previous_pepper, token));
}

enum status
family_claims_load(struct str *out, struct call *call, struct family_id id, struct error *err)
{
	struct query q;

	*out = NOTHING;
	enum status rc = iam__query(&q, call, &FAMILY_CLAIMS, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		*out = iam__text(&q, 0, call);
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}
