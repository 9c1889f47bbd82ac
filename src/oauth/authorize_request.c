#include "oauth/authorize_request.h"

#include "oauth/redirect.h"
#include "signin/acr.h"
#include "json/json.h"

#define CLAIMS_LIMITS ((struct json_limits){2048, 6, 512})
#define CHALLENGE_LEN 43 /* of a SHA-256 in base64url */
#define RESOURCE_MAX 512
#define STATE_MAX 2048
/* The same as the longest life of anything here, and more. */
#define MAX_AGE_MAX_S (INT64_C(10) * 365 * 86400)

#define refuse(err, code, ...) error_set(err, ERR_INVALID, code, __VA_ARGS__)

/* The value; absent when it is missing, empty or there several times. */
static struct str
parameter(const struct http_form *form, const char *name)
{
	bool repeated;
	struct str value = http_form_get(form, name, &repeated);
	return repeated || !value.len ? (struct str){NULL, 0} : value;
}

static bool
is_repeated(const struct http_form *form, const char *name)
{
	bool repeated;
	(void)http_form_get(form, name, &repeated);
	return repeated;
}

/* The next word of a list with blanks between; absent at its end. */
static struct str
next_word(struct str *rest)
{
	struct str word;
	do
		word = str_cut(rest, ' ');
	while (word.ptr && !word.len);
	return word;
}

static bool
has_word(struct str list, struct str name)
{
	for (struct str word = next_word(&list); word.ptr; word = next_word(&list))
		if (str_eq(word, name))
			return true;
	return false;
}

enum status
authorize_client(struct principal_id *out, const struct http_form *form, struct error *err)
{
	if (uuid_parse(parameter(form, "client_id"), &out->id))
		return OK;
	return refuse(err, "invalid_request",
		"The application did not say who it is: client_id is missing or malformed.");
}

/* What was left out is the only one there is; OpenID Connect lets nobody leave it out. */
static enum status
usual_redirect(struct ticket *out, const struct http_form *form, const struct client_view *client,
	struct error *err)
{
	if (client->redirect_uris.count != 1 || is_repeated(form, "redirect_uri") ||
		has_word(parameter(form, "scope"), STR("openid")))
		return refuse(err, "invalid_request",
			"The application did not say where to go on: redirect_uri is missing.");
	out->redirect_uri = client->redirect_uris.items[0];
	return OK;
}

enum status
authorize_place(struct ticket *out, const struct http_form *form, const struct client_view *client,
	struct error *err)
{
	struct str uri = parameter(form, "redirect_uri");
	*out = (struct ticket){.kind = TICKET_AUTHORIZE,
		.client = client->id,
		.state = parameter(form, "state"),
		.form_post = str_eq(parameter(form, "response_mode"), STR("form_post")),
		.max_age_s = MAX_AGE_NONE};
	if (out->state.len > STATE_MAX)
		return refuse(err, "invalid_request",
			"The application sent more than it may have sent back: state.");
	if (!uri.ptr)
		return usual_redirect(out, form, client, err);
	if (!redirect_is_registered(&client->redirect_uris, uri))
		return refuse(err, "invalid_request",
			"The application wants to go on at an address that is not registered for "
			"it: redirect_uri.");
	out->redirect_uri = uri;
	out->redirect_stated = true;
	return OK;
}

/* RFC 8707 lets the server take one resource only. */
static enum status
check_repeated(const struct http_form *form, struct error *err)
{
	struct str repeated = http_form_repeated(form);
	if (!repeated.ptr)
		return OK;
	if (str_eq(repeated, STR("resource")))
		return refuse(err, "invalid_target", "Name one resource at a time.");
	return refuse(err, "invalid_request", "A parameter is there more than once.");
}

/* OpenID Connect Core section 6 and 7.2.1: what is not understood is refused by its own name. */
static enum status
check_unsupported(const struct http_form *form, struct error *err)
{
	if (parameter(form, "request").ptr)
		return refuse(err, "request_not_supported", "Send parameters, not a request.");
	if (parameter(form, "request_uri").ptr)
		return refuse(
			err, "request_uri_not_supported", "Send parameters, not a request_uri.");
	if (parameter(form, "registration").ptr)
		return refuse(err, "registration_not_supported", "Register the client first.");
	return OK;
}

static bool
is_http(struct str uri)
{
	return str_starts(uri, STR("https://")) || str_starts(uri, STR("http://"));
}

static enum status
check_response(struct ticket *out, const struct http_form *form, struct error *err)
{
	struct str type = parameter(form, "response_type"), mode = parameter(form, "response_mode");
	if (mode.ptr && !out->form_post && !str_eq(mode, STR("query")))
		return refuse(err, "invalid_request", "response_mode is query or form_post.");
	if (out->form_post && !is_http(out->redirect_uri)) {
		out->form_post = false;
		return refuse(err, "invalid_request",
			"response_mode form_post needs an address that a form can be sent to.");
	}
	if (!type.ptr)
		return refuse(err, "invalid_request", "response_type is missing.");
	if (!str_eq(type, STR("code")))
		return refuse(err, "unsupported_response_type", "The one response_type is code.");
	return OK;
}

