#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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
	atomic_fetch_sub(&server->accepted_count, 1);
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

/* Counted here and not by the serving thread, which may be busy while many come. (Where it then has
 * no memory for one, the library drops it unsaid, and it stays counted.) */
static void
accept_one(struct http_server *server, int fd, const struct sockaddr *addr, socklen_t len)
{
	unsigned most = http__connections_accepted(&server->options);
	if (atomic_fetch_add(&server->accepted_count, 1) >= most)
		close(fd);
	else if (MHD_add_connection(server->daemon, fd, addr, len) == MHD_YES)
		return;
	/* The library closes what it does not take. */
	atomic_fetch_sub(&server->accepted_count, 1);
}

/* False when there are no more, or no descriptors for them. */
static bool
accept_next(struct http_server *server)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);
	struct sockaddr *any = (struct sockaddr *)&addr;
	int fd = accept4(server->listen_fd, any, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd >= 0)
		accept_one(server, fd, any, len);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
		nanosleep(&(struct timespec){.tv_nsec = 10 * 1000 * 1000}, NULL);
	return fd >= 0 || errno == ECONNABORTED || errno == EINTR;
}

static void
advance_clock(struct http_server *server, int64_t *next_us)
{
	int64_t now_us = clock_mono_us();
	if (now_us < *next_us)
		return;
	*next_us = now_us + HTTP_TICK_MS * 1000;
	atomic_fetch_add(&server->tick, 1);
	mutex_lock(&server->lock);
	close_slow(server);
	mutex_unlock(&server->lock);
}

/* The library can listen by itself, but the way in which it ends that (MHD_quiesce_daemon, 0.9.75)
 * races with its own threads and may abort the process. */
void *
http__accept_run(void *context)
{
	struct http_server *server = context;
	int64_t next_us = clock_mono_us() + HTTP_TICK_MS * 1000;
	while (!atomic_load(&server->acceptor_ends)) {
		bool open = !atomic_load(&server->quiesced);
		struct pollfd p[] = {{.fd = server->wake_fd, .events = POLLIN},
			{.fd = open ? server->listen_fd : -1, .events = POLLIN}};
		uint64_t ignored;
		poll(p, ARRAY_LEN(p), HTTP_TICK_MS);
		if (p[0].revents && read(server->wake_fd, &ignored, sizeof(ignored)) < 0)
			continue;
		for (int i = 0; i < 256 && p[1].revents && accept_next(server); i++)
			;
		advance_clock(server, &next_us);
	}
	return NULL;
}
