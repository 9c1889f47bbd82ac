#include <stdlib.h>

#include "base/thread.h"
#include "signin/upstream_internal.h"

#define ENTRIES 256
#define PUBLISHED_MAX ((size_t)64 * 1024)
#define FRESH_LEAST_S 300
#define FRESH_MOST_S 86400
#define FRESH_UNSTATED_S 3600
#define AGAIN_US (30 * US_PER_S) /* how often it is asked for again before its time */

struct upstream_cache {
	pthread_mutex_t mutex;
	struct entry {
		struct provider_id provider;
		struct buf url, text; /* owned; empty: unused */
		int64_t fresh_until_us, again_us, used_us; /* monotonic */
	} entries[ENTRIES];
};

enum status
upstream__cache_new(struct upstream_cache **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	mutex_init(&(*out)->mutex);
	for (size_t i = 0; i < ENTRIES; i++) {
		buf_init(&(*out)->entries[i].url, PUBLISHED_MAX);
		buf_init(&(*out)->entries[i].text, PUBLISHED_MAX);
	}
	return OK;
}

void
upstream__cache_free(struct upstream_cache **cache)
{
	if (!*cache)
		return;
	for (size_t i = 0; i < ENTRIES; i++) {
		buf_clear(&(*cache)->entries[i].url);
		buf_clear(&(*cache)->entries[i].text);
	}
	pthread_mutex_destroy(&(*cache)->mutex);
	free(*cache);
	*cache = NULL;
}

/* With the mutex held. What one provider published counts for no other. */
static struct entry *
find_entry(struct upstream_cache *cache, const struct provider *provider, struct str url)
{
	for (size_t i = 0; i < ENTRIES; i++) {
		struct entry *e = &cache->entries[i];
		if (uuid_eq(e->provider.id, provider->id.id) && str_eq(buf_view(&e->url), url))
			return e;
	}
	return NULL;
}

static struct entry *
oldest_entry(struct upstream_cache *cache)
{
	struct entry *oldest = &cache->entries[0];

	for (size_t i = 1; i < ENTRIES; i++) {
		if (cache->entries[i].used_us < oldest->used_us)
			oldest = &cache->entries[i];
	}
	return oldest;
}

static int64_t
fresh_for_us(int64_t stated_s)
{
	int64_t s = stated_s < 0 ? FRESH_UNSTATED_S : stated_s;

	s = s < FRESH_LEAST_S ? FRESH_LEAST_S : s > FRESH_MOST_S ? FRESH_MOST_S : s;
	return s * US_PER_S;
}

static void
keep(struct upstream_run *run, struct str url, const struct http_client_answer *answer, bool again)
{
	struct upstream_cache *cache = run->cache;
	int64_t now_us = clock_mono_us();

	mutex_lock(&cache->mutex);
	struct entry *e = find_entry(cache, run->task->provider, url);
	if (!e) {
		e = oldest_entry(cache);
		e->again_us = 0;
	}
	buf_reset(&e->url);
	buf_reset(&e->text);
	buf_str(&e->url, url);
	buf_str(&e->text, buf_view(&answer->body));
	e->provider = run->task->provider->id;
	e->fresh_until_us = now_us + fresh_for_us(answer->max_age_s);
	e->used_us = now_us;
	if (again)
		e->again_us = now_us + AGAIN_US;
	if (e->url.failed || e->text.failed) {
		buf_clear(&e->url);
		buf_clear(&e->text);
		buf_init(&e->url, PUBLISHED_MAX);
		buf_init(&e->text, PUBLISHED_MAX);
		e->provider = (struct provider_id){{{0}}};
	}
	mutex_unlock(&cache->mutex);
}

/* What is known, absent when it has to be asked for. */
static enum status
look_up(struct str *out, struct upstream_run *run, struct str url, bool again, struct error *err)
{
	struct upstream_cache *cache = run->cache;
	int64_t now_us = clock_mono_us();
	enum status rc = OK;

	*out = (struct str){NULL, 0};
	mutex_lock(&cache->mutex);
	struct entry *e = find_entry(cache, run->task->provider, url);
	bool good = e && now_us < e->fresh_until_us && !(again && now_us >= e->again_us);
	if (good) {
		e->used_us = now_us;
		*out = arena_copy(run->task->arena, buf_view(&e->text));
		rc = out->ptr ? OK : error_no_memory(err);
	}
	mutex_unlock(&cache->mutex);
	return rc;
}

