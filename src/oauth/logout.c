/*
 * OpenID Connect RP-Initiated Logout: a client sends its user here to sign out. Where it is known
 * to be the user's own session that is meant, it ends; otherwise a page asks. Nothing of the
 * request is kept here: it goes with the browser as a ticket.
 */
#include "door/cookie.h"
#include "door/page.h"
#include "http/client.h"
#include "iam/people/persons.h"
#include "iam/people/sign_out.h"
#include "oauth/authorize.h"
#include "oauth/id_token_hint.h"
#include "pages/templates.h"

#define STATE_MAX 1024
#define LOCATION_MAX ((size_t)8 * 1024)

/* One request on its way, x->state. */
struct logout {
	struct exchange *exchange;
	bool ready;
	struct ticket ticket; /* its `account` is the principal that the hint names */
	struct org_id org; /* the issuer's */
	bool looked, found, ended;
	bool meant; /* whoever is signed in is whom the hint names */
	struct session session;
};

static enum status
refuse(struct error *err, const char *text)
{
	return oauth__refuse(err, "invalid_request", "%s", text);
}

static bool
is_registered(const struct str_list *registered, struct str uri)
{
	for (uint32_t i = 0; i < registered->count; i++)
		if (str_eq(registered->items[i], uri))
			return true;
	return false;
}

/* Whose request it is: client_id, or who the hint was given to; they have to agree. */
static enum status
find_client(const struct client_view **out, struct exchange *x, const struct id_token *hint,
	struct error *err)
{
	struct principal_id id;
	struct str stated = oauth__parameter(x, "client_id");
	*out = NULL;
	if (stated.ptr && hint->subject.ptr && !jwt_has_aud(&hint->claims, stated))
		return refuse(err, "id_token_hint was given to another client than client_id.");
	if (!stated.ptr && hint->claims.aud_count == 1)
		stated = hint->claims.aud[0];
	if (uuid_parse(stated, &id.id))
		*out = authorize__find_client(x, id);
	return x->misses->count ? ERR_BUSY : OK;
}

/* An address that nobody registered is never gone to. */
static enum status
read_address(struct logout *l, const struct client_view *client, struct error *err)
{
	struct exchange *x = l->exchange;
	struct str uri = oauth__parameter(x, "post_logout_redirect_uri");
	struct str state = oauth__parameter(x, "state");
	if (state.len > STATE_MAX)
		return refuse(err, "The application sent more than it may have sent back: state.");
	if (!uri.ptr)
		return OK;
	if (!client || !is_registered(&client->logout_uris, uri))
		return refuse(err,
			"The application wants to go on at an address that is not registered for "
			"it: post_logout_redirect_uri.");
	l->ticket.redirect_uri = uri;
	l->ticket.state = state;
	return OK;
}

/* One that proves nothing any more is as none: then the user is asked. */
static enum status
read_hint(struct id_token *out, struct exchange *x)
{
	struct error why = {0};
	struct str text = oauth__parameter(x, "id_token_hint");
	*out = (struct id_token){0};
	if (text.ptr && id_token_hint_verify(out, x, text, &why) != OK)
		*out = (struct id_token){0};
	return x->misses->count ? ERR_BUSY : OK;
}

static enum status
read_form(struct exchange *x, struct error *err)
{
	if (http_method(x->http) == HTTP_POST)
		return oauth__read_form(x, err);
	struct error why = {0};
	if (http_form_query(&x->form, x->http, &why) != OK)
		return refuse(err, why.text);
	if (http_form_repeated(&x->form).ptr)
		return refuse(err, "A parameter is there more than once.");
	return OK;
}

static enum status
accept_request(struct logout *l, struct error *err)
{
	struct exchange *x = l->exchange;
	const struct client_view *client;
	struct id_token hint;

	l->ticket = (struct ticket){
		.kind = TICKET_SIGN_OUT, .started_us = x->now_us, .max_age_s = MAX_AGE_NONE};
	enum status rc = read_form(x, err);
	if (rc == OK)
		rc = read_hint(&hint, x);
	if (rc == OK)
		rc = find_client(&client, x, &hint, err);
	if (rc == OK)
		rc = read_address(l, client, err);
	if (rc != OK)
		return rc;
	if (!uuid_parse(hint.subject, &l->ticket.account))
		l->ticket.account = (struct uuid){{0}};
	if (client)
		l->ticket.client = client->id;
	return OK;
}

static enum status
accept_ticket(struct logout *l, struct error *err)
{
	struct exchange *x = l->exchange;
	const struct ticket_source source = {
		TICKET_SIGN_OUT, x->workspace, x->signin->keyring, x->now_us};
	bool repeated;
	struct str text = http_query(x->http, "ticket", &repeated);
	return ticket_open(&l->ticket, repeated ? (struct str){NULL, 0} : text, &source,
		http_arena(x->http), err);
}

