#include "iam/tokens/refusals.h"
#include "oauth/user_tokens.h"
#include "signin/token.h"

/* RFC 7009: a client's own access token, or refresh token with all that came of it. What is none of
 * his, or of nobody, is no error: then there is nothing to be afraid of. */
struct revocation {
	const struct exchange *exchange;
	struct client_name client;
	struct org_id org;
	struct token token; /* of an access token */
	struct family_presented presented; /* of a refresh token */
	struct family_rotation found;
	enum { REVOKE_LOOKS = 1, REVOKE_ENDS } step;
};

static void
answer_done(struct exchange *x)
{
	static char text[] = "{}";
	const struct buf body = {.ptr = text, .len = sizeof(text) - 1};
	oauth__answer(x, &body);
}

static enum status
refuse_token(void *context, struct tx *tx, struct error *err)
{
	struct revocation *r = context;
	const struct actor actor = {r->client.org, r->client.id.id, KIND_APPLICATION};
	struct call call = oauth__call(r->exchange);

	directory_enter();
	enum status rc = call_open_as(&call, tx, r->org, &actor, err);
	if (rc == OK)
		rc = token_end(&call, &r->token, err);
	if (rc == OK)
		rc = call_close(&call, err);
	directory_leave();
	return rc;
}

static enum status
look(void *context, struct tx *tx, struct error *err)
{
	struct revocation *r = context;
	struct call call = oauth__call(r->exchange);

	call_open_event(&call, tx, r->org);
	return family_look(&r->found, &call, &r->presented, err);
}

static enum status
end(void *context, struct tx *tx, struct error *err)
{
	struct revocation *r = context;
	struct call call = oauth__call(r->exchange);

	directory_enter();
	call.tx = tx;
	enum status rc = oauth__end_family(&call, &r->client, r->org, r->found.family.id, err);
	directory_leave();
	return rc;
}

static struct revocation *
begin(struct exchange *x, const struct client *client, struct org_id org)
{
	struct revocation *r = arena_new_one(http_arena(x->http), struct revocation);
	if (r)
		*r = (struct revocation){.exchange = x,
			.client = {client->view->org, client->view->id, x->workspace},
			.org = org};
	return r;
}

static enum status
revoke_access(struct exchange *x, const struct client *client, struct str text, struct error *err)
{
	const struct principal_view *holder;
	const struct proof proof = {text, x->now_us, http_arena(x->http)};
	struct error why = {0};
	struct token token;

	enum status rc = signin_token(&token, &holder, x->signin, &proof, x->misses, &why);
	if (x->misses->count)
		return error_no_memory(err);
	if (rc != OK && rc != ERR_UNAUTHENTICATED) {
		*err = why;
		return rc;
	}
	if (rc != OK || !uuid_eq(token.workspace.id, x->workspace.id) ||
		!uuid_eq(token.client.id, client->view->id.id)) {
		answer_done(x);
		return OK;
	}
	struct revocation *r = begin(x, client, token.org);
	if (!r)
		return error_no_memory(err);
	r->token = token;
	r->step = REVOKE_ENDS;
	x->state = r;
	return oauth__want_change(x, &(struct wait_job){refuse_token, r, token.org.id}, err);
}

static enum status
revoke_refresh(struct exchange *x, const struct client *client, struct str text, struct error *err)
{
	struct secret_parts parts;

	if (!secret_parse(&parts, text)) {
		answer_done(x);
		return OK;
	}
	struct revocation *r = begin(x, client, (struct org_id){parts.org});
	if (!r)
		return error_no_memory(err);
	r->presented = (struct family_presented){.token = text,
		.client_org = client->view->org,
		.client = client->view->id,
		.workspace = x->workspace};
	r->step = REVOKE_LOOKS;
	x->state = r;
	return oauth__want_reading(x, &(struct wait_job){look, r, parts.org}, err);
}

/* An old token ends the family as well as the live one does. */
static enum status
end_family(struct exchange *x, struct revocation *r, struct error *err)
{
	bool ours = r->found.kind == FAMILY_TOKEN_LIVE || r->found.kind == FAMILY_TOKEN_AGAIN ||
		family_token_was_ours(&r->found, x->signin->keyring, r->presented.token);
	if (!ours) {
		answer_done(x);
		return OK;
	}
	r->step = REVOKE_ENDS;
	return oauth__want_change(x, &(struct wait_job){end, r, r->org.id}, err);
}

enum status
oauth__revoke(struct exchange *x, struct error *err)
{
	struct client client;
	struct revocation *r = x->state;

	if (r && r->step == REVOKE_ENDS) {
		answer_done(x);
		return OK;
	}
	enum status rc = oauth__find_issuer(x, err);
	if (rc == OK)
		rc = oauth__read_form(x, err);
	if (rc == OK)
		rc = oauth__client(&client, x, err);
	if (rc != OK)
		return rc;
	if (r)
		return end_family(x, r, err);
	struct str text = oauth__parameter(x, "token");
	if (!text.ptr)
		return oauth__refuse(err, "invalid_request", "The parameter token is missing.");
	return token_is_jwt(text) ? revoke_access(x, &client, text, err)
				  : revoke_refresh(x, &client, text, err);
}
