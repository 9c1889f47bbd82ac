#include "iam_support.h"

#include <string.h>

#include "base/clock.h"
#include "iam/mails/mails.h"
#include "iam/people/links.h"
#include "iam/people/persons.h"
#include "iam/people/sessions.h"
#include "iam/tokens/consents.h"
#include "iam/tokens/scopes_of_token.h"
#include "iam/upkeep/purge.h"

/* Accounts, and what belongs to them: sessions of browsers, links, mails, consents. */

static const struct session_lives LIVES = {.idle_s = 3600, .absolute_s = 7200};

/* Kept from job to job; the texts are copied. */
static struct {
	struct person_id person, other;
	struct session session;
	struct secret_text secret, link;
} at;

/* As an event, or as whatever the use case opens; it has to succeed. */
static void
run(struct house *h, use_case *use, void *arg)
{
	struct error err = {0};

	if (house_try(h, NULL, use, arg, &err) != OK)
		fail_msg("%s: %s (%s) %s:%d", err.code, err.text, err.detail, err.file, err.line);
}

static void
refused(struct house *h, use_case *use, void *arg, const char *code)
{
	house_refused(h, NULL, use, arg, code);
}

static enum status
open_as_server(struct call *call, struct org_id org, struct error *err)
{
	return call_open_as(call, call->tx, org, &(struct actor){0}, err);
}

static enum status
make_person(struct person_id *out, struct call *call, const char *email, struct error *err)
{
	struct person person;
	const struct person_draft draft = {str_from(email), str_from(email), STR("Somebody")};

	enum status rc = person_create(&person, call, &draft, err);
	*out = person.id;
	return rc;
}

static enum status
make_persons(struct call *call, void *arg, struct error *err)
{
	(void)arg;
	directory_enter();
	enum status rc = open_as_server(call, PLATFORM, err);
	if (rc == OK)
		rc = make_person(&at.person, call, "ada@example.org", err);
	if (rc == OK)
		rc = make_person(&at.other, call, "eve@example.org", err);
	if (rc == OK)
		rc = call_close(call, err);
	directory_leave();
	return rc;
}

static int
set_up(void **state)
{
	house_set_up(state);
	run(*state, make_persons, NULL);
	return 0;
}

static enum status
update_person(struct call *call, void *arg, struct error *err)
{
	struct person person;
	bool found;

	directory_enter();
	enum status rc = open_as_server(call, PLATFORM, err);
	if (rc == OK)
		rc = person_find(&person, &found, call, STR("ada@example.org"), err);
	int64_t generation = person.generation;
	if (rc == OK)
		rc = person_update(&person, call, arg, err);
	if (rc == OK)
		rc = call_close(call, err);
	directory_leave();
	assert_true(rc != OK || person.generation == generation + 1);
	return rc;
}

static enum status
begin_session(struct call *call, void *arg, struct error *err)
{
	const struct session *before = arg;
	const struct session_draft draft = {.person = at.person,
		.methods = METHOD_PASSWORD,
		.agent = STR("Browser/1.0"),
		.lives = LIVES};

	call_open_event(call, call->tx, PLATFORM);
	return session_begin(&at.session, &at.secret, call, &draft, before, err);
}

struct finding {
	bool found;
	int64_t later_us;
	struct workspace_id workspace;
	const char *secret;
	struct person_id person;
	int64_t expires_us;
};

static enum status
find_session(struct call *call, void *arg, struct error *err)
{
	struct finding *f = arg;
	struct session session = {0};

	call->now_us += f->later_us;
	call_open_event(call, call->tx, PLATFORM);
	enum status rc =
		session_find(&session, &f->found, call, f->workspace, str_from(f->secret), err);
	f->person = session.person;
	f->expires_us = session.expires_us;
	return rc;
}

static bool
is_signed_in(struct house *h, const char *secret, int64_t later_us)
{
	struct finding f = {.secret = secret, .later_us = later_us};

	run(h, find_session, &f);
	return f.found && uuid_eq(f.person.id, at.person.id);
}

