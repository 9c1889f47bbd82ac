/* An authenticator app of one's own: set up by its secret and a first code, and turned off. */
#include "html/qr.h"
#include "pages/own.h"

#define URI_MAX 1024

static enum status
draw(struct qr *qr, const struct visit *v, struct error *err)
{
	const struct owned *o = v->state;
	char space[URI_MAX];
	struct buf uri;

	*qr = (struct qr){0};
	buf_init_fixed(&uri, space, sizeof(space));
	totp_uri(&uri, &o->totp.secret, visit_brand(v), o->person.email);
	/* Without the picture the key can still be typed. */
	enum status rc = uri.failed ? OK : qr_draw(qr, buf_view(&uri), err);
	crypto_wipe(space, sizeof(space));
	return rc;
}

static void
show(struct visit *v)
{
	const struct owned *o = v->state;
	char secret[TOTP_SECRET_TEXT_LEN + 1];
	struct error err = {0};
	struct qr qr;

	totp_secret_text(secret, &o->totp.secret);
	if (draw(&qr, v, &err) == OK)
		visit_show(v, &page_totp_set_up,
			HTML_MAP(HTML_Z("secret", secret),
				HTML_S("qr", qr.path.ptr ? buf_view(&qr.path) : STR("")),
				HTML_Z("qr_box", qr.box), HTML_S("back", STR("/account"))));
	else
		visit_fail(v, &err);
	qr_clear(&qr);
	crypto_wipe(secret, sizeof(secret));
}

void
totp_show(struct visit *v)
{
	const struct owned *o = v->state;

	/* The secret is as good as the app that it is for. */
	if (!o->totp_waits)
		visit_go(v, "/account", NULL);
	else if (!own_is_fresh(v))
		own_ask_again(v);
	else
		show(v);
}

static enum status
confirm(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;

	enum status rc = totp_confirm(&o->accepted, own, v->session.person, o->typed, err);
	return rc == OK && o->accepted ? own_first_codes(v, own, err) : rc;
}

static void
confirmed(struct visit *v)
{
	const struct owned *o = v->state;

	if (o->accepted && o->codes_made) {
		own_show_codes(v);
	} else if (o->accepted) {
		visit_go(v, "/account?done=totp", NULL);
	} else {
		v->status = 403;
		v->error =
			STR("This is not the code that your app should show: look once more, and "
			    "whether the clock of its device is right.");
		totp_show(v);
	}
}

static enum status
begin(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;

	return totp_begin(&o->totp, own, v->session.person, err);
}

static void
begun(struct visit *v)
{
	visit_go(v, "/account/totp", NULL);
}

static enum status
turn_off(struct visit *v, struct call *own, struct error *err)
{
	return totp_remove(own, v->session.person, err);
}

static void
turned_off(struct visit *v)
{
	visit_go(v, "/account?done=totp_off", NULL);
}

static enum status
renew_codes(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;

	return recovery_codes_issue(&o->codes, own, v->session.person, err);
}

void
totp_act(struct visit *v)
{
	struct owned *o = v->state;

	o->typed = visit_field(v, "code");
	if (!own_is_fresh(v))
		own_ask_again(v);
	else if (o->typed.ptr)
		own_change(v, confirm, confirmed);
	else if (visit_decides(v, "set_up"))
		own_change(v, begin, begun);
	else if (visit_decides(v, "turn_off"))
		own_change(v, turn_off, turned_off);
	else if (visit_decides(v, "recovery_codes") && second_factors_any(&o->factors))
		own_change(v, renew_codes, own_show_codes);
	else
		visit_go(v, "/account", NULL);
}
