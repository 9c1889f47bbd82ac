#include "iam/tokens/signing_keys.h"

#include "iam/rows.h"
#include "jose/jwk.h"

#define PUBLIC_MAX ((size_t)4096)

static const struct sql KEY_SIGNING =
	SQL("SELECT COUNT(*) FROM signing_keys WHERE org = $1 AND workspace = $2 AND algorithm = $3"
	    " AND state = $4");
static const struct sql KEY_INSERT =
	SQL("INSERT INTO signing_keys (org, workspace, key_id, algorithm, state, public_key,"
	    " private_key, created_us, activated_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");

struct str
signing_key_name(
	struct seal_name *space, struct org_id org, struct workspace_id issuer, struct uuid key)
{
	return SEAL_NAME(
		space, "signing_keys", SEAL_KEY(org.id), SEAL_KEY(issuer.id), SEAL_KEY(key));
}

static void
draft_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct signing_key_draft *draft = entity;

	jw_object(w, name);
	jw_uuid(w, "id", draft->id);
	jw_uuid(w, "workspace", draft->issuer.id);
	jw_z(w, "algorithm", sign_alg_name(draft->alg));
	jw_raw(w, "public_key", draft->public_key);
	jw_end_object(w);
}

static enum status
write_public(struct signing_key_draft *draft, const struct sign_key *key, struct arena *arena,
	struct error *err)
{
	char text[UUID_TEXT_LEN + 1];
	struct json_writer w;
	struct buf json;

	buf_init(&json, PUBLIC_MAX);
	uuid_format(text, draft->id);
	jw_init(&w, &json);
	jwk_write(&w, NULL, sign_key_public(key), str_from(text));
	draft->public_key = json.failed ? NOTHING : arena_copy(arena, buf_view(&json));
	buf_clear(&json);
	return draft->public_key.ptr ? OK : error_no_memory(err);
}

static enum status
seal_private(struct signing_key_draft *draft, const struct sign_key *key,
	const struct keyring *ring, struct arena *arena, struct error *err)
{
	char der_space[SIGN_KEY_PRIVATE_MAX];
	struct seal_name name;
	struct buf der, sealed;

	buf_init_fixed(&der, der_space, sizeof(der_space));
	buf_init(&sealed, SIGN_KEY_PRIVATE_MAX + KEYRING_SEAL_OVERHEAD);
	enum status rc = sign_key_export(&der, key, err);
	if (rc == OK)
		rc = keyring_seal(ring, &sealed, buf_view(&der),
			signing_key_name(&name, draft->org, draft->issuer, draft->id), err);
	if (rc == OK) {
		draft->private_key = arena_copy(arena, buf_view(&sealed));
		rc = draft->private_key.ptr ? OK : error_no_memory(err);
	}
	crypto_wipe(der_space, sizeof(der_space));
	buf_clear(&sealed);
	return rc;
}

enum status
signing_key_make(struct signing_key_draft *draft, const struct keyring *ring, struct arena *arena,
	struct error *err)
{
	struct sign_key *key = NULL;

	draft->id = uuid_new();
	enum status rc = sign_key_generate(&key, draft->alg, err);
	if (rc == OK)
		rc = write_public(draft, key, arena, err);
	if (rc == OK)
		rc = seal_private(draft, key, ring, arena, err);
	sign_key_free(&key);
	return rc;
}

static enum status
insert(struct call *call, const struct signing_key_draft *draft, enum key_state state,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &KEY_INSERT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, draft->issuer.id);
	query_bind_uuid(&q, 3, draft->id);
	query_bind_int(&q, 4, draft->alg);
	query_bind_int(&q, 5, state);
	query_bind_str(&q, 6, draft->public_key);
	query_bind_bytes(&q, 7, draft->private_key.ptr, draft->private_key.len);
	query_bind_int(&q, 8, call->now_us);
	query_bind_int_or_null(&q, 9, state == KEY_SIGNS ? call->now_us : 0);
	return query_run(&q, NULL, err);
}

enum status
signing_key__keep(struct call *call, const struct signing_key_draft *draft, enum key_state state,
	struct error *err)
{
	enum status rc = insert(call, draft, state, err);

	if (rc == OK)
		rc = iam__record(call, "signing_keys.create", "signing_key", draft->id,
			VERSIONS(NOTHING, call_json(call, draft_write, draft)), err);
	if (rc == OK)
		call_touch(call, VIEW_KEYS, draft->issuer.id);
	return rc;
}

enum status
signing_key_ensure(struct call *call, const struct signing_key_draft *draft, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &KEY_SIGNING, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, draft->issuer.id);
	query_bind_int(&q, 3, draft->alg);
	query_bind_int(&q, 4, KEY_SIGNS);
	rc = query_next(&q, err);
	bool signs = rc == OK && q.row && query_int(&q, 0) > 0;
	query_end(&q);
	return rc == OK && !signs ? signing_key__keep(call, draft, KEY_SIGNS, err) : rc;
}