static void
test_iam_accounts__session(void **state)
{
	struct secret_text broken;
	struct finding f = {.secret = at.secret.text};

	run(*state, begin_session, NULL);
	assert_true(is_signed_in(*state, at.secret.text, 0));
	assert_true(is_signed_in(*state, at.secret.text, 3599 * US_PER_S));
	assert_false(is_signed_in(*state, at.secret.text, 3601 * US_PER_S));
	assert_false(is_signed_in(*state, "", 0));

	/* Of another workspace, of another kind, of nobody. */
	f.workspace.id = uuid_new();
	run(*state, find_session, &f);
	assert_false(f.found);
	broken = at.secret;
	memcpy(broken.text, "twr_", 4);
	assert_false(is_signed_in(*state, broken.text, 0));
	struct secret_text foreign;
	secret_issue(&foreign, "twb_", PLATFORM.id, at.session.id.id);
	assert_false(is_signed_in(*state, foreign.text, 0));
}

static enum status
note_use(struct call *call, void *arg, struct error *err)
{
	const int64_t *later_us = arg;
	const struct session_use use = {PLATFORM, at.session.id, clock_now_us() + *later_us};

	return session_note_uses(call->tx, &use, 1, LIVES, err);
}

static void
test_iam_accounts__session_use(void **state)
{
	struct finding f = {.secret = at.secret.text};
	int64_t later_us = 3000 * US_PER_S;

	run(*state, begin_session, NULL);
	run(*state, note_use, &later_us);
	assert_true(is_signed_in(*state, at.secret.text, 6000 * US_PER_S));
	/* The end of all is not put off; what is older is not noted. */
	later_us = 6000 * US_PER_S;
	run(*state, note_use, &later_us);
	run(*state, find_session, &f);
	assert_true(f.expires_us == at.session.auth_us + LIVES.absolute_s * US_PER_S);
	later_us = 1000 * US_PER_S;
	run(*state, note_use, &later_us);
	assert_true(is_signed_in(*state, at.secret.text, 7100 * US_PER_S));
}

static void
test_iam_accounts__session_again(void **state)
{
	run(*state, begin_session, NULL);
	struct session first = at.session;
	struct secret_text secret = at.secret;

	/* Of the same person: the same session under a new secret. */
	run(*state, begin_session, &first);
	assert_true(uuid_eq(first.id.id, at.session.id.id));
	assert_true(is_signed_in(*state, at.secret.text, 0));
	assert_false(is_signed_in(*state, secret.text, 0));

	/* Of another one: the first is gone. */
	struct person_id ada = at.person;
	first = at.session;
	secret = at.secret;
	at.person = at.other;
	run(*state, begin_session, &first);
	assert_false(uuid_eq(first.id.id, at.session.id.id));
	assert_true(is_signed_in(*state, at.secret.text, 0));
	at.person = ada;
	assert_false(is_signed_in(*state, secret.text, 0));
}

static void
test_iam_accounts__session_ends(void **state)
{
	struct person_update update = {.password = STR("$argon2id$x"), .verified = true};

	run(*state, begin_session, NULL);
	struct secret_text kept = at.secret;
	update.kept = at.session.id;
	run(*state, begin_session, NULL);
	run(*state, update_person, &update);
	assert_true(is_signed_in(*state, kept.text, 0));
	assert_false(is_signed_in(*state, at.secret.text, 0));

	/* Suspended: not even the one that is kept. */
	update = (struct person_update){.state = STATE_SUSPENDED, .kept = update.kept};
	run(*state, update_person, &update);
	assert_false(is_signed_in(*state, kept.text, 0));
	update = (struct person_update){.state = STATE_ACTIVE};
	run(*state, update_person, &update);
	assert_false(is_signed_in(*state, kept.text, 0));
}

struct ending {
	struct person_id who;
	struct session_id id;
	size_t left;
};

static enum status
end_session(struct call *call, void *arg, struct error *err)
{
	struct ending *e = arg;
	struct session_owner owner = {.person = e->who};
	struct session *sessions;

	directory_enter();
	enum status rc = open_as_server(call, PLATFORM, err);
	if (rc == OK)
		rc = session_end(call, owner, e->id, err);
	if (rc == OK)
		rc = session_list(&sessions, &e->left, call, owner, err);
	if (rc == OK)
		rc = call_close(call, err);
	directory_leave();
	return rc;
}

