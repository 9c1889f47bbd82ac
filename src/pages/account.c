/* One's own: where one is signed in, one's password, and what there is beside it. */
#include "base/clock.h"
#include "iam/people/sign_out.h"
#include "pages/own.h"
#include "signin/password.h"

static enum status
find_person(struct owned *o, struct visit *v, struct call *call, struct error *err)
{
	bool found;

	enum status rc = person_find_by_id(&o->person, &found, call, v->session.person, err);
	if (rc == OK && !found)
		rc = error_set(err, ERR_NOT_FOUND, "person-not-found", "There is no such account.");
	return rc;
}

enum status
account_load(struct visit *v, struct call *call, struct error *err)
{
	const struct session_owner owner = {v->session.person, v->session.principal};
	struct owned *o = arena_new_one(call->arena, struct owned);
	bool person = !uuid_is_nil(owner.person.id);

	v->state = o;
	if (!o)
		return error_no_memory(err);
	enum status rc = session_list(&o->sessions, &o->count, call, owner, err);
	if (rc == OK)
		rc = consent_list(&o->consents, &o->consent_count, call, owner, err);
	if (rc == OK && person)
		rc = find_person(o, v, call, err);
	if (rc == OK && person)
		rc = own_load_factors(v, call, err);
	return rc;
}

/* What a browser calls itself, in two words: enough to tell one's own apart. */
static struct str
browser_of(struct visit *v, struct str agent)
{
	static const char *const programs[][2] = {{"Edg/", "Edge"}, {"OPR/", "Opera"},
		{"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"},
		{"curl/", "curl"}};
	static const char *const systems[][2] = {{"Android", "Android"}, {"iPhone", "iPhone"},
		{"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"},
		{"CrOS", "ChromeOS"}, {"Linux", "Linux"}};
	const char *program = "A browser", *system = NULL;

	for (size_t i = ARRAY_LEN(programs); i-- > 0;)
		if (memmem(agent.ptr, agent.len, programs[i][0], strlen(programs[i][0])))
			program = programs[i][1];
	for (size_t i = ARRAY_LEN(systems); i-- > 0;)
		if (memmem(agent.ptr, agent.len, systems[i][0], strlen(systems[i][0])))
			system = systems[i][1];
	return visit_print(v, system ? "%s on %s" : "%s", program, system);
}

static struct str
own_path(struct visit *v, const char *below)
{
	return visit_print(v, "%.*s/account%s", STR_ARG(v->base), below);
}

struct str
own_time(struct visit *v, int64_t time_us)
{
	char text[CLOCK_TEXT_MAX];

	clock_format(text, time_us);
	return visit_print(v, "%.10s %.5s UTC", text, text + 11);
}

#define SESSION_VALUES 6

static struct html_map
map_of(struct visit *v, const struct session *s)
{
	struct html_value *values =
		arena_new_array(http_arena(v->http), struct html_value, SESSION_VALUES);
	char id[UUID_TEXT_LEN + 1];

	if (!values)
		return (struct html_map){NULL, 0};
	uuid_format(id, s->id.id);
	values[0] = HTML_S("id", visit_print(v, "%s", id));
	values[1] = HTML_S("what", browser_of(v, s->agent));
	values[2] = HTML_S("address", s->address);
	values[3] = HTML_S("since", own_time(v, s->created_us));
	values[4] = HTML_S("used", own_time(v, s->used_us));
	values[5] = HTML_B("current", uuid_eq(s->id.id, v->session.id.id));
	return (struct html_map){values, SESSION_VALUES};
}

static struct str
notice_of(const struct visit *v)
{
	static const char *const notices[][2] = {
		{"password", "Your password is changed, and you are signed out everywhere else."},
		{"session", "That session has ended."},
		{"others", "You are signed out everywhere else."},
		{"withdrawn", "That application has no access any more."},
		{"again", "Thank you. You can make your change now."},
		{"totp", "Your authenticator app is on."},
		{"totp_off", "Your authenticator app is off."},
		{"passkey", "The passkey is added."},
		{"passkey_renamed", "The passkey has its new name."},
		{"passkey_removed", "The passkey is removed."},
	};
	struct str done = visit_param(v, "done");

	for (size_t i = 0; i < ARRAY_LEN(notices); i++) {
		if (str_eq(done, str_from(notices[i][0])))
			return str_from(notices[i][1]);
	}
	return STR("");
}

static int
least_of(const struct owned *o)
{
	return second_factors_any(&o->factors) ? PASSWORD_LEAST_SECOND : PASSWORD_LEAST;
}

