/*
 * A link that was sent to sign in by. Whoever opens it is shown a button: mail scanners and
 * previews send no forms. In another browser than the one that asked, he is told whose sign-in it
 * is.
 */
#include "pages/routes.h"

enum status
link_load(struct visit *v, struct call *call, struct error *err)
{
	struct link *link = arena_new_one(call->arena, struct link);

	v->state = link;
	if (!link)
		return error_no_memory(err);
	enum status rc = link_find(link, call, LINK_SIGN_IN, visit_param(v, "link"), err);
	if (rc == OK && !uuid_eq(link->workspace.id, v->issuer.id))
		rc = error_set(err, ERR_NOT_FOUND, "link-unknown",
			"This link does not work: it is incomplete.");
	if (rc != OK)
		return rc;
	/* Where the browser that asked wanted to go on to. What has waited too long is left out. */
	rc = visit_take_ticket(v, link->request, err);
	return rc == OK ? visit_load_client(v, call, err) : rc;
}

void
link_show(struct visit *v)
{
	const struct link *link = v->state;
	uint8_t digest[SHA256_LEN];

	browser_digest(digest, &v->browser);
	bool here = str_eq(link->browser, (struct str){(const char *)digest, sizeof(digest)});
	v->action = visit_print(v, "%.*s/sign-in/link?link=%.*s", STR_ARG(v->base),
		STR_ARG(visit_param(v, "link")));
	visit_show(v, &page_link_confirm,
		HTML_MAP(HTML_S("email", link->email),
			HTML_B("elsewhere", link->browser.ptr && !here)));
}

static enum status
enter(struct visit *v, struct call *call, struct error *err)
{
	struct link *link = v->state;

	enum status rc = link_sign_in(link, call, v->issuer, visit_param(v, "link"), err);
	const struct proved proved = {.person = link->person,
		.principal = link->principal,
		.email_normal = link->email_normal,
		.methods = METHOD_LINK};
	return rc == OK ? visit_enter(v, call, &proved, err) : rc;
}

void
link_act(struct visit *v)
{
	visit_change(v, v->of.org, enter, visit_entered);
}
