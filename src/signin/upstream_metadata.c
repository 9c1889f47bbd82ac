#include "model/uri.h"
#include "signin/upstream_internal.h"

#define PATH "/.well-known/openid-configuration"

/* A member that is an address which the server, or a browser, may be sent to. */
static bool
read_address(const char **out, const struct json *doc, const char *name, struct arena *arena)
{
	struct error ignored = {0};
	struct str text = json_str(json_get(doc, name));

	*out = NULL;
	if (!text.ptr || endpoint_uri_check(text, name, &ignored) != OK)
		return false;
	*out = arena_copy(arena, text).ptr;
	return *out != NULL;
}

static bool
has_method(const struct json *methods, struct str wanted)
{
	for (size_t i = 0; i < json_count(methods); i++) {
		if (str_eq(json_str(json_at(methods, i)), wanted))
			return true;
	}
	return false;
}

/* Section 3 has client_secret_basic where nothing is stated. */
static bool
uses_basic(const struct json *doc)
{
	const struct json *methods = json_get(doc, "token_endpoint_auth_methods_supported");

	return !methods || has_method(methods, STR("client_secret_basic")) ||
		!has_method(methods, STR("client_secret_post"));
}

static enum status
read_metadata(struct upstream_metadata *out, const struct json *doc, struct upstream_run *run,
	struct error *err)
{
	struct arena *arena = run->task->arena;

	*out = (struct upstream_metadata){0};
	/* Section 4.3: exactly that under which it was asked for. */
	if (!str_eq(json_str(json_get(doc, "issuer")), run->task->provider->issuer))
		return upstream__untrusted(err, "metadata of another issuer");
	if (!read_address(&out->authorization, doc, "authorization_endpoint", arena) ||
		!read_address(&out->token, doc, "token_endpoint", arena) ||
		!read_address(&out->jwks, doc, "jwks_uri", arena))
		return upstream__untrusted(err, "metadata without the endpoints that are needed");
	(void)read_address(&out->userinfo, doc, "userinfo_endpoint", arena);
	out->basic = uses_basic(doc);
	out->states_iss =
		json_bool(json_get(doc, "authorization_response_iss_parameter_supported"));
	return OK;
}

static enum status
parse_metadata(
	struct upstream_metadata *out, struct str text, struct upstream_run *run, struct error *err)
{
	struct error why = {0};
	struct json *doc = NULL;

	if (json_parse(&doc, text, JSON_LIMITS_DEFAULT, &why) != OK)
		return upstream__untrusted(err, "malformed metadata");
	enum status rc = read_metadata(out, doc, run, err);
	json_free(&doc);
	return rc;
}

/* Where an issuer publishes them (section 4): after its path, without a '/' at its end. */
static struct str
address_of(const struct upstream_run *run)
{
	struct str issuer = run->task->provider->issuer;

	if (issuer.len > 0 && issuer.ptr[issuer.len - 1] == '/')
		issuer.len--;
	return arena_printf(run->task->arena, "%.*s" PATH, STR_ARG(issuer));
}

enum status
upstream__discover(struct upstream_metadata *out, struct upstream_run *run, struct error *err)
{
	struct str url = address_of(run), text;
	bool fresh;

	if (!url.ptr)
		return error_no_memory(err);
	enum status rc = upstream__published(&text, run, url, false, &fresh, err);
	if (rc == OK)
		rc = parse_metadata(out, text, run, err);
	if (rc != ERR_UNAUTHENTICATED || fresh)
		return rc;
	/* What is kept is wrong: it may have been mended. */
	rc = upstream__published(&text, run, url, true, &fresh, err);
	return rc == OK ? parse_metadata(out, text, run, err) : rc;
}