void
account_show(struct visit *v)
{
	const struct owned *o = v->state;
	struct html_map sessions[SESSIONS_LISTED_MAX], passkeys[PASSKEYS_MAX];
	struct html_map clients[CONSENTS_LISTED_MAX];
	struct error err = {0};
	struct str options = STR("");
	/* Of an end-user without a name, the address stands for it. */
	struct str name = str_eq(v->session.name, v->session.email) ? STR("") : v->session.name;
	bool person = uuid_is_nil(v->issuer.id);

	for (size_t i = 0; i < o->count; i++)
		sessions[i] = map_of(v, &o->sessions[i]);
	own_client_maps(clients, v);
	own_passkey_maps(passkeys, v);
	if (person && own_passkey_options(&options, v, &err) != OK) {
		visit_fail(v, &err);
		return;
	}
	v->action = own_path(v, "");
	v->notice = v->error.ptr ? STR("") : notice_of(v);
	visit_show(v, &page_account,
		HTML_MAP(HTML_S("name", name), HTML_S("email", v->session.email),
			HTML_S("sessions_action", own_path(v, "/sessions")),
			HTML_B("other_sessions", o->count > 1),
			HTML_L("sessions", sessions, o->count),
			HTML_S("clients_action", own_path(v, "/clients")),
			HTML_B("any_client", o->consent_count > 0),
			HTML_L("clients", clients, o->consent_count), HTML_B("person", person),
			HTML_S("password_action", STR("/account/password")),
			HTML_B("has_password", o->person.password.ptr != NULL),
			HTML_S("password_least", visit_print(v, "%d", least_of(o))),
			HTML_B("totp", o->factors.totp),
			HTML_S("totp_action", STR("/account/totp")),
			HTML_B("second", second_factors_any(&o->factors)),
			HTML_S("recovery_left", visit_print(v, "%u", o->factors.recovery_codes)),
			HTML_B("passkeys_possible", own_passkeys_possible(v)),
			HTML_S("passkeys_action", STR("/account/passkeys")),
			HTML_L("passkeys", passkeys, o->passkey_count),
			HTML_S("passkey_options", options), HTML_B("passkey_later", !options.len)));
}

/* With what clients were given in it. What has ended meanwhile was to end. */
static enum status
end_session(struct visit *v, struct call *call, struct error *err)
{
	const struct owned *o = v->state;
	struct error why = {0};
	enum status rc = ERR_NOT_FOUND;

	for (size_t i = 0; i < o->count; i++) {
		if (uuid_eq(o->sessions[i].id.id, o->ends.id))
			rc = sign_out(call, call->tx, &o->sessions[i], &why);
	}
	if (rc != OK && rc != ERR_NOT_FOUND)
		*err = why;
	return rc == ERR_NOT_FOUND ? OK : rc;
}

static void
session_ended(struct visit *v)
{
	visit_go(v, "/account?done=session", NULL);
}

static enum status
end_others(struct visit *v, struct call *call, struct error *err)
{
	return sign_out_others(call, call->tx, &v->session, err);
}

static void
others_ended(struct visit *v)
{
	visit_go(v, "/account?done=others", NULL);
}

void
account_sessions_act(struct visit *v)
{
	struct owned *o = v->state;
	struct str which = visit_field(v, "session");
	struct error err = {0};

	if (str_eq(which, STR("others"))) {
		visit_change(v, v->of.org, end_others, others_ended);
	} else if (!uuid_parse(which, &o->ends.id)) {
		(void)error_set(&err, ERR_INVALID, "session-not-stated",
			"Say which session: its identifier, or others.");
		visit_fail(v, &err);
	} else if (uuid_eq(o->ends.id, v->session.id.id)) {
		visit_go(v, "/sign-out", NULL);
	} else {
		visit_change(v, v->of.org, end_session, session_ended);
	}
}

static enum status
set_password(struct visit *v, struct call *own, struct error *err)
{
	struct owned *o = v->state;
	struct str before = o->person.password;
	const struct person_update update = {.password = str_from(v->task.out),
		.password_short = password_is_short(o->normal),
		.kept = v->session.id};

	/* Once more, now that nobody else changes it. */
	enum status rc = find_person(o, v, own, err);
	if (rc == OK && before.ptr && !str_eq(before, o->person.password))
		rc = error_set(err, ERR_CONFLICT, "changed-meanwhile",
			"Your password was changed meanwhile: load the page again.");
	return rc == OK ? person_update(&o->person, own, &update, err) : rc;
}

static void
password_set(struct visit *v)
{
	visit_go(v, "/account?done=password", NULL);
}

static void
password_hashed(struct visit *v)
{
	const struct owned *o = v->state;

	if (!v->task.match) {
		v->status = 403;
		v->error = STR("Your password now is another one.");
		account_show(v);
		return;
	}
	visit_tried_well(v, TRY_PASSWORD, o->person.email_normal);
	own_change(v, set_password, password_set);
}

static enum status
read_passwords(struct visit *v, struct error *err)
{
	struct owned *o = v->state;
	const struct password_rule rule = {
		o->person.email, o->person.name, second_factors_any(&o->factors)};
	struct str known = visit_field(v, "password"), wanted = visit_field(v, "new_password");
	struct arena *arena = http_arena(v->http);

	enum status rc =
		password_check(&o->normal, wanted.ptr ? wanted : STR(""), &rule, arena, err);
	if (rc == OK && o->person.password.ptr && (!known.ptr || known.len > PASSWORD_MAX))
		rc = error_set(err, ERR_INVALID, "password-missing",
			"Type the password that you have now as well.");
	if (rc == OK && o->person.password.ptr)
		rc = password_normal(&v->task.known, known, arena, err);
	v->task.phc = o->person.password.ptr;
	v->task.wanted = o->normal;
	return rc;
}

void
account_password_act(struct visit *v)
{
	const struct owned *o = v->state;
	struct error err = {0};

	/* Where there is no password to type, the sign-in has to be a fresh one. */
	if (!o->person.password.ptr && !own_is_fresh(v)) {
		own_ask_again(v);
		return;
	}
	enum status rc = read_passwords(v, &err);
	if (rc == ERR_INVALID) {
		v->status = http_status_of(rc);
		v->error = str_from(err.text);
		account_show(v);
	} else if (rc != OK) {
		visit_fail(v, &err);
	} else if (!visit_may_try(v, TRY_PASSWORD, o->person.email_normal)) {
		account_show(v);
	} else {
		visit_password(v, password_hashed);
	}
}
