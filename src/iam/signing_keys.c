#include "iam/signing_keys.h"

#include "iam/rows.h"
#include "jose/jwk.h"

#define PUBLIC_MAX ((size_t)4096)

static const struct sql KEY_SIGNING =
	SQL("SELECT COUNT(*) FROM signing_keys WHERE org = $1 AND workspace = $2 AND algorithm = $3"
	    " AND state = $4");
static const struct sql KEY_INSERT =
	SQL("INSERT INTO signing_keys (org, workspace, key_id, algorithm, state, public_key,"
	    " private_key, created_us, activated_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)");

struct str
signing_key_name(struct signing_key_name *space, struct org_id org, struct workspace_id issuer,
	struct uuid key)
{
	struct buf out;

	buf_init_fixed(&out, space->bytes, sizeof(space->bytes));
	buf_str(&out, STR("signing_keys"));
	buf_append(&out, org.id.bytes, sizeof(struct uuid));
	buf_append(&out, issuer.id.bytes, sizeof(struct uuid));
	buf_append(&out, key.bytes, sizeof(struct uuid));
	ASSERT(!out.failed);
	return buf_view(&out);
}

struct made_key {
	struct uuid id;
	struct workspace_id issuer;
	enum sign_alg alg;
	enum key_state state;
	struct str public_key; /* a JWK */
	struct str private_key; /* sealed */
};

static void
made_key_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct made_key *key = entity;

	jw_object(w, name);
	jw_uuid(w, "id", key->id);
	jw_uuid(w, "workspace", key->issuer.id);
	jw_z(w, "algorithm", sign_alg_name(key->alg));
	jw_raw(w, "public_key", key->public_key);
	jw_end_object(w);
}

static enum status
write_public(struct made_key *out, struct call *call, const struct sign_key *key, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];
	struct json_writer w;
	struct buf json;

	buf_init(&json, PUBLIC_MAX);
	uuid_format(text, out->id);
	jw_init(&w, &json);
	jwk_write(&w, NULL, sign_key_public(key), str_from(text));
	out->public_key = json.failed ? NOTHING : arena_copy(call->arena, buf_view(&json));
	buf_clear(&json);
	return out->public_key.ptr ? OK : error_no_memory(err);
}

static enum status
seal_private(struct made_key *out, struct call *call, const struct sign_key *key, struct error *err)
{
	char der_space[SIGN_KEY_PRIVATE_MAX];
	struct signing_key_name name;
	struct buf der, sealed;

	buf_init_fixed(&der, der_space, sizeof(der_space));
	buf_init(&sealed, SIGN_KEY_PRIVATE_MAX + KEYRING_SEAL_OVERHEAD);
	enum status rc = sign_key_export(&der, key, err);
	if (rc == OK)
		rc = keyring_seal(call->keyring, &sealed, buf_view(&der),
			signing_key_name(&name, call->chain.org, out->issuer, out->id), err);
	if (rc == OK) {
		out->private_key = arena_copy(call->arena, buf_view(&sealed));
		rc = out->private_key.ptr ? OK : error_no_memory(err);
	}
	crypto_wipe(der_space, sizeof(der_space));
	buf_clear(&sealed);
	return rc;
}

static enum status
insert(struct call *call, const struct made_key *key, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &KEY_INSERT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, key->issuer.id);
	query_bind_uuid(&q, 3, key->id);
	query_bind_int(&q, 4, key->alg);
	query_bind_int(&q, 5, key->state);
	query_bind_str(&q, 6, key->public_key);
	query_bind_bytes(&q, 7, key->private_key.ptr, key->private_key.len);
	query_bind_int(&q, 8, call->now_us);
	return query_run(&q, NULL, err);
}

static enum status
make(struct call *call, struct workspace_id issuer, enum sign_alg alg, struct error *err)
{
	struct made_key made = {.id = uuid_new(), .issuer = issuer, .alg = alg, .state = KEY_SIGNS};
	struct sign_key *key = NULL;

	enum status rc = sign_key_generate(&key, alg, err);
	if (rc == OK)
		rc = write_public(&made, call, key, err);
	if (rc == OK)
		rc = seal_private(&made, call, key, err);
	sign_key_free(&key);
	if (rc == OK)
		rc = insert(call, &made, err);
	if (rc == OK)
		rc = iam__record(call, "signing_keys.create", "signing_key", made.id,
			VERSIONS(NOTHING, call_json(call, made_key_write, &made)), err);
	if (rc == OK)
		call_touch(call, VIEW_KEYS, issuer.id);
	return rc;
}

enum status
signing_keys_ensure(
	struct call *call, struct workspace_id issuer, enum sign_alg alg, struct error *err)
{
	struct query q;

	ASSERT(alg != SIGN_RS256);
	enum status rc = iam__query(&q, call, &KEY_SIGNING, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, issuer.id);
	query_bind_int(&q, 3, alg);
	query_bind_int(&q, 4, KEY_SIGNS);
	rc = query_next(&q, err);
	bool signs = rc == OK && q.row && query_int(&q, 0) > 0;
	query_end(&q);
	return rc == OK && !signs ? make(call, issuer, alg, err) : rc;
}
