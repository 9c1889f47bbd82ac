/* Who came is proved: a session begins, and the browser is told. */
#include "door/cookie.h"
#include "pages/visit.h"

enum status
visit_begin_session(
	struct visit *v, struct call *call, const struct proved *proved, struct error *err)
{
	const struct session_draft draft = {.workspace = v->issuer,
		.principal = proved->principal,
		.person = proved->person,
		.methods = proved->methods,
		.agent = http_header(v->http, "User-Agent"),
		.lives = v->options->lives};

	v->email_normal = proved->email_normal;
	return session_begin(
		&v->began, &v->secret, call, &draft, v->signed_in ? &v->session : NULL, err);
}

void
visit_entered(struct visit *v)
{
	const struct browser_account account = {v->issuer, v->email_normal};
	struct cookie_name space;
	struct error err = {0};
	struct str cookie;

	if (browser_remember(&cookie, &v->browser, v->options->signin->keyring, &account,
		    http_arena(v->http), &err) != OK) {
		visit_fail(v, &err);
		return;
	}
	cookie_set(v->http, cookie_of_session(&space, v->issuer), str_from(v->secret.text));
	cookie_keep(v->http, BROWSER_COOKIE, cookie, BROWSER_COOKIE_LIFE_S);
	crypto_wipe(&v->secret, sizeof(v->secret));
	visit_go_on(v);
}

static enum status
begin(struct visit *v, struct call *call, struct error *err)
{
	const struct proved *proved = v->state;

	enum status rc = visit_begin_session(v, call, proved, err);
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
