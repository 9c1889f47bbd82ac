#include "signin/link.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "iam/mails/mails.h"
#include "iam/people/joining.h"

#define WISHES_MAX 256
#define ARENA_MAX ((size_t)256 * 1024)

struct link_desk {
	struct store *store;
	atomic_uint waiting;
};

/* One wish on its way: its own memory, for the browser has its answer already. */
struct errand {
	struct store_job job; /* first */
	struct link_desk *desk;
	struct signin signin;
	struct link_wish wish;
	struct arena *texts, *arena;
};

enum status
link_desk_new(struct link_desk **out, struct store *store, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	(*out)->store = store;
	return OK;
}

void
link_desk_free(struct link_desk **desk)
{
	free(*desk);
	*desk = NULL;
}

static void
errand_free(struct errand *e)
{
	atomic_fetch_sub(&e->desk->waiting, 1);
	arena_free(&e->texts);
	arena_free(&e->arena);
	free(e);
}

/* Who the link is for; `found` false: nobody. */
static enum status
find_person(struct link *link, bool *found, struct call *call, struct error *err)
{
	struct person person;

	enum status rc = person_find(&person, found, call, link->email_normal, err);
	*found = rc == OK && *found && person.state == STATE_ACTIVE;
	if (*found) {
		link->person = person.id;
		link->email = person.email;
	}
	return rc;
}

static enum status
find_end_user(struct link *link, bool *found, struct call *call, struct error *err)
{
	const struct principal_name name = {
		.kind = KIND_END_USER, .workspace = link->workspace, .label = link->email_normal};
	struct principal user;

	enum status rc = principal_find(&user, found, call, &name, err);
	*found = rc == OK && *found && call->now_us < user.expires_us &&
		(user.state == STATE_ACTIVE || user.state == STATE_INVITED);
	if (*found) {
		link->principal = user.id;
		link->email = user.email;
	}
	return rc;
}

static enum status
find_holder(struct link *link, bool *found, struct call *call, struct error *err)
{
	struct sign_up sign_up;

	if (link->kind == LINK_SIGN_UP) {
		enum status rc = sign_up_find(&sign_up, call, call->chain.org, err);
		*found = rc == OK && sign_up.open;
		return rc;
	}
	return uuid_is_nil(link->workspace.id) ? find_person(link, found, call, err)
					       : find_end_user(link, found, call, err);
}

/* The address behind the link, and the template of its mail. */
static struct str
url_of(const struct errand *e, struct call *call, const char *secret)
{
	char workspace[UUID_TEXT_LEN + 1];
	struct str base = e->signin.base_url;

	if (e->wish.kind == LINK_RESET)
		return arena_printf(call->arena, "%.*s/reset/link?link=%s", STR_ARG(base), secret);
	if (e->wish.kind == LINK_SIGN_UP)
		return arena_printf(
			call->arena, "%.*s/sign-up/link?link=%s", STR_ARG(base), secret);
	if (uuid_is_nil(e->wish.issuer.id))
		return arena_printf(
			call->arena, "%.*s/sign-in/link?link=%s", STR_ARG(base), secret);
	uuid_format(workspace, e->wish.issuer.id);
	return arena_printf(
		call->arena, "%.*s/w/%s/sign-in/link?link=%s", STR_ARG(base), workspace, secret);
}

static const char *
template_of(enum link_kind kind)
{
	return kind == LINK_RESET ? "reset" : kind == LINK_SIGN_UP ? "sign_up" : "sign_in";
}

static enum mail_asker
asker_of(const struct link_wish *wish)
{
	if (wish->kind == LINK_SIGN_UP)
		return MAIL_FOR_STRANGER;
	return wish->known ? MAIL_FOR_KNOWN : MAIL_FOR_SOMEBODY;
}

static enum status
send(const struct errand *e, struct call *call, const struct link *link, struct str url,
	struct error *err)
{
	struct sign_up org = {.name = STR("Thingward")};
	struct str minutes = arena_printf(call->arena, "%d", (int)(link_life_s(link->kind) / 60));
	enum status rc = OK;
	bool queued;

	if (!url.ptr || !minutes.ptr)
		return error_no_memory(err);
	if (!org_is_platform(link->org))
		rc = sign_up_find(&org, call, link->org, err);
	if (rc != OK)
		return rc;
	const struct mail_field fields[] = {
		{"link", url},
		{"organisation", org.name},
		{"minutes", minutes},
		{"email", link->email},
		{"client", e->wish.client.ptr ? e->wish.client : STR("")},
	};
	const struct mail_draft draft = {.template = template_of(link->kind),
		.asker = asker_of(&e->wish),
		.recipient = link->email,
		.recipient_normal = link->email_normal,
		.fields = fields,
		.field_count = ARRAY_LEN(fields),
		.expires_us = link->expires_us};
	return mail_enqueue(&queued, call, &draft, err);
}

static enum status
issue_and_send(
	const struct errand *e, struct call *call, const struct link *draft, struct error *err)
{
	struct secret_text secret;
	struct link link;

	enum status rc = link_issue(&link, &secret, call, draft, err);
	if (rc == OK)
		rc = send(e, call, &link, url_of(e, call, secret.text), err);
	crypto_wipe(&secret, sizeof(secret));
	return rc;
}

