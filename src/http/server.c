#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "http/internal.h"

/* Of the library, for each: the head of the request and that of the answer. */
#define CONNECTION_MEMORY ((size_t)16 * 1024)
#define LOG_LINES_PER_TICK 5
#define ABANDONED_WAIT_MS 1000

static bool PRINTF(2, 0) format_line(char line[256], const char *fmt, va_list args)
{
	int len = vsnprintf(line, 256, fmt, args);
	while (len > 0 && len < 256 && line[len - 1] == '\n')
		line[--len] = '\0';
	return len > 0;
}

/* What the library has to say is mostly about bad requests: a stranger must not fill the log. */
static void PRINTF(2, 0) on_log(void *context, const char *fmt, va_list args)
{
	struct http_server *server = context;
	uint32_t tick = atomic_load(&server->tick);
	char line[256];
	if (atomic_exchange(&server->log_tick, tick) != tick)
		atomic_store(&server->log_count, 0);
	if (atomic_fetch_add(&server->log_count, 1) < LOG_LINES_PER_TICK &&
		format_line(line, fmt, args))
		log_event(LOG_INFO, "http-library", LOG_Z("text", line));
}

static void
on_thread_exit(void *context)
{
	struct http_server *server = context;
	if (server->options.thread_exit)
		server->options.thread_exit();
}

static enum status
options_check(const struct http_options *options, struct error *err)
{
	if (!options->handler || !options->address || !options->threads ||
		!options->connections_max || !options->body_max || !options->arena_max)
		return error_set(err, ERR_INVALID, "http-options",
			"The HTTP server needs a handler, an address, and positive numbers of "
			"threads, connections, body bytes and request memory.");
	return OK;
}

