#include "oauth/client_auth.h"

#define BASIC_MAX ((size_t)1024)
#define ASSERTION_TYPE "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

enum method {
	METHOD_NONE = 0, /* it only says who it is */
	METHOD_BASIC,
	METHOD_POST,
	METHOD_ASSERTION,
};

struct claim {
	enum method method;
	struct str id, secret;
};

enum status
oauth__invalid_client(struct error *err)
{
	return oauth__refuse(err, "invalid_client",
		"There is no such client here, or it did not prove itself as it has to.");
}

/* RFC 4648 section 4, as the url-safe alphabet without padding that we can decode. */
static bool
base64_decode(char *out, size_t size, size_t *len, struct str text)
{
	char plain[BASIC_MAX];
	if (text.len == 0 || text.len % 4 != 0 || text.len > sizeof(plain) ||
		memchr(text.ptr, '-', text.len) || memchr(text.ptr, '_', text.len))
		return false;
	memcpy(plain, text.ptr, text.len);
	for (int i = 0; i < 2 && plain[text.len - 1] == '='; i++)
		text.len--;
	for (char *at = plain; (at = memchr(at, '+', (size_t)(plain + text.len - at)));)
		*at = '-';
	for (char *at = plain; (at = memchr(at, '/', (size_t)(plain + text.len - at)));)
		*at = '_';
	bool good =
		crypto_base64url_decode((uint8_t *)out, size, len, (struct str){plain, text.len});
	crypto_wipe(plain, text.len);
	return good;
}

bool
oauth__basic_parse(struct str *id, struct str *secret, struct str header, struct arena *arena)
{
	char text[BASIC_MAX];
	size_t len = 0;
	struct str scheme = str_cut(&header, ' ');
	if (!header.ptr || !str_eq_nocase(scheme, STR("Basic")))
		return false;
	while (header.len && header.ptr[0] == ' ')
		header = (struct str){header.ptr + 1, header.len - 1};
	if (!base64_decode(text, sizeof(text), &len, header))
		return false;
	struct str rest = {text, len}, first = str_cut(&rest, ':');
	*id = http_form_text(first, arena);
	*secret = rest.ptr ? http_form_text(rest, arena) : rest;
	crypto_wipe(text, len);
	return id->ptr && secret->ptr;
}

struct str
oauth__bearer(const struct exchange *x)
{
	struct str header = x->authorization;
	struct str scheme = str_cut(&header, ' ');
	if (!str_eq_nocase(scheme, STR("Bearer")))
		return (struct str){0};
	while (header.len && header.ptr[0] == ' ')
		header = (struct str){header.ptr + 1, header.len - 1};
	return header;
}

static enum status
more_than_one(struct error *err)
{
	return oauth__refuse(err, "invalid_request",
		"The client has to be authenticated in one way, and was in several.");
}

/* A client_id beside another proof has to be the same. */
static enum status
same_id(const struct claim *claim, struct str stated, struct error *err)
{
	if (!stated.ptr || str_eq(stated, claim->id))
		return OK;
	return oauth__refuse(err, "invalid_request",
		"The parameter client_id is not the client that was authenticated.");
}

static enum status
read_header(struct claim *out, struct exchange *x, struct error *err)
{
	struct str header = x->authorization;
	x->used_header = x->authorized;
	if (!x->used_header)
		return OK;
	out->method = METHOD_BASIC;
	return oauth__basic_parse(&out->id, &out->secret, header, http_arena(x->http))
		? OK
		: oauth__invalid_client(err);
}

/* What the request claims, and by which one method. */
static enum status
read_claim(struct claim *out, struct exchange *x, struct error *err)
{
	struct str id = oauth__parameter(x, "client_id");
	struct str secret = oauth__parameter(x, "client_secret");
	bool asserted = oauth__parameter(x, "client_assertion").ptr ||
		oauth__parameter(x, "client_assertion_type").ptr;

	*out = (struct claim){0};
	enum status rc = read_header(out, x, err);
	if ((x->used_header && (secret.ptr || asserted)) || (secret.ptr && asserted))
		return more_than_one(err);
	if (rc != OK)
		return rc;
	if (x->used_header)
		return same_id(out, id, err);
	if (asserted) {
		out->method = METHOD_ASSERTION;
		return OK;
	}
	if (!id.ptr)
		return oauth__refuse(err, "invalid_request",
			"Say which client calls: by the header Authorization: Basic, or by "
			"client_id.");
	*out = (struct claim){secret.ptr ? METHOD_POST : METHOD_NONE, id, secret};
	return OK;
}

const struct client_view *
oauth__find_client(struct exchange *x, struct str text)
{
	struct principal_id id;
	if (!uuid_parse(text, &id.id))
		return NULL;
	const struct client_view *view =
		directory_client(x->signin->directory, x->org->id, id, x->misses);
	return view && uuid_eq(view->workspace.id, x->workspace.id) ? view : NULL;
}

/* The hash comes first: what a stranger asks for is never loaded beyond it. */
static const struct client_view *
by_secret(struct exchange *x, const struct claim *claim)
{
	struct secret_parts parts;
	if (!secret_parse(&parts, claim->secret) || strcmp(parts.prefix, "twc_") != 0 ||
		!uuid_eq(parts.org, x->org->id.id))
		return NULL;
	const struct credential_view *credential = directory_credential(x->signin->directory,
		x->org->id, (struct credential_id){parts.credential}, x->misses);
	if (!credential ||
		!keyring_verify(
			x->signin->keyring, credential->hash, credential->pepper, claim->secret) ||
		credential->state != STATE_ACTIVE || x->now_us >= credential->expires_us)
		return NULL;
	const struct client_view *view = oauth__find_client(x, claim->id);
	if (!view || view->auth_method != CLIENT_AUTH_SECRET ||
		!uuid_eq(view->id.id, credential->principal.id))
		return NULL;
	directory_credential_used(x->signin->directory, x->org->id, credential->id, x->now_us);
	return view;
}

static const struct client_view *
by_name(struct exchange *x, const struct claim *claim)
{
	const struct client_view *view = oauth__find_client(x, claim->id);
	return view && view->auth_method == CLIENT_AUTH_NONE ? view : NULL;
}

static const struct principal_view *
find_principal(struct exchange *x, const struct client_view *view)
{
	const struct principal_view *principal =
		directory_principal(x->signin->directory, x->org, view->id, x->misses);
	return principal && principal->kind == KIND_APPLICATION &&
			principal->state == STATE_ACTIVE && x->now_us < principal->expires_us
		? principal
		: NULL;
}

enum status
oauth__client(struct client *out, struct exchange *x, struct error *err)
{
	struct claim claim;

	*out = (struct client){0};
	enum status rc = read_claim(&claim, x, err);
	if (rc != OK)
		return rc;
	switch (claim.method) {
	case METHOD_NONE:
		out->view = by_name(x, &claim);
		break;
	case METHOD_BASIC:
	case METHOD_POST:
		out->view = by_secret(x, &claim);
		break;
	case METHOD_ASSERTION:
		rc = oauth__assertion(&out->view, x, err);
		break;
	}
	if (rc == OK && out->view)
		out->principal = find_principal(x, out->view);
	out->proved = claim.method != METHOD_NONE;
	if (rc == OK && !out->principal)
		rc = oauth__invalid_client(err);
	return rc;
}
