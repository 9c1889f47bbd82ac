/* Signing in by an external provider: off to it, and back from there. */
#include "base/random.h"
#include "door/cookie.h"
#include "iam/providers/identities.h"
#include "pages/routes.h"
#include "signin/acr.h"
#include "signin/upstream.h"

/* One way there, or back. */
struct trip {
	struct upstream_task task; /* first: what is handed back */
	struct visit *visit;
	struct upstream_visit away;
	bool known; /* back from where this browser was sent to */
	struct provider provider;
	bool found;
	struct error error; /* why it is not known */
	struct identified who;
};

enum status
provider_links_load(
	struct provider_links *out, struct call *call, struct org_id org, struct error *err)
{
	const struct org_id own = call->chain.org;

	*out = (struct provider_links){0};
	if (org_is_platform(org))
		return OK;
	call_open_event(call, call->tx, org);
	enum status rc = provider_list_offered(&out->providers, &out->count, call, err);
	call_open_event(call, call->tx, own);
	return rc;
}

static struct str
link_of(struct visit *v, const struct provider *provider)
{
	char org[UUID_TEXT_LEN + 1], id[UUID_TEXT_LEN + 1];

	uuid_format(org, provider->org.id);
	uuid_format(id, provider->id.id);
	return visit_print(v, "/sign-in/provider?provider=%s.%s&ticket=%.*s", org, id,
		STR_ARG(v->ticket_text));
}

#define LINK_VALUES 2

struct html_value
provider_links_show(struct visit *v, const struct provider_links *links)
{
	struct arena *arena = http_arena(v->http);
	struct html_map *items = arena_new_array(arena, struct html_map, links->count);
	struct html_value *values =
		arena_new_array(arena, struct html_value, LINK_VALUES * links->count);

	if (!items || !values)
		return HTML_L("providers", NULL, 0);
	for (size_t i = 0; i < links->count; i++, values += LINK_VALUES) {
		values[0] = HTML_S("link", link_of(v, &links->providers[i]));
		values[1] = HTML_S("name", links->providers[i].name);
		items[i] = (struct html_map){values, LINK_VALUES};
	}
	return HTML_L("providers", items, links->count);
}

static struct trip *
make_trip(struct visit *v)
{
	struct trip *trip = arena_new_one(http_arena(v->http), struct trip);

	v->state = trip;
	if (trip)
		trip->visit = v;
	return trip;
}

static enum status
load(struct trip *trip, struct call *call, struct error *err)
{
	trip->found = false;
	call_open_event(call, call->tx, trip->away.org);
	enum status rc =
		provider_find(&trip->provider, &trip->found, call, trip->away.provider, err);
	trip->found = trip->found && trip->provider.state == STATE_ACTIVE;
	if (rc == OK && trip->found)
		rc = provider_open_secret(
			&trip->task.secret, &trip->provider, call->keyring, call->arena, err);
	return rc;
}

enum status
provider_away_load(struct visit *v, struct call *call, struct error *err)
{
	struct str provider = visit_param(v, "provider");
	struct str org = str_cut(&provider, '.');
	struct trip *trip = make_trip(v);

	if (!trip)
		return error_no_memory(err);
	trip->known = uuid_parse(org, &trip->away.org.id) &&
		uuid_parse(provider, &trip->away.provider.id);
	return trip->known ? load(trip, call, err) : OK;
}

enum status
provider_back_load(struct visit *v, struct call *call, struct error *err)
{
	const struct upstream_return back = {.cookie = cookie_get(v->http, UPSTREAM_VISIT_COOKIE),
		.state = visit_param(v, "state"),
		.now_us = v->now_us};
	struct trip *trip = make_trip(v);

	if (!trip)
		return error_no_memory(err);
	enum status rc =
		upstream_visit_open(&trip->away, &back, call->keyring, call->arena, &trip->error);
	trip->known = rc == OK;
	if (rc == OK)
		return load(trip, call, err);
	if (rc == ERR_INVALID)
		return OK;
	*err = trip->error;
	return rc;
}

/* Of the provider's doing: neither ours nor the user's. */
static void
fail(struct visit *v, const struct error *err)
{
	if (err->status == ERR_UNAUTHENTICATED)
		v->status = 502;
	visit_fail(v, err);
}

static void
fail_unfound(struct visit *v)
{
	struct error err = {0};

	(void)error_set(&err, ERR_NOT_FOUND, "provider-not-found",
		"There is no such way to sign in, or not any more.");
	visit_fail(v, &err);
}