static void
test_iam_accounts__sessions_of_ones_own(void **state)
{
	run(*state, begin_session, NULL);
	struct ending e = {.who = at.other, .id = at.session.id};

	refused(*state, end_session, &e, "session-not-found");
	assert_true(is_signed_in(*state, at.secret.text, 0));
	e.who = at.person;
	struct secret_text first = at.secret;
	run(*state, begin_session, NULL);
	run(*state, end_session, &e);
	assert_int_equal(e.left, 1);
	assert_false(is_signed_in(*state, first.text, 0));
	assert_true(is_signed_in(*state, at.secret.text, 0));
	refused(*state, end_session, &e, "session-not-found");
}

static enum status
issue_link(struct call *call, void *arg, struct error *err)
{
	struct link link;
	const struct link draft = {.kind = LINK_SIGN_IN,
		.person = at.person,
		.email = STR("ada@example.org"),
		.email_normal = STR("ada@example.org"),
		.request = STR("onward")};

	(void)arg;
	call_open_event(call, call->tx, PLATFORM);
	return link_issue(&link, &at.link, call, &draft, err);
}

struct using
{
	const char *secret;
	enum link_kind kind;
	int64_t later_us;
	bool look; /* and no more */
};

static enum status
use_link(struct call *call, void *arg, struct error *err)
{
	const struct using *u = arg;
	struct link link;

	call->now_us += u->later_us;
	call_open_event(call, call->tx, PLATFORM);
	enum status rc = link_find(&link, call, u->kind, str_from(u->secret), err);
	if (rc == OK)
		assert_true(uuid_eq(link.person.id, at.person.id) &&
			str_eq(link.request, STR("onward")));
	return rc == OK && !u->look ? link_consume(call, &link, err) : rc;
}

static void
test_iam_accounts__link(void **state)
{
	run(*state, issue_link, NULL);
	struct secret_text older = at.link;
	run(*state, issue_link, NULL);
	struct using u = {.secret = older.text, .kind = LINK_SIGN_IN};

	refused(*state, use_link, &u, "link-unknown");
	u.secret = "";
	refused(*state, use_link, &u, "link-unknown");
	u = (struct using){.secret = at.link.text, .kind = LINK_RESET};
	refused(*state, use_link, &u, "link-unknown");
	u = (struct using){
		.secret = at.link.text, .kind = LINK_SIGN_IN, .later_us = 900 * US_PER_S};
	refused(*state, use_link, &u, "link-expired");
	u.later_us = 0;
	u.look = true;
	run(*state, use_link, &u);
	run(*state, use_link, &u);
	u.look = false;
	run(*state, use_link, &u);
	refused(*state, use_link, &u, "link-used");
}

static enum status
enqueue(struct call *call, void *arg, struct error *err)
{
	const struct mail_field fields[] = {{"link", STR("http://x/\"y\"")}};
	const struct mail_draft draft = {.template = "sign_in",
		.recipient = STR("Ada@example.org"),
		.recipient_normal = STR("ada@example.org"),
		.fields = fields,
		.field_count = 1,
		.expires_us = call->now_us + 900 * US_PER_S};

	call_open_event(call, call->tx, PLATFORM);
	return mail_enqueue(arg, call, &draft, err);
}

struct taking {
	int64_t later_us;
	size_t count;
	struct mail_result result;
	bool settle;
};

static enum status
take(struct call *call, void *arg, struct error *err)
{
	struct taking *t = arg;
	struct mail_due *due;

	call->now_us += t->later_us;
	call_open_event(call, call->tx, PLATFORM);
	enum status rc = mail_take(&due, &t->count, call, 8, 600, err);
	for (size_t i = 0; rc == OK && i < t->count; i++) {
		check_str(due[i].content, "{\"link\":\"http://x/\\\"y\\\"\"}");
		check_str(due[i].template, "sign_in");
		check_str(due[i].recipient, "Ada@example.org");
		if (t->settle)
			rc = mail_settle(call, &due[i], &t->result, err);
	}
	return rc;
}

static size_t
taken(struct house *h, struct taking t)
{
	run(h, take, &t);
	return t.count;
}

static enum status
count_dead(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql DEAD = SQL("SELECT COUNT(*) FROM mails WHERE state = 2");
	struct query q;

	enum status rc = query_begin(&q, tx, &DEAD, err);
	if (rc == OK)
		rc = query_next(&q, err);
	*(int64_t *)arg = rc == OK ? query_int(&q, 0) : -1;
	query_end(&q);
	return rc;
}

static int64_t
dead_mails(struct house *h)
{
	int64_t count;

	house_read(h, count_dead, &count);
	return count;
}

