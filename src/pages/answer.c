#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "door/cookie.h"
#include "model/names.h"
#include "pages/visit.h"

#define COMMON_MAX 8
#define VALUES_MAX 48
#define PRINT_MAX 8192

struct str
visit_print(struct visit *v, const char *fmt, ...)
{
	char space[PRINT_MAX];
	va_list args;

	va_start(args, fmt);
	int len = vsnprintf(space, sizeof(space), fmt, args);
	va_end(args);
	ASSERT(len >= 0 && (size_t)len < sizeof(space));
	struct str copy = arena_copy(http_arena(v->http), (struct str){space, (size_t)len});
	return copy.ptr ? copy : STR("");
}

static struct str
or_empty(struct str text)
{
	return text.ptr ? text : STR("");
}

struct str
visit_brand(const struct visit *v)
{
	return v->of.name.ptr ? v->of.name : STR("Thingward");
}

static struct str
csrf_of(struct visit *v)
{
	char token[CSRF_TEXT_MAX];
	struct session_id session = {{{0}}};

	if (!v->browser.id.ptr)
		return STR("");
	if (v->signed_in)
		session = v->session.id;
	csrf_token(token, &v->browser, session, v->options->signin->keyring);
	return visit_print(v, "%s", token);
}

static struct str
action_of(struct visit *v)
{
	if (v->action.ptr)
		return v->action;
	return visit_print(v, "%.*s%s", STR_ARG(v->base), v->route ? v->route->path : "");
}

void
visit_show(struct visit *v, const struct html_template *html, struct html_map values)
{
	const struct html_value common[COMMON_MAX] = {
		HTML_S("brand", visit_brand(v)),
		HTML_S("action", action_of(v)),
		HTML_S("csrf", csrf_of(v)),
		HTML_S("ticket", v->ticket_text),
		HTML_S("error", or_empty(v->error)),
		HTML_S("notice", or_empty(v->notice)),
		HTML_S("client", v->client),
	};
	struct html_value all[VALUES_MAX];
	struct web_page page = {.status = v->status ? v->status : 200,
		.html = html,
		.values = {all, values.count + COMMON_MAX - 1},
		.leads_to = v->leads_to};

	/* The page's own come first, and hide the others. */
	ASSERT(page.values.count <= VALUES_MAX);
	memcpy(all, values.values, values.count * sizeof(all[0]));
	memcpy(all + values.count, common, (COMMON_MAX - 1) * sizeof(all[0]));
	if (!page.leads_to.ptr && v->ticketed)
		page.leads_to = v->ticket.redirect_uri;
	if (v->browser_new)
		cookie_keep(v->http, BROWSER_COOKIE, v->browser.id, BROWSER_COOKIE_LIFE_S);
	page_answer(v->http, &page);
}

static const char *
heading_of(unsigned status)
{
	switch (status) {
	case 403:
		return "This is not possible";
	case 404:
		return "There is nothing here";
	case 429:
		return "Too many tries";
	case 500:
		return "Something went wrong";
	case 503:
		return "One moment, please";
	default:
		return "This did not work";
	}
}

void
visit_fail(struct visit *v, const struct error *err)
{
	const struct error *owed = http_error(v->http, err);
	unsigned status = v->status && owed == err ? v->status : http_status_of(owed->status);
	bool leads_on = v->issuer_found && status < 500;

	if (status == 500)
		log_error("page-failed", owed);
	if (status == 503)
		http_add_header(v->http, "Retry-After", STR("1"));
	v->status = status == 401 ? 403 : status;
	visit_show(v, &page_error,
		HTML_MAP(HTML_Z("heading", heading_of(v->status)), HTML_Z("text", owed->text),
			HTML_Z("code", owed->code ? owed->code : status_name(owed->status)),
			HTML_S("request_id", http_request_id(v->http)),
			HTML_S("next",
				leads_on ? visit_print(v, "%.*s/sign-in", STR_ARG(v->base))
					 : STR("")),
			HTML_S("next_name", STR("Sign in"))));
}

void
visit_go_to(struct visit *v, struct str location)
{
	struct error err = {0};

	if (location.len)
		page_go(v->http, location);
	else if (error_no_memory(&err) != OK)
		visit_fail(v, &err);
}

