#include "directory/rows.h"
#include "iam/tokens/codes.h"
#include "oauth/user_tokens.h"

/* RFC 6749 section 4.1.3, on its way through the store. */
struct code_grant {
	struct code_presented presented;
	struct family_lives lives;
	enum code_kind kind;
	struct user_grant user;
};

/* Where nobody else changes things, views are as new as the transaction. */
static enum status
load_revision(struct user_grant *user, struct call *call, struct error *err)
{
	struct org_heads heads = {0};
	enum status rc = directory_is_shared(call->directory)
		? rows_org_heads(&heads, call->tx, user->org, err)
		: OK;
	user->revision = heads.revision;
	return rc;
}

static enum status
exchange_code(void *grant, struct call *call, struct error *err)
{
	struct code_grant *g = grant;
	struct code_exchange found;

	enum status rc = code_exchange(&found, call, &g->presented, err);
	g->kind = found.kind;
	if (rc != OK || found.kind == CODE_NONE || found.kind == CODE_ELSEWHERE)
		return rc;
	/* What it gave ends when it is brought again: two have it (section 4.1.2). */
	if (found.kind == CODE_USED)
		return oauth__end_family(call,
			&(struct client_name){g->presented.client_org, g->presented.client,
				g->presented.workspace},
			g->user.org, found.given, err);
	g->user.family = found.family;
	rc = family_begin(&g->user.family, &g->user.refresh, call, g->lives, err);
	if (rc == OK)
		rc = load_revision(&g->user, call, err);
	return rc == OK ? oauth__load_user(&g->user, call, err) : rc;
}

static enum status
begin(struct exchange *x, const struct client *client, struct error *err)
{
	struct secret_parts parts;
	struct str code = oauth__parameter(x, "code");
	struct code_grant *g = arena_new_one(http_arena(x->http), struct code_grant);

	if (!g)
		return error_no_memory(err);
	if (!code.ptr)
		return oauth__refuse(err, "invalid_request", "The parameter code is missing.");
	if (!secret_parse(&parts, code))
		return oauth__invalid_grant(err);
	struct str resource;
	enum status rc = oauth__resource(&resource, x, err);
	if (rc == OK)
		rc = oauth__check_signers(x, client, err);
	if (rc != OK)
		return rc;
	*g = (struct code_grant){
		.presented = {.code = code,
			.client_org = client->view->org,
			.client = client->view->id,
			.workspace = x->workspace,
			.redirect_uri = oauth__parameter(x, "redirect_uri"),
			.verifier = oauth__parameter(x, "code_verifier"),
			.resource = resource,
			.family = {uuid_new()}},
		.lives = {client->view->refresh_idle_s, client->view->refresh_ttl_s},
		.user = {.exchange = x, .org = {parts.org}, .resource = resource, .first = true},
	};
	x->state = g;
	const struct wait_job job = oauth__user_job(&g->user, exchange_code, g);
	return oauth__want_change(x, &job, err);
}

enum status
oauth__grant_code(struct exchange *x, const struct client *client, struct error *err)
{
	struct code_grant *g = x->state;
	struct str resource;

	if (client->view->type == CLIENT_MACHINE)
		return oauth__refuse(
			err, "unauthorized_client", "This client is one of client credentials.");
	enum status rc = oauth__resource(&resource, x, err);
	if (rc != OK)
		return rc;
	if (!g)
		return begin(x, client, err);
	if (g->kind == CODE_ELSEWHERE)
		return oauth__refuse(
			err, "invalid_target", "The code was asked for with another resource.");
	if (g->kind != CODE_GOOD)
		return oauth__invalid_grant(err);
	return oauth__answer_user(x, client, &g->user, (struct str){0}, err);
}
