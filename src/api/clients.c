/* What is particular to applications as clients of OAuth 2. */
#include "api/clients.h"

#include "api/body.h"
#include "crypto/sign.h"

static enum status
decode_list(
	struct str_list *out, const struct operation_call *op, const char *name, struct error *err)
{
	size_t count;

	enum status rc = body_strings(&out->items, &count, op, name, err);
	out->count = (uint32_t)count;
	return rc;
}

static enum status
decode_jwks(struct str *out, const struct operation_call *op, struct error *err)
{
	const struct json *jwks = body_get(op, "jwks");
	struct buf buf;

	*out = (struct str){NULL, 0};
	if (!jwks)
		return OK;
	buf_init(&buf, CLIENT_JWKS_MAX);
	json_dump(&buf, jwks, false);
	enum status rc = buf.failed ? error_set(err, ERR_TOO_LARGE, "jwks-too-large",
					      "jwks: at most %zu bytes.", CLIENT_JWKS_MAX)
				    : OK;
	if (rc == OK) {
		*out = arena_copy(op->call.arena, buf_view(&buf));
		rc = out->ptr ? OK : error_no_memory(err);
	}
	buf_clear(&buf);
	return rc;
}

static unsigned
stated_fields(const struct operation_call *op)
{
	static const struct {
		const char *name;
		enum client_field field;
	} FIELDS[] = {
		{"type", CLIENT_TYPE},
		{"token_endpoint_auth_method", CLIENT_AUTH_METHOD},
		{"redirect_uris", CLIENT_REDIRECT_URIS},
		{"post_logout_redirect_uris", CLIENT_LOGOUT_URIS},
		{"require_pkce", CLIENT_REQUIRE_PKCE},
		{"first_party", CLIENT_FIRST_PARTY},
		{"access_token_ttl_s", CLIENT_ACCESS_TTL},
		{"refresh_token_idle_ttl_s", CLIENT_REFRESH_IDLE},
		{"refresh_token_ttl_s", CLIENT_REFRESH_TTL},
		{"id_token_signed_response_alg", CLIENT_ID_TOKEN_ALGORITHM},
		{"jwks", CLIENT_JWKS},
		{"jwks_uri", CLIENT_JWKS_URI},
		{"backchannel_logout_uri", CLIENT_BACKCHANNEL_URI},
	};
	unsigned stated = 0;

	for (size_t i = 0; i < ARRAY_LEN(FIELDS); i++) {
		if (body_states(op, FIELDS[i].name))
			stated |= FIELDS[i].field;
	}
	return stated;
}

enum status
client_decode(const struct client_draft **out, const struct operation_call *op, struct error *err)
{
	struct client_draft *draft = arena_new_one(op->call.arena, struct client_draft);

	*out = draft;
	if (!draft)
		return error_no_memory(err);
	draft->stated = stated_fields(op);
	draft->client = (struct client_view){
		.type = client_type_parse(body_str(op, "type")),
		.auth_method = client_auth_method_parse(body_str(op, "token_endpoint_auth_method")),
		.require_pkce = body_bool(op, "require_pkce"),
		.first_party = body_bool(op, "first_party"),
		.access_ttl_s = (int32_t)json_int(body_get(op, "access_token_ttl_s")),
		.refresh_idle_s = (int32_t)json_int(body_get(op, "refresh_token_idle_ttl_s")),
		.refresh_ttl_s = (int32_t)json_int(body_get(op, "refresh_token_ttl_s")),
		.id_token_algorithm =
			(int)sign_alg_parse(body_str(op, "id_token_signed_response_alg")),
		.jwks_uri = body_str(op, "jwks_uri"),
		.backchannel_uri = body_str(op, "backchannel_logout_uri"),
	};
	enum status rc = decode_list(&draft->client.redirect_uris, op, "redirect_uris", err);
	if (rc == OK)
		rc = decode_list(&draft->client.logout_uris, op, "post_logout_redirect_uris", err);
	return rc == OK ? decode_jwks(&draft->client.jwks, op, err) : rc;
}