static void
answered(struct upstream_task *task)
{
	http_resume(((struct trip *)(void *)task)->visit->http);
}

static void
ask(struct visit *v, enum upstream_step step, visit_step *next)
{
	struct trip *trip = v->state;
	struct upstream_task *task = &trip->task;
	struct error err = {0};

	task->step = step;
	task->provider = &trip->provider;
	task->redirect_uri = visit_print(
		v, "%.*s/sign-in/provider/callback", STR_ARG(v->options->signin->base_url));
	task->visit = &trip->away;
	task->arena = http_arena(v->http);
	task->done = answered;
	v->next = next;
	if (!http_suspend(v->http)) {
		(void)error_set(&err, ERR_BUSY, "overloaded", "Too many requests wait; try again.");
		visit_fail(v, &err);
		return;
	}
	enum status rc = upstream_submit(v->options->upstream, task, &err);
	if (rc != OK) {
		task->status = rc;
		task->error = err;
		http_resume(v->http);
	}
}

static void
leave(struct visit *v)
{
	struct trip *trip = v->state;
	struct error err = {0};
	struct str cookie;

	if (trip->task.status != OK) {
		fail(v, &trip->task.error);
		return;
	}
	enum status rc = upstream_visit_seal(
		&cookie, &trip->away, v->options->signin->keyring, http_arena(v->http), &err);
	if (rc != OK) {
		visit_fail(v, &err);
		return;
	}
	cookie_set(v->http, UPSTREAM_VISIT_COOKIE, cookie);
	visit_go_to(v, trip->task.location);
}

void
provider_away_show(struct visit *v)
{
	struct trip *trip = v->state;

	if (!trip->known || !trip->found) {
		fail_unfound(v);
		return;
	}
	trip->away.started_us = v->now_us;
	random_bytes(trip->away.seed, sizeof(trip->away.seed));
	if (v->ticketed) {
		trip->away.ticket = v->ticket_text;
		trip->task.login_hint = v->ticket.login_hint;
	}
	ask(v, UPSTREAM_BEGIN, leave);
}

/* Who the provider says that it is becomes somebody here, and is signed in, or nothing happens. */
static enum status
accept(struct visit *v, struct call *call, struct error *err)
{
	struct trip *trip = v->state;
	const struct identity_sign_in sign_in = {.org = trip->away.org,
		.provider = trip->away.provider,
		.changed = trip->provider.changed,
		.claims = trip->task.claims};

	enum status rc = identity_accept(&trip->who, call, &sign_in, err);
	const struct proved proved = {.person = trip->who.person.id,
		.only_org = trip->away.org,
		.provider = trip->away.provider.id,
		.methods = METHOD_PROVIDER};
	return rc == OK ? visit_enter(v, call, &proved, err) : rc;
}

static void
enter(struct visit *v)
{
	struct trip *trip = v->state;

	if (trip->task.status != OK)
		fail(v, &trip->task.error);
	else
		visit_change(v, trip->away.org, accept, visit_entered);
}

/* RFC 6749 section 4.1.2.1. What a provider says in words is not shown as if we said it. */
static void
show_refusal(struct visit *v, struct str code)
{
	struct error err = {0};

	if (str_eq(code, STR("access_denied")))
		(void)error_set(&err, ERR_FORBIDDEN, "access_denied",
			"You did not let the provider sign you in here.");
	else
		(void)error_set(&err, ERR_UNAUTHENTICATED, "provider-refused",
			"The provider did not confirm this sign-in. Begin again; if it happens "
			"again, tell whoever runs this organisation's sign-in.");
	fail(v, &err);
}

void
provider_back_show(struct visit *v)
{
	struct trip *trip = v->state;
	struct str code = visit_param(v, "code"), refusal = visit_param(v, "error");

	if (!trip->known) {
		visit_fail(v, &trip->error);
		return;
	}
	cookie_set(v->http, UPSTREAM_VISIT_COOKIE, (struct str){0});
	if (visit_take_ticket(v, trip->away.ticket, &trip->error) != OK) {
		visit_fail(v, &trip->error);
	} else if (!trip->found) {
		fail_unfound(v);
	} else if (refusal.ptr || !code.ptr) {
		show_refusal(v, refusal);
	} else {
		trip->task.code = code;
		trip->task.iss = visit_param(v, "iss");
		ask(v, UPSTREAM_FINISH, enter);
	}
}
