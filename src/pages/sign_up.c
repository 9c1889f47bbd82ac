/* Joining an organisation on one's own, where it is open: first a link proves the address. */
#include "iam/people/joining.h"
#include "pages/routes.h"

static enum status
closed(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "sign-up-closed",
		"Nobody can join on their own here: ask a member for an invitation.");
}

struct ways {
	struct sign_up sign_up;
	struct provider_links providers;
};

/* Those of the organisation's providers that let people in. */
static enum status
load_providers(struct ways *ways, struct call *call, struct error *err)
{
	struct provider_links *links = &ways->providers;
	size_t open = 0;

	enum status rc = provider_links_load(links, call, ways->sign_up.org, err);
	for (size_t i = 0; rc == OK && i < links->count; i++) {
		if (links->providers[i].sign_up)
			links->providers[open++] = links->providers[i];
	}
	links->count = open;
	return rc;
}

enum status
sign_up_load(struct visit *v, struct call *call, struct error *err)
{
	struct ways *ways = arena_new_one(call->arena, struct ways);
	struct org_id org;

	v->state = ways;
	if (!ways)
		return error_no_memory(err);
	struct str stated = visit_param(v, "organisation");
	if (!stated.ptr || !uuid_parse(stated, &org.id) || org_is_platform(org))
		return closed(err);
	enum status rc = sign_up_find(&ways->sign_up, call, org, err);
	if (rc == OK && !ways->sign_up.open)
		rc = closed(err);
	return rc == OK ? load_providers(ways, call, err) : rc;
}

static struct str
own_path(struct visit *v)
{
	return visit_print(
		v, "/sign-up?organisation=%.*s", STR_ARG(visit_param(v, "organisation")));
}

static void
show(struct visit *v, struct str name, struct str email)
{
	const struct ways *ways = v->state;

	v->action = own_path(v);
	visit_show(v, &page_sign_up,
		HTML_MAP(HTML_S("organisation", ways->sign_up.name), HTML_S("name", name),
			HTML_S("email", email), HTML_B("others", ways->providers.count > 0),
			provider_links_show(v, &ways->providers),
			HTML_S("sign_in",
				visit_print(v, "/sign-in?ticket=%.*s", STR_ARG(v->ticket_text)))));
}

void
sign_up_show(struct visit *v)
{
	show(v, STR(""), STR(""));
}

static enum status
wish_for_link(struct visit *v, const struct typed_email *typed, const struct ticket *ticket,
	struct error *err)
{
	const struct sign_up *sign_up = &((const struct ways *)v->state)->sign_up;
	const struct signin *signin = v->options->signin;
	struct str request;

	enum status rc =
		ticket_seal(&request, ticket, v->issuer, signin->keyring, http_arena(v->http), err);
	if (rc != OK)
		return rc;
	const struct link_wish wish = {.kind = LINK_SIGN_UP,
		.org = sign_up->org,
		.email = typed->email,
		.email_normal = typed->normal,
		.request = request,
		.client = v->client,
		.address = http_peer(v->http)};
	return link_wish_for(v->options->links, signin, &wish, err);
}

static void
refuse(struct visit *v, const struct error *err)
{
	struct str name = visit_field(v, "name"), email = visit_field(v, "email");

	if (err->status != ERR_INVALID) {
		visit_fail(v, err);
		return;
	}
	v->status = http_status_of(err->status);
	v->error = str_from(err->text);
	show(v, name.ptr ? name : STR(""), email.ptr ? email : STR(""));
}

void
sign_up_act(struct visit *v)
{
	const struct sign_up *sign_up = v->state;
	struct ticket ticket = visit_ticket(v, "");
	struct typed_email typed;
	struct error err = {0};

	ticket.organisation = sign_up->org;
	enum status rc = visit_name(&ticket.name, v, &err);
	if (rc == OK)
		rc = visit_email(&typed, v, &err);
	if (rc == OK && !visit_may_try(v, TRY_MAIL, typed.normal)) {
		show(v, ticket.name, typed.email);
		return;
	}
	ticket.login_hint = rc == OK ? typed.email : ticket.login_hint;
	if (rc == OK)
		rc = wish_for_link(v, &typed, &ticket, &err);
	if (rc == OK)
		visit_go(v, "/sign-up/sent", &ticket);
	else
		refuse(v, &err);
}
