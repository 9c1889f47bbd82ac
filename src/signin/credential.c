#include "signin/credential.h"

#include "signin/token.h"

enum status
signin__refuse(struct error *err)
{
	return error_set(err, ERR_UNAUTHENTICATED, "unauthenticated",
		"Send a live access token, or the secret of an active API key, service account, "
		"gateway or device, as Authorization: Bearer.");
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

const struct principal_view *
signin__principal(const struct signin *signin, struct org_id org_id, struct principal_id id,
	int64_t now_us, struct misses *misses)
{
	struct directory *d = signin->directory;
	const struct org_view *org = directory_org(d, org_id, misses);
	if (!org || org->state != STATE_ACTIVE)
		return NULL;
	const struct principal_view *principal = directory_principal(d, org, id, misses);
	if (!principal || !is_alive(principal->state, principal->expires_us, now_us))
		return NULL;
	if (uuid_is_nil(principal->workspace.id))
		return principal;
	const struct workspace_view *workspace =
		directory_workspace(d, org_id, principal->workspace, misses);
	return workspace && workspace->state == STATE_ACTIVE ? principal : NULL;
}

const struct credential_view *
signin_secret(const struct signin *signin, struct str secret, struct misses *misses)
{
	struct secret_parts parts;
	if (!secret.ptr || !secret_parse(&parts, secret) || !is_for_calling(parts.prefix))
		return NULL;
	struct org_id org = {parts.org};
	struct credential_id id = {parts.credential};
	const struct credential_view *view =
		directory_credential(signin->directory, org, id, misses);
	if (!view || !keyring_verify(signin->keyring, view->hash, view->pepper, secret))
		return NULL;
	return view;
}

static enum status
by_secret(struct caller *out, const struct signin *signin, const struct proof *proof,
	struct misses *misses, struct error *err)
{
	/* The hash comes first: what a stranger asks for is never loaded beyond it. */
	const struct credential_view *credential = signin_secret(signin, proof->text, misses);
	if (misses->count)
		return ERR_UNAUTHENTICATED;
	if (!credential || !is_alive(credential->state, credential->expires_us, proof->now_us))
		return signin__refuse(err);
	const struct principal_view *principal = signin__principal(
		signin, credential->org, credential->principal, proof->now_us, misses);
	if (misses->count)
		return ERR_UNAUTHENTICATED;
	if (!principal)
		return signin__refuse(err);
	*out = (struct caller){.org = credential->org,
		.principal = principal->id,
		.credential = credential->id,
		.kind = principal->kind};
	directory_credential_used(
		signin->directory, credential->org, credential->id, proof->now_us);
	return OK;
}

static enum status
by_token(struct caller *out, const struct signin *signin, const struct proof *proof,
	struct misses *misses, struct error *err)
{
	const struct principal_view *principal;
	struct token *token = arena_new_one(proof->arena, struct token);
	if (!token)
		return error_no_memory(err);
	enum status rc = signin_token(token, &principal, signin, proof, misses, err);
	if (rc == OK)
		*out = (struct caller){.org = token->org,
			.principal = token->principal,
			.credential = {token->id},
			.kind = principal->kind,
			.token = token};
	return rc;
}

enum status
signin_bearer(struct caller *out, const struct signin *signin, const struct proof *proof,
	struct misses *misses, struct error *err)
{
	struct proof bare = *proof;
	*out = (struct caller){0};
	ASSERT(misses->count == 0);
	bare.text = bearer_token(proof->text);
	return token_is_jwt(bare.text) ? by_token(out, signin, &bare, misses, err)
				       : by_secret(out, signin, &bare, misses, err);
}
