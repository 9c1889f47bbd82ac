/*
 * The last step of coming in: of who was invited, and of who signs up. The link in the mail proved
 * the address; a new account gets a name and a password here, an old one has to be signed in to.
 */
#include "iam/access/grants.h"
#include "iam/people/joining.h"
#include "pages/routes.h"
#include "signin/password.h"

#define ROLES_MAX 20

struct joins {
	enum link_kind kind;
	struct invitation of; /* of a sign-up as well */
	struct org_id org; /* in the link */
	struct grant *grants;
	size_t grant_count;
	struct joining joining;
	struct joined joined;
	struct str normal; /* secret: the new password */
};

static struct joins *
joins_new(struct visit *v, enum link_kind kind, struct error *err)
{
	struct joins *j = arena_new_one(http_arena(v->http), struct joins);
	struct secret_parts parts;
	struct str link = visit_param(v, "link");

	v->state = j;
	if (!j) {
		(void)error_no_memory(err);
		return NULL;
	}
	j->kind = kind;
	if (link.ptr && secret_parse(&parts, link))
		j->org.id = parts.org;
	return j;
}

enum status
invitation_load(struct visit *v, struct call *call, struct error *err)
{
	struct page page = {.limit = ROLES_MAX};
	struct joins *j = joins_new(v, LINK_INVITATION, err);

	if (!j)
		return err->status;
	call_open_event(call, call->tx, j->org);
	enum status rc = invitation_find(&j->of, call, visit_param(v, "link"), err);
	if (rc == OK && !uuid_eq(j->of.link.workspace.id, v->issuer.id))
		rc = error_set(err, ERR_NOT_FOUND, "link-unknown",
			"This link does not work: it is incomplete.");
	const struct grant_filter own = {.holder = j->of.link.principal.id};
	return rc == OK ? grant_list(&j->grants, &j->grant_count, call, &own, &page, err) : rc;
}

enum status
sign_up_link_load(struct visit *v, struct call *call, struct error *err)
{
	struct joins *j = joins_new(v, LINK_SIGN_UP, err);
	struct invitation *of = j ? &j->of : NULL;
	struct sign_up org;
	bool found;

	if (!j)
		return err->status;
	call_open_event(call, call->tx, j->org);
	enum status rc = link_find(&of->link, call, LINK_SIGN_UP, visit_param(v, "link"), err);
	if (rc == OK)
		rc = sign_up_find(&org, call, j->org, err);
	if (rc == OK)
		rc = person_find(&of->person, &found, call, of->link.email_normal, err);
	if (rc != OK)
		return rc;
	of->org_name = org.name;
	of->new_account = !found || !person_is_established(&of->person);
	rc = visit_take_ticket(v, of->link.request, err);
	return rc == OK ? visit_load_client(v, call, err) : rc;
}

static struct str
own_path(struct visit *v)
{
	return visit_print(v, "%.*s%s?link=%.*s", STR_ARG(v->base), v->route->path,
		STR_ARG(visit_param(v, "link")));
}

static bool
is_person(const struct joins *j)
{
	return j->kind == LINK_SIGN_UP || !uuid_is_nil(j->of.link.person.id);
}

/* There is an account: whoever holds the link has to be signed in to it. */
static bool
sends_to_sign_in(struct visit *v)
{
	const struct joins *j = v->state;
	struct ticket ticket = {.kind = TICKET_PAGE,
		.started_us = v->now_us,
		.max_age_s = MAX_AGE_NONE,
		.login_hint = j->of.link.email,
		.path = own_path(v)};

	if (!is_person(j) || j->of.new_account || v->signed_in)
		return false;
	visit_go(v, visit_sign_in(v), &ticket);
	return true;
}

static bool
refuses_other(struct visit *v)
{
	const struct joins *j = v->state;
	struct error err = {0};

	if (!is_person(j) || !v->signed_in ||
		(!j->of.new_account && uuid_eq(v->session.person.id, j->of.person.id.id)))
		return false;
	v->action = STR("/sign-out");
	(void)error_set(&err, ERR_FORBIDDEN, "wrong-person",
		"This is for %.*s, and %.*s is signed in here: sign out first, or open the link in "
		"another browser.",
		STR_ARG(j->of.link.email), STR_ARG(v->session.email));
	visit_fail(v, &err);
	return true;
}

static struct str
name_of(const struct visit *v)
{
	const struct joins *j = v->state;
	struct str typed = visit_field(v, "name");

	if (typed.ptr)
		return typed;
	if (v->ticketed && v->ticket.name.ptr)
		return v->ticket.name;
	return j->of.person.name.ptr && !str_eq(j->of.person.name, j->of.person.email)
		? j->of.person.name
		: STR("");
}

