/*
 * The password of who was named on the page before. For an address that nobody has, the same is
 * done: a row is looked for, and a hash verified that no password has.
 */
#include "signin/password.h"
#include "pages/routes.h"

struct trying {
	struct typed_email typed;
	bool found;
	struct person person;
};

static void
show(struct visit *v, struct str email)
{
	struct str back = visit_print(v, "/sign-in?ticket=%.*s", STR_ARG(v->ticket_text));

	visit_show(v, &page_password,
		HTML_MAP(HTML_S("email", email), HTML_S("back", back),
			HTML_S("reset",
				visit_print(v, "/reset?ticket=%.*s", STR_ARG(v->ticket_text))),
			HTML_B("links", true), HTML_S("link_action", STR("/sign-in"))));
}

void
password_show(struct visit *v)
{
	if (v->ticketed && v->ticket.login_hint.ptr)
		show(v, v->ticket.login_hint);
	else
		visit_go(v, "/sign-in", v->ticketed ? &v->ticket : NULL);
}

static enum status
find(struct visit *v, struct call *call, struct error *err)
{
	struct trying *t = v->state;

	return person_find(&t->person, &t->found, call, t->typed.normal, err);
}

static bool
is_open(const struct trying *t)
{
	return t->found && t->person.state == STATE_ACTIVE && t->person.password.ptr;
}

static void
verified(struct visit *v)
{
	const struct trying *t = v->state;

	if (!v->task.match || !is_open(t)) {
		v->status = 403;
		v->error = STR("The address or the password is not right.");
		show(v, t->typed.email);
		return;
	}
	visit_tried_well(v, TRY_PASSWORD, t->typed.normal);
	const struct proved proved = {.person = t->person.id,
		.email_normal = t->person.email_normal,
		.methods = METHOD_PASSWORD,
		.rehash = t->person,
		.phc = v->task.out[0] ? str_from(v->task.out) : (struct str){NULL, 0}};
	visit_proved(v, &proved);
}

static void
verify(struct visit *v)
{
	const struct trying *t = v->state;

	v->task.phc = is_open(t) ? t->person.password.ptr : password_of_nobody;
	visit_password(v, verified);
}

static enum status
prepare(struct visit *v, struct error *err)
{
	struct trying *t = arena_new_one(http_arena(v->http), struct trying);
	struct str typed = visit_field(v, "password");

	v->state = t;
	if (!t)
		return error_no_memory(err);
	enum status rc = visit_email(&t->typed, v, err);
	if (rc == OK && (!typed.ptr || typed.len > PASSWORD_MAX))
		rc = error_set(err, ERR_INVALID, "password-too-long",
			"The address or the password is not right.");
	if (rc == OK)
		rc = password_normal(&v->task.known, typed, http_arena(v->http), err);
	return rc;
}

void
password_act(struct visit *v)
{
	struct error err = {0};

	enum status rc = prepare(v, &err);
	const struct trying *t = v->state;
	if (rc == ERR_INVALID) {
		v->status = http_status_of(rc);
		v->error = str_from(err.text);
		show(v, visit_field(v, "email").ptr ? visit_field(v, "email") : STR(""));
	} else if (rc != OK) {
		visit_fail(v, &err);
	} else if (!visit_may_try(v, TRY_PASSWORD, t->typed.normal)) {
		v->error =
			visit_print(v, "%.*s A link by e-mail works at once.", STR_ARG(v->error));
		show(v, t->typed.email);
	} else {
		visit_read(v, find, verify);
	}
}
