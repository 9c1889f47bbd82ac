/*
 * The second step of a sign-in: of who has proved a password, or is signed in by one factor where
 * two are wanted. With a code of an app, a passkey, or a recovery code.
 */
#include "pages/second.h"
#include "door/cookie.h"
#include "iam/people/second_factors.h"
#include "pages/routes.h"

enum first_source {
	FIRST_OF_NOBODY = 0,
	FIRST_OF_BROWSER, /* a cookie, as good as the person's generation */
	FIRST_OF_SESSION, /* as good as that */
};

struct second_step {
	struct first_factor first;
	enum first_source source;
	bool found; /* the person, for whom the first factor counts */
	struct person person;
	struct second_factors factors;
	struct passkey *passkeys;
	size_t passkey_count;
	struct str options; /* for passkeys; "" where they are of no use */

	struct second_factor tried;
	struct passkey_ceremony ceremony;
	struct passkey_answer answer;
	bool recovers, accepted;
};

struct first_factor_seal
visit_first_seal(const struct visit *v)
{
	return (struct first_factor_seal){
		v->browser.id, v->options->signin->keyring, v->now_us, http_arena(v->http)};
}

struct passkey_ceremony
visit_ceremony(const struct visit *v, enum passkey_purpose purpose)
{
	return (struct passkey_ceremony){.purpose = purpose,
		.base_url = v->options->signin->base_url,
		.browser = v->browser.id,
		.ring = v->options->signin->keyring,
		.now_us = v->now_us,
		.arena = http_arena(v->http)};
}

/* What was proved last: in this browser, or by its session. */
static enum status
find_first(struct second_step *s, const struct visit *v, struct error *err)
{
	const struct first_factor_seal seal = visit_first_seal(v);
	const struct session *session = &v->session;
	bool found;

	enum status rc = first_factor_open(
		&s->first, &found, cookie_get(v->http, FIRST_FACTOR_COOKIE), &seal, err);
	if (rc != OK)
		return rc;
	s->source = found ? FIRST_OF_BROWSER : FIRST_OF_NOBODY;
	if (!v->signed_in || (found && s->first.auth_us > session->auth_us))
		return OK;
	s->source = FIRST_OF_SESSION;
	s->first = (struct first_factor){.person = session->person,
		.only_org = session->only_org,
		.provider = session->provider,
		.methods = session->methods,
		.auth_us = session->auth_us};
	return OK;
}

static enum status
load_factors(struct second_step *s, struct call *call, struct error *err)
{
	enum status rc = second_factors_find(&s->factors, call, s->person.id, err);
	if (rc == OK)
		rc = passkey_list(&s->passkeys, &s->passkey_count, call, s->person.id, err);
	return rc;
}

/* Whose it is, if the first factor still counts. */
static enum status
find_person(struct second_step *s, struct call *call, struct error *err)
{
	enum status rc = person_find_by_id(&s->person, &s->found, call, s->first.person, err);
	s->found = s->found && s->person.state == STATE_ACTIVE &&
		(s->source == FIRST_OF_SESSION || s->person.generation == s->first.generation);
	return rc;
}

enum status
second_load(struct visit *v, struct call *call, struct error *err)
{
	struct second_step *s = arena_new_one(call->arena, struct second_step);

	v->state = s;
	if (!s)
		return error_no_memory(err);
	enum status rc = find_first(s, v, err);
	if (rc == OK && s->source != FIRST_OF_NOBODY)
		rc = find_person(s, call, err);
	return rc == OK && s->found ? load_factors(s, call, err) : rc;
}

static void
show(struct visit *v)
{
	struct second_step *s = v->state;
	const struct passkey_ceremony ceremony = visit_ceremony(v, PASSKEY_SECOND);
	struct error err = {0};

	s->options = STR("");
	if (s->passkey_count > 0 &&
		passkey_request(&s->options, &ceremony, s->passkeys, s->passkey_count, &err) !=
			OK) {
		visit_fail(v, &err);
		return;
	}
	visit_show(v, &page_second_factor,
		HTML_MAP(HTML_S("email", s->person.email),
			HTML_S("back",
				visit_print(v, "/sign-in?need=login&ticket=%.*s",
					STR_ARG(v->ticket_text))),
			HTML_B("totp", s->factors.totp), HTML_S("passkey_options", s->options),
			HTML_B("recovery", s->factors.recovery_codes > 0),
			HTML_B("recovery_open", s->recovers)));
}

