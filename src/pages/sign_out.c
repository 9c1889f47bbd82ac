/* Leaving: asked before, since another site may have led here. */
#include "iam/people/sign_out.h"
#include "door/cookie.h"
#include "pages/routes.h"

static void
leave(struct visit *v)
{
	cookie_set_session(v->http, v->issuer, (struct str){NULL, 0});
	if (v->ticketed && v->ticket.kind == TICKET_SIGN_OUT)
		visit_go_on(v);
	else
		visit_go(v, "/signed-out", NULL);
}

void
sign_out_show(struct visit *v)
{
	if (v->signed_in)
		visit_show(v, &page_sign_out, HTML_MAP(HTML_S("email", v->session.email)));
	else
		leave(v);
}

static enum status
end(struct visit *v, struct call *call, struct error *err)
{
	return sign_out(call, call->tx, &v->session, err);
}

/* Ended elsewhere meanwhile: that is what was wanted. */
static bool
is_over(struct visit *v, const struct error *err)
{
	if (err->status != ERR_NOT_FOUND)
		return false;
	leave(v);
	return true;
}

void
sign_out_act(struct visit *v)
{
	if (!v->signed_in) {
		leave(v);
	} else if (visit_decides(v, "sign_out")) {
		v->recover = is_over;
		visit_change(v, v->of.org, end, leave);
	} else {
		v->ticketed = false;
		visit_go_on(v);
	}
}

void
signed_out_show(struct visit *v)
{
	visit_show(v, &page_signed_out,
		HTML_MAP(HTML_S("next", visit_print(v, "%.*s/sign-in", STR_ARG(v->base))),
			HTML_S("next_name", STR("Sign in"))));
}