/* RFC 6749 section 3.3. */
static bool
is_scope_char(char c)
{
	return c == ' ' || (c > 0x20 && c < 0x7f && c != '"' && c != '\\');
}

static enum status
read_scope(struct ticket *out, const struct http_form *form, struct arena *arena, struct error *err)
{
	struct str rest = parameter(form, "scope");
	struct buf list;
	for (size_t i = 0; i < rest.len; i++)
		if (!is_scope_char(rest.ptr[i]))
			return refuse(err, "invalid_scope",
				"A scope has characters that no scope can have.");
	char *space = arena_alloc(arena, rest.len + 1);
	if (!space)
		return error_no_memory(err);
	buf_init_fixed(&list, space, rest.len + 1);
	for (struct str word = next_word(&rest); word.ptr; word = next_word(&rest)) {
		if (has_word(buf_view(&list), word))
			continue;
		if (list.len)
			buf_char(&list, ' ');
		buf_str(&list, word);
	}
	if (list.len)
		out->scope = buf_view(&list);
	return OK;
}

static enum status
read_challenge(struct ticket *out, const struct http_form *form, const struct client_view *client,
	struct error *err)
{
	uint8_t digest[SHA256_LEN];
	size_t len;
	struct str challenge = parameter(form, "code_challenge");
	struct str method = parameter(form, "code_challenge_method");
	if (!challenge.ptr && !method.ptr) {
		if (client->type == CLIENT_PUBLIC || client->require_pkce)
			return refuse(err, "invalid_request",
				"code_challenge is missing: this client has to use PKCE.");
		return OK;
	}
	if (!str_eq(method, STR("S256")))
		return refuse(err, "invalid_request",
			"code_challenge_method has to be stated, and be S256.");
	if (challenge.len != CHALLENGE_LEN ||
		!crypto_base64url_decode(digest, sizeof(digest), &len, challenge))
		return refuse(err, "invalid_request",
			"code_challenge is not a SHA-256 in base64url without padding.");
	out->challenge = challenge;
	return OK;
}

/* Values that are not known are left out, as others may come to be. */
static enum status
read_prompt(struct ticket *out, const struct http_form *form, struct error *err)
{
	struct str rest = parameter(form, "prompt");
	static const struct {
		struct str name;
		enum ticket_prompt prompt;
	} prompts[] = {
		{{"none", 4}, PROMPT_NONE},
		{{"login", 5}, PROMPT_LOGIN},
		{{"consent", 7}, PROMPT_CONSENT},
		{{"select_account", 14}, PROMPT_SELECT_ACCOUNT},
	};
	for (struct str word = next_word(&rest); word.ptr; word = next_word(&rest))
		for (size_t i = 0; i < ARRAY_LEN(prompts); i++)
			if (str_eq(word, prompts[i].name))
				out->prompt |= prompts[i].prompt;
	if ((out->prompt & PROMPT_NONE) && out->prompt != PROMPT_NONE)
		return refuse(err, "invalid_request", "prompt none stands alone.");
	return OK;
}

static enum status
read_max_age(struct ticket *out, const struct http_form *form, struct error *err)
{
	struct str text = parameter(form, "max_age");
	if (!text.ptr)
		return OK;
	if (!str_to_i64(text, &out->max_age_s) || out->max_age_s < 0) {
		out->max_age_s = MAX_AGE_NONE;
		return refuse(err, "invalid_request", "max_age is a number of seconds.");
	}
	if (out->max_age_s > MAX_AGE_MAX_S)
		out->max_age_s = MAX_AGE_MAX_S;
	return OK;
}

/* RFC 8707 section 2: an absolute address without a fragment. */
static bool
is_resource(struct str uri)
{
	size_t scheme = 0;
	if (uri.len > RESOURCE_MAX)
		return false;
	for (size_t i = 0; i < uri.len; i++)
		if (uri.ptr[i] <= 0x20 || uri.ptr[i] >= 0x7f || strchr("\"#<>\\^`{|}", uri.ptr[i]))
			return false;
	while (scheme < uri.len && uri.ptr[scheme] != ':')
		scheme++;
	bool letter = (uri.ptr[0] | 0x20) >= 'a' && (uri.ptr[0] | 0x20) <= 'z';
	return letter && scheme + 1 < uri.len && !memchr(uri.ptr, '/', scheme);
}