/* Whether who is signed in is, somewhere, the principal that the hint names. */
static enum status
compare(struct logout *l, struct call *call, struct error *err)
{
	const struct session *session = &l->session;
	struct membership *memberships;
	size_t count;
	l->meant = uuid_eq(l->ticket.account, session->principal.id);
	if (uuid_is_nil(session->person.id))
		return OK;
	enum status rc = person_memberships(&memberships, &count, call, session->person, err);
	for (size_t i = 0; rc == OK && i < count; i++)
		l->meant = l->meant || uuid_eq(l->ticket.account, memberships[i].principal.id);
	return rc;
}

static enum status
find_session(struct logout *l, struct tx *tx, struct error *err)
{
	struct exchange *x = l->exchange;
	struct call call = oauth__call(x);
	call_open_event(&call, tx, l->org);
	enum status rc = session_find(&l->session, &l->found, &call, x->workspace,
		cookie_get_session(x->http, x->workspace), err);
	l->meant = false;
	if (rc == OK && l->found && !uuid_is_nil(l->ticket.account))
		rc = compare(l, &call, err);
	return rc;
}

static enum status
look(void *context, struct tx *tx, struct error *err)
{
	struct logout *l = context;
	enum status rc = find_session(l, tx, err);
	l->looked = rc == OK;
	return rc;
}

/* Found again: the session may have ended meanwhile, and then nothing is left to do. */
static enum status
end(void *context, struct tx *tx, struct error *err)
{
	struct logout *l = context;
	struct call call = oauth__call(l->exchange);
	directory_enter();
	enum status rc = find_session(l, tx, err);
	if (rc == OK && l->found)
		rc = sign_out(&call, tx, &l->session, err);
	directory_leave();
	l->ended = rc == OK;
	return rc;
}

static enum status
go_with_ticket(struct logout *l, const char *where, struct error *err)
{
	struct exchange *x = l->exchange;
	struct arena *arena = http_arena(x->http);
	struct str text;
	enum status rc =
		ticket_seal(&text, &l->ticket, x->workspace, x->signin->keyring, arena, err);
	if (rc != OK)
		return rc;
	struct str location = arena_printf(
		arena, "%.*s/%s?ticket=%.*s", STR_ARG(x->issuer), where, STR_ARG(text));
	if (!location.ptr)
		return error_no_memory(err);
	page_go(x->http, location);
	return OK;
}

static void
answer_page(struct exchange *x)
{
	const struct web_page page = {
		.status = 200,
		.html = &page_signed_out,
		.values = HTML_MAP(
			HTML_Z("brand", "Thingward"), HTML_Z("next", ""), HTML_Z("next_name", "")),
	};
	page_answer(x->http, &page);
}

/* To where the client wants its user, with its state. */
static enum status
answer_done(struct logout *l, struct error *err)
{
	struct exchange *x = l->exchange;
	struct str uri = l->ticket.redirect_uri;
	struct buf location;
	if (!uri.ptr) {
		answer_page(x);
		return OK;
	}
	buf_init(&location, LOCATION_MAX);
	buf_str(&location, uri);
	if (l->ticket.state.ptr) {
		if (!memchr(uri.ptr, '?', uri.len))
			buf_char(&location, '?');
		http_client_add_field(&location, "state", l->ticket.state);
	}
	bool good = !location.failed;
	if (good)
		page_go(x->http, buf_view(&location));
	buf_clear(&location);
	return good ? OK : error_no_memory(err);
}

static enum status
go_on(struct logout *l, struct error *err)
{
	struct exchange *x = l->exchange;
	/* What another site posts comes without the cookie; what it leads to comes with it. */
	if (http_method(x->http) == HTTP_POST)
		return go_with_ticket(l, "logout/resume", err);
	if (!l->looked && cookie_get_session(x->http, x->workspace).ptr)
		return oauth__want_reading(x, &(struct wait_job){look, l, l->org.id}, err);
	if (l->found && !l->ended && !l->meant)
		return go_with_ticket(l, "sign-out", err);
	if (l->found && !l->ended)
		return oauth__want_change(x, &(struct wait_job){end, l, l->org.id}, err);
	if (cookie_get_session(x->http, x->workspace).ptr)
		cookie_set_session(x->http, x->workspace, (struct str){NULL, 0});
	return answer_done(l, err);
}

typedef enum status acceptance(struct logout *l, struct error *err);
typedef enum status continuation(struct logout *l, struct error *err);

static enum status
run(struct exchange *x, acceptance *accept, continuation *next, struct error *err)
{
	struct logout *l = x->state;
	if (!l) {
		l = arena_new_one(http_arena(x->http), struct logout);
		if (!l)
			return error_no_memory(err);
		l->exchange = x;
		x->state = l;
	}
	enum status rc = oauth__find_issuer(x, err);
	if (rc == OK && !l->ready)
		rc = accept(l, err);
	if (rc != OK)
		return rc;
	l->ready = true;
	l->org = x->org->id;
	return next(l, err);
}

enum status
oauth__logout(struct exchange *x, struct error *err)
{
	return run(x, accept_request, go_on, err);
}

enum status
oauth__logout_resume(struct exchange *x, struct error *err)
{
	return run(x, accept_ticket, go_on, err);
}

enum status
oauth__logout_done(struct exchange *x, struct error *err)
{
	return run(x, accept_ticket, answer_done, err);
}
