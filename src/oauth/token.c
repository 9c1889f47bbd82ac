#include "oauth/grant.h"

#define RESOURCE_URI_MAX 2048

static const struct {
	const char *name;
	grant_run *run;
} GRANTS[] = {
	{"client_credentials", oauth__grant_client_credentials},
	{"authorization_code", oauth__grant_code},
	{"refresh_token", oauth__grant_refresh},
};

enum status
oauth__token(struct exchange *x, struct error *err)
{
	struct client client;
	enum status rc = oauth__find_issuer(x, err);
	if (rc == OK)
		rc = oauth__read_form(x, err);
	if (rc == OK)
		rc = oauth__client(&client, x, err);
	if (rc != OK)
		return rc;
	struct str type = oauth__parameter(x, "grant_type");
	for (size_t i = 0; i < ARRAY_LEN(GRANTS); i++) {
		if (str_eq(type, str_from(GRANTS[i].name)))
			return GRANTS[i].run(x, &client, err);
	}
	if (!type.ptr)
		return oauth__refuse(
			err, "invalid_request", "The parameter grant_type is missing.");
	return oauth__refuse(err, "unsupported_grant_type",
		"This server does not know that grant_type; its metadata name those that it does.");
}

enum status
oauth__write_access_token(struct json_writer *w, struct buf *text, struct exchange *x,
	const struct access_token *token, enum sign_alg alg, struct error *err)
{
	struct signer signer;
	enum status rc = oauth__signer(&signer, x, alg, err);
	if (rc == OK)
		rc = access_token_issue(text, token, &signer, err);
	if (rc != OK)
		return rc;
	jw_str(w, "access_token", buf_view(text));
	jw_z(w, "token_type", "Bearer");
	jw_int(w, "expires_in", (token->claims.expires_us - token->claims.issued_us) / US_PER_S);
	return OK;
}

/* RFC 3986 section 4.3: a scheme, something behind it, and no fragment. */
static bool
is_absolute_uri(struct str uri)
{
	struct str rest = uri, scheme = str_cut(&rest, ':');
	if (uri.len > RESOURCE_URI_MAX || !rest.len || !scheme.len)
		return false;
	for (size_t i = 0; i < uri.len; i++) {
		if (uri.ptr[i] <= ' ' || uri.ptr[i] > '~' || strchr("#\"<>\\^`{|}", uri.ptr[i]))
			return false;
	}
	for (size_t i = 0; i < scheme.len; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+-.",
			    scheme.ptr[i]))
			return false;
	}
	return true;
}

enum status
oauth__resource(struct str *out, struct exchange *x, struct error *err)
{
	bool repeated;
	*out = http_form_get(&x->form, "resource", &repeated);
	if (!out->len && !repeated)
		*out = (struct str){0};
	if (!repeated && (!out->ptr || is_absolute_uri(*out)))
		return OK;
	return oauth__refuse(err, "invalid_target",
		"A token is for one resource: name it by an absolute URI without a fragment.");
}
