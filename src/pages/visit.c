#include "pages/visit.h"

#include "base/clock.h"
#include "directory/rows.h"
#include "door/cookie.h"

static enum status
overloaded(struct error *err)
{
	return error_set(err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
}

static enum status
find_session(
	struct session *out, bool *found, struct visit *v, struct call *call, struct error *err)
{
	return session_find(
		out, found, call, v->issuer, cookie_get_session(v->http, v->issuer), err);
}

enum status
visit_stands(struct visit *v, struct call *call, struct error *err)
{
	struct session now;
	bool found;

	enum status rc = find_session(&now, &found, v, call, err);
	if (rc != OK || found)
		return rc;
	v->recover = NULL; /* no page of his is shown */
	return error_set(err, ERR_FORBIDDEN, "session-ended",
		"You were signed out meanwhile: sign in again.");
}

static enum status
run_job(void *context, struct tx *tx, struct error *err)
{
	struct visit *v = context;
	struct call call = {.address = http_peer(v->http),
		.now_us = clock_now_us(),
		.arena = http_arena(v->http),
		.directory = v->options->signin->directory,
		.keyring = v->options->signin->keyring};

	directory_enter();
	call_open_event(&call, tx, v->of.org);
	enum status rc = v->loaded && v->route->signed_in ? visit_stands(v, &call, err) : OK;
	if (rc == OK)
		rc = v->job(v, &call, err);
	directory_leave();
	return rc;
}

typedef enum status waiting(struct wait *w, const struct wait_job *job, struct error *err);

static void
wait_for(struct visit *v, waiting *wait, struct org_id org, visit_job *job, visit_step *next)
{
	const struct wait_job wanted = {.run = run_job, .context = v, .shard = org.id};
	struct error err = {0};

	v->job = job;
	v->next = next;
	if (wait(v->wait, &wanted, &err) != OK)
		visit_fail(v, &err);
}

void
visit_read(struct visit *v, visit_job *job, visit_step *next)
{
	wait_for(v, wait_for_reading, v->of.org, job, next);
}

void
visit_change(struct visit *v, struct org_id org, visit_job *job, visit_step *next)
{
	wait_for(v, wait_for_change, org, job, next);
}

static void
password_done(struct password_task *task)
{
	struct visit *v = (struct visit *)(void *)((char *)task - offsetof(struct visit, task));

	http_resume(v->http);
}

void
visit_password(struct visit *v, visit_step *next)
{
	struct error err = {0};

	v->next = next;
	v->task.done = password_done;
	v->task.status = OK;
	if (!http_suspend(v->http)) {
		(void)overloaded(&err);
		visit_fail(v, &err);
		return;
	}
	enum status rc = password_pool_submit(v->options->pool, &v->task, &err);
	if (rc != OK) {
		v->task.status = rc;
		v->task.error = err;
		http_resume(v->http);
	}
}

void
visit_resumed(struct visit *v)
{
	struct error err = {0};
	visit_recovery *recover = v->recover;

	v->recover = NULL;
	enum status rc = wait_result(v->wait, &err);
	if (rc == OK && v->task.status != OK) {
		rc = v->task.status;
		err = v->task.error;
	}
	if (rc == OK)
		v->next(v);
	else if (!recover || !recover(v, &err))
		visit_fail(v, &err);
}

/* One ticket, of either kind that leads through pages. */
static enum status
open_ticket(struct visit *v, struct error *err)
{
	static const enum ticket_kind kinds[] = {TICKET_AUTHORIZE, TICKET_PAGE, TICKET_SIGN_OUT};

	for (size_t i = 0; i < ARRAY_LEN(kinds) && v->ticket_text.len; i++) {
		const struct ticket_source source = {.kind = kinds[i],
			.issuer = v->issuer,
			.ring = v->options->signin->keyring,
			.now_us = v->now_us};
		struct error why = {0};
		enum status rc =
			ticket_open(&v->ticket, v->ticket_text, &source, http_arena(v->http), &why);
		v->ticketed = rc == OK;
		if (v->ticketed)
			return OK;
		if (rc != ERR_INVALID) {
			*err = why;
			return rc;
		}
	}
	return OK;
}

enum status
visit_take_ticket(struct visit *v, struct str text, struct error *err)
{
	v->ticket_text = text.ptr ? text : STR("");
	v->ticketed = false;
	enum status rc = open_ticket(v, err);
	if (!v->ticketed)
		v->ticket_text = STR("");
	return rc;
}

enum status
visit_load_client(struct visit *v, struct call *call, struct error *err)
{
	const struct client_view *client;

	v->client = STR("");
	if (!v->ticketed || uuid_is_nil(v->ticket.client.id))
		return OK;
	enum status rc =
		rows_load_client(&client, call->tx, v->of.org, v->ticket.client, call->arena, err);
	if (rc == OK && client)
		v->client = client->name;
	return rc;
}

static enum status
load(struct visit *v, struct call *call, struct error *err)
{
	enum status rc = OK;

	v->signed_in = v->bounded = false;
	v->issuer_found = uuid_is_nil(v->issuer.id);
	if (!v->issuer_found)
		rc = issuer_find(&v->of, &v->issuer_found, call, v->issuer, err);
	if (rc != OK || !v->issuer_found)
		return rc;
	call_open_event(call, call->tx, v->of.org);
	rc = find_session(&v->session, &v->signed_in, v, call, err);
	v->bounded = v->signed_in && v->route->whole && !org_is_platform(v->session.only_org);
	v->signed_in = v->signed_in && !v->bounded;
	if (rc == OK)
		rc = visit_load_client(v, call, err);
	if (rc == OK && v->route->load && (v->signed_in || !v->route->signed_in))
		rc = v->route->load(v, call, err);
	return rc;
}

static enum status
check_csrf(const struct visit *v, struct error *err)
{
	struct session_id session = {{{0}}};

	if (v->signed_in)
		session = v->session.id;
	if (csrf_check(visit_field(v, "csrf"), &v->browser, session, v->options->signin->keyring))
		return OK;
	return error_set(err, ERR_FORBIDDEN, "form-outdated",
		"This form is too old, or the browser keeps no cookies: go back, load the page "
		"again, and send it once more.");
}

static enum status
check_issuer(const struct visit *v, struct error *err)
{
	if (!v->issuer_found)
		return error_set(err, ERR_NOT_FOUND, "no-such-page", "There is nothing here.");
	if (!uuid_is_nil(v->issuer.id) && !v->of.active)
		return error_set(err, ERR_FORBIDDEN, "workspace-not-active",
			"This workspace cannot be used at present.");
	return OK;
}

/* Back to where he wanted to go, once he has signed in. */
static void
send_to_sign_in(struct visit *v)
{
	struct ticket ticket = {.kind = TICKET_PAGE,
		.started_us = v->now_us,
		.max_age_s = MAX_AGE_NONE,
		.path = visit_print(v, "%.*s%s", STR_ARG(v->base),
			v->route->get ? v->route->path : "/account")};

	if (v->ticketed)
		ticket = v->ticket;
	visit_go(v, visit_sign_in(v), &ticket);
}

/* Who came by an organisation's provider is known by its word, which opens nothing but itself: not
 * the account that he may have everywhere. */
static bool
is_kept_out(const struct visit *v)
{
	return v->signed_in && !org_is_platform(v->session.only_org) &&
		str_starts(str_from(v->route->path), STR("/account"));
}

static enum status
refuse_kept_out(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "account-not-open",
		"You signed in through an organisation, which does not open your account: sign in "
		"to it directly.");
}

