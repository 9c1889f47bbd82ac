#include "signin/credential.h"

static enum status
refuse(struct error *err)
{
	return error_set(err, ERR_UNAUTHENTICATED, "unauthenticated",
		"Send the secret of an active API key, service account, gateway or device as "
		"Authorization: Bearer.");
}

/* The scheme in any case, blanks, and one token. */
static struct str
bearer_token(struct str header)
{
	struct str scheme = str_cut(&header, ' ');
	if (!header.ptr || !str_eq_nocase(scheme, STR("Bearer")))
		return (struct str){NULL, 0};
	while (header.len && header.ptr[0] == ' ') {
		header.ptr++;
		header.len--;
	}
	return header;
}

/* Secrets of clients and refresh tokens are for the token endpoint alone. */
static bool
is_for_calling(const char *prefix)
{
	static const char *const prefixes[] = {"twk_", "tws_", "twd_", "twa_"};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		if (strcmp(prefix, prefixes[i]) == 0)
			return true;
	}
	return false;
}

static bool
is_alive(enum state state, int64_t expires_us, int64_t now_us)
{
	return state == STATE_ACTIVE && now_us < expires_us;
}

static const struct principal_view *
find_principal(struct directory *d, const struct credential_view *credential, int64_t now_us,
	struct misses *misses)
{
	const struct org_view *org = directory_org(d, credential->org, misses);
	if (!org || org->state != STATE_ACTIVE)
		return NULL;
	const struct principal_view *principal =
		directory_principal(d, org, credential->principal, misses);
	if (!principal || !is_alive(principal->state, principal->expires_us, now_us))
		return NULL;
	if (uuid_is_nil(principal->workspace.id))
		return principal;
	const struct workspace_view *workspace =
		directory_workspace(d, org->id, principal->workspace, misses);
	return workspace && workspace->state == STATE_ACTIVE ? principal : NULL;
}

const struct credential_view *
signin_secret(
	struct directory *d, const struct keyring *k, struct str secret, struct misses *misses)
{
	struct secret_parts parts;
	if (!secret.ptr || !secret_parse(&parts, secret) || !is_for_calling(parts.prefix))
		return NULL;
	struct org_id org = {parts.org};
	struct credential_id id = {parts.credential};
	const struct credential_view *view = directory_credential(d, org, id, misses);
	if (!view || !keyring_verify(k, view->hash, view->pepper, secret))
		return NULL;
	return view;
}

/* check: parameters, as all of it differs from call to call on the way of a decision. */
enum status
signin_bearer(struct caller *out, struct directory *d, const struct keyring *k, struct str header,
	int64_t now_us, struct misses *misses, struct error *err)
{
	*out = (struct caller){0};
	ASSERT(misses->count == 0);
	/* The hash comes first: what a stranger asks for is never loaded beyond it. */
	const struct credential_view *credential =
		signin_secret(d, k, bearer_token(header), misses);
	if (misses->count)
		return ERR_UNAUTHENTICATED;
	if (!credential || !is_alive(credential->state, credential->expires_us, now_us))
		return refuse(err);
	const struct principal_view *principal = find_principal(d, credential, now_us, misses);
	if (misses->count)
		return ERR_UNAUTHENTICATED;
	if (!principal)
		return refuse(err);
	*out = (struct caller){.org = credential->org,
		.principal = principal->id,
		.credential = credential->id,
		.kind = principal->kind};
	directory_credential_used(d, credential->org, credential->id, now_us);
	return OK;
}
