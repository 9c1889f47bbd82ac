#include "directory/rows_internal.h"
#include "json/json.h"

/* Of the workspaces of every organisation. */
static const struct sql ISSUER = SQL("SELECT org FROM issuers WHERE workspace = $1");
static const struct sql KEYS =
	SQL("SELECT key_id, algorithm, state, retired_us, public_key, private_key FROM signing_keys"
	    " WHERE org = $1 AND workspace = $2 ORDER BY key_id");
static const struct sql CLIENT =
	SQL("SELECT c.workspace, p.name, c.type, c.auth_method, c.redirect_uris, c.logout_uris,"
	    " c.require_pkce, c.first_party, c.access_ttl_s, c.refresh_idle_s, c.refresh_ttl_s,"
	    " c.id_token_algorithm, c.jwks, c.jwks_uri, c.backchannel_uri"
	    " FROM clients c JOIN principals p ON p.org = c.org AND p.principal = c.client"
	    " WHERE c.org = $1 AND c.client = $2");
static const struct sql REFUSAL =
	SQL("SELECT until_us FROM refusals WHERE org = $1 AND refused = $2");
static const struct sql REFUSALS_LATEST = SQL("SELECT MAX(until_us) FROM refusals WHERE org = $1");
static const struct sql CONTEXT =
	SQL("SELECT value FROM metadata WHERE org = $1 AND principal = $2 AND name = $3");
static const struct sql PERSON = SQL("SELECT state, generation FROM persons WHERE person = $1");

enum status
rows_load_issuer(const struct issuer_view **out, struct tx *tx, struct workspace_id workspace,
	struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &ISSUER, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, workspace.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		struct issuer_view *view = arena_new_one(arena, struct issuer_view);
		if (!view)
			rc = error_no_memory(err);
		else
			*view = (struct issuer_view){{query_uuid(&q, 0)}, workspace};
		*out = view;
	}
	query_end(&q);
	return rc;
}

static struct str
bytes_copy(struct query *q, int column, struct arena *arena)
{
	return arena_copy(arena, query_bytes(q, column));
}

static enum status
read_keys(struct keys_view *view, struct query *q, struct arena *arena, struct error *err)
{
	struct signing_key_view *keys =
		arena_alloc_array(arena, KEYS_PER_ISSUER_MAX, sizeof(*keys));
	enum status rc;
	if (!keys)
		return error_no_memory(err);
	view->keys = keys;
	while ((rc = query_next(q, err)) == OK && q->row) {
		if (view->count == KEYS_PER_ISSUER_MAX)
			return rows__corrupt(err, "more signing keys than are possible");
		struct signing_key_view *key = &keys[view->count++];
		*key = (struct signing_key_view){
			.id = query_uuid(q, 0),
			.algorithm = (enum sign_alg)query_int(q, 1),
			.state = (enum key_state)query_int(q, 2),
			.retired_us = query_int(q, 3),
			.public_key = query_str_copy(q, 4, arena),
			.private_key = bytes_copy(q, 5, arena),
		};
		if (!key->private_key.ptr)
			return error_no_memory(err);
	}
	return rc;
}

enum status
rows_load_keys(const struct keys_view **out, struct tx *tx, struct org_id org,
	struct workspace_id issuer, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	struct keys_view *view = arena_new_one(arena, struct keys_view);
	if (!view)
		return error_no_memory(err);
	*view = (struct keys_view){.org = org, .workspace = issuer};
	enum status rc = query_begin(&q, tx, &KEYS, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, issuer.id);
	rc = read_keys(view, &q, arena, err);
	query_end(&q);
	if (rc == OK)
		*out = view;
	return rc;
}

