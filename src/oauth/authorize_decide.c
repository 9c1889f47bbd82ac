#include "oauth/authorize_decide.h"

#include "iam/tokens/scopes_of_token.h"
#include "signin/session.h"

/* The same error codes as OpenID Connect Core section 3.1.2.6. */
static enum authorize_step
refuse(struct error *err, const char *code, const char *text)
{
	(void)error_set(err, ERR_FORBIDDEN, code, "%s", text);
	return AUTHORIZE_REFUSE;
}

/* What the user would be asked; prompt none allows no question. */
static enum authorize_step
ask(const struct ticket *ticket, enum authorize_step step, const char *code, struct error *err)
{
	if (ticket->prompt & PROMPT_NONE)
		return refuse(err, code, "The user has to be asked, and prompt is none.");
	return step;
}

void
authorize_choose(struct authorize_who *who, const struct ticket *ticket, bool *several)
{
	const struct session *session = &who->session;
	size_t found = who->count;

	*several = false;
	who->org = (struct org_id){0};
	who->principal = (struct principal_id){0};
	if (uuid_is_nil(session->person.id)) {
		who->org = session->org;
		who->principal = session->principal;
		return;
	}
	const struct membership *m =
		session_member(session, who->memberships, &found, ticket->organisation);
	if (m) {
		who->org = m->org;
		who->principal = m->principal;
	}
	*several = found > 1;
}

/* Signed in since the request came: what it asks for anew has been done. */
static bool
is_fresh(const struct ticket *ticket, const struct session *session)
{
	return session->auth_us >= ticket->started_us;
}

static bool
is_too_old(const struct ticket *ticket, const struct session *session, int64_t now_us)
{
	if (is_fresh(ticket, session))
		return false;
	if (ticket->prompt & PROMPT_LOGIN)
		return true;
	return ticket->max_age_s != MAX_AGE_NONE &&
		now_us - session->auth_us > ticket->max_age_s * US_PER_S;
}

static bool
is_chosen(const struct ticket *ticket, const struct session *session)
{
	struct uuid who =
		uuid_is_nil(session->person.id) ? session->principal.id : session->person.id;
	return !(ticket->prompt & PROMPT_SELECT_ACCOUNT) || is_fresh(ticket, session) ||
		uuid_eq(ticket->account, who);
}

static bool
is_meant(const struct ticket *ticket, const struct authorize_who *who)
{
	char text[UUID_TEXT_LEN + 1];
	uuid_format(text, who->principal.id);
	return !ticket->subject.ptr || str_eq(ticket->subject, str_from(text));
}

static enum authorize_step
decide_second(const struct ticket *ticket, const struct authorize_who *who, struct error *err)
{
	if (ticket->second == SECOND_NOT_ASKED || who->session.second_us > 0)
		return AUTHORIZE_ALLOW;
	if (who->has_second)
		return ask(ticket, AUTHORIZE_SECOND_FACTOR, "interaction_required", err);
	if (ticket->second == SECOND_NEEDED)
		return refuse(err, "unmet_authentication_requirements",
			"The user has no second factor, which is essential.");
	return AUTHORIZE_ALLOW;
}

static enum authorize_step
decide_place(const struct ticket *ticket, struct authorize_who *who, struct error *err)
{
	bool several;
	authorize_choose(who, ticket, &several);
	if (several)
		return ask(ticket, AUTHORIZE_SELECT_ORGANISATION, "interaction_required", err);
	if (!uuid_is_nil(who->principal.id))
		return AUTHORIZE_ALLOW;
	(void)refuse(err, "access_denied", "The user belongs to no organisation that is meant.");
	return ticket->prompt & PROMPT_NONE ? AUTHORIZE_REFUSE : AUTHORIZE_NOWHERE;
}

enum authorize_step
authorize_decide(const struct ticket *ticket, const struct authorize_who *found, int64_t now_us,
	struct error *err)
{
	struct authorize_who who = *found;
	if (ticket->denied)
		return refuse(err, "access_denied", "The user has refused.");
	if (!who.found || is_too_old(ticket, &who.session, now_us))
		return ask(ticket, AUTHORIZE_SIGN_IN, "login_required", err);
	if (!is_chosen(ticket, &who.session))
		return AUTHORIZE_SELECT_ACCOUNT;
	enum authorize_step step = decide_second(ticket, &who, err);
	if (step == AUTHORIZE_ALLOW)
		step = decide_place(ticket, &who, err);
	if (step != AUTHORIZE_ALLOW)
		return step;
	if (is_meant(ticket, &who))
		return AUTHORIZE_CONSENT;
	/* Somebody else is signed in; if he has only just done so, asking again is of no use. */
	if (is_fresh(ticket, &who.session))
		return refuse(err, "login_required", "Somebody else has signed in than was meant.");
	return ask(ticket, AUTHORIZE_SIGN_IN, "login_required", err);
}

enum authorize_step
authorize_decide_consent(const struct ticket *ticket, const struct authorize_who *who,
	struct str scope, struct error *err)
{
	bool anew = ticket->prompt & PROMPT_CONSENT &&
		(!who->consented || who->consent.given_us < ticket->started_us);
	if (!anew && who->consented && scope_covers(who->consent.scope, scope))
		return AUTHORIZE_ALLOW;
	return ask(ticket, AUTHORIZE_CONSENT, "consent_required", err);
}