static void
show(struct visit *v)
{
	const struct joins *j = v->state;
	struct html_value names[ROLES_MAX];
	struct html_map roles[ROLES_MAX];

	for (size_t i = 0; i < j->grant_count; i++) {
		const struct grant *grant = &j->grants[i];
		names[i] = HTML_S("name",
			grant->permission.ptr          ? grant->permission
				: grant->role_name.ptr ? grant->role_name
						       : STR(""));
		roles[i] = (struct html_map){&names[i], 1};
	}
	v->action = own_path(v);
	visit_show(v, &page_invitation,
		HTML_MAP(HTML_S("organisation", j->of.org_name),
			HTML_S("inviter", j->of.inviter.ptr ? j->of.inviter : STR("")),
			HTML_B("signing_up", j->kind == LINK_SIGN_UP),
			HTML_S("email", j->of.link.email), HTML_B("any_role", j->grant_count > 0),
			HTML_L("roles", roles, j->grant_count),
			HTML_B("new_account", is_person(j) && j->of.new_account),
			HTML_S("name", name_of(v)),
			HTML_S("password_least", visit_print(v, "%d", PASSWORD_LEAST))));
}

void
join_show(struct visit *v)
{
	if (!sends_to_sign_in(v) && !refuses_other(v))
		show(v);
}

/* What was declined cannot be accepted any more; whoever invited may do so again. */
static enum status
decline(struct visit *v, struct call *call, struct error *err)
{
	const struct joins *j = v->state;

	call_open_event(call, call->tx, j->org);
	return link_consume(call, &j->of.link, err);
}

static void
declined(struct visit *v)
{
	visit_go(v, "/signed-out?done=declined", NULL);
}

static enum status
accept(struct visit *v, struct call *call, struct error *err)
{
	struct joins *j = v->state;
	struct call own = *call;

	enum status rc = uuid_is_nil(j->joining.signed_in.id) ? OK : visit_stands(v, call, err);
	if (rc == OK)
		rc = j->kind == LINK_SIGN_UP
			? sign_up_accept(&j->joined, &own, j->org, &j->joining, err)
			: invitation_accept(&j->joined, &own, j->org, &j->joining, err);
	if (rc != OK || (v->signed_in && is_person(j)))
		return rc;
	const struct proved proved = {.person = j->joined.person.id,
		.principal = is_person(j) ? (struct principal_id){{{0}}} : j->joined.principal.id,
		.email_normal = j->joined.link.email_normal,
		.methods = j->normal.ptr ? METHOD_PASSWORD : METHOD_LINK};
	return visit_enter(v, call, &proved, err);
}

static void
accepted(struct visit *v)
{
	const struct joins *j = v->state;

	if (v->signed_in && is_person(j))
		visit_go_on(v);
	else
		visit_entered(v);
}

static bool
show_again(struct visit *v, const struct error *err)
{
	if (err->status != ERR_INVALID)
		return false;
	v->status = http_status_of(err->status);
	v->error = visit_print(v, "%s", err->text);
	show(v);
	return true;
}

static void
hand_in(struct visit *v)
{
	struct joins *j = v->state;

	if (v->task.out[0])
		j->joining.password = str_from(v->task.out);
	v->recover = show_again;
	visit_change(v, j->org, accept, accepted);
}

static enum status
read_account(struct visit *v, struct error *err)
{
	struct joins *j = v->state;
	struct str typed = visit_field(v, "new_password");

	enum status rc = visit_name(&j->joining.name, v, err);
	const struct password_rule rule = {.email = j->of.link.email, .name = j->joining.name};
	if (rc == OK)
		rc = password_check(
			&j->normal, typed.ptr ? typed : STR(""), &rule, http_arena(v->http), err);
	return rc;
}

void
join_act(struct visit *v)
{
	struct joins *j = v->state;
	struct error err = {0};

	if (visit_decides(v, "decline")) {
		visit_change(v, j->org, decline, declined);
		return;
	}
	if (sends_to_sign_in(v) || refuses_other(v))
		return;
	j->joining.secret = visit_param(v, "link");
	/* Whom an organisation's provider speaks for is not proved to be the person. */
	if (v->signed_in && org_is_platform(v->session.only_org))
		j->joining.signed_in = v->session.person;
	if (!is_person(j) || !j->of.new_account) {
		hand_in(v);
		return;
	}
	enum status rc = read_account(v, &err);
	if (rc == OK) {
		v->task.wanted = j->normal;
		visit_password(v, hand_in);
	} else if (!show_again(v, &err)) {
		visit_fail(v, &err);
	}
}
