#include "iam/principals/clients.h"

#include <stdio.h>

#include "crypto/sign.h"
#include "iam/rows.h"
#include "jose/jwk.h"
#include "model/uri.h"
#include "json/reader.h"

static const struct sql CLIENT_SET =
	SQL("INSERT INTO clients (org, client, workspace, type, auth_method, redirect_uris,"
	    " logout_uris, require_pkce, first_party, access_ttl_s, refresh_idle_s, refresh_ttl_s,"
	    " id_token_algorithm, jwks, jwks_uri, backchannel_uri, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
	    " ON CONFLICT (org, client) DO UPDATE SET auth_method = $5, redirect_uris = $6,"
	    " logout_uris = $7, require_pkce = $8, first_party = $9, access_ttl_s = $10,"
	    " refresh_idle_s = $11, refresh_ttl_s = $12, id_token_algorithm = $13, jwks = $14,"
	    " jwks_uri = $15, backchannel_uri = $16, changed = $17");

static const char *const TYPES[] = {
	[CLIENT_PUBLIC] = "authorization_code_pkce",
	[CLIENT_CONFIDENTIAL] = "authorization_code",
	[CLIENT_MACHINE] = "client_credentials",
};
static const char *const METHODS[] = {
	[CLIENT_AUTH_NONE] = "none",
	[CLIENT_AUTH_SECRET] = "client_secret_basic",
	[CLIENT_AUTH_PRIVATE_KEY_JWT] = "private_key_jwt",
};

enum client_type
client_type_parse(struct str name)
{
	for (int type = CLIENT_PUBLIC; type <= CLIENT_MACHINE; type++) {
		if (str_eq(name, str_from(TYPES[type])))
			return (enum client_type)type;
	}
	return CLIENT_NONE;
}

enum client_auth_method
client_auth_method_parse(struct str name)
{
	for (size_t method = 0; method < ARRAY_LEN(METHODS); method++) {
		if (str_eq(name, str_from(METHODS[method])))
			return (enum client_auth_method)method;
	}
	return CLIENT_AUTH_NONE;
}

bool
client_has_secret(const struct client_view *client)
{
	return client->auth_method == CLIENT_AUTH_SECRET;
}

static bool
has_redirects(const struct client_view *client)
{
	return client->type != CLIENT_MACHINE;
}

static void
write_list(struct json_writer *w, const char *name, const struct str_list *list)
{
	jw_array(w, name);
	for (uint32_t i = 0; i < list->count; i++)
		jw_str(w, NULL, list->items[i]);
	jw_end_array(w);
}

static void
write_settings(struct json_writer *w, const struct client_view *client)
{
	jw_z(w, "type", TYPES[client->type]);
	jw_z(w, "token_endpoint_auth_method", METHODS[client->auth_method]);
	write_list(w, "redirect_uris", &client->redirect_uris);
	write_list(w, "post_logout_redirect_uris", &client->logout_uris);
	jw_bool(w, "require_pkce", client->require_pkce);
	jw_bool(w, "first_party", client->first_party);
	jw_int(w, "access_token_ttl_s", client->access_ttl_s);
	jw_int(w, "refresh_token_idle_ttl_s", client->refresh_idle_s);
	jw_int(w, "refresh_token_ttl_s", client->refresh_ttl_s);
	jw_z(w, "id_token_signed_response_alg",
		sign_alg_name((enum sign_alg)client->id_token_algorithm));
	jw_raw(w, "jwks", client->jwks.ptr ? client->jwks : STR("null"));
	jw_str(w, "jwks_uri", client->jwks_uri);
	jw_str(w, "backchannel_logout_uri", client->backchannel_uri);
}

void
client_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct principal *principal = entity;

	jw_object(w, name);
	principal__write_members(w, principal);
	write_settings(w, principal->client);
	jw_end_object(w);
}

static enum status
check_list(const struct client_view *client, const struct str_list *list, const char *name,
	struct error *err)
{
	char place[64];
	enum status rc = OK;

	for (uint32_t i = 0; rc == OK && i < list->count; i++) {
		snprintf(place, sizeof(place), "%s[%u]", name, (unsigned)i);
		rc = redirect_uri_check(list->items[i], client->type == CLIENT_PUBLIC, place, err);
	}
	return rc;
}