static void
loaded(struct visit *v)
{
	struct error err = {0};
	bool posted = http_method(v->http) == HTTP_POST;

	v->loaded = true;
	enum status rc = check_issuer(v, &err);
	if (rc == OK && posted && v->route->signed_in && !v->signed_in) {
		send_to_sign_in(v);
		return;
	}
	if (rc == OK && posted)
		rc = check_csrf(v, &err);
	if (rc == OK && posted && is_kept_out(v))
		rc = refuse_kept_out(&err);
	if (rc != OK) {
		visit_fail(v, &err);
		return;
	}
	if (v->signed_in)
		session_used(v->options->signin->uses, &v->session, v->now_us);
	if (v->route->signed_in && !v->signed_in)
		send_to_sign_in(v);
	else if (is_kept_out(v))
		visit_go(v, "/signed-in", NULL);
	else if (posted)
		v->route->post(v);
	else
		v->route->get(v);
}

static enum status
read_form(struct visit *v, struct error *err)
{
	enum status rc = http_form_query(&v->query, v->http, err);
	if (rc == OK && http_method(v->http) == HTTP_POST)
		rc = http_form_body(&v->form, v->http, err);
	struct str several = http_form_repeated(&v->query);
	if (!several.ptr)
		several = http_form_repeated(&v->form);
	if (rc == OK && several.ptr)
		rc = error_set(err, ERR_INVALID, "field-repeated",
			"A field may stand in a form once: %.60s.", several.ptr);
	return rc;
}

