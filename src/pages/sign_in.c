/* The first page: who, and by what. What was typed goes on inside the ticket. */
#include "iam/people/joining.h"
#include "pages/routes.h"
#include "pages/second.h"

/* After something else was done: told once more, without anything of the outside in it. */
static struct str
notice_of(const struct visit *v)
{
	if (str_eq(visit_param(v, "done"), STR("password")))
		return STR("Your new password is set: sign in with it.");
	return STR("");
}

/* Which organisation somebody wants to get into, as far as anybody has said so. */
static bool
find_org(struct org_id *out, const struct visit *v)
{
	*out = v->ticketed ? v->ticket.organisation : PLATFORM;
	struct str stated = visit_param(v, "organisation");

	return (stated.ptr && uuid_parse(stated, &out->id)) || !org_is_platform(*out);
}

struct ways {
	struct sign_up sign_up;
	struct provider_links providers;
};

enum status
sign_in_load(struct visit *v, struct call *call, struct error *err)
{
	struct ways *ways = arena_new_one(call->arena, struct ways);
	struct org_id org;

	v->state = ways;
	if (!ways)
		return error_no_memory(err);
	if (!find_org(&org, v) || !uuid_is_nil(v->issuer.id))
		return OK;
	enum status rc = sign_up_find(&ways->sign_up, call, org, err);
	return rc == OK ? provider_links_load(&ways->providers, call, org, err) : rc;
}

static struct str
sign_up_of(struct visit *v)
{
	const struct ways *ways = v->state;
	const struct sign_up *sign_up = &ways->sign_up;
	char id[UUID_TEXT_LEN + 1];

	if (!sign_up->open)
		return STR("");
	uuid_format(id, sign_up->org.id);
	return visit_print(v, "/sign-up?organisation=%s&ticket=%.*s", id, STR_ARG(v->ticket_text));
}

static void
show(struct visit *v, struct str email)
{
	const struct ways *ways = v->state;
	bool persons = uuid_is_nil(v->issuer.id);
	struct error err = {0};
	struct str options;

	if (passkey_alone_options(&options, v, &err) != OK) {
		visit_fail(v, &err);
		return;
	}
	v->notice = notice_of(v);
	visit_show(v, &page_sign_in,
		HTML_MAP(HTML_S("email", email), HTML_B("by_email", true),
			HTML_B("passwords", persons), HTML_B("links", true),
			HTML_B("others", ways->providers.count > 0),
			provider_links_show(v, &ways->providers),
			HTML_S("passkey_options", options), HTML_S("sign_up", sign_up_of(v))));
}

static bool
needs(const struct visit *v, const char *what)
{
	return str_eq(visit_param(v, "need"), str_from(what));
}

void
sign_in_show(struct visit *v)
{
	struct str hint = v->ticketed && v->ticket.login_hint.ptr ? v->ticket.login_hint : STR("");

	if (v->signed_in && needs(v, "select_account"))
		visit_go(v, "/select-account", v->ticketed ? &v->ticket : NULL);
	else if (v->signed_in && needs(v, "organisation"))
		visit_go(v, "/select-organisation", v->ticketed ? &v->ticket : NULL);
	else if (v->signed_in && needs(v, "second_factor"))
		visit_go(v, "/sign-in/second", v->ticketed ? &v->ticket : NULL);
	else if (v->signed_in && !visit_param(v, "need").ptr)
		visit_go_on(v);
	else
		show(v, v->signed_in && !hint.len ? v->session.email : hint);
}

/* A link may not fit behind the ticket of a client that asked for a lot. */
static enum status
wish_for_link(struct visit *v, const struct typed_email *typed, const struct ticket *ticket,
	struct error *err)
{
	uint8_t digest[SHA256_LEN];
	struct str request;
	const struct signin *signin = v->options->signin;