static enum status
check_redirects(const struct client_view *client, struct error *err)
{
	if (!has_redirects(client))
		return client->redirect_uris.count || client->logout_uris.count
			? error_set(err, ERR_INVALID, "redirect-uri-unused",
				  "A client of type client_credentials sends nobody anywhere: "
				  "leave its "
				  "redirect addresses out.")
			: OK;
	if (!client->redirect_uris.count)
		return error_set(err, ERR_INVALID, "redirect-uri-missing",
			"redirect_uris: a client of this type needs at least one.");
	enum status rc = check_list(client, &client->redirect_uris, "redirect_uris", err);
	if (rc == OK)
		rc = check_list(client, &client->logout_uris, "post_logout_redirect_uris", err);
	if (rc == OK && client->type == CLIENT_PUBLIC && !client->require_pkce)
		rc = error_set(err, ERR_INVALID, "pkce-required",
			"require_pkce: a public client has nothing else that proves it.");
	return rc;
}

/* Whoever reads it in a record bounds the members of an object, as reading keys does not. */
static bool
is_recordable(struct call *call, struct str text)
{
	char *scratch = arena_alloc(call->arena, CLIENT_JWKS_MAX);
	struct json_reader r;

	if (!scratch)
		return false;
	json_reader_init(
		&r, text, JSON_READER_DEPTH_MAX / 2, CLIENT_JWKS_MAX, scratch, CLIENT_JWKS_MAX);
	return json_reader_skip(&r, NULL) && json_reader_end(&r);
}

static enum status
check_jwks(struct call *call, struct str text, struct error *err)
{
	struct jwk_set *set = NULL;

	if (!text.ptr)
		return OK;
	if (!is_recordable(call, text))
		return error_set(err, ERR_INVALID, "jwk-malformed",
			"jwks: is too deep, or an object in it has more than %d members.",
			JSON_READER_MEMBERS_MAX);
	enum status rc = jwk_set_parse(&set, text, err);
	if (rc == OK && jwk_set_first_skipped(set))
		rc = error_set(err, ERR_INVALID, "jwks-useless",
			"jwks: its key number %zu is none that verifies ES256, RS256 or EdDSA: "
			"leave it out, or mend it.",
			jwk_set_first_skipped(set));
	if (rc == OK && jwk_set_count(set) == 0)
		rc = error_set(err, ERR_INVALID, "jwks-useless", "jwks: there is no key in it.");
	jwk_set_free(&set);
	return rc;
}

static enum status
check_keys(struct call *call, const struct client_view *client, struct error *err)
{
	bool signs = client->auth_method == CLIENT_AUTH_PRIVATE_KEY_JWT;
	bool both = client->jwks.ptr && client->jwks_uri.ptr;

	if (!signs && (client->jwks.ptr || client->jwks_uri.ptr))
		return error_set(err, ERR_INVALID, "jwks-unused",
			"Keys are for a client whose token_endpoint_auth_method is "
			"private_key_jwt.");
	if (signs && (both || (!client->jwks.ptr && !client->jwks_uri.ptr)))
		return error_set(err, ERR_INVALID, "jwks-missing",
			"A client that signs with a key of its own needs either jwks or jwks_uri.");
	return client->jwks_uri.ptr ? endpoint_uri_check(client->jwks_uri, "jwks_uri", err)
				    : check_jwks(call, client->jwks, err);
}

static enum status
check_auth(const struct client_view *client, struct error *err)
{
	if ((client->type == CLIENT_PUBLIC) == (client->auth_method == CLIENT_AUTH_NONE))
		return OK;
	return error_set(err, ERR_INVALID, "auth-method-unfit",
		"token_endpoint_auth_method: \"none\" is for clients of type "
		"authorization_code_pkce, and all that they can have.");
}

static enum status
check_rest(struct call *call, const struct client_view *client, struct error *err)
{
	if (client->refresh_idle_s > client->refresh_ttl_s)
		return error_set(err, ERR_INVALID, "lifetime-unfit",
			"refresh_token_idle_ttl_s: cannot be longer than refresh_token_ttl_s.");
	if (client->first_party && !org_is_platform(call->chain.org))
		return error_set(err, ERR_CONFLICT, "first-party-elsewhere",
			"first_party: is for the clients of the platform alone.");
	return client->backchannel_uri.ptr
		? endpoint_uri_check(client->backchannel_uri, "backchannel_logout_uri", err)
		: OK;
}

static enum status
check(struct call *call, const struct client_view *client, struct error *err)
{
	enum status rc = check_redirects(client, err);
	if (rc == OK)
		rc = check_auth(client, err);
	if (rc == OK)
		rc = check_keys(call, client, err);
	return rc == OK ? check_rest(call, client, err) : rc;
}

#define TAKE(field, member)                                                                        \
	do {                                                                                       \
		if (draft->stated & (field))                                                       \
			client->member = draft->client.member;                                     \
	} while (0)

