#include <stdlib.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/thread.h"
#include "http/internal.h"

static _Thread_local struct http__thread *this_thread;

/* What this serving thread keeps; made at its first request. NULL when there is no memory. */
struct http__thread *
http__thread_of(struct http_server *server)
{
	struct http__thread *thread = this_thread;
	if (LIKELY(thread != NULL))
		return thread;
	thread = calloc(1, sizeof(*thread));
	if (!thread)
		return NULL;
	if (pthread_setspecific(server->thread_key, server) != 0) {
		free(thread);
		return NULL;
	}
	pthread_setname_np(pthread_self(), "http");
	thread->server = server;
	mutex_lock(&server->lock);
	thread->next = server->threads;
	server->threads = thread;
	mutex_unlock(&server->lock);
	this_thread = thread;
	return thread;
}

/* A few more connections are taken than will be served, so that these can be told why not. */
unsigned
http__connections_accepted(const struct http_options *options)
{
	return options->connections_max + 64 + options->connections_max / 16;
}

enum MHD_Result
http__on_accept(void *context, const struct sockaddr *addr, socklen_t len)
{
	struct http_server *server = context;
	(void)addr;
	(void)len;
	return atomic_load_explicit(&server->connection_count, memory_order_relaxed) <
			http__connections_accepted(&server->options)
		? MHD_YES
		: MHD_NO;
}

static void
connection_opened(struct http_server *server, struct MHD_Connection *mhd, void **context)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
	unsigned count = atomic_fetch_add(&server->connection_count, 1) + 1;
	struct http__connection *c = calloc(1, sizeof(*c));
	*context = c;
	if (!c || !info)
		return;
	c->fd = info->connect_fd;
	c->surplus = count > server->options.connections_max;
	if (server->timeout_ticks)
		c->deadline = atomic_load(&server->tick) + 2 * server->timeout_ticks;
	mutex_lock(&server->lock);
	c->next = server->connections;
	if (c->next)
		c->next->prev = c;
	server->connections = c;
	mutex_unlock(&server->lock);
}

static void
connection_closed(struct http_server *server, void **context)
{
	struct http__connection *c = *context;
	atomic_fetch_sub(&server->connection_count, 1);
	*context = NULL;
	if (!c)
		return;
	mutex_lock(&server->lock);
	if (c->next)
		c->next->prev = c->prev;
	if (c->prev)
		c->prev->next = c->next;
	else if (server->connections == c)
		server->connections = c->next;
	mutex_unlock(&server->lock);
	free(c);
}

void
http__on_connection(void *server, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what)
{
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		connection_opened(server, mhd, context);
	else
		connection_closed(server, context);
}

void
http__deadline_set(struct http_request *r, uint32_t ticks)
{
	struct http_server *server = r->server;
	if (!r->connection)
		return;
	uint32_t deadline =
		ticks ? atomic_load_explicit(&server->tick, memory_order_relaxed) + ticks : 0;
	atomic_store_explicit(&r->connection->deadline, deadline, memory_order_relaxed);
}

/*
 * The library's own timeout begins anew with every byte. This one ends a connection whose head or
 * body has not come whole in time, however it trickles: an idle one is left to the library, which
 * is why a head has twice the timeout from the end of the request before it.
 */
static void
close_slow(struct http_server *server)
{
	uint32_t now = atomic_load(&server->tick);
	for (struct http__connection *c = server->connections; c; c = c->next) {
		uint32_t deadline = atomic_load_explicit(&c->deadline, memory_order_relaxed);
		if (deadline && now >= deadline) {
			atomic_store_explicit(&c->deadline, 0, memory_order_relaxed);
			shutdown(c->fd, SHUT_RDWR);
		}
	}
}

void *
http__watch(void *context)
{
	struct http_server *server = context;
	int64_t at_us = clock_mono_us();
	mutex_lock(&server->lock);
	while (!server->watcher_ends) {
		at_us += HTTP_TICK_MS * 1000;
		while (!server->watcher_ends &&
			cond_wait_until(&server->wake, &server->lock, at_us))
			;
		atomic_fetch_add(&server->tick, 1);
		close_slow(server);
	}
	mutex_unlock(&server->lock);
	return NULL;
}
