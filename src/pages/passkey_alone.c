/* Signing in by a passkey and nothing else: who it is, the passkey says, and that it is he, the
 * authenticator has seen to. */
#include "pages/second.h"
#include "signin/acr.h"

struct alone {
	struct passkey_ceremony ceremony;
	struct passkey_answer answer;
	struct passkey_holder holder;
	struct person person;
	visit_step *refused;
	void *page; /* what that shows */
};

enum status
passkey_alone_options(struct str *out, struct visit *v, struct error *err)
{
	const struct passkey_ceremony ceremony = visit_ceremony(v, PASSKEY_SIGN_IN);

	*out = STR("");
	return uuid_is_nil(v->issuer.id) ? passkey_request(out, &ceremony, NULL, 0, err) : OK;
}

static enum status
prove(struct visit *v, struct call *call, struct error *err)
{
	struct alone *a = v->state;
	struct proved proved = {.second = true};
	bool found;

	enum status rc = passkey_prove(&a->holder, call, &a->ceremony, &a->answer, err);
	if (rc != OK || uuid_is_nil(a->holder.person.id))
		return rc;
	rc = person_find_by_id(&a->person, &found, call, a->holder.person, err);
	proved.person = a->person.id;
	proved.email_normal = a->person.email_normal;
	if (rc == OK)
		rc = methods_with_second(
			&proved.methods, STR(""), a->holder.method, call->arena, err);
	return rc == OK ? visit_enter(v, call, &proved, err) : rc;
}

static void
refuse(struct visit *v, visit_step *refused)
{
	v->status = 403;
	v->error = STR("This passkey was not accepted. Try again, or sign in in another way.");
	refused(v);
}

static void
proved(struct visit *v)
{
	const struct alone *a = v->state;

	if (uuid_is_nil(a->holder.person.id)) {
		v->state = a->page;
		refuse(v, a->refused);
		return;
	}
	visit_tried_well(v, TRY_PASSWORD, (struct str){NULL, 0});
	visit_entered(v);
}

void
passkey_alone_act(struct visit *v, visit_step *refused)
{
	struct alone *a = arena_new_one(http_arena(v->http), struct alone);
	struct error err = {0};

	if (!visit_may_try(v, TRY_PASSWORD, (struct str){NULL, 0})) {
		refused(v);
		return;
	}
	enum status rc = a ? OK : error_no_memory(&err);
	if (rc == OK) {
		a->ceremony = visit_ceremony(v, PASSKEY_SIGN_IN);
		a->refused = refused;
		a->page = v->state;
		rc = passkey_read(&a->answer, &a->ceremony, visit_field(v, "passkey"), &err);
	}
	if (rc == ERR_UNAUTHENTICATED) {
		refuse(v, refused);
	} else if (rc != OK) {
		visit_fail(v, &err);
	} else {
		v->state = a;
		visit_change(v, v->of.org, prove, proved);
	}
}
