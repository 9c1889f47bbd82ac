#include "door/may.h"
#include "model/catalogue.h"
#include "oauth/user_tokens.h"
#include "signin/token.h"

/*
 * RFC 7662. Who asks is a client of this issuer that proved itself, or who may ask for decisions
 * there; what is not a live token of this issuer is inactive to him, whatever else it is.
 */
#define ANSWER_MAX ((size_t)96 * 1024)

struct asker {
	struct client client; /* view NULL: a caller of the API */
	struct caller caller;
};

static enum status
forbidden(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "not-allowed",
		"This needs the permission iam:decisions:evaluate here.");
}

/* A token or secret of the API; of the installation's issuer his own organisation is asked. */
static enum status
check_caller(struct caller *caller, struct exchange *x, struct error *err)
{
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	struct directory *d = x->signin->directory;
	const struct proof proof = {x->authorization, x->now_us, http_arena(x->http)};
	struct error why = {0};

	enum status rc = signin_bearer(caller, x->signin, &proof, x->misses, &why);
	if (rc != OK)
		return oauth__refuse_token(x, err, &why);
	const struct org_view *org = directory_org(d, caller->org, x->misses);
	struct question question = {.org = org,
		.subject = {.groups = groups},
		.target = {.kind = x->place ? TARGET_WORKSPACE : TARGET_ORG, .workspace = x->place},
		.permission = IAM_DECISIONS_EVALUATE,
		.attributes = {.now_us = x->now_us}};
	if (!org || (x->place && !uuid_eq(org->id.id, x->org->id.id)))
		return forbidden(err);
	question.subject.principal = directory_principal(d, org, caller->principal, x->misses);
	if (!question.subject.principal)
		return forbidden(err);
	directory_groups(d, org, question.subject.principal, groups, x->misses);
	if (x->misses->count)
		return forbidden(err);
	if (caller->token) {
		rc = token_bounds_load(
			&question.subject.bounds, caller->token, org, http_arena(x->http), err);
		if (rc != OK)
			return rc;
	} else {
		question.subject.credential =
			directory_credential(d, caller->org, caller->credential, x->misses);
	}
	return door_may(&question, x->http) ? OK : forbidden(err);
}

static enum status
find_asker(struct asker *out, struct exchange *x, struct error *err)
{
	*out = (struct asker){0};
	if (oauth__bearer(x).ptr)
		return check_caller(&out->caller, x, err);
	enum status rc = oauth__client(&out->client, x, err);
	/* Anybody can say that he is a public client. */
	if (rc == OK && !out->client.proved)
		rc = oauth__invalid_client(err);
	return rc;
}

static void
answer_inactive(struct exchange *x)
{
	static char text[] = "{\"active\":false}";
	const struct buf body = {.ptr = text, .len = sizeof(text) - 1};
	oauth__answer(x, &body);
}

static void
write_audience(struct json_writer *w, const struct exchange *x, const struct token *token)
{
	jw_array(w, "aud");
	if (x->place)
		jw_uuid(w, NULL, x->workspace.id);
	else
		jw_str(w, NULL, x->issuer);
	if (token->resource.ptr)
		jw_str(w, NULL, token->resource);
	jw_end_array(w);
}

static void
write_token(struct json_writer *w, const struct exchange *x, const struct token *token)
{
	jw_object(w, NULL);
	jw_bool(w, "active", true);
	jw_str(w, "iss", x->issuer);
	jw_id(w, "sub", token->principal.id);
	write_audience(w, x, token);
	jw_id(w, "client_id", token->client.id);
	if (token->scope.len)
		jw_str(w, "scope", token->scope);
	jw_z(w, "token_type", "Bearer");
	jw_int(w, "exp", token->expires_us / US_PER_S);
	jw_int(w, "iat", token->issued_us / US_PER_S);
	jw_id(w, "jti", token->id);
	if (!uuid_is_nil(token->family))
		jw_id(w, "sid", token->family);
	if (!x->place)
		jw_id(w, "org", token->org.id);
}

/* All but the context stood in the token, and takes no more room here: the stack has that. */
static enum status
room_for_token(struct buf *out, char own[JWS_TOKEN_MAX], const struct context_view *context,
	struct arena *arena, struct error *err)
{
	size_t size = JWS_TOKEN_MAX + (context ? context->json.len : 0);
	char *space = context ? arena_alloc(arena, size) : own;
	if (!space)
		return error_no_memory(err);
	buf_init_fixed(out, space, size);
	return OK;
}