static enum status
check_origin(const struct visit *v, struct error *err)
{
	if (http_method(v->http) != HTTP_POST ||
		csrf_origin_ok(v->options->signin->base_url, http_header(v->http, "Sec-Fetch-Site"),
			http_header(v->http, "Origin")))
		return OK;
	return error_set(err, ERR_FORBIDDEN, "form-from-elsewhere",
		"This form was sent from a page of another site: open %.*s itself.",
		STR_ARG(v->options->signin->base_url));
}

static enum status
find_browser(struct visit *v, struct error *err)
{
	browser_parse(&v->browser, cookie_get(v->http, BROWSER_COOKIE));
	v->browser_new = !v->browser.id.ptr;
	return v->browser_new ? browser_make(&v->browser, http_arena(v->http), err) : OK;
}

static enum status
find_base(struct visit *v, struct error *err)
{
	char id[UUID_TEXT_LEN + 1];

	v->base = STR("");
	if (uuid_is_nil(v->issuer.id))
		return OK;
	uuid_format(id, v->issuer.id);
	v->base = arena_printf(http_arena(v->http), "/w/%s", id);
	return v->base.ptr ? OK : error_no_memory(err);
}

/* What can be said before anything is looked up. */
static enum status
prepare(struct visit *v, struct error *err)
{
	enum status rc = find_base(v, err);
	if (rc == OK)
		rc = read_form(v, err);
	if (rc == OK)
		rc = check_origin(v, err);
	if (rc == OK)
		rc = find_browser(v, err);
	if (rc != OK)
		return rc;
	struct str ticket = visit_param(v, "ticket");
	if (!ticket.ptr)
		ticket = visit_field(v, "ticket");
	rc = visit_take_ticket(v, ticket, err);
	if (rc != OK)
		return rc;
	if (ticket.len && !v->ticketed)
		return error_set(err, ERR_INVALID, "ticket-invalid",
			"This has waited for too long, or is incomplete: go back to where you came "
			"from, and begin again.");
	v->wait = wait_new(v->http, v->options->signin->directory, v->options->store);
	return v->wait ? OK : error_no_memory(err);
}

static bool
has_method(const struct visit *v)
{
	enum http_method method = http_method(v->http);

	if (method == HTTP_POST)
		return v->route->post != NULL;
	return (method == HTTP_GET || method == HTTP_HEAD) && v->route->get;
}

void
visit_begin(struct pages *door, struct http_request *r)
{
	struct visit *v = arena_new_one(http_arena(r), struct visit);
	struct error err = {0};

	if (!v) {
		http_respond(r, 503, "text/plain", STR("The server is out of memory.\n"));
		return;
	}
	*v = (struct visit){.door = door,
		.options = &door->options,
		.http = r,
		.now_us = clock_now_us(),
		.ticket_text = STR(""),
		.client = STR(""),
		.base = STR("")};
	http_set_state(r, v);
	v->route = visit_find_route(http_path(r), &v->issuer);
	if (!has_method(v)) {
		http_add_header(r, "Allow",
			v->route->post ? v->route->get ? STR("GET, HEAD, POST") : STR("POST")
				       : STR("GET, HEAD"));
		v->status = 405;
		(void)error_set(&err, ERR_INVALID, "method-not-allowed",
			"This page cannot be asked for in this way.");
		visit_fail(v, &err);
	} else if (prepare(v, &err) != OK) {
		visit_fail(v, &err);
	} else {
		visit_read(v, load, loaded);
	}
}
