#include <stdlib.h>

#include "http/internal.h"

#define BODY_FIRST ((size_t)64 * 1024)

static struct http_request *
request_new(struct http_server *server, struct MHD_Connection *mhd)
{
	struct http__thread *thread = http__thread_of(server);
	if (!thread)
		return NULL;
	struct http_request *r = thread->idle;
	if (r) {
		struct arena *arena = r->arena;
		thread->idle = r->next;
		thread->idle_count--;
		memset(r, 0, offsetof(struct http_request, inline_target));
		r->arena = arena;
		r->peer[0] = '\0';
	} else {
		r = calloc(1, sizeof(*r));
		if (!r)
			return NULL;
	}
	r->server = server;
	r->thread = thread;
	r->mhd = mhd;
	r->headers_tail = &r->headers;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	r->connection = info ? info->socket_context : NULL;
	return r;
}

static void
target_clear(struct http_request *r)
{
	if (r->target != r->inline_target)
		free(r->target);
	r->target = NULL;
}

void
http__request_free(struct http_request *r)
{
	target_clear(r);
	arena_free(&r->arena);
	free(r);
}

/* Called at each request line, before the library cuts the target up. */
void *
http__on_target(void *server, const char *uri, struct MHD_Connection *mhd)
{
	struct http_request *r = request_new(server, mhd);
	if (!r || !uri)
		return r;
	r->target_at = uri;
	r->target_len = strlen(uri);
	if (r->target_len > HTTP_TARGET_MAX) {
		r->refusal = REFUSE_TARGET_LONG;
		return r;
	}
	r->target =
		r->target_len < HTTP_TARGET_INLINE ? r->inline_target : malloc(r->target_len + 1);
	if (r->target)
		memcpy(r->target, uri, r->target_len + 1);
	else
		r->refusal = REFUSE_MEMORY;
	return r;
}

static enum MHD_Result
begin(struct http_request *r, const char *method, const char *version)
{
	struct http_server *server = r->server;
	r->begun = true;
	atomic_store_explicit(&r->thread->begun,
		atomic_load_explicit(&r->thread->begun, memory_order_relaxed) + 1,
		memory_order_relaxed);
	/* A body has to be there in time; without one the next call comes at once. */
	http__deadline_set(r, server->timeout_ticks);
	enum http__refusal why = http__check(r, method, version);
	if (!why && r->connection && r->connection->surplus)
		why = REFUSE_CONNECTIONS;
	if (!why && r->content_length > server->options.body_max)
		why = REFUSE_BODY_LARGE;
	if (!why && !r->arena && !(r->arena = arena_new(server->options.arena_max)))
		why = REFUSE_MEMORY;
	return why ? http__refuse(r, why) : MHD_YES;
}

static bool
body_reserve(struct http_request *r, size_t need)
{
	if (need <= r->body_cap)
		return true;
	/* What is announced is not taken at its word: memory follows the bytes that came. */
	size_t cap = r->body_cap ? r->body_cap * 2 : BODY_FIRST;
	if (r->content_length && cap > r->content_length)
		cap = (size_t)r->content_length;
	if (cap > r->server->options.body_max)
		cap = r->server->options.body_max;
	if (cap < need)
		cap = need;
	char *grown = arena_alloc(r->arena, cap);
	if (!grown)
		return false;
	if (r->body_len)
		memcpy(grown, r->body, r->body_len);
	r->body = grown;
	r->body_cap = cap;
	return true;
}

static enum MHD_Result
take_body(struct http_request *r, const char *bytes, size_t *size)
{
	size_t len = *size;
	*size = 0;
	if (r->draining) {
		r->drained += len;
		return r->drained > HTTP_DRAIN_MAX ? MHD_NO : MHD_YES;
	}
	if (len > r->server->options.body_max - r->body_len)
		http__refuse_midway(r, REFUSE_BODY_LARGE);
	else if (!body_reserve(r, r->body_len + len))
		http__refuse_midway(r, REFUSE_MEMORY);
	if (r->draining)
		return MHD_YES;
	memcpy(r->body + r->body_len, bytes, len);
	r->body_len += len;
	return MHD_YES;
}

/* The whole request is there, or it was resumed. */
static enum MHD_Result
run(struct http_request *r)
{
	struct http_server *server = r->server;
	if (r->draining)
		return MHD_NO;
	http__deadline_set(r, 0);
	if (r->left) {
		r->left = false;
		r->resumed = true;
		if (r->abandoned)
			return http__refuse(r, REFUSE_STOPPING);
	}
	server->options.handler(r, server->options.context);
	/* `left` belongs to this thread, whoever resumes the request meanwhile. */
	if (!r->responded && !r->left)
		return http__refuse(r, REFUSE_UNANSWERED);
	return MHD_YES;
}

/* check: parameters, the library's own signature. */
enum MHD_Result
http__on_request(void *server, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *upload, size_t *upload_size, void **context)
{
	struct http_request *r = *context;
	(void)server;
	(void)mhd;
	(void)url;
	if (!r)
		return MHD_NO; /* no memory even to refuse: the connection is closed */
	if (!r->begun)
		return begin(r, method, version);
	return *upload_size ? take_body(r, upload, upload_size) : run(r);
}

void
http__on_completed(void *server, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode why)
{
	struct http_request *r = *context;
	(void)server;
	(void)mhd;
	(void)why;
	if (!r)
		return;
	*context = NULL;
	struct http__thread *thread = r->thread;
	http__deadline_set(r, 2 * r->server->timeout_ticks);
	bool begun = r->begun;
	if (r->abandoned) {
		http__bury(r);
	} else if (thread->idle_count < HTTP_IDLE_REQUESTS) {
		target_clear(r);
		if (r->arena)
			arena_reset(r->arena);
		r->next = thread->idle;
		thread->idle = r;
		thread->idle_count++;
	} else {
		http__request_free(r);
	}
	if (begun)
		atomic_store_explicit(&thread->ended,
			atomic_load_explicit(&thread->ended, memory_order_relaxed) + 1,
			memory_order_release);
}
