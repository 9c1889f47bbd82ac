#include "oauth/user_tokens.h"

/*
 * RFC 6749 section 6, on its way through the store: a look at what is asked for less than all
 * (nothing is rotated for a request that is refused), the rotation, and the end of the family when
 * a token comes that was followed by another.
 */
enum refresh_step {
	REFRESH_LOOKS = 1,
	REFRESH_ROTATES,
	REFRESH_ENDS,
};

struct refresh_grant {
	enum refresh_step step;
	struct family_presented presented;
	struct family_rotation found;
	struct user_grant user;
	struct str only; /* scopes that are asked for; absent: all */
};

static enum status
take_family(struct refresh_grant *g, struct call *call, struct error *err)
{
	g->user.family = g->found.family;
	g->user.refresh = g->found.next;
	g->user.revision = g->found.revision;
	return oauth__load_user(&g->user, call, err);
}

static enum status
run_step(void *grant, struct call *call, struct error *err)
{
	struct refresh_grant *g = grant;

	enum status rc = g->step == REFRESH_LOOKS
		? family_look(&g->found, call, &g->presented, err)
		: family_rotate(&g->found, call, &g->presented, err);
	return rc == OK && g->found.kind != FAMILY_TOKEN_NONE ? take_family(g, call, err) : rc;
}

/* RFC 9700 section 4.14: one of two that have it is a thief. */
static enum status
end_family(void *grant, struct call *call, struct error *err)
{
	struct refresh_grant *g = grant;
	const struct client_name client = {
		g->presented.client_org, g->presented.client, g->presented.workspace};

	return oauth__end_family(call, &client, g->user.org, g->found.family.id, err);
}

static enum status
go_to(struct exchange *x, enum refresh_step step, struct error *err)
{
	struct refresh_grant *g = x->state;
	const struct wait_job job =
		oauth__user_job(&g->user, step == REFRESH_ENDS ? end_family : run_step, g);

	g->step = step;
	return step == REFRESH_LOOKS ? oauth__want_reading(x, &job, err)
				     : oauth__want_change(x, &job, err);
}

static enum status
begin(struct exchange *x, const struct client *client, struct error *err)
{
	struct secret_parts parts;
	struct str token = oauth__parameter(x, "refresh_token");
	struct str only = oauth__parameter(x, "scope");
	struct refresh_grant *g = arena_new_one(http_arena(x->http), struct refresh_grant);

	if (!g)
		return error_no_memory(err);
	if (!token.ptr)
		return oauth__refuse(
			err, "invalid_request", "The parameter refresh_token is missing.");
	if (only.ptr && !scope_is_well_formed(only))
		return oauth__refuse(
			err, "invalid_scope", "A scope is a list of names with one blank between.");
	if (!secret_parse(&parts, token))
		return oauth__invalid_grant(err);
	struct str resource;
	enum status rc = oauth__resource(&resource, x, err);
	if (rc == OK)
		rc = oauth__check_signers(x, client, err);
	if (rc != OK)
		return rc;
	*g = (struct refresh_grant){
		.presented = {.token = token,
			.client_org = client->view->org,
			.client = client->view->id,
			.workspace = x->workspace,
			.lives = {client->view->refresh_idle_s, client->view->refresh_ttl_s}},
		.user = {.exchange = x, .org = {parts.org}, .resource = resource},
		.only = only,
	};
	x->state = g;
	return go_to(x, only.ptr || resource.ptr ? REFRESH_LOOKS : REFRESH_ROTATES, err);
}

/* The resource of old, and no more than was allowed; what of it the user has lost is left out. */
static enum status
check_wishes(
	struct exchange *x, const struct client *client, struct refresh_grant *g, struct error *err)
{
	char space[2 * SCOPES_MAX + 256];
	struct buf allowed;

	if (g->user.resource.ptr && g->user.family.resource.ptr &&
		!str_eq(g->user.resource, g->user.family.resource))
		return oauth__refuse(err, "invalid_target",
			"The first token was asked for with another resource.");
	buf_init_fixed(&allowed, space, sizeof(space));
	enum status rc = oauth__user_scopes(&allowed, x, client, &g->user, err);
	if (rc != OK)
		return rc;
	buf_char(&allowed, ' ');
	buf_str(&allowed, g->user.family.scope);
	if (!allowed.failed && scope_covers(buf_view(&allowed), g->only))
		return OK;
	return oauth__refuse(
		err, "invalid_scope", "Ask for what was allowed at first, or for less.");
}

static enum status
judge(struct exchange *x, const struct client *client, struct refresh_grant *g, struct error *err)
{
	switch (g->found.kind) {
	case FAMILY_TOKEN_LIVE:
	case FAMILY_TOKEN_AGAIN:
		break;
	case FAMILY_TOKEN_OTHER:
		if (family_token_was_ours(&g->found, x->signin->keyring, g->presented.token))
			return go_to(x, REFRESH_ENDS, err);
		return oauth__invalid_grant(err);
	case FAMILY_TOKEN_NONE:
		return oauth__invalid_grant(err);
	}
	if (g->step == REFRESH_ROTATES)
		return oauth__answer_user(x, client, &g->user, g->only, err);
	enum status rc = check_wishes(x, client, g, err);
	return rc == OK ? go_to(x, REFRESH_ROTATES, err) : rc;
}

enum status
oauth__grant_refresh(struct exchange *x, const struct client *client, struct error *err)
{
	struct refresh_grant *g = x->state;

	if (client->view->type == CLIENT_MACHINE)
		return oauth__refuse(
			err, "unauthorized_client", "This client is one of client credentials.");
	if (!g)
		return begin(x, client, err);
	return g->step == REFRESH_ENDS ? oauth__invalid_grant(err) : judge(x, client, g, err);
}
