/* What the pages of one's own account share. */
#include "pages/own.h"

enum status
own_load_factors(struct visit *v, struct call *call, struct error *err)
{
	struct owned *o = v->state;
	bool found;

	enum status rc = second_factors_find(&o->factors, call, v->session.person, err);
	if (rc == OK)
		rc = passkey_list(&o->passkeys, &o->passkey_count, call, v->session.person, err);
	if (rc == OK)
		rc = totp_find(&o->totp, &found, call, v->session.person, err);
	o->totp_waits = rc == OK && found && !o->totp.confirmed_us;
	return rc;
}

static enum status
run(struct visit *v, struct call *call, struct error *err)
{
	const struct owned *o = v->state;
	const struct actor self = {.id = v->session.person.id};
	struct call own = *call;

	enum status rc = call_open_as(&own, call->tx, PLATFORM, &self, err);
	if (rc == OK)
		rc = o->job(v, &own, err);
	return rc == OK ? call_close(&own, err) : rc;
}

bool
own_refused(struct visit *v, const struct error *err)
{
	unsigned status = http_status_of(err->status);

	if (status >= 500)
		return false;
	v->status = status == 401 ? 403 : status;
	v->error = visit_print(v, "%s", err->text);
	account_show(v);
	return true;
}

void
own_change(struct visit *v, own_job *job, visit_step *next)
{
	struct owned *o = v->state;

	o->job = job;
	v->recover = own_refused;
	visit_change(v, PLATFORM, run, next);
}

bool
own_is_fresh(const struct visit *v)
{
	const struct session *s = &v->session;
	int64_t last_us = s->auth_us > s->second_us ? s->auth_us : s->second_us;

	return v->now_us - last_us < OWN_FRESH_US;
}

void
own_ask_again(struct visit *v)
{
	const struct owned *o = v->state;
	const struct ticket ticket = {.kind = TICKET_PAGE,
		.started_us = v->now_us,
		.max_age_s = MAX_AGE_NONE,
		.login_hint = v->session.email,
		.path = STR("/account?done=again")};

	visit_go(v,
		second_factors_any(&o->factors) ? "/sign-in?need=second_factor"
						: "/sign-in?need=login",
		&ticket);
}

enum status
own_first_codes(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;
	struct second_factors factors;

	enum status rc = second_factors_find(&factors, own, v->session.person, err);
	o->codes_made = rc == OK && factors.recovery_codes == 0;
	return o->codes_made ? recovery_codes_issue(&o->codes, own, v->session.person, err) : rc;
}

void
own_show_codes(struct visit *v)
{
	struct owned *o = v->state;
	struct html_value values[RECOVERY_CODES];
	struct html_map items[RECOVERY_CODES];

	for (size_t i = 0; i < RECOVERY_CODES; i++) {
		values[i] = HTML_Z("code", o->codes.text[i]);
		items[i] = (struct html_map){&values[i], 1};
	}
	visit_show(v, &page_recovery_codes,
		HTML_MAP(HTML_L("codes", items, RECOVERY_CODES), HTML_S("back", STR("/account"))));
	crypto_wipe(&o->codes, sizeof(o->codes));
}