/* By what our client found; what it could not find out for want of memory says nothing of them. */
static enum status
explain(enum status rc, struct error *err)
{
	switch (rc) {
	case ERR_TOO_LARGE:
		return upstream__untrusted(err, "its answer is too large");
	case ERR_NO_MEMORY:
	case ERR_INTERNAL:
		return rc;
	default:
		return upstream__unreachable(err, err->text);
	}
}

static bool
is_json(const char *type)
{
	size_t len = strlen(type);

	return strcmp(type, "application/json") == 0 || strcmp(type, "text/json") == 0 ||
		strcmp(type, "application/jwk-set+json") == 0 ||
		(len > 5 && strcmp(type + len - 5, "+json") == 0);
}

static enum status
check_answer(const struct http_client_answer *answer, const struct http_client_request *request,
	struct error *err)
{
	bool proving = request->body.ptr || request->bearer;

	if (answer->status >= 500)
		return upstream__unreachable(err, "it answers with an error of its own");
	if (answer->status >= 400)
		return proving ? upstream__refused(err, "it refuses the code, or our client")
			       : upstream__unreachable(err, "it publishes nothing there");
	if (answer->status != 200)
		return upstream__untrusted(err, "it answers with a redirect, or nothing");
	if (!is_json(answer->content_type))
		return upstream__untrusted(err, "its answer is no JSON");
	return OK;
}

static enum status
perform(struct http_client_answer *answer, struct upstream_run *run,
	const struct http_client_request *request, struct error *err)
{
	struct http_client_request bounded = *request;
	int64_t left_ms = (run->until_mono_us - clock_mono_us()) / 1000;

	bounded.guard = run->guard;
	bounded.timeout_ms = (int)(left_ms < UPSTREAM_REQUEST_MS ? left_ms : UPSTREAM_REQUEST_MS);
	if (!bounded.answer_max)
		bounded.answer_max = UPSTREAM_ANSWER_MAX;
	if (left_ms <= 0) {
		*answer = (struct http_client_answer){0};
		return upstream__unreachable(err, "it takes too long");
	}
	enum status rc = http_client_run(answer, &bounded, err);
	return rc == OK ? check_answer(answer, request, err) : explain(rc, err);
}

enum status
upstream__ask(struct str *out, struct upstream_run *run, const struct http_client_request *request,
	struct error *err)
{
	struct http_client_answer answer;

	enum status rc = perform(&answer, run, request, err);
	if (rc == OK) {
		*out = arena_copy(run->task->arena, buf_view(&answer.body));
		rc = out->ptr ? OK : error_no_memory(err);
	}
	/* It may hold tokens. */
	if (answer.body.ptr)
		crypto_wipe(answer.body.ptr, answer.body.len);
	http_client_answer_clear(&answer);
	return rc;
}

enum status
upstream__published(struct str *out, struct upstream_run *run, struct str url, bool again,
	bool *fresh, struct error *err)
{
	struct http_client_answer answer;

	*fresh = false;
	enum status rc = look_up(out, run, url, again, err);
	if (rc != OK || out->ptr)
		return rc;
	char *address = arena_alloc(run->task->arena, url.len + 1);
	if (!address)
		return error_no_memory(err);
	memcpy(address, url.ptr, url.len);
	const struct http_client_header accept = {"Accept", STR("application/json")};
	const struct http_client_request request = {.method = "GET",
		.url = address,
		.headers = &accept,
		.header_count = 1,
		.answer_max = PUBLISHED_MAX};
	*fresh = true;
	rc = perform(&answer, run, &request, err);
	if (rc == OK) {
		keep(run, url, &answer, again);
		*out = arena_copy(run->task->arena, buf_view(&answer.body));
		rc = out->ptr ? OK : error_no_memory(err);
	}
	http_client_answer_clear(&answer);
	return rc;
}