static enum status
errand_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct errand *e = (struct errand *)(void *)job;
	const struct link_wish *wish = &e->wish;
	struct call call = {.address = wish->address,
		.now_us = clock_now_us(),
		.arena = e->arena,
		.directory = e->signin.directory,
		.keyring = e->signin.keyring};
	struct link draft = {.kind = wish->kind,
		.workspace = wish->issuer,
		.email = wish->email,
		.email_normal = wish->email_normal,
		.browser = wish->browser,
		.request = wish->request};
	bool found, allowed = false;

	arena_reset(e->arena);
	call_open_event(&call, tx, wish->org);
	enum status rc = find_holder(&draft, &found, &call, err);
	/* What was sent before goes on working when this one may not be sent. */
	if (rc == OK && found)
		rc = mail_allowed(&allowed, &call, wish->email_normal, asker_of(wish), err);
	return rc == OK && allowed ? issue_and_send(e, &call, &draft, err) : rc;
}

static void
errand_done(struct store_job *job, enum status status, const struct error *err)
{
	if (status != OK && err)
		log_error("link-not-sent", err);
	errand_free((struct errand *)(void *)job);
}

static bool
copy(struct str *text, struct arena *arena)
{
	bool there = text->ptr != NULL;

	*text = arena_copy(arena, *text);
	return !there || text->ptr;
}

static struct errand *
errand_new(struct link_desk *desk, const struct signin *signin, const struct link_wish *wish)
{
	struct errand *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	*e = (struct errand){.job = {.run = errand_run, .done = errand_done, .shard = wish->org.id},
		.desk = desk,
		.signin = *signin,
		.wish = *wish,
		.texts = arena_new(ARENA_MAX),
		.arena = arena_new(ARENA_MAX)};
	bool made = e->texts && e->arena && copy(&e->wish.email, e->texts) &&
		copy(&e->wish.email_normal, e->texts) && copy(&e->wish.browser, e->texts) &&
		copy(&e->wish.request, e->texts) && copy(&e->wish.client, e->texts) &&
		copy(&e->wish.address, e->texts);
	atomic_fetch_add(&desk->waiting, 1);
	if (made)
		return e;
	errand_free(e);
	return NULL;
}

enum status
link_wish_for(struct link_desk *desk, const struct signin *signin, const struct link_wish *wish,
	struct error *err)
{
	if (atomic_load(&desk->waiting) >= WISHES_MAX)
		return error_set(err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
	struct errand *e = errand_new(desk, signin, wish);
	if (!e)
		return error_no_memory(err);
	enum status rc = store_change(desk->store, &e->job, err);
	if (rc != OK)
		errand_free(e);
	return rc;
}

static enum status
inactive(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "account-not-active",
		"This account cannot be used: ask whoever runs this installation.");
}

static enum status
find_active(struct person *out, struct call *call, struct person_id id, struct error *err)
{
	bool found;

	enum status rc = person_find_by_id(out, &found, call, id, err);
	if (rc == OK && (!found || out->state != STATE_ACTIVE))
		rc = inactive(err);
	return rc;
}

/* The first proof of an address is a change of the account. */
static enum status
enter_person(struct call *call, const struct link *link, struct error *err)
{
	const struct actor self = {.id = link->person.id};
	struct call own = *call;
	struct person person;

	enum status rc = find_active(&person, call, link->person, err);
	if (rc != OK || person.verified_us)
		return rc;
	rc = call_open_as(&own, call->tx, PLATFORM, &self, err);
	/* Once more, now that nobody else changes it. */
	if (rc == OK)
		rc = find_active(&person, &own, link->person, err);
	if (rc == OK)
		rc = person_update(&person, &own, &(struct person_update){.verified = true}, err);
	return rc == OK ? call_close(&own, err) : rc;
}

/* So is the first coming of an end-user. */
static enum status
enter_end_user(struct call *call, const struct link *link, struct error *err)
{
	const struct actor self = {link->org, link->principal.id, KIND_END_USER};
	struct call own = *call;
	struct principal user;

	enum status rc = call_open_as(&own, call->tx, link->org, &self, err);
	if (rc == OK)
		rc = principal_accept(&user, &own, link->principal, err);
	return rc == OK ? call_close(&own, err) : rc;
}

enum status
link_sign_in(struct link *out, struct call *call, struct workspace_id issuer, struct str secret,
	struct error *err)
{
	enum status rc = link_find(out, call, LINK_SIGN_IN, secret, err);
	if (rc == OK && !uuid_eq(out->workspace.id, issuer.id))
		rc = error_set(err, ERR_NOT_FOUND, "link-unknown",
			"This link does not work: it is incomplete.");
	if (rc == OK)
		rc = uuid_is_nil(out->person.id) ? enter_end_user(call, out, err)
						 : enter_person(call, out, err);
	return rc == OK ? link_consume(call, out, err) : rc;
}
