#include "signin/upstream.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "signin/upstream_internal.h"

struct upstream {
	struct crew *crew;
	struct http_client_guard guard;
	struct upstream_cache *cache;
};

static const struct crew_options CREW = {.name = "upstream",
	.threads = 4,
	.threads_of_one = 2,
	.waiting = 128,
	.waiting_of_one = 32};

enum status
upstream__untrusted(struct error *err, const char *why)
{
	error_clear(err);
	(void)error_set(err, ERR_UNAUTHENTICATED, "provider-untrusted",
		"The provider answered in a way that cannot be trusted. Tell whoever runs this "
		"organisation's sign-in.");
	return error_detail(err, "%s", why);
}

enum status
upstream__refused(struct error *err, const char *why)
{
	error_clear(err);
	(void)error_set(err, ERR_UNAUTHENTICATED, "provider-refused",
		"The provider did not confirm this sign-in. Begin again; if it happens again, tell "
		"whoever runs this organisation's sign-in.");
	return error_detail(err, "%s", why);
}

enum status
upstream__unreachable(struct error *err, const char *why)
{
	char text[ERROR_TEXT_MAX];

	/* What is told may be of the error that is cleared. */
	(void)snprintf(text, sizeof(text), "%s", why);
	error_clear(err);
	(void)error_set(err, ERR_BUSY, "provider-unreachable",
		"The provider cannot be asked just now: try again later, or sign in another way.");
	return error_detail(err, "%s", text);
}

static enum status
begin(struct upstream_run *run, const struct upstream_metadata *metadata, struct error *err)
{
	struct upstream_task *task = run->task;
	char state[UPSTREAM_PROOF_SIZE], nonce[UPSTREAM_PROOF_SIZE], challenge[UPSTREAM_PROOF_SIZE];
	struct buf url;

	upstream_prove(state, task->visit, UPSTREAM_STATE);
	upstream_prove(nonce, task->visit, UPSTREAM_NONCE);
	upstream_challenge(challenge, task->visit);
	buf_init(&url, UPSTREAM_ANSWER_MAX);
	buf_str(&url, str_from(metadata->authorization));
	if (!strchr(metadata->authorization, '?'))
		buf_char(&url, '?');
	http_client_add_field(&url, "response_type", STR("code"));
	http_client_add_field(&url, "client_id", task->provider->client_id);
	http_client_add_field(&url, "redirect_uri", task->redirect_uri);
	http_client_add_field(&url, "scope", task->provider->scopes);
	http_client_add_field(&url, "state", str_from(state));
	http_client_add_field(&url, "nonce", str_from(nonce));
	http_client_add_field(&url, "code_challenge", str_from(challenge));
	http_client_add_field(&url, "code_challenge_method", STR("S256"));
	if (task->login_hint.ptr)
		http_client_add_field(&url, "login_hint", task->login_hint);
	task->location = url.failed ? (struct str){0} : arena_copy(task->arena, buf_view(&url));
	buf_clear(&url);
	return task->location.ptr ? OK : error_no_memory(err);
}

/* RFC 9207 section 2.4: an answer of another provider is not taken to this one. */
static enum status
check_issuer(const struct upstream_task *task, const struct upstream_metadata *metadata,
	struct error *err)
{
	bool wrong =
		task->iss.ptr ? !str_eq(task->iss, task->provider->issuer) : metadata->states_iss;

	return wrong ? upstream__untrusted(err, "iss of the authorization response") : OK;
}

static enum status
run_task(struct upstream_run *run, struct error *err)
{
	struct upstream_metadata metadata;

	enum status rc = upstream__discover(&metadata, run, err);
	if (rc == OK && run->task->step == UPSTREAM_BEGIN)
		return begin(run, &metadata, err);
	if (rc == OK)
		rc = check_issuer(run->task, &metadata, err);
	return rc == OK ? upstream__exchange(run, &metadata, err) : rc;
}

static void
log_failure(const struct upstream_task *task)
{
	char org[UUID_TEXT_LEN + 1], provider[UUID_TEXT_LEN + 1];

	uuid_format(org, task->provider->org.id);
	uuid_format(provider, task->provider->id.id);
	log_event(LOG_WARN, "upstream-failed", LOG_Z("organisation", org),
		LOG_Z("provider", provider), LOG_Z("code", task->error.code),
		LOG_Z("detail", task->error.detail));
}

static enum status
busy(struct error *err)
{
	return error_set(err, ERR_BUSY, "overloaded",
		"Too many people sign in this way just now; try again.");
}

static struct upstream_task *
task_of(struct crew_task *crew)
{
	return (struct upstream_task *)(void *)((char *)crew -
		offsetof(struct upstream_task, crew));
}

static void
run_one(struct crew_task *crew)
{
	struct upstream_task *task = task_of(crew);
	struct upstream_run run = {.task = task,
		.cache = task->upstream->cache,
		.guard = &task->upstream->guard,
		.until_mono_us = clock_mono_us() + UPSTREAM_TASK_MS * INT64_C(1000)};

	task->status = run_task(&run, &task->error);
	if (task->status != OK)
		log_failure(task);
	task->done(task);
}

static void
leave_one(struct crew_task *crew)
{
	struct upstream_task *task = task_of(crew);

	task->status = busy(&task->error);
	task->done(task);
}

enum status
upstream_new(struct upstream **out, const struct upstream_options *options, struct error *err)
{
	struct upstream *u = calloc(1, sizeof(*u));

	*out = NULL;
	if (!u)
		return error_no_memory(err);
	u->guard = options->guard;
	enum status rc = upstream__cache_new(&u->cache, err);
	if (rc == OK)
		rc = crew_new(&u->crew, &CREW, err);
	if (rc != OK)
		upstream_free(&u);
	*out = u;
	return rc;
}

void
upstream_end(struct upstream *u)
{
	if (u)
		crew_end(u->crew);
}

void
upstream_free(struct upstream **out)
{
	struct upstream *u = *out;

	if (!u)
		return;
	crew_free(&u->crew);
	upstream__cache_free(&u->cache);
	free(u);
	*out = NULL;
}

enum status
upstream_submit(struct upstream *u, struct upstream_task *task, struct error *err)
{
	task->upstream = u;
	task->crew = (struct crew_task){
		.run = run_one, .leave = leave_one, .party = task->provider->org.id};
	return crew_take(u->crew, &task->crew) ? OK : busy(err);
}
