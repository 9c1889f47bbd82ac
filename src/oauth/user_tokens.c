#include "oauth/user_tokens.h"

#include "door/may.h"
#include "iam/tokens/families.h"

enum status
oauth__invalid_grant(struct error *err)
{
	return oauth__refuse(err, "invalid_grant",
		"It is not valid any more, was not given to this client, or does not go with what "
		"was asked for.");
}

/* What is signed with is there before anything is given away. */
enum status
oauth__check_signers(struct exchange *x, const struct client *client, struct error *err)
{
	struct signer signer;
	return oauth__signer(&signer, x, client->view->id_token_algorithm, err);
}

enum status
oauth__end_family(struct call *call, const struct client_name *client, struct org_id org,
	struct family_id family, struct error *err)
{
	const struct actor actor = {client->org, client->id.id, KIND_APPLICATION};
	struct error gone = {0};

	enum status rc = call_open_as(call, call->tx, org, &actor, err);
	if (rc != OK)
		return rc;
	rc = family_end(call, client->workspace, family, &gone);
	if (rc == OK)
		return call_close(call, err);
	if (rc == ERR_NOT_FOUND)
		return OK;
	*err = gone;
	return rc;
}

static enum status
run_step(void *context, struct tx *tx, struct error *err)
{
	const struct user_grant *user = context;
	struct call call = oauth__call(user->exchange);

	directory_enter();
	call_open_event(&call, tx, user->org);
	enum status rc = user->step(user->grant, &call, err);
	directory_leave();
	return rc;
}

struct wait_job
oauth__user_job(struct user_grant *user, user_step *step, void *grant)
{
	user->step = step;
	user->grant = grant;
	return (struct wait_job){run_step, user, user->org.id};
}

enum status
oauth__load_user(struct user_grant *grant, struct call *call, struct error *err)
{
	const struct claims_wanted wanted =
		claims_wanted(grant->family.scope, grant->family.claims, "id_token");
	bool found;

	if (!scope_has(grant->family.scope, STR("openid")) || (!wanted.name && !wanted.email))
		return OK;
	return profile_load(&grant->profile, &found, call, grant->family.principal, err);
}

/* Where others change things as well, views may lag behind the transaction; whoever is judged by
 * them has to be judged by ones that are as new. */
static bool
is_behind(struct exchange *x, struct user_grant *grant)
{
	const struct signin *signin = x->signin;
	if (grant->caught_up || !directory_is_shared(signin->directory) ||
		directory_revision(signin->directory, grant->org) >= grant->revision)
		return false;
	x->wants_news = true;
	grant->caught_up = true;
	return true;
}

static bool
person_holds(struct exchange *x, const struct family_row *family)
{
	if (uuid_is_nil(family->person.id))
		return true;
	const struct person_view *person =
		directory_person(x->signin->directory, family->person, x->misses);
	return person && person->state == STATE_ACTIVE &&
		family->person_generation >= person->generation;
}

/* Who signed in: an end-user of the workspace, or a member of an organisation. */
static bool
find_holder(struct scope_holder *out, struct exchange *x, const struct client *client,
	const struct user_grant *grant, const struct group_view **groups)
{
	struct directory *d = x->signin->directory;
	const struct family_row *family = &grant->family;
	const struct org_view *org = directory_org(d, grant->org, x->misses);
	const struct principal_view *user =
		org ? directory_principal(d, org, family->principal, x->misses) : NULL;
	enum principal_kind kind = x->place ? KIND_END_USER : KIND_MEMBER;

	if (!user || org->state != STATE_ACTIVE || user->kind != kind ||
		user->state != STATE_ACTIVE || x->now_us >= user->expires_us ||
		!uuid_eq(user->workspace.id, x->workspace.id) ||
		family->generation < user->generation ||
		family->client_generation < client->principal->generation ||
		!person_holds(x, family))
		return false;
	*out = (struct scope_holder){
		.question = {.org = org,
			.subject = {.principal = user, .groups = groups},
			.target = {.kind = x->place ? TARGET_WORKSPACE : TARGET_ORG,
				.workspace = x->place},
			.attributes = {.now_us = x->now_us}},
		.workspace = x->workspace,
		.first_party = !x->place && client->view->first_party,
	};
	directory_groups(d, org, user, groups, x->misses);
	return x->misses->count == 0;
}

static enum status
find_scopes(struct buf *out, struct token *claims, struct exchange *x, const struct client *client,
	struct user_grant *grant, struct error *err)
{
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	const struct attribute address = door_address(x->http);
	struct scope_holder holder;