	enum status rc =
		ticket_seal(&request, ticket, v->issuer, signin->keyring, http_arena(v->http), err);
	if (rc != OK)
		return rc;
	browser_digest(digest, &v->browser);
	const struct link_wish wish = {.kind = LINK_SIGN_IN,
		.issuer = v->issuer,
		.org = v->of.org,
		.email = typed->email,
		.email_normal = typed->normal,
		.browser = {(const char *)digest, sizeof(digest)},
		.known = visit_is_known(v, typed->normal),
		.request = request,
		.client = v->client,
		.address = http_peer(v->http)};
	return link_wish_for(v->options->links, signin, &wish, err);
}

static void
send_link(struct visit *v, const struct typed_email *typed, const struct ticket *ticket)
{
	struct error err = {0};

	if (!visit_may_try(v, TRY_MAIL, typed->normal))
		show(v, typed->email);
	else if (wish_for_link(v, typed, ticket, &err) != OK)
		visit_fail(v, &err);
	else
		visit_go(v, "/sign-in/sent", ticket);
}

static void
show_again(struct visit *v)
{
	show(v, STR(""));
}

void
sign_in_act(struct visit *v)
{
	struct ticket ticket = visit_ticket(v, "");
	struct typed_email typed;
	struct error err = {0};
	bool persons = uuid_is_nil(v->issuer.id);

	if (persons && str_eq(visit_field(v, "with"), STR("passkey"))) {
		passkey_alone_act(v, show_again);
		return;
	}
	if (visit_email(&typed, v, &err) != OK) {
		v->status = http_status_of(err.status);
		v->error = str_from(err.text);
		show(v, visit_field(v, "email").ptr ? visit_field(v, "email") : STR(""));
		return;
	}
	ticket.login_hint = typed.email;
	if (str_eq(visit_field(v, "with"), STR("link")) || !persons)
		send_link(v, &typed, &ticket);
	else
		visit_go(v, "/sign-in/password", &ticket);
}

/* Of the three pages that ask for a link: which one it was, and how to get back to it. */
static enum link_kind
kind_of_sent(const struct visit *v)
{
	if (str_starts(http_path(v->http), STR("/reset")))
		return LINK_RESET;
	return str_starts(http_path(v->http), STR("/sign-up")) ? LINK_SIGN_UP : LINK_SIGN_IN;
}

static struct str
back_of(struct visit *v, enum link_kind kind)
{
	char org[UUID_TEXT_LEN + 1];

	if (kind == LINK_RESET)
		return visit_print(v, "/reset?ticket=%.*s", STR_ARG(v->ticket_text));
	if (kind == LINK_SIGN_IN)
		return visit_print(
			v, "%.*s/sign-in?ticket=%.*s", STR_ARG(v->base), STR_ARG(v->ticket_text));
	uuid_format(org, v->ticket.organisation.id);
	return visit_print(v, "/sign-up?organisation=%s&ticket=%.*s", org, STR_ARG(v->ticket_text));
}

void
sign_in_sent(struct visit *v)
{
	enum link_kind kind = kind_of_sent(v);

	if (!v->ticketed || !v->ticket.login_hint.ptr) {
		visit_go(v, "/sign-in", NULL);
		return;
	}
	visit_show(v, &page_link_sent,
		HTML_MAP(HTML_S("email", v->ticket.login_hint),
			HTML_S("minutes", visit_print(v, "%d", (int)(link_life_s(kind) / 60))),
			HTML_S("back", back_of(v, kind)),
			HTML_B("for_sign_in", kind == LINK_SIGN_IN),
			HTML_B("for_reset", kind == LINK_RESET),
			HTML_B("for_sign_up", kind == LINK_SIGN_UP)));
}

void
signed_in_show(struct visit *v)
{
	bool bounded = !org_is_platform(v->session.only_org);

	visit_show(v, &page_signed_in,
		HTML_MAP(HTML_S("email", v->session.email),
			HTML_S("account",
				bounded ? STR("")
					: visit_print(v, "%.*s/account", STR_ARG(v->base))),
			HTML_S("sign_out", visit_print(v, "%.*s/sign-out", STR_ARG(v->base)))));
}