static void
test_iam_accounts__mail_limits(void **state)
{
	bool queued;

	for (int i = 0; i < MAILS_PER_RECIPIENT_HOUR; i++) {
		run(*state, enqueue, &queued);
		assert_true(queued);
		/* What was sent counts as well. */
		assert_int_equal(
			taken(*state, (struct taking){.settle = true, .result.sent = true}), 1);
	}
	run(*state, enqueue, &queued);
	assert_false(queued);
	assert_int_equal(taken(*state, (struct taking){.later_us = US_PER_S}), 0);
}

static void
test_iam_accounts__mail_tried_again(void **state)
{
	const struct mail_result failed = {.why = STR("no answer")};
	bool queued;

	run(*state, enqueue, &queued);
	/* Under a lease nobody else takes it; afterwards it is there again. */
	assert_int_equal(taken(*state, (struct taking){0}), 1);
	assert_int_equal(taken(*state, (struct taking){.later_us = 599 * US_PER_S}), 0);
	assert_int_equal(
		taken(*state,
			(struct taking){
				.later_us = 601 * US_PER_S, .settle = true, .result = failed}),
		1);
	assert_int_equal(taken(*state, (struct taking){.later_us = 700 * US_PER_S}), 0);
	assert_int_equal(taken(*state, (struct taking){.later_us = 722 * US_PER_S}), 1);
	/* Too late for whom it was meant. */
	assert_int_equal(taken(*state, (struct taking){.later_us = 4000 * US_PER_S}), 0);
	assert_int_equal(taken(*state, (struct taking){.later_us = 90000 * US_PER_S}), 0);

	run(*state, enqueue, &queued);
	assert_int_equal(taken(*state,
				 (struct taking){.settle = true,
					 .result = {.final = true, .why = STR("refused")}}),
		1);
	assert_int_equal(taken(*state, (struct taking){.later_us = 700 * US_PER_S}), 0);
}

/* What this and every build before binds a mail's seal to: what waits is opened by any of them. */
static enum status
open_sealed(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql SEALED = SQL("SELECT org, mail, content FROM mails");
	const struct house *h = arg;
	char org[UUID_TEXT_LEN + 1], id[UUID_TEXT_LEN + 1], name_space[80], plain_space[256];
	struct buf name, plain;
	struct query q;

	enum status rc = query_begin(&q, tx, &SEALED, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc != OK)
		return rc;
	assert_true(q.row);
	uuid_format(org, query_uuid(&q, 0));
	uuid_format(id, query_uuid(&q, 1));
	buf_init_fixed(&name, name_space, sizeof(name_space));
	buf_printf(&name, "mails%s%s", org, id);
	buf_init_fixed(&plain, plain_space, sizeof(plain_space));
	rc = keyring_open(h->keyring, &plain, query_bytes(&q, 2), buf_view(&name), err);
	query_end(&q);
	return rc;
}

static void
test_iam_accounts__mail_seal(void **state)
{
	bool queued;

	run(*state, enqueue, &queued);
	house_read(*state, open_sealed, *state);
	house_tamper(*state, "UPDATE mails SET content = substr(content, 1, 40)");
	assert_int_equal(taken(*state, (struct taking){0}), 0);
	assert_int_equal(dead_mails(*state), 1);
}

/* With as little memory as that. */
static enum status
take_poorly(struct call *call, void *arg, struct error *err)
{
	size_t *memory = arg;
	struct arena *arena = call->arena;
	struct mail_due *due;
	size_t count = 0;

	call->arena = arena_new(*memory);
	assert_non_null(call->arena);
	call_open_event(call, call->tx, PLATFORM);
	enum status rc = mail_take(&due, &count, call, 8, 600, err);
	*memory = rc == OK && count == 0 ? SIZE_MAX : *memory; /* given up */
	arena_free(&call->arena);
	call->arena = arena;
	return rc;
}

static void
test_iam_accounts__mail_without_memory(void **state)
{
	size_t memory = 16;
	unsigned refused = 0;
	struct error err = {0};
	bool queued;

	run(*state, enqueue, &queued);
	/* Each time it is as it was before, and sent another time. */
	while (house_try(*state, NULL, take_poorly, &memory, &err) != OK) {
		check_str(str_from(err.code), "out-of-memory");
		err = (struct error){0};
		memory += 16;
		refused++;
	}
	assert_true(refused > 8 && memory != SIZE_MAX);
	assert_int_equal(dead_mails(*state), 0);
}

