#include "signin/upstream.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/thread.h"
#include "signin/upstream_internal.h"

#define THREADS 4
#define THREADS_OF_ONE 2 /* that one organisation's providers may hold */
#define WAITING_MAX 128
#define WAITING_OF_ONE 32

struct upstream {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct upstream_task *first; /* those that wait, in order */
	bool ends;
	struct http_client_guard guard;
	struct upstream_cache *cache;
	struct worker {
		struct upstream *upstream;
		pthread_t thread;
		const struct upstream_task *task; /* that runs; NULL: none */
	} workers[THREADS];
	unsigned thread_count;
};

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

static bool
is_of_same(const struct upstream_task *a, const struct upstream_task *b)
{
	return a && b && uuid_eq(a->provider->org.id, b->provider->org.id);
}

static bool
may_run(const struct upstream *u, const struct upstream_task *task)
{
	unsigned running = 0;

	for (unsigned i = 0; i < THREADS; i++)
		running += is_of_same(u->workers[i].task, task);
	return running < THREADS_OF_ONE;
}

/* Takes the first that may run out of those that wait; with the mutex held. */
static struct upstream_task *
take_first(struct upstream *u)
{
	struct upstream_task **at = &u->first;

	while (*at && !may_run(u, *at))
		at = &(*at)->next;
	struct upstream_task *task = *at;
	if (task)
		*at = task->next;
	return task;
}

/* NULL when it is time to end. */
static struct upstream_task *
next_task(struct worker *w)
{
	struct upstream *u = w->upstream;
	struct upstream_task *task = NULL;

	mutex_lock(&u->mutex);
	w->task = NULL;
	/* Another one of the same organisation may have waited for this. */
	pthread_cond_broadcast(&u->changed);
	while (!u->ends && !(task = take_first(u)))
		cond_wait(&u->changed, &u->mutex);
	w->task = task;
	mutex_unlock(&u->mutex);
	return task;
}

static void *
worker_main(void *arg)
{
	struct worker *w = arg;
	struct upstream_task *task;

	while ((task = next_task(w)) != NULL) {
		struct upstream_run run = {.task = task,
			.cache = w->upstream->cache,
			.guard = &w->upstream->guard,
			.until_mono_us = clock_mono_us() + UPSTREAM_TASK_MS * INT64_C(1000)};
		task->status = run_task(&run, &task->error);
		if (task->status != OK)
			log_failure(task);
		/* From here on it is its submitter's, who may be gone before it is compared. */
		mutex_lock(&w->upstream->mutex);
		w->task = NULL;
		mutex_unlock(&w->upstream->mutex);
		task->done(task);
	}
	return NULL;
}

static enum status
busy(struct error *err)
{
	return error_set(err, ERR_BUSY, "overloaded",
		"Too many people sign in this way just now; try again.");
}

enum status
upstream_new(struct upstream **out, const struct upstream_options *options, struct error *err)
{
	struct upstream *u = calloc(1, sizeof(*u));

	*out = NULL;
	if (!u)
		return error_no_memory(err);
	mutex_init(&u->mutex);
	cond_init(&u->changed);
	u->guard = options->guard;
	enum status rc = upstream__cache_new(&u->cache, err);
	for (unsigned i = 0; rc == OK && i < THREADS; i++) {
		u->workers[i].upstream = u;
		rc = thread_start(
			&u->workers[i].thread, "upstream", worker_main, &u->workers[i], err);
		u->thread_count += rc == OK;
	}
	if (rc != OK)
		upstream_free(&u);
	*out = u;
	return rc;
}

void
upstream_end(struct upstream *u)
{
	struct upstream_task *task, *next;

	if (!u)
		return;
	mutex_lock(&u->mutex);
	u->ends = true;
	task = u->first;
	u->first = NULL;
	pthread_cond_broadcast(&u->changed);
	mutex_unlock(&u->mutex);
	for (; task; task = next) {
		next = task->next;
		task->status = busy(&task->error);
		task->done(task);
	}
}

void
upstream_free(struct upstream **out)
{
	struct upstream *u = *out;

	if (!u)
		return;
	upstream_end(u);
	for (unsigned i = 0; i < u->thread_count; i++)
		pthread_join(u->workers[i].thread, NULL);
	upstream__cache_free(&u->cache);
	pthread_cond_destroy(&u->changed);
	pthread_mutex_destroy(&u->mutex);
	free(u);
	*out = NULL;
}

enum status
upstream_submit(struct upstream *u, struct upstream_task *task, struct error *err)
{
	unsigned waiting = 0, of_same = 0;
	struct upstream_task **at = &u->first;

	task->next = NULL;
	mutex_lock(&u->mutex);
	for (; *at; at = &(*at)->next) {
		waiting++;
		of_same += is_of_same(*at, task);
	}
	bool taken = !u->ends && waiting < WAITING_MAX && of_same < WAITING_OF_ONE;
	if (taken) {
		*at = task;
		pthread_cond_signal(&u->changed);
	}
	mutex_unlock(&u->mutex);
	return taken ? OK : busy(err);
}