static struct MHD_Daemon *
daemon_start(struct http_server *server)
{
	const struct http_options *o = &server->options;
	unsigned flags =
		MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
	/* The acceptor keeps the limit: at its own, 0.9.75 leaves a lock taken. Strictness adds two
	 * checks in that version, which check.c makes, and answers one of them twice; later
	 * versions use it for more. */
	struct MHD_OptionItem items[] = {
		{MHD_OPTION_CONNECTION_LIMIT, INT_MAX, NULL},
		{MHD_OPTION_CONNECTION_MEMORY_LIMIT, (intptr_t)CONNECTION_MEMORY, NULL},
		{MHD_OPTION_CONNECTION_TIMEOUT, (intptr_t)o->idle_timeout_s, NULL},
		{MHD_OPTION_STRICT_FOR_CLIENT, server->raw_layout ? 0 : 1, NULL},
		{MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http__on_target, server},
		{MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http__on_completed, server},
		{MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http__on_connection, server},
		{o->threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END,
			(intptr_t)o->threads, NULL},
		{MHD_OPTION_END, 0, NULL},
	};
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before); /* the library's threads inherit it */
	struct MHD_Daemon *daemon = MHD_start_daemon(flags, 0, NULL, NULL, http__on_request, server,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, server, MHD_OPTION_ARRAY, items,
		MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

static void
server_free(struct http_server **server)
{
	struct http_server *s = *server;
	for (struct http__thread *thread = s->threads, *next; thread; thread = next) {
		next = thread->next;
		for (struct http_request *r = thread->idle, *rn; r; r = rn) {
			rn = r->next;
			http__request_free(r);
		}
		free(thread);
	}
	for (struct http_request *r = s->abandoned, *next; r; r = next) {
		next = r->next;
		http__request_free(r);
	}
	http__answers_clear(s);
	if (s->listen_fd >= 0)
		close(s->listen_fd);
	if (s->wake_fd >= 0)
		close(s->wake_fd);
	pthread_key_delete(s->thread_key);
	pthread_mutex_destroy(&s->lock);
	free(s);
	*server = NULL;
}

static struct http_server *
server_new(const struct http_options *options)
{
	struct http_server *s = calloc(1, sizeof(*s));
	if (!s || pthread_key_create(&s->thread_key, on_thread_exit) != 0) {
		free(s);
		return NULL;
	}
	mutex_init(&s->lock);
	s->listen_fd = -1;
	s->wake_fd = -1;
	s->options = *options;
	s->tick = 1;
	if (options->idle_timeout_s)
		s->timeout_ticks = options->idle_timeout_s * (1000 / HTTP_TICK_MS) + 1;
	s->raw_layout = strcmp(MHD_get_version(), "0.9.75") == 0;
	return s;
}

static void
acceptor_wake(struct http_server *server)
{
	uint64_t one = 1;
	ssize_t written = write(server->wake_fd, &one, sizeof(one));
	ASSERT(written == sizeof(one));
}

static enum status
server_run(struct http_server *server, struct error *err)
{
	enum status rc = http__listen(&server->listen_fd, &server->port, &server->options, err);
	if (rc != OK)
		return rc;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->daemon = server->wake_fd >= 0 ? daemon_start(server) : NULL;
	if (!server->daemon)
		return error_set(err, ERR_INTERNAL, "http-start-failed",
			"The HTTP library could not start its threads.");
	rc = thread_start(&server->acceptor, "http-accept", http__accept_run, server, err);
	if (rc != OK)
		MHD_stop_daemon(server->daemon);
	return rc;
}

enum status
http_server_start(struct http_server **out, const struct http_options *options, struct error *err)
{
	*out = NULL;
	enum status rc = options_check(options, err);
	if (rc == OK)
		rc = http__raise_descriptors(http__connections_accepted(options), err);
	if (rc != OK)
		return rc;
	struct http_server *server = server_new(options);
	if (!server)
		return error_no_memory(err);
	rc = http__answers_init(server, err);
	if (rc == OK)
		rc = server_run(server, err);
	if (rc != OK)
		server_free(&server);
	*out = server;
	return rc;
}

uint16_t
http_server_port(const struct http_server *server)
{
	return server->port;
}

void
http_server_quiesce(struct http_server *server)
{
	if (atomic_exchange(&server->quiesced, true))
		return;
	/* From here on the system refuses connections; the acceptor must not see another socket
	 * under this number, so it is closed at the end. */
	shutdown(server->listen_fd, SHUT_RDWR);
	acceptor_wake(server);
}

static uint64_t
running(struct http_server *server)
{
	uint64_t begun = 0, ended = 0;
	mutex_lock(&server->lock);
	for (const struct http__thread *t = server->threads; t; t = t->next) {
		ended += atomic_load_explicit(&t->ended, memory_order_acquire);
		begun += atomic_load_explicit(&t->begun, memory_order_relaxed);
	}
	mutex_unlock(&server->lock);
	return begun - ended;
}

static void
wait_for_running(struct http_server *server, int timeout_ms)
{
	int64_t until_us = clock_mono_us() + (int64_t)timeout_ms * 1000;
	while (running(server) && clock_mono_us() < until_us)
		nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

void
http_server_stop(struct http_server **server, int timeout_ms)
{
	struct http_server *s = *server;
	if (!s)
		return;
	http_server_quiesce(s);
	wait_for_running(s, timeout_ms);
	/* The library aborts when it is stopped with a suspended request. */
	http__abandon_suspended(s);
	wait_for_running(s, ABANDONED_WAIT_MS);
	atomic_store(&s->acceptor_ends, true);
	acceptor_wake(s);
	pthread_join(s->acceptor, NULL);
	MHD_stop_daemon(s->daemon);
	server_free(server);
}

struct http_stats
http_server_stats(const struct http_server *server)
{
	struct http_server *s = (struct http_server *)server;
	struct http_stats stats = {.connections = atomic_load(&s->connection_count)};
	mutex_lock(&s->lock);
	stats.suspended = s->suspended_count;
	for (const struct http__thread *t = s->threads; t; t = t->next) {
		stats.requests += atomic_load_explicit(&t->begun, memory_order_relaxed);
		stats.refused_early += atomic_load_explicit(&t->refused, memory_order_relaxed);
	}
	mutex_unlock(&s->lock);
	return stats;
}
