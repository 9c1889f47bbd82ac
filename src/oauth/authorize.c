#include "oauth/authorize.h"

#include "oauth/authorize_request.h"
#include "oauth/id_token_hint.h"
#include "oauth/redirect.h"

const struct client_view *
authorize__find_client(struct exchange *x, struct principal_id id)
{
	struct directory *d = x->signin->directory;
	const struct client_view *client = directory_client(d, x->org->id, id, x->misses);
	if (!client || !uuid_eq(client->workspace.id, x->workspace.id))
		return NULL;
	const struct principal_view *principal = directory_principal(d, x->org, id, x->misses);
	return principal && principal->state == STATE_ACTIVE && x->now_us < principal->expires_us
		? client
		: NULL;
}

static enum status
find_client(struct authorization *a, struct principal_id id, struct error *err)
{
	a->client = authorize__find_client(a->exchange, id);
	if (a->client)
		return OK;
	/* Nothing is told to who is no client any more. */
	a->exchange->accepted = NULL;
	return oauth__refuse(err, "invalid_request",
		"The application is not known here, or may not be used now: client_id.");
}

/* Views are gone after this run. */
static enum status
keep(struct authorization *a, struct error *err)
{
	struct exchange *x = a->exchange;
	struct arena *arena = http_arena(x->http);
	a->ticket.redirect_uri = arena_copy(arena, a->ticket.redirect_uri);
	x->client_name = arena_copy(arena, a->client->name);
	if (!a->ticket.redirect_uri.ptr || !x->client_name.ptr)
		return error_no_memory(err);
	a->ticket.started_us = x->now_us;
	return OK;
}

/* Whose sign-in it has to be, by a token of his. */
static enum status
read_hint(struct authorization *a, struct str hint, struct error *err)
{
	struct id_token token;
	if (!hint.ptr)
		return OK;
	enum status rc = id_token_hint_verify(&token, a->exchange, hint, err);
	if (rc != OK)
		return rc;
	if (a->ticket.subject.ptr && !str_eq(a->ticket.subject, token.subject))
		return oauth__refuse(
			err, "invalid_request", "id_token_hint and claims name two users.");
	a->ticket.subject = token.subject;
	return OK;
}

static enum status
read_form(struct exchange *x, struct error *err)
{
	struct error why = {0};
	enum status rc = http_method(x->http) == HTTP_POST
		? http_form_body(&x->form, x->http, &why)
		: http_form_query(&x->form, x->http, &why);
	if (rc == ERR_INVALID)
		return oauth__refuse(err, "invalid_request", "%s", why.text);
	if (rc != OK)
		*err = why;
	return rc;
}

/* From the parameters to a ticket. Once it is known where the answer goes, errors go there. */
static enum status
accept_request(struct authorization *a, struct error *err)
{
	struct exchange *x = a->exchange;
	struct principal_id id;
	struct str hint;

	enum status rc = read_form(x, err);
	if (rc == OK)
		rc = authorize_client(&id, &x->form, err);
	if (rc == OK)
		rc = find_client(a, id, err);
	if (rc == OK)
		rc = authorize_place(&a->ticket, &x->form, a->client, err);
	if (rc == OK)
		rc = keep(a, err);
	if (rc != OK)
		return rc;
	x->accepted = &a->ticket;
	rc = authorize_parse(&a->ticket, &hint, &x->form, a->client, http_arena(x->http), err);
	return rc == OK ? read_hint(a, hint, err) : rc;
}

/* From a ticket that was accepted, as far as it still holds. */
static enum status
accept_ticket(struct authorization *a, struct error *err)
{
	struct exchange *x = a->exchange;
	const struct ticket_source source = {
		TICKET_AUTHORIZE, x->workspace, x->signin->keyring, x->now_us};
	bool repeated;
	struct str text = http_query(x->http, "ticket", &repeated);
	int64_t started_us;

	enum status rc = ticket_open(&a->ticket, repeated ? (struct str){NULL, 0} : text, &source,
		http_arena(x->http), err);
	if (rc == OK)
		rc = find_client(a, a->ticket.client, err);
	if (rc == OK && !redirect_is_registered(&a->client->redirect_uris, a->ticket.redirect_uri))
		rc = oauth__refuse(err, "invalid_request",
			"The address to go on to is registered no more: redirect_uri.");
	started_us = a->ticket.started_us;
	if (rc == OK)
		rc = keep(a, err);
	if (rc != OK)
		return rc;
	a->ticket.started_us = started_us;
	x->accepted = &a->ticket;
	return OK;
}

/* Consent is asked for by name; our own applications need none. */
static enum status
decide(enum authorize_step *step, struct authorization *a, struct error *err)
{
	struct str scope;
	*step = authorize_decide(&a->ticket, &a->who, a->exchange->now_us, err);
	if (*step != AUTHORIZE_CONSENT)
		return OK;
	if (a->client->first_party) {
		*step = AUTHORIZE_ALLOW;
		return OK;
	}
	enum status rc = authorize__scope(&scope, a, err);
	if (rc == OK)
		*step = authorize_decide_consent(&a->ticket, &a->who, scope, err);
	return rc;
}

static enum status
go_on(struct authorization *a, struct error *err)
{
	enum authorize_step step;
	if (a->code.text[0]) {
		authorize__answer_code(a);
		return OK;
	}
	/* What another site posts comes without the cookie; what it leads to comes with it. */
	if (http_method(a->exchange->http) == HTTP_POST)
		return authorize__answer_resume(a, err);
	enum status rc = authorize__look(a, err);
	if (rc == OK)
		rc = decide(&step, a, err);
	if (rc != OK)
		return rc;
	switch (step) {
	case AUTHORIZE_REFUSE:
		return err->status;
	case AUTHORIZE_NOWHERE:
		authorize__answer_nowhere(a);
		return OK;
	case AUTHORIZE_ALLOW:
		return authorize__issue(a, err);
	case AUTHORIZE_SIGN_IN:
	case AUTHORIZE_SELECT_ACCOUNT:
	case AUTHORIZE_SECOND_FACTOR:
	case AUTHORIZE_SELECT_ORGANISATION:
	case AUTHORIZE_CONSENT:
		break;
	}
	return authorize__answer_step(a, step, err);
}

typedef enum status acceptance(struct authorization *a, struct error *err);

static enum status
run(struct exchange *x, acceptance *accept, struct error *err)
{
	struct authorization *a = x->state;
	if (!a) {
		a = arena_new_one(http_arena(x->http), struct authorization);
		if (!a)
			return error_no_memory(err);
		a->exchange = x;
		x->state = a;
	}
	enum status rc = oauth__find_issuer(x, err);
	if (rc == OK)
		rc = a->ready ? find_client(a, a->ticket.client, err) : accept(a, err);
	a->ready = rc == OK;
	return rc == OK ? go_on(a, err) : rc;
}

enum status
oauth__authorize(struct exchange *x, struct error *err)
{
	return run(x, accept_request, err);
}

enum status
oauth__authorize_resume(struct exchange *x, struct error *err)
{
	return run(x, accept_ticket, err);
}