static void
test_iam_accounts__mail_backoff(void **state)
{
	(void)state;
	assert_int_equal(mail_backoff_s(1), 60);
	assert_int_equal(mail_backoff_s(2), 120);
	assert_int_equal(mail_backoff_s(MAIL_ATTEMPTS_MAX), 6 * 3600);
	assert_int_equal(mail_backoff_s(INT64_MAX), 6 * 3600);
}

struct consenting {
	struct principal_id client;
	const char *scope, *wanted;
};

static enum status
consent(struct call *call, void *arg, struct error *err)
{
	const struct consenting *c = arg;
	const struct principal_id who = call->caller.principal;
	struct consent given;
	bool found;

	enum status rc = consent_give(call, who, c->client, str_from(c->scope), err);
	if (rc == OK)
		rc = consent_find(&given, &found, call, who, c->client, err);
	if (rc == OK)
		check_str(given.scope, c->wanted);
	return rc;
}

static enum status
withdraw(struct call *call, void *arg, struct error *err)
{
	const struct consenting *c = arg;
	const struct principal_id who = call->caller.principal;
	struct consent given;
	bool found = true;

	enum status rc = consent_withdraw(call, who, c->client, err);
	if (rc == OK)
		rc = consent_find(&given, &found, call, who, c->client, err);
	assert_false(found);
	return rc;
}

static void
test_iam_accounts__consent(void **state)
{
	struct consenting c = {{uuid_new()}, "a b", "a b"};

	house_run(*state, consent, &c);
	c.scope = "b  c";
	c.wanted = "a b c";
	house_run(*state, consent, &c);
	house_run(*state, withdraw, &c);
	house_run(*state, withdraw, &c);
}

static enum status
purge(struct call *call, void *arg, struct error *err)
{
	const int64_t *later_us = arg;
	struct purged done;

	enum status rc = purge_run(&done, 0, call->tx, call->now_us + *later_us, err);
	assert_false(done.more);
	return rc;
}

static enum status
count_rows(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql COUNT = SQL("SELECT (SELECT COUNT(*) FROM sessions)"
					    " + (SELECT COUNT(*) FROM links)"
					    " + (SELECT COUNT(*) FROM mails)");
	struct query q;

	enum status rc = query_begin(&q, tx, &COUNT, err);
	if (rc == OK)
		rc = query_next(&q, err);
	*(int64_t *)arg = rc == OK ? query_int(&q, 0) : -1;
	query_end(&q);
	return rc;
}

static int64_t
rows_after(struct house *h, int64_t later_us)
{
	int64_t count;

	run(h, purge, &later_us);
	house_read(h, count_rows, &count);
	return count;
}

static void
test_iam_accounts__purge(void **state)
{
	bool queued;

	run(*state, begin_session, NULL);
	run(*state, issue_link, NULL);
	run(*state, enqueue, &queued);
	assert_int_equal(rows_after(*state, 0), 3);
	/* The session goes; the link still tells that it has expired. */
	assert_int_equal(rows_after(*state, 3601 * US_PER_S), 2);
	assert_int_equal(rows_after(*state, 90000 * US_PER_S), 1);
	/* What waits to be sent is given up, and told of, by whoever sends. */
	assert_int_equal(taken(*state, (struct taking){.later_us = 4000 * US_PER_S}), 0);
	assert_int_equal(rows_after(*state, 90000 * US_PER_S), 1);
	assert_int_equal(rows_after(*state, INT64_C(31) * 86400 * US_PER_S), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)
		CASE(test_iam_accounts__session),
		CASE(test_iam_accounts__session_use),
		CASE(test_iam_accounts__session_again),
		CASE(test_iam_accounts__session_ends),
		CASE(test_iam_accounts__sessions_of_ones_own),
		CASE(test_iam_accounts__link),
		CASE(test_iam_accounts__mail_limits),
		CASE(test_iam_accounts__mail_tried_again),
		CASE(test_iam_accounts__mail_seal),
		CASE(test_iam_accounts__mail_without_memory),
		cmocka_unit_test(test_iam_accounts__mail_backoff),
		CASE(test_iam_accounts__consent),
		CASE(test_iam_accounts__purge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