static enum status
read_resource(struct ticket *out, const struct http_form *form, struct error *err)
{
	out->resource = parameter(form, "resource");
	if (out->resource.ptr && !is_resource(out->resource))
		return refuse(err, "invalid_target",
			"resource has to be an absolute URI without a fragment.");
	return OK;
}

static void
read_acr_values(struct ticket *out, const struct http_form *form)
{
	struct str rest = parameter(form, "acr_values");
	for (struct str word = next_word(&rest); word.ptr; word = next_word(&rest)) {
		if (str_eq(word, ACR_SINGLE))
			return;
		if (str_eq(word, ACR_SECOND)) {
			out->second = SECOND_WANTED;
			return;
		}
	}
}

static bool
names_acr(const struct json *request, struct str acr)
{
	const struct json *values = json_get(request, "values");
	if (str_eq(json_str(json_get(request, "value")), acr))
		return true;
	for (size_t i = 0; i < json_count(values); i++)
		if (str_eq(json_str(json_at(values, i)), acr))
			return true;
	return false;
}

/* OpenID Connect Core section 5.5.1.1. */
static enum status
read_acr_claim(struct ticket *out, const struct json *acr, struct error *err)
{
	bool essential = json_bool(json_get(acr, "essential"));
	bool stated = json_get(acr, "value") || json_get(acr, "values");
	if (!stated || names_acr(acr, ACR_SINGLE))
		return OK;
	if (names_acr(acr, ACR_SECOND))
		out->second = essential ? SECOND_NEEDED : SECOND_WANTED;
	else if (essential)
		return refuse(err, "unmet_authentication_requirements",
			"No sign-in here is of the acr that is essential.");
	return OK;
}

static bool
is_claims(const struct json *claims)
{
	struct str name;
	const struct json *value;
	if (!claims || json_type(claims) == JSON_NULL)
		return true;
	if (json_type(claims) != JSON_OBJECT)
		return false;
	for (void *it = NULL; (it = json_member(claims, it, &name, &value));)
		if (json_type(value) != JSON_NULL && json_type(value) != JSON_OBJECT)
			return false;
	return true;
}

static enum status
read_claims_document(
	struct ticket *out, const struct json *doc, struct arena *arena, struct error *err)
{
	const struct json *id_token = json_get(doc, "id_token");
	if (json_type(doc) != JSON_OBJECT || !is_claims(id_token) ||
		!is_claims(json_get(doc, "userinfo")))
		return refuse(err, "invalid_request", "claims is not as OpenID Connect has it.");
	struct str subject = json_str(json_get(json_get(id_token, "sub"), "value"));
	out->subject = arena_copy(arena, subject);
	if (subject.ptr && !out->subject.ptr)
		return error_no_memory(err);
	return read_acr_claim(out, json_get(id_token, "acr"), err);
}

static enum status
read_claims(
	struct ticket *out, const struct http_form *form, struct arena *arena, struct error *err)
{
	struct json *doc = NULL;
	struct error ignored = {0};
	struct str text = parameter(form, "claims");
	if (!text.ptr)
		return OK;
	enum status rc = json_parse(&doc, text, CLAIMS_LIMITS, &ignored);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	if (rc != OK)
		return refuse(err, "invalid_request", "claims is not JSON, or too large.");
	rc = read_claims_document(out, doc, arena, err);
	json_free(&doc);
	out->claims = text;
	return rc;
}

/* Where a member acts; without meaning in a workspace, which is of one organisation. */
static enum status
read_organisation(struct ticket *out, const struct http_form *form,
	const struct client_view *client, struct error *err)
{
	struct str text = parameter(form, "organization");
	if (!text.ptr || !uuid_is_nil(client->workspace.id))
		return OK;
	if (!uuid_parse(text, &out->organisation.id) || uuid_is_nil(out->organisation.id))
		return refuse(err, "invalid_request", "organization is an identifier.");
	return OK;
}

enum status
authorize_parse(struct ticket *out, struct str *hint, const struct http_form *form,
	const struct client_view *client, struct arena *arena, struct error *err)
{
	enum status rc = check_repeated(form, err);
	if (rc == OK)
		rc = check_response(out, form, err);
	if (rc == OK)
		rc = check_unsupported(form, err);
	if (rc == OK)
		rc = read_challenge(out, form, client, err);
	if (rc == OK)
		rc = read_scope(out, form, arena, err);
	if (rc == OK)
		rc = read_prompt(out, form, err);
	if (rc == OK)
		rc = read_max_age(out, form, err);
	if (rc == OK)
		rc = read_resource(out, form, err);
	read_acr_values(out, form);
	if (rc == OK)
		rc = read_claims(out, form, arena, err);
	if (rc == OK)
		rc = read_organisation(out, form, client, err);
	out->nonce = parameter(form, "nonce");
	out->login_hint = parameter(form, "login_hint");
	*hint = parameter(form, "id_token_hint");
	return rc;
}