void
visit_go(struct visit *v, const char *path, const struct ticket *ticket)
{
	struct str text = {NULL, 0};
	struct error err = {0};
	char mark = strchr(path, '?') ? '&' : '?';

	if (ticket &&
		ticket_seal(&text, ticket, v->issuer, v->options->signin->keyring,
			http_arena(v->http), &err) != OK)
		visit_fail(v, &err);
	else if (ticket)
		visit_go_to(v,
			visit_print(v, "%.*s%s%cticket=%.*s", STR_ARG(v->base), path, mark,
				STR_ARG(text)));
	else
		visit_go_to(v, visit_print(v, "%.*s%s", STR_ARG(v->base), path));
}

void
visit_go_on(struct visit *v)
{
	bool installation = uuid_is_nil(v->issuer.id);

	if (!v->ticketed || (v->ticket.kind == TICKET_PAGE && !v->ticket.path.len))
		visit_go(v, installation ? "/account" : "/signed-in", NULL);
	else if (v->ticket.kind == TICKET_PAGE)
		visit_go_to(v, v->ticket.path);
	else if (v->ticket.kind == TICKET_SIGN_OUT)
		visit_go(v, "/logout/done", &v->ticket);
	else
		visit_go(v, "/authorize/resume", &v->ticket);
}

const char *
visit_sign_in(const struct visit *v)
{
	return v->bounded ? "/sign-in?need=login" : "/sign-in";
}

struct str
visit_field(const struct visit *v, const char *name)
{
	bool repeated;

	return http_form_get(&v->form, name, &repeated);
}

struct str
visit_param(const struct visit *v, const char *name)
{
	bool repeated;

	return http_form_get(&v->query, name, &repeated);
}

bool
visit_decides(const struct visit *v, const char *decision)
{
	return str_eq(visit_field(v, "decision"), str_from(decision));
}

static struct str
trim(struct str s)
{
	while (s.len && s.ptr[0] == ' ')
		s = (struct str){s.ptr + 1, s.len - 1};
	while (s.len && s.ptr[s.len - 1] == ' ')
		s.len--;
	return s;
}

enum status
visit_email(struct typed_email *out, struct visit *v, struct error *err)
{
	struct arena *arena = http_arena(v->http);
	struct error why = {0};

	enum status rc = text_nfc(
		&out->email, trim(or_empty(visit_field(v, "email"))), "The address", arena, &why);
	if (rc == OK)
		rc = email_check(out->email, "The address", arena, &out->normal, &why);
	if (rc == ERR_INVALID)
		return error_set(err, ERR_INVALID, "invalid-name",
			"Type an e-mail address like name@example.org.");
	if (rc != OK)
		*err = why;
	return rc;
}

enum status
visit_name(struct str *out, struct visit *v, struct error *err)
{
	enum status rc = text_nfc(
		out, trim(or_empty(visit_field(v, "name"))), "Your name", http_arena(v->http), err);
	return rc == OK ? name_check(*out, "Your name", err) : rc;
}

struct ticket
visit_ticket(const struct visit *v, const char *path)
{
	if (v->ticketed)
		return v->ticket;
	return (struct ticket){.kind = TICKET_PAGE,
		.started_us = v->now_us,
		.max_age_s = MAX_AGE_NONE,
		.path = str_from(path)};
}

bool
visit_is_known(const struct visit *v, struct str account)
{
	const struct browser_account named = {v->issuer, account};

	return browser_knows(&v->browser, v->options->signin->keyring, &named);
}

static struct try
try_of(const struct visit *v, enum try_kind kind, struct str account)
{
	bool known = visit_is_known(v, account);

	return (struct try){.kind = kind,
		.issuer = v->issuer,
		.account = account,
		.address = http_peer(v->http),
		.browser = known ? v->browser.id : (struct str){NULL, 0},
		.now_us = clock_mono_us()};
}

bool
visit_may_try(struct visit *v, enum try_kind kind, struct str account)
{
	const struct try try = try_of(v, kind, account);
	int64_t wait_us = throttle_try(v->options->throttle, &try);

	if (wait_us == 0)
		return true;
	int64_t wait_s = (wait_us + US_PER_S - 1) / US_PER_S;
	struct str seconds = visit_print(v, "%lld", (long long)wait_s);
	http_add_header(v->http, "Retry-After", seconds);
	v->status = 429;
	v->error = visit_print(v, "Too many tries: wait %.*s second%s, then try again.",
		STR_ARG(seconds), wait_s == 1 ? "" : "s");
	return false;
}

void
visit_tried_well(struct visit *v, enum try_kind kind, struct str account)
{
	const struct try try = try_of(v, kind, account);

	throttle_succeeded(v->options->throttle, &try);
}
