/* A password that was forgotten: a link proves the address, and then another one is set. */
#include "iam/people/second_factors.h"
#include "pages/routes.h"
#include "signin/password.h"

static void
show(struct visit *v, struct str email)
{
	visit_show(v, &page_reset_request,
		HTML_MAP(HTML_S("email", email),
			HTML_S("sign_in",
				visit_print(v, "/sign-in?ticket=%.*s", STR_ARG(v->ticket_text)))));
}

void
reset_show(struct visit *v)
{
	show(v, v->ticketed && v->ticket.login_hint.ptr ? v->ticket.login_hint : STR(""));
}

void
reset_act(struct visit *v)
{
	struct ticket ticket = visit_ticket(v, "");
	struct typed_email typed;
	struct error err = {0};

	if (visit_email(&typed, v, &err) != OK) {
		v->status = http_status_of(err.status);
		v->error = str_from(err.text);
		show(v, visit_field(v, "email").ptr ? visit_field(v, "email") : STR(""));
		return;
	}
	if (!visit_may_try(v, TRY_MAIL, typed.normal)) {
		show(v, typed.email);
		return;
	}
	const struct link_wish wish = {.kind = LINK_RESET,
		.email = typed.email,
		.email_normal = typed.normal,
		.known = visit_is_known(v, typed.normal),
		.address = http_peer(v->http)};
	ticket.login_hint = typed.email;
	if (link_wish_for(v->options->links, v->options->signin, &wish, &err) == OK)
		visit_go(v, "/reset/sent", &ticket);
	else
		visit_fail(v, &err);
}

/* Once the link was opened. */
struct resetting {
	struct link link;
	struct person person;
	struct second_factors factors;
	struct str normal; /* secret */
};

static enum status
find(struct resetting *r, struct visit *v, struct call *call, struct error *err)
{
	bool found;

	enum status rc = link_find(&r->link, call, LINK_RESET, visit_param(v, "link"), err);
	if (rc == OK)
		rc = person_find_by_id(&r->person, &found, call, r->link.person, err);
	if (rc == OK && (!found || r->person.state != STATE_ACTIVE))
		rc = error_set(err, ERR_FORBIDDEN, "account-not-active",
			"This account cannot be used: ask whoever runs this installation.");
	if (rc == OK)
		rc = second_factors_find(&r->factors, call, r->person.id, err);
	return rc;
}

enum status
reset_link_load(struct visit *v, struct call *call, struct error *err)
{
	struct resetting *r = arena_new_one(call->arena, struct resetting);

	v->state = r;
	return r ? find(r, v, call, err) : error_no_memory(err);
}

void
reset_link_show(struct visit *v)
{
	const struct resetting *r = v->state;
	int least = second_factors_any(&r->factors) ? PASSWORD_LEAST_SECOND : PASSWORD_LEAST;

	v->action = visit_print(v, "/reset/link?link=%.*s", STR_ARG(visit_param(v, "link")));
	visit_show(v, &page_reset_password,
		HTML_MAP(HTML_S("email", r->person.email),
			HTML_S("password_least", visit_print(v, "%d", least))));
}

static enum status
set_password(struct visit *v, struct call *call, struct error *err)
{
	struct resetting *r = v->state;
	const struct actor self = {.id = r->person.id.id};
	struct call own = *call;

	const struct person_update update = {.password = str_from(v->task.out),
		.password_short = password_is_short(r->normal),
		.verified = true};
	enum status rc = call_open_as(&own, call->tx, PLATFORM, &self, err);
	/* Once more, now that nobody else changes it. */
	if (rc == OK)
		rc = find(r, v, call, err);
	if (rc == OK)
		rc = person_update(&r->person, &own, &update, err);
	if (rc == OK)
		rc = link_consume(call, &r->link, err);
	return rc == OK ? call_close(&own, err) : rc;
}

static void
done(struct visit *v)
{
	visit_go(v, "/sign-in?done=password", NULL);
}

static void
hashed(struct visit *v)
{
	visit_change(v, PLATFORM, set_password, done);
}

void
reset_link_act(struct visit *v)
{
	struct resetting *r = v->state;
	struct error err = {0};
	const struct password_rule rule = {
		r->person.email, r->person.name, second_factors_any(&r->factors)};
	struct str typed = visit_field(v, "new_password");

	enum status rc = password_check(
		&r->normal, typed.ptr ? typed : STR(""), &rule, http_arena(v->http), &err);
	if (rc == OK) {
		v->task.wanted = r->normal;
		visit_password(v, hashed);
	} else if (rc == ERR_INVALID) {
		v->status = http_status_of(rc);
		v->error = str_from(err.text);
		reset_link_show(v);
	} else {
		visit_fail(v, &err);
	}
}