	if (is_behind(x, grant) || !find_holder(&holder, x, client, grant, groups))
		return oauth__invalid_grant(err);
	holder.question.attributes.items = &address;
	holder.question.attributes.count = 1;
	claims->generation = holder.question.subject.principal->generation;
	return scopes_of_user(out, &holder, grant->family.scope, err);
}

enum status
oauth__user_scopes(struct buf *out, struct exchange *x, const struct client *client,
	struct user_grant *grant, struct error *err)
{
	struct token ignored;
	return find_scopes(out, &ignored, x, client, grant, err);
}

/* Leaves out what is not asked for. */
static struct str
narrow(struct buf *space, struct str scope, struct str only)
{
	if (!only.ptr)
		return scope;
	while (scope.len) {
		struct str name = str_cut(&scope, ' ');
		if (!scope_has(only, name))
			continue;
		if (space->len)
			buf_char(space, ' ');
		buf_str(space, name);
	}
	return buf_view(space);
}

static void
name_holder(struct token *claims, const struct exchange *x, const struct client *client,
	const struct user_grant *grant)
{
	const struct family_row *family = &grant->family;
	claims->org = grant->org;
	claims->workspace = x->workspace;
	claims->principal = family->principal;
	claims->client_org = client->view->org;
	claims->client = client->view->id;
	claims->client_generation = client->principal->generation;
	claims->person = family->person;
	claims->person_generation = family->person_generation;
	claims->id = uuid_new();
	claims->family = family->id.id;
	claims->resource = grant->resource.ptr ? grant->resource : family->resource;
	claims->issued_us = x->now_us;
	claims->expires_us = x->now_us + client->view->access_ttl_s * US_PER_S;
}

static enum status
write_id_token(struct json_writer *w, struct exchange *x, const struct id_token *token,
	enum sign_alg alg, struct error *err)
{
	char space[JWS_TOKEN_MAX];
	struct signer signer;
	struct buf out;

	buf_init_fixed(&out, space, sizeof(space));
	enum status rc = oauth__signer(&signer, x, alg, err);
	if (rc == OK)
		rc = id_token_issue(&out, token, &signer, err);
	if (rc == OK)
		jw_str(w, "id_token", buf_view(&out));
	return rc;
}

static enum status
write_answer(struct json_writer *w, struct exchange *x, const struct client *client,
	const struct user_grant *grant, const struct access_token *token, struct error *err)
{
	char space[ACCESS_TOKEN_MAX];
	enum sign_alg alg = client->view->id_token_algorithm;
	struct buf text;

	buf_init_fixed(&text, space, sizeof(space));
	enum status rc = oauth__write_access_token(w, &text, x, token, alg, err);
	if (rc != OK)
		return rc;
	jw_str(w, "scope", token->claims.scope.ptr ? token->claims.scope : STR(""));
	jw_z(w, "refresh_token", grant->refresh.text);
	if (!scope_has(token->claims.scope, STR("openid")))
		return OK;
	const struct id_token id_token = {
		.issuer = x->issuer,
		.family = &grant->family,
		.profile = &grant->profile,
		.access_token = buf_view(&text),
		.issued_us = token->claims.issued_us,
		.expires_us = token->claims.expires_us,
		.first = grant->first,
	};
	return write_id_token(w, x, &id_token, alg, err);
}

enum status
oauth__answer_user(struct exchange *x, const struct client *client, struct user_grant *grant,
	struct str only, struct error *err)
{
	char scope_space[SCOPES_MAX + 256], narrow_space[SCOPES_MAX + 256];
	char space[TOKEN_ANSWER_MAX];
	struct access_token token = {.issuer = x->issuer};
	struct json_writer w;
	struct buf scope, narrowed, body;

	buf_init_fixed(&scope, scope_space, sizeof(scope_space));
	buf_init_fixed(&narrowed, narrow_space, sizeof(narrow_space));
	buf_init_fixed(&body, space, sizeof(space));
	enum status rc = find_scopes(&scope, &token.claims, x, client, grant, err);
	if (rc != OK)
		return rc;
	name_holder(&token.claims, x, client, grant);
	token.claims.scope = narrow(&narrowed, buf_view(&scope), only);
	jw_init(&w, &body);
	jw_object(&w, NULL);
	rc = write_answer(&w, x, client, grant, &token, err);
	jw_end_object(&w);
	if (rc == OK)
		oauth__answer(x, &body);
	crypto_wipe(space, body.len);
	return rc;
}
