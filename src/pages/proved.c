/* Who came is proved: the browser is told what opens (signin/entrance.h). */
#include "door/cookie.h"
#include "pages/second.h"
#include "pages/visit.h"

enum status
visit_enter(struct visit *v, struct call *call, const struct proved *proved, struct error *err)
{
	const struct entrance at = {.workspace = v->issuer,
		.agent = http_header(v->http, "User-Agent"),
		.lives = v->options->lives,
		.seal = visit_first_seal(v),
		.before = v->signed_in ? &v->session : NULL};

	return entrance_pass(&v->entered, call, &at, proved, err);
}

void
visit_entered(struct visit *v)
{
	const struct browser_account account = {v->issuer, v->entered.email_normal};
	struct error err = {0};
	struct str cookie = {NULL, 0};

	if (v->entered.first.ptr) {
		cookie_set(v->http, FIRST_FACTOR_COOKIE, v->entered.first);
		visit_go(v, "/sign-in/second", v->ticketed ? &v->ticket : NULL);
		return;
	}
	/* What an organisation's provider says of an address marks no browser as one that knows it.
	 */
	if (v->entered.email_normal.ptr &&
		browser_remember(&cookie, &v->browser, v->options->signin->keyring, &account,
			http_arena(v->http), &err) != OK) {
		visit_fail(v, &err);
		return;
	}
	cookie_set_session(v->http, v->issuer, str_from(v->entered.secret.text));
	if (cookie.ptr)
		cookie_keep(v->http, BROWSER_COOKIE, cookie, BROWSER_COOKIE_LIFE_S);
	crypto_wipe(&v->entered.secret, sizeof(v->entered.secret));
	visit_go_on(v);
}

static enum status
enter(struct visit *v, struct call *call, struct error *err)
{
	return visit_enter(v, call, v->state, err);
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
	visit_change(v, v->of.org, enter, visit_entered);
}
