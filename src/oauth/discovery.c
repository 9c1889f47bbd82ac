#include "iam/tokens/scopes_of_token.h"
#include "oauth/exchange.h"
#include "signin/acr.h"

/* What is told changes with the scopes of a workspace. */
#define KEPT_S 300
#define BODY_MAX ((size_t)128 * 1024)
#define SCOPES_TOLD_MAX 512

static void
write_list(struct json_writer *w, const char *name, const char *const *values)
{
	jw_array(w, name);
	for (; *values; values++)
		jw_z(w, NULL, *values);
	jw_end_array(w);
}
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})

static void
write_url(struct json_writer *w, const char *name, const struct exchange *x, const char *path)
{
	struct str url = arena_printf(http_arena(x->http), "%.*s%s", STR_ARG(x->issuer), path);
	if (url.ptr)
		jw_str(w, name, url);
	else
		w->out->failed = true;
}

static void
write_endpoints(struct json_writer *w, const struct exchange *x)
{
	write_url(w, "token_endpoint", x, "/token");
	write_url(w, "introspection_endpoint", x, "/introspect");
	write_url(w, "revocation_endpoint", x, "/revoke");
	write_url(w, "userinfo_endpoint", x, "/userinfo");
	write_url(w, "jwks_uri", x, "/jwks");
}

/* Those of OpenID Connect, and of a workspace its own; nobody has to be told all (RFC 8414). */
static void
write_scopes(struct json_writer *w, const struct exchange *x)
{
	const struct org_view *org = x->org;
	uint32_t told = 0;
	jw_array(w, "scopes_supported");
	for (size_t i = 0; i < OPENID_SCOPES_COUNT; i++)
		jw_str(w, NULL, OPENID_SCOPES[i]);
	for (uint32_t n = PERMISSION_OWN_FIRST;
		x->place && n < org->permission_end && told < SCOPES_TOLD_MAX; n++) {
		const struct permission_view *own = org->permissions[n - PERMISSION_OWN_FIRST];
		if (!own || !uuid_eq(own->workspace.id, x->workspace.id))
			continue;
		jw_str(w, NULL, own->name);
		told++;
	}
	jw_end_array(w);
}

/* How clients prove themselves; a public one cannot, and has to where others are asked about. */
#define WRITE_AUTHENTICATION(w, endpoint, ...)                                                     \
	do {                                                                                       \
		write_list(w, endpoint "_endpoint_auth_methods_supported",                         \
			LIST("client_secret_basic", "client_secret_post", "private_key_jwt",       \
				##__VA_ARGS__));                                                   \
		write_list(w, endpoint "_endpoint_auth_signing_alg_values_supported",              \
			LIST("ES256", "RS256", "EdDSA"));                                          \
	} while (0)

/* Of the authorization endpoint, and of signing out. */
static void
write_authorization(struct json_writer *w, const struct exchange *x)
{
	write_url(w, "authorization_endpoint", x, "/authorize");
	write_list(w, "response_types_supported", LIST("code"));
	write_list(w, "response_modes_supported", LIST("query", "form_post"));
	write_list(w, "code_challenge_methods_supported", LIST("S256"));
	write_list(
		w, "prompt_values_supported", LIST("none", "login", "consent", "select_account"));
	jw_array(w, "acr_values_supported");
	jw_str(w, NULL, ACR_SINGLE);
	jw_str(w, NULL, ACR_SECOND);
	jw_end_array(w);
	jw_bool(w, "authorization_response_iss_parameter_supported", true);
	jw_bool(w, "claims_parameter_supported", true);
	jw_bool(w, "request_parameter_supported", false);
	jw_bool(w, "request_uri_parameter_supported", false);
	write_url(w, "end_session_endpoint", x, "/logout");
	jw_bool(w, "backchannel_logout_supported", true);
	jw_bool(w, "backchannel_logout_session_supported", true);
}

/* RFC 8414 section 2: every value whose absence would say something else is stated. */
static void
write_server(struct json_writer *w, const struct exchange *x)
{
	jw_str(w, "issuer", x->issuer);
	write_endpoints(w, x);
	write_scopes(w, x);
	write_list(w, "grant_types_supported",
		LIST("authorization_code", "refresh_token", "client_credentials"));
	WRITE_AUTHENTICATION(w, "token", "none");
	WRITE_AUTHENTICATION(w, "introspection");
	WRITE_AUTHENTICATION(w, "revocation", "none");
	write_list(w, "ui_locales_supported", LIST("en"));
	write_authorization(w, x);
}

/* OpenID Connect Discovery section 3. */
static void
write_openid(struct json_writer *w, const struct exchange *x)
{
	write_server(w, x);
	write_list(w, "subject_types_supported", LIST("public"));
	write_list(w, "id_token_signing_alg_values_supported", LIST("ES256", "RS256"));
	write_list(w, "claim_types_supported", LIST("normal"));
	write_list(w, "claims_supported",
		LIST("iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "azp",
			"sid", "at_hash", "name", "email", "email_verified", "metadata"));
}

static enum status
answer(struct exchange *x, void (*write)(struct json_writer *, const struct exchange *))
{
	struct json_writer w;
	struct buf body;
	buf_init(&body, BODY_MAX);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	write(&w, x);
	jw_end_object(&w);
	oauth__answer_kept(x, &body, KEPT_S);
	buf_clear(&body);
	return OK;
}

enum status
oauth__metadata(struct exchange *x, struct error *err)
{
	enum status rc = oauth__find_issuer(x, err);
	return rc == OK ? answer(x, write_server) : rc;
}

enum status
oauth__openid_metadata(struct exchange *x, struct error *err)
{
	enum status rc = oauth__find_issuer(x, err);
	return rc == OK ? answer(x, write_openid) : rc;
}

/* RFC 9728 section 2, of the management API. */
static void
write_resource(struct json_writer *w, const struct exchange *x)
{
	bool api = !str_eq(http_path(x->http), x->endpoint->path);
	write_url(w, "resource", x, api ? "/api" : "");
	jw_array(w, "authorization_servers");
	jw_str(w, NULL, x->issuer);
	jw_end_array(w);
	write_list(w, "bearer_methods_supported", LIST("header"));
	jw_z(w, "resource_name", "Thingward");
}

enum status
oauth__resource_metadata(struct exchange *x, struct error *err)
{
	(void)err;
	return answer(x, write_resource);
}