/* A column that holds a JSON array of texts. */
static enum status
read_list(struct str_list *out, const struct query *q, int column, struct arena *arena,
	struct error *err)
{
	struct json *list = NULL;
	enum status rc = json_parse(&list, query_str(q, column), JSON_LIMITS_DEFAULT, err);
	if (rc != OK || json_type(list) != JSON_ARRAY || json_count(list) > CLIENT_URIS_MAX) {
		json_free(&list);
		return rows__corrupt(err, "a list of addresses that is none");
	}
	struct str *items = arena_alloc_array(arena, json_count(list) + 1, sizeof(*items));
	*out = (struct str_list){items, (uint32_t)json_count(list)};
	rc = items ? OK : error_no_memory(err);
	for (uint32_t i = 0; rc == OK && i < out->count; i++) {
		items[i] = arena_copy(arena, json_str(json_at(list, i)));
		if (!items[i].ptr)
			rc = error_no_memory(err);
	}
	json_free(&list);
	return rc;
}

static enum status
read_client(struct client_view *view, struct query *q, struct arena *arena, struct error *err)
{
	view->workspace = (struct workspace_id){query_uuid(q, 0)};
	view->name = query_str_copy(q, 1, arena);
	view->type = (enum client_type)query_int(q, 2);
	view->auth_method = (enum client_auth_method)query_int(q, 3);
	view->require_pkce = query_int(q, 6) != 0;
	view->first_party = query_int(q, 7) != 0;
	view->access_ttl_s = (int32_t)query_int(q, 8);
	view->refresh_idle_s = (int32_t)query_int(q, 9);
	view->refresh_ttl_s = (int32_t)query_int(q, 10);
	view->id_token_algorithm = (enum sign_alg)query_int(q, 11);
	view->jwks = query_str_copy(q, 12, arena);
	view->jwks_uri = query_str_copy(q, 13, arena);
	view->backchannel_uri = query_str_copy(q, 14, arena);
	enum status rc = read_list(&view->redirect_uris, q, 4, arena, err);
	if (rc == OK)
		rc = read_list(&view->logout_uris, q, 5, arena, err);
	return rc == OK ? query_next(q, err) : rc;
}

enum status
rows_load_client(const struct client_view **out, struct tx *tx, struct org_id org,
	struct principal_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &CLIENT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		struct client_view *view = arena_new_one(arena, struct client_view);
		if (view) {
			*view = (struct client_view){.org = org, .id = id};
			rc = read_client(view, &q, arena, err);
		} else {
			rc = error_no_memory(err);
		}
		if (rc == OK)
			*out = view;
	}
	query_end(&q);
	return rc;
}

enum status
rows_load_refusal(const struct refusal_view **out, struct tx *tx, struct org_id org, struct uuid id,
	struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &REFUSAL, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		struct refusal_view *view = arena_new_one(arena, struct refusal_view);
		if (view)
			view->until_us = query_int(&q, 0);
		else
			rc = error_no_memory(err);
		*out = view;
	}
	query_end(&q);
	return rc;
}

enum status
rows_load_refusals(const struct refusals_view **out, struct tx *tx, struct org_id org,
	struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	struct refusals_view *view = arena_new_one(arena, struct refusals_view);
	if (!view)
		return error_no_memory(err);
	enum status rc = query_begin(&q, tx, &REFUSALS_LATEST, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		view->latest_us = query_int(&q, 0);
	query_end(&q);
	if (rc == OK)
		*out = view;
	return rc;
}

enum status
rows_load_person(const struct person_view **out, struct tx *tx, struct person_id id,
	struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &PERSON, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id.id);
	struct person_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct person_view);
		rc = view ? rows__state(&view->state, &q, 0, err) : error_no_memory(err);
		if (rc == OK) {
			view->id = id;
			view->generation = query_int(&q, 1);
		}
	}
	query_end(&q);
	if (rc == OK)
		*out = view;
	return rc;
}

enum status
rows_load_context(const struct context_view **out, struct tx *tx, struct org_id org,
	struct principal_id id, struct arena *arena, struct error *err)
{
	struct query q;
	*out = NULL;
	enum status rc = query_begin(&q, tx, &CONTEXT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_uuid(&q, 2, id.id);
	query_bind_str(&q, 3, CONTEXT_KEY);
	struct context_view *view = NULL;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		view = arena_new_one(arena, struct context_view);
		if (view)
			view->json = query_str_copy(&q, 0, arena);
		rc = view ? query_next(&q, err) : error_no_memory(err);
	}
	query_end(&q);
	if (rc == OK)
		*out = view;
	return rc;
}