/* All but the type. */
static void
take_stated(struct client_view *client, const struct client_draft *draft)
{
	TAKE(CLIENT_AUTH_METHOD, auth_method);
	TAKE(CLIENT_REDIRECT_URIS, redirect_uris);
	TAKE(CLIENT_LOGOUT_URIS, logout_uris);
	TAKE(CLIENT_REQUIRE_PKCE, require_pkce);
	TAKE(CLIENT_FIRST_PARTY, first_party);
	TAKE(CLIENT_ACCESS_TTL, access_ttl_s);
	TAKE(CLIENT_REFRESH_IDLE, refresh_idle_s);
	TAKE(CLIENT_REFRESH_TTL, refresh_ttl_s);
	TAKE(CLIENT_ID_TOKEN_ALGORITHM, id_token_algorithm);
	TAKE(CLIENT_JWKS, jwks);
	TAKE(CLIENT_JWKS_URI, jwks_uri);
	TAKE(CLIENT_BACKCHANNEL_URI, backchannel_uri);
}

enum status
client__make(const struct client_view **out, struct call *call, const struct principal *principal,
	const struct client_draft *draft, struct error *err)
{
	struct client_view *client = arena_new_one(call->arena, struct client_view);

	*out = client;
	if (!client)
		return error_no_memory(err);
	if (uuid_is_nil(principal->workspace.id) && !org_is_platform(call->chain.org))
		return error_set(err, ERR_CONFLICT, "client-needs-workspace",
			"Clients of an organisation belong to its workspaces: make it in one.");
	enum client_type type =
		draft && (draft->stated & CLIENT_TYPE) ? draft->client.type : CLIENT_MACHINE;
	*client = (struct client_view){.type = type,
		.auth_method = type == CLIENT_PUBLIC ? CLIENT_AUTH_NONE : CLIENT_AUTH_SECRET,
		.require_pkce = true,
		.access_ttl_s = CLIENT_ACCESS_TTL_S,
		.refresh_idle_s = CLIENT_REFRESH_IDLE_S,
		.refresh_ttl_s = CLIENT_REFRESH_TTL_S,
		.id_token_algorithm = SIGN_ES256};
	if (draft)
		take_stated(client, draft);
	return check(call, client, err);
}

bool
client__same_proof(const struct client_view *a, const struct client_view *b)
{
	return a->auth_method == b->auth_method && iam__same_text(a->jwks, b->jwks) &&
		iam__same_text(a->jwks_uri, b->jwks_uri);
}

enum status
client__change(const struct client_view **out, struct call *call, const struct client_view *before,
	const struct client_draft *draft, struct error *err)
{
	struct client_view *client = arena_new_one(call->arena, struct client_view);

	*out = client;
	if (!client)
		return error_no_memory(err);
	*client = *before;
	if ((draft->stated & CLIENT_TYPE) && draft->client.type != before->type)
		return error_set(err, ERR_CONFLICT, "client-type-fixed",
			"type: a client keeps its type; make another one.");
	take_stated(client, draft);
	return check(call, client, err);
}

static struct str
list_json(struct call *call, const struct str_list *list)
{
	struct buf buf;
	struct json_writer w;

	buf_init(&buf, ENTITY_JSON_MAX);
	jw_init(&w, &buf);
	write_list(&w, NULL, list);
	struct str text = buf.failed ? NOTHING : arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return text;
}

enum status
client__write(struct call *call, const struct principal *principal, struct error *err)
{
	const struct client_view *client = principal->client;
	struct str redirects = list_json(call, &client->redirect_uris);
	struct str logouts = list_json(call, &client->logout_uris);
	struct query q;

	if (!redirects.ptr || !logouts.ptr)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, &CLIENT_SET, principal->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, principal->workspace.id);
	query_bind_int(&q, 4, client->type);
	query_bind_int(&q, 5, client->auth_method);
	query_bind_str(&q, 6, redirects);
	query_bind_str(&q, 7, logouts);
	query_bind_int(&q, 8, client->require_pkce);
	query_bind_int(&q, 9, client->first_party);
	query_bind_int(&q, 10, client->access_ttl_s);
	query_bind_int(&q, 11, client->refresh_idle_s);
	query_bind_int(&q, 12, client->refresh_ttl_s);
	query_bind_int(&q, 13, client->id_token_algorithm);
	query_bind_str(&q, 14, client->jwks);
	query_bind_str(&q, 15, client->jwks_uri);
	query_bind_str(&q, 16, client->backchannel_uri);
	query_bind_int(&q, 17, principal->changed);
	return query_run(&q, NULL, err);
}
