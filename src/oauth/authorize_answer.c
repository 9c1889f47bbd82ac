/* How an authorization request is answered (RFC 6749 section 4.1.2, RFC 9207 section 2). */
#include "door/page.h"
#include "http/client.h"
#include "oauth/authorize.h"
#include "pages/templates.h"

#define LOCATION_MAX ((size_t)16 * 1024)
#define FIELDS_MAX 4

struct fields {
	struct html_map items[FIELDS_MAX];
	struct html_value values[FIELDS_MAX][2];
	size_t count;
};

/* What is absent is left out. */
static void
add(struct fields *f, const char *name, struct str value)
{
	if (!value.ptr)
		return;
	ASSERT(f->count < FIELDS_MAX);
	f->values[f->count][0] = HTML_Z("name", name);
	f->values[f->count][1] = HTML_S("value", value);
	f->items[f->count] = (struct html_map){f->values[f->count], 2};
	f->count++;
}

/* The address with the answer in its query, in the arena; absent when it does not fit. */
static struct str
location_of(struct exchange *x, const struct fields *f)
{
	struct buf location;
	struct str uri = x->accepted->redirect_uri;
	buf_init(&location, LOCATION_MAX);
	buf_str(&location, uri);
	if (!memchr(uri.ptr, '?', uri.len))
		buf_char(&location, '?');
	for (size_t i = 0; i < f->count; i++)
		http_client_add_field(&location, f->values[i][0].text.ptr, f->values[i][1].text);
	struct str out = location.failed ? (struct str){NULL, 0}
					 : arena_copy(http_arena(x->http), buf_view(&location));
	buf_clear(&location);
	return out;
}

static void
answer_form(struct exchange *x, const struct fields *f)
{
	const struct web_page page = {
		.status = 200,
		.html = &page_form_post,
		.values = HTML_MAP(HTML_Z("brand", "Thingward"), HTML_S("client", x->client_name),
			HTML_U("target", x->accepted->redirect_uri),
			HTML_L("fields", f->items, f->count)),
		.leads_to = x->accepted->redirect_uri,
	};
	page_answer(x->http, &page);
}

/* To the client: `state` as it came, and who answers. */
static void
answer_client(struct exchange *x, struct fields *f)
{
	add(f, "state", x->accepted->state);
	add(f, "iss", x->issuer);
	if (x->accepted->form_post)
		answer_form(x, f);
	else
		page_go(x->http, location_of(x, f));
}

void
authorize__answer_code(struct authorization *a)
{
	struct fields f = {0};
	add(&f, "code", str_from(a->code.text));
	answer_client(a->exchange, &f);
	crypto_wipe(&a->code, sizeof(a->code));
}

struct notice {
	unsigned status;
	const char *heading;
	struct str text;
	struct str code;
	struct str next, next_name; /* may be empty */
};

static void
answer_notice(struct exchange *x, const struct notice *notice)
{
	const struct web_page page = {
		.status = notice->status,
		.html = &page_error,
		.values = HTML_MAP(HTML_Z("brand", "Thingward"), HTML_Z("heading", notice->heading),
			HTML_S("text", notice->text), HTML_S("code", notice->code),
			HTML_S("request_id", http_request_id(x->http)),
			HTML_U("next", notice->next), HTML_S("next_name", notice->next_name)),
	};
	page_answer(x->http, &page);
}

void
authorize__answer_error(
	struct exchange *x, const struct error *err, const char *code, unsigned status)
{
	char description[ERROR_TEXT_MAX];
	struct fields f = {0};
	if (x->accepted) {
		add(&f, "error", str_from(code));
		add(&f, "error_description", str_from(oauth__description(description, err)));
		answer_client(x, &f);
		return;
	}
	const struct notice notice = {
		.status = status,
		.heading = status >= 500 ? "This does not work just now" : "This did not work",
		.text = str_from(err->text),
		.code = str_from(code),
		.next = STR(""),
		.next_name = STR(""),
	};
	answer_notice(x, &notice);
}

void
authorize__answer_nowhere(struct authorization *a)
{
	struct exchange *x = a->exchange;
	struct fields f = {0};
	add(&f, "error", STR("access_denied"));
	add(&f, "state", x->accepted->state);
	add(&f, "iss", x->issuer);
	const struct notice notice = {
		.status = 403,
		.heading = "You have no access here",
		.text = org_is_platform(a->ticket.organisation)
			? STR("Your account belongs to no organisation that is active. Ask an "
			      "administrator of yours to invite you.")
			: STR("Your account does not belong to the organisation that this "
			      "application asks for, or not any more. Ask one of its "
			      "administrators to invite you."),
		.code = STR("access_denied"),
		.next = location_of(x, &f),
		.next_name = STR("Back to the application"),
	};
	answer_notice(x, &notice);
}

static const struct {
	const char *page, *need;
} STEPS[] = {
	[AUTHORIZE_SIGN_IN] = {"sign-in", "login"},
	[AUTHORIZE_SELECT_ACCOUNT] = {"sign-in", "select_account"},
	[AUTHORIZE_SECOND_FACTOR] = {"sign-in", "second_factor"},
	[AUTHORIZE_SELECT_ORGANISATION] = {"sign-in", "organisation"},
	[AUTHORIZE_CONSENT] = {"consent", NULL},
};

/* On to `where` below the issuer, with the ticket. */
static enum status
go_with_ticket(struct authorization *a, const char *where, const char *need, struct error *err)
{
	struct exchange *x = a->exchange;
	struct arena *arena = http_arena(x->http);
	struct str text;
	enum status rc =
		ticket_seal(&text, &a->ticket, x->workspace, x->signin->keyring, arena, err);
	if (rc != OK)
		return rc;
	struct str location = arena_printf(arena, "%.*s/%s?ticket=%.*s%s%s", STR_ARG(x->issuer),
		where, STR_ARG(text), need ? "&need=" : "", need ? need : "");
	if (!location.ptr)
		return error_no_memory(err);
	page_go(x->http, location);
	return OK;
}

enum status
authorize__answer_step(struct authorization *a, enum authorize_step step, struct error *err)
{
	return go_with_ticket(a, STEPS[step].page, STEPS[step].need, err);
}

enum status
authorize__answer_resume(struct authorization *a, struct error *err)
{
	return go_with_ticket(a, "authorize/resume", NULL, err);
}