static enum status
answer_access(struct exchange *x, const struct asker *asker, struct str text, struct error *err)
{
	char space[JWS_TOKEN_MAX];
	const struct principal_view *holder;
	const struct context_view *context = NULL;
	const struct proof proof = {text, x->now_us, http_arena(x->http)};
	struct error why = {0};
	struct token token;
	struct json_writer w;
	struct buf body;

	enum status rc = signin_token(&token, &holder, x->signin, &proof, x->misses, &why);
	if (rc == OK && holder->kind == KIND_END_USER)
		context = directory_context(
			x->signin->directory, token.org, token.principal, x->misses);
	if (x->misses->count)
		return error_no_memory(err);
	if (rc != OK && rc != ERR_UNAUTHENTICATED) {
		*err = why;
		return rc;
	}
	if (rc != OK || !uuid_eq(token.workspace.id, x->workspace.id) ||
		(!asker->client.view && !uuid_eq(token.org.id, asker->caller.org.id))) {
		answer_inactive(x);
		return OK;
	}
	rc = room_for_token(&body, space, context, proof.arena, err);
	if (rc != OK)
		return rc;
	jw_init(&w, &body);
	write_token(&w, x, &token);
	if (context)
		jw_raw(&w, "ingest_context", context->json);
	jw_end_object(&w);
	oauth__answer(x, &body);
	return OK;
}

/* A refresh token, of the client that asks. */
struct asked {
	const struct exchange *exchange;
	struct family_presented presented;
	struct family_rotation found;
	struct user_grant user;
};

static enum status
look(void *context, struct tx *tx, struct error *err)
{
	struct asked *asked = context;
	struct call call = oauth__call(asked->exchange);

	call_open_event(&call, tx, asked->user.org);
	enum status rc = family_look(&asked->found, &call, &asked->presented, err);
	asked->user.family = asked->found.family;
	return rc;
}

static enum status
begin_look(struct exchange *x, const struct asker *asker, struct str text, struct error *err)
{
	struct secret_parts parts;
	struct asked *asked = arena_new_one(http_arena(x->http), struct asked);

	if (!asked)
		return error_no_memory(err);
	if (!asker->client.view || !secret_parse(&parts, text)) {
		answer_inactive(x);
		return OK;
	}
	*asked = (struct asked){.exchange = x,
		.presented = {.token = text,
			.client_org = asker->client.view->org,
			.client = asker->client.view->id,
			.workspace = x->workspace},
		.user = {.org = {parts.org}}};
	x->state = asked;
	return oauth__want_reading(x, &(struct wait_job){look, asked, parts.org}, err);
}

static void
write_family(struct json_writer *w, const struct exchange *x, const struct family_row *family,
	struct str scope)
{
	jw_object(w, NULL);
	jw_bool(w, "active", true);
	jw_str(w, "iss", x->issuer);
	jw_id(w, "sub", family->principal.id);
	jw_id(w, "client_id", family->client.id);
	jw_str(w, "scope", scope.ptr ? scope : STR(""));
	jw_int(w, "exp", family->expires_us / US_PER_S);
	jw_int(w, "iat", family->created_us / US_PER_S);
	jw_id(w, "sid", family->id.id);
	jw_end_object(w);
}

static enum status
answer_refresh(struct exchange *x, const struct asker *asker, struct error *err)
{
	char space[ANSWER_MAX], scope_space[SCOPES_MAX + 256];
	struct asked *asked = x->state;
	struct error why = {0};
	struct json_writer w;
	struct buf body, scope;
	bool live = asked->found.kind == FAMILY_TOKEN_LIVE;

	buf_init_fixed(&scope, scope_space, sizeof(scope_space));
	if (live)
		live = oauth__user_scopes(&scope, x, &asker->client, &asked->user, &why) == OK;
	if (x->misses->count || x->wants_news)
		return error_no_memory(err);
	if (!live) {
		answer_inactive(x);
		return OK;
	}
	buf_init_fixed(&body, space, sizeof(space));
	jw_init(&w, &body);
	write_family(&w, x, &asked->user.family, buf_view(&scope));
	oauth__answer(x, &body);
	return OK;
}

enum status
oauth__introspect(struct exchange *x, struct error *err)
{
	struct asker asker;
	enum status rc = oauth__find_issuer(x, err);
	if (rc == OK)
		rc = oauth__read_form(x, err);
	if (rc == OK)
		rc = find_asker(&asker, x, err);
	if (rc != OK)
		return rc;
	struct str text = oauth__parameter(x, "token");
	if (!text.ptr)
		return oauth__refuse(err, "invalid_request", "The parameter token is missing.");
	if (x->state)
		return answer_refresh(x, &asker, err);
	return token_is_jwt(text) ? answer_access(x, &asker, text, err)
				  : begin_look(x, &asker, text, err);
}
