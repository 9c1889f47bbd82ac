/* What an authorization request asks of the store, and of the views: who, what, and the code. */
#include "door/cookie.h"
#include "door/may.h"
#include "iam/people/second_factors.h"
#include "iam/tokens/codes.h"
#include "iam/tokens/scopes_of_token.h"
#include "oauth/authorize.h"
#include "signin/session.h"

/* What a person has beside the session, which an end-user has not. */
static enum status
look_at_person(struct authorize_who *who, struct call *call, struct error *err)
{
	struct membership *memberships;
	struct second_factors factors;
	if (uuid_is_nil(who->session.person.id))
		return OK;
	enum status rc =
		person_memberships(&memberships, &who->count, call, who->session.person, err);
	if (rc == OK)
		rc = second_factors_find(&factors, call, who->session.person, err);
	if (rc != OK)
		return rc;
	who->memberships = memberships;
	who->has_second = second_factors_any(&factors);
	return OK;
}

/* In the organisation of who acts, which may be another than the session's. */
static enum status
look_at_consent(struct authorization *a, struct tx *tx, struct error *err)
{
	bool several;
	struct authorize_who *who = &a->who;
	struct call call = oauth__call(a->exchange);
	authorize_choose(who, &a->ticket, &several);
	if (uuid_is_nil(who->principal.id))
		return OK;
	call_open_event(&call, tx, who->org);
	return consent_find(
		&who->consent, &who->consented, &call, who->principal, a->ticket.client, err);
}

static enum status
look(void *context, struct tx *tx, struct error *err)
{
	struct authorization *a = context;
	struct exchange *x = a->exchange;
	struct call call = oauth__call(x);

	a->who = (struct authorize_who){0};
	call_open_event(&call, tx, a->session_org);
	enum status rc = session_find(&a->who.session, &a->who.found, &call, x->workspace,
		cookie_get_session(x->http, x->workspace), err);
	if (rc == OK && a->who.found)
		session_used(x->signin->uses, &a->who.session, x->now_us);
	if (rc == OK && a->who.found)
		rc = look_at_person(&a->who, &call, err);
	if (rc == OK && a->who.found)
		rc = look_at_consent(a, tx, err);
	a->looked = rc == OK;
	return rc;
}

enum status
authorize__look(struct authorization *a, struct error *err)
{
	struct exchange *x = a->exchange;
	/* Without a cookie there is nothing to look for. */
	if (a->looked || !cookie_get_session(x->http, x->workspace).ptr)
		return OK;
	a->session_org = x->org->id;
	return oauth__want_reading(x, &(struct wait_job){look, a, x->org->id.id}, err);
}

enum status
authorize__scope(struct str *out, struct authorization *a, struct error *err)
{
	struct exchange *x = a->exchange;
	struct directory *d = x->signin->directory;
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	char *space = arena_alloc(http_arena(x->http), SCOPES_MAX + 1);
	struct buf list;

	if (!space)
		return error_no_memory(err);
	buf_init_fixed(&list, space, SCOPES_MAX + 1);
	const struct org_view *org = directory_org(d, a->who.org, x->misses);
	const struct principal_view *principal =
		org ? directory_principal(d, org, a->who.principal, x->misses) : NULL;
	if (principal)
		directory_groups(d, org, principal, groups, x->misses);
	if (!principal || x->misses->count)
		return error_set(err, ERR_BUSY, "not-loaded", "The user is not loaded yet.");
	const struct attribute address = door_address(x->http);
	const struct scope_holder holder = {
		.question = {.org = org,
			.subject = {.principal = principal, .groups = groups},
			.target = {.kind = x->place ? TARGET_WORKSPACE : TARGET_ORG,
				.workspace = x->place},
			.attributes = {.items = &address, .count = 1, .now_us = x->now_us}},
		.workspace = x->workspace,
		.first_party = a->client->first_party,
	};
	enum status rc = scopes_of_user(&list, &holder, a->ticket.scope, err);
	*out = buf_view(&list);
	return rc;
}

static struct code_draft
draft_of(const struct authorization *a)
{
	const struct ticket *ticket = &a->ticket;
	const struct authorize_who *who = &a->who;
	return (struct code_draft){
		.workspace = a->exchange->workspace,
		.client_org = a->session_org,
		.client = ticket->client,
		.principal = who->principal,
		.person = who->session.person,
		.session_org = a->session_org,
		.session = who->session.id,
		.provider = who->session.provider,
		.redirect_uri = ticket->redirect_uri,
		.redirect_stated = ticket->redirect_stated,
		.challenge = ticket->challenge,
		.scope = ticket->scope,
		.resource = ticket->resource,
		.nonce = ticket->nonce,
		.claims = ticket->claims,
		.methods = who->session.methods,
		.auth_us = who->session.auth_us,
	};
}

static enum status
issue(void *context, struct tx *tx, struct error *err)
{
	struct authorization *a = context;
	struct call call = oauth__call(a->exchange);
	const struct code_draft draft = draft_of(a);
	bool issued;

	a->code.text[0] = '\0';
	call_open_event(&call, tx, a->who.org);
	enum status rc = code_issue(&a->code, &issued, &call, &draft, err);
	if (rc == OK && !issued) {
		a->code.text[0] = '\0';
		a->looked = false; /* signed out meanwhile: who comes back is asked again */
	}
	return rc;
}

enum status
authorize__issue(struct authorization *a, struct error *err)
{
	return oauth__want_change(a->exchange, &(struct wait_job){issue, a, a->who.org.id}, err);
}
