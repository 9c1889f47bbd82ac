/* Who came is proved: a session begins, and the browser is told. */
#include "door/cookie.h"
#include "iam/second_factors.h"
#include "iam/sign_out.h"
#include "pages/second.h"
#include "pages/visit.h"

/* Whether the person has to prove more: then what was proved goes with the browser, and there is no
 * session yet. */
static enum status
keep_first(struct visit *v, struct call *call, const struct proved *proved, struct error *err)
{
	const struct first_factor_seal seal = visit_first_seal(v);
	struct second_factors factors;
	struct person person;
	bool found;

	enum status rc = second_factors_find(&factors, call, proved->person, err);
	if (rc != OK || !second_factors_any(&factors))
		return rc;
	rc = person_find_by_id(&person, &found, call, proved->person, err);
	if (rc != OK)
		return rc;
	const struct first_factor first = {.person = proved->person,
		.generation = person.generation,
		.methods = proved->methods,
		.auth_us = call->now_us};
	return first_factor_close(&v->first, &first, &seal, err);
}

/* Another than who was signed in here until now: he is signed out, as by himself. */
static enum status
end_other(struct visit *v, const struct call *call, const struct proved *proved, struct error *err)
{
	struct call own = {.address = call->address,
		.now_us = call->now_us,
		.arena = call->arena,
		.directory = call->directory,
		.keyring = call->keyring};
	struct error why = {0};

	if (!v->signed_in ||
		(uuid_eq(v->session.person.id, proved->person.id) &&
			uuid_eq(v->session.principal.id, proved->principal.id)))
		return OK;
	enum status rc = sign_out(&own, call->tx, &v->session, &why);
	if (rc == OK || rc == ERR_NOT_FOUND)
		return OK;
	*err = why;
	return rc;
}

enum status
visit_begin_session(
	struct visit *v, struct call *call, const struct proved *proved, struct error *err)
{
	bool asks =
		!uuid_is_nil(proved->person.id) && uuid_is_nil(proved->provider) && !proved->second;
	enum status rc = OK;

	v->first = (struct str){NULL, 0};
	if (asks)
		rc = keep_first(v, call, proved, err);
	if (rc != OK || v->first.ptr)
		return rc;
	const struct session_draft draft = {.workspace = v->issuer,
		.principal = proved->principal,
		.person = proved->person,
		.only_org = proved->only_org,
		.provider = proved->provider,
		.methods = proved->methods,
		.second = proved->second,
		.auth_us = proved->auth_us,
		.agent = http_header(v->http, "User-Agent"),
		.lives = v->options->lives};

	v->email_normal = proved->email_normal;
	rc = end_other(v, call, proved, err);
	if (rc != OK)
		return rc;
	return session_begin(
		&v->began, &v->secret, call, &draft, v->signed_in ? &v->session : NULL, err);
}

void
visit_entered(struct visit *v)
{
	const struct browser_account account = {v->issuer, v->email_normal};
	struct error err = {0};
	struct str cookie = {NULL, 0};

	if (v->first.ptr) {
		cookie_set(v->http, FIRST_FACTOR_COOKIE, v->first);
		visit_go(v, "/sign-in/second", v->ticketed ? &v->ticket : NULL);
		return;
	}
	/* What an organisation's provider says of an address marks no browser as one that knows it.
	 */
	if (v->email_normal.ptr &&
		browser_remember(&cookie, &v->browser, v->options->signin->keyring, &account,
			http_arena(v->http), &err) != OK) {
		visit_fail(v, &err);
		return;
	}
	cookie_set_session(v->http, v->issuer, str_from(v->secret.text));
	if (cookie.ptr)
		cookie_keep(v->http, BROWSER_COOKIE, cookie, BROWSER_COOKIE_LIFE_S);
	crypto_wipe(&v->secret, sizeof(v->secret));
	visit_go_on(v);
}

/* Hashing takes its time: a password that was changed meanwhile opens nothing. */
static enum status
check_password_stands(const struct person *verified, struct call *call, struct error *err)
{
	struct person person;
	bool found;

	if (uuid_is_nil(verified->id.id))
		return OK;
	enum status rc = person_find_by_id(&person, &found, call, verified->id, err);
	if (rc != OK || (found && person.generation == verified->generation))
		return rc;
	return error_set(err, ERR_FORBIDDEN, "password-changed",
		"The password was changed meanwhile: sign in again.");
}

static enum status
begin(struct visit *v, struct call *call, struct error *err)
{
	const struct proved *proved = v->state;

	enum status rc = check_password_stands(&proved->rehash, call, err);
	if (rc == OK)
		rc = visit_begin_session(v, call, proved, err);
	if (rc == OK && proved->phc.ptr)
		rc = person_rehash(call, &proved->rehash, proved->phc, err);
	return rc;
}

void
visit_proved(struct visit *v, const struct proved *proved)
{
	struct proved *kept = arena_new_one(http_arena(v->http), struct proved);
	struct error err = {0};

	if (!kept) {
		(void)error_no_memory(&err);
		visit_fail(v, &err);
		return;
	}
	*kept = *proved;
	v->state = kept;
	visit_change(v, v->of.org, begin, visit_entered);
}
