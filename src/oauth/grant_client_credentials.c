#include "door/may.h"
#include "oauth/grant.h"

/* Who asks for himself: judged without a credential, at the issuer's own node. */
static bool
find_holder(struct scope_holder *out, struct exchange *x, const struct client *client,
	const struct group_view **groups)
{
	*out = (struct scope_holder){
		.question = {.org = x->org,
			.subject = {.principal = client->principal, .groups = groups},
			.target = {.kind = x->place ? TARGET_WORKSPACE : TARGET_ORG,
				.workspace = x->place},
			.attributes = {.now_us = x->now_us}},
		.workspace = x->workspace,
	};
	directory_groups(x->signin->directory, x->org, client->principal, groups, x->misses);
	return x->misses->count == 0;
}

static enum status
choose_scopes(struct buf *out, struct exchange *x, const struct client *client, struct error *err)
{
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	struct scope_holder holder;
	struct str requested = oauth__parameter(x, "scope");
	const struct attribute address = door_address(x->http);

	if (requested.ptr && !scope_is_well_formed(requested))
		return oauth__refuse(
			err, "invalid_scope", "A scope is a list of names with one blank between.");
	if (!find_holder(&holder, x, client, groups))
		return ERR_BUSY;
	holder.question.attributes.items = &address;
	holder.question.attributes.count = 1;
	return scopes_of_client(out, &holder, requested, err);
}

static enum status
check_client(const struct client *client, struct error *err)
{
	if (client->view->type == CLIENT_MACHINE && client->proved)
		return OK;
	return oauth__refuse(
		err, "unauthorized_client", "This client is not one of client credentials.");
}

static enum status
answer(struct exchange *x, const struct access_token *token, enum sign_alg alg, struct error *err)
{
	char space[TOKEN_ANSWER_MAX], text_space[ACCESS_TOKEN_MAX];
	struct json_writer w;
	struct buf body, text;

	buf_init_fixed(&text, text_space, sizeof(text_space));
	buf_init_fixed(&body, space, sizeof(space));
	jw_init(&w, &body);
	jw_object(&w, NULL);
	enum status rc = oauth__write_access_token(&w, &text, x, token, alg, err);
	if (token->claims.scope.len)
		jw_str(&w, "scope", token->claims.scope);
	jw_end_object(&w);
	if (rc == OK)
		oauth__answer(x, &body);
	return rc;
}

/* RFC 6749 section 4.4. Nothing is written to the store. */
enum status
oauth__grant_client_credentials(struct exchange *x, const struct client *client, struct error *err)
{
	char space[SCOPES_MAX + 256];
	struct buf scope;
	struct access_token token = {.issuer = x->issuer};
	struct str resource;

	buf_init_fixed(&scope, space, sizeof(space));
	enum status rc = check_client(client, err);
	if (rc == OK)
		rc = oauth__resource(&resource, x, err);
	if (rc == OK)
		rc = choose_scopes(&scope, x, client, err);
	if (rc != OK)
		return rc;
	const struct principal_view *self = client->principal;
	token.claims = (struct token){
		.org = x->org->id,
		.workspace = x->workspace,
		.principal = self->id,
		.client_org = x->org->id,
		.client = self->id,
		.id = uuid_new(),
		.generation = self->generation,
		.client_generation = self->generation,
		.issued_us = x->now_us,
		.expires_us = x->now_us + client->view->access_ttl_s * US_PER_S,
		.scope = buf_view(&scope),
		.resource = resource,
	};
	return answer(x, &token, client->view->id_token_algorithm, err);
}