/* Whoever has none is as far as he can get. */
void
second_show(struct visit *v)
{
	const struct second_step *s = v->state;

	if (!s->found)
		visit_go(v, "/sign-in", v->ticketed ? &v->ticket : NULL);
	else if (!second_factors_any(&s->factors))
		visit_go_on(v);
	else
		show(v);
}

static struct str
refusal_of(const struct second_step *s)
{
	if (s->tried.passkey)
		return STR("This passkey was not accepted. Try again.");
	if (s->recovers)
		return STR("This recovery code is not right, or was used before.");
	return STR("This code is not right, or was used before: wait for the next one.");
}

static void
refuse(struct visit *v)
{
	v->status = 403;
	v->error = refusal_of(v->state);
	show(v);
}

/* Of the account and of this step alone: a password that is right forgets nothing here. */
static struct str
account_of(struct visit *v)
{
	const struct second_step *s = v->state;
	char id[UUID_TEXT_LEN + 1];

	uuid_format(id, s->person.id.id);
	return visit_print(v, "second %s", id);
}

static enum status
prove(struct visit *v, struct call *call, struct error *err)
{
	struct second_step *s = v->state;
	struct proved proved = {.person = s->first.person,
		.only_org = s->first.only_org,
		.provider = s->first.provider,
		.auth_us = s->first.auth_us,
		.second = true};
	struct str method;

	/* What was proved first may have ended since. */
	s->accepted = false;
	enum status rc = s->source == FIRST_OF_SESSION ? visit_stands(v, call, err) : OK;
	if (rc == OK)
		rc = find_person(s, call, err);
	if (rc == OK && s->found)
		rc = second_factor_prove(&method, call, s->person.id, &s->tried, err);
	proved.email_normal = s->person.email_normal;
	s->accepted = rc == OK && s->found && method.ptr;
	if (!s->accepted)
		return rc;
	rc = methods_with_second(&proved.methods, s->first.methods, method, call->arena, err);
	return rc == OK ? visit_enter(v, call, &proved, err) : rc;
}

static void
proved(struct visit *v)
{
	const struct second_step *s = v->state;

	if (!s->accepted) {
		if (s->found)
			refuse(v);
		else
			second_show(v);
		return;
	}
	visit_tried_well(v, TRY_PASSWORD, account_of(v));
	cookie_set(v->http, FIRST_FACTOR_COOKIE, (struct str){NULL, 0});
	visit_entered(v);
}

/* False when what was sent proves nothing by its form. */
static bool
read_try(struct visit *v, struct error *err)
{
	struct second_step *s = v->state;
	struct str with = visit_field(v, "with");

	s->recovers = str_eq(with, STR("recovery"));
	if (s->recovers) {
		s->tried.recovery_code = visit_field(v, "recovery_code");
		return s->tried.recovery_code.ptr;
	}
	if (!str_eq(with, STR("passkey"))) {
		s->tried.code = visit_field(v, "code");
		return s->tried.code.ptr;
	}
	s->ceremony = visit_ceremony(v, PASSKEY_SECOND);
	s->tried.ceremony = &s->ceremony;
	s->tried.passkey = &s->answer;
	return passkey_read(&s->answer, &s->ceremony, visit_field(v, "passkey"), err) == OK;
}

void
second_act(struct visit *v)
{
	const struct second_step *s = v->state;
	struct error err = {0};

	if (!s->found || !second_factors_any(&s->factors))
		second_show(v);
	else if (!visit_may_try(v, TRY_PASSWORD, account_of(v)))
		show(v);
	else if (read_try(v, &err))
		visit_change(v, v->of.org, prove, proved);
	else if (err.status == OK || err.status == ERR_UNAUTHENTICATED)
		refuse(v);
	else
		visit_fail(v, &err);
}
