#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include <microhttpd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/arena.h"
#include "base/macros.h"
#include "http/parse.h"
#include "http/server.h"

/*
 * One exchange lives on one serving thread from its request line to its last byte, so it comes
 * from that thread's own list and nothing about it is locked, except while it is suspended.
 *
 * Locks: `lock` guards threads, connections and what is suspended. It is held while calling
 * MHD_suspend_connection, so that nobody resumes what is not suspended yet, and at the end while
 * resuming all; libmicrohttpd calls nothing of ours with a lock of its own held.
 */

#define HTTP_HEADERS_MAX ((size_t)12 * 1024) /* request line and headers; beyond it 431 */
#define HTTP_TARGET_INLINE 256
#define HTTP_IDLE_REQUESTS 64 /* kept by each thread for the next exchanges */
#define HTTP_DRAIN_MAX ((size_t)1024 * 1024)
#define HTTP_TICK_MS 250

enum http__refusal {
	REFUSE_NOTHING = 0,
	REFUSE_TARGET,
	REFUSE_TARGET_LONG,
	REFUSE_QUERY,
	REFUSE_LINE,
	REFUSE_HEADERS,
	REFUSE_HEADERS_LARGE,
	REFUSE_HOST_MISSING,
	REFUSE_HOST_REPEATED,
	REFUSE_HOST,
	REFUSE_LENGTH_AND_CODING,
	REFUSE_LENGTH_REPEATED,
	REFUSE_LENGTH,
	REFUSE_CODING,
	REFUSE_BODY_LARGE,
	REFUSE_CONNECTIONS,
	REFUSE_MEMORY,
	REFUSE_STOPPING,
	REFUSE_UNANSWERED,
	REFUSE_COUNT,
};

/* Made once at start and shared by all who are refused. */
struct http__answer {
	unsigned status;
	struct MHD_Response *response;
	struct str raw; /* the whole answer as bytes, for when the library takes no response */
};

struct http__thread {
	struct http_server *server;
	struct http__thread *next;
	struct http_request *idle;
	unsigned idle_count;
	/* Written by the thread alone, summed by others. */
	_Atomic uint64_t begun, ended, refused;
};

struct http__connection {
	struct http__connection *next, *prev;
	int fd;
	bool surplus; /* over connections_max: answered 503 */
	_Atomic uint32_t deadline; /* tick at which it has been too slow; 0: none */
};

struct http__header {
	const char *name;
	const char *value;
	struct http__header *next;
};

struct http_request {
	struct http_server *server;
	struct http__thread *thread;
	struct http__connection *connection;
	struct MHD_Connection *mhd;
	struct arena *arena; /* from the moment the headers are there */
	struct http_request *next, *prev; /* of the suspended, the idle, or the abandoned */
	void *state;

	const char *target_at; /* where the library keeps it */
	char *target; /* our copy: the library cuts its own to pieces */
	size_t target_len;
	struct http__target parts;
	enum http_method method;
	enum http__refusal refusal;

	char *body;
	size_t body_len, body_cap;
	uint64_t content_length; /* 0 when there is none */
	size_t drained;

	struct http__header *headers, **headers_tail;
	struct str request_id;

	bool begun, draining, responded, resumed, left;
	bool suspended; /* under the lock */
	bool abandoned; /* said before it is resumed for the last time, and read after */

	char inline_target[HTTP_TARGET_INLINE];
	char peer[INET6_ADDRSTRLEN];
	char made_id[40];
};

struct http_server {
	struct http_options options;
	struct MHD_Daemon *daemon;
	uint16_t port;
	bool raw_layout; /* the library keeps a request's head as it came (see check.c) */
	pthread_key_t thread_key;
	struct http__answer answers[REFUSE_COUNT];

	pthread_mutex_t lock;
	struct http__thread *threads;
	struct http__connection *connections;
	struct http_request *suspended, *abandoned;
	unsigned suspended_count;
	bool stopping;

	int listen_fd, wake_fd; /* the second is written to when the acceptor has to look up */
	pthread_t acceptor;
	_Atomic unsigned accepted_count, connection_count; /* taken; known to a serving thread */
	_Atomic bool quiesced, acceptor_ends;
	_Atomic uint32_t tick; /* HTTP_TICK_MS each; starts at 1 */
	uint32_t timeout_ticks;
	_Atomic uint32_t log_tick, log_count;
};

/* listen.c */
enum status http__listen(
	int *fd, uint16_t *port, const struct http_options *options, struct error *err) MUST_USE;
enum status http__raise_descriptors(unsigned connections, struct error *err) MUST_USE;
unsigned http__connections_accepted(const struct http_options *options);

/* check.c: everything about the head of a request; sets content_length, method and parts. */
enum http__refusal http__check(
	struct http_request *r, const char *method, const char *version) MUST_USE;

/* exchange.c */
void *http__on_target(void *server, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http__on_request(void *server, struct MHD_Connection *mhd, const char *url,
	const char *method, const char *version, const char *upload, size_t *upload_size,
	void **context);
void http__on_completed(void *server, struct MHD_Connection *mhd, void **context,
	enum MHD_RequestTerminationCode why);
void http__request_free(struct http_request *r);

/* connection.c */
void http__on_connection(void *server, struct MHD_Connection *mhd, void **context,
	enum MHD_ConnectionNotificationCode what);
struct http__thread *http__thread_of(struct http_server *server);
void http__deadline_set(struct http_request *r, uint32_t ticks);
/* The thread that accepts connections and ends those that are too slow. */
void *http__accept_run(void *server);

/* refuse.c */
enum status http__answers_init(struct http_server *server, struct error *err) MUST_USE;
void http__answers_clear(struct http_server *server);
enum MHD_Result http__refuse(struct http_request *r, enum http__refusal why);
/* Writes the answer past the library and takes no more: what still comes is thrown away. */
void http__refuse_midway(struct http_request *r, enum http__refusal why);

/* suspend.c */
void http__abandon_suspended(struct http_server *server);
void http__bury(struct http_request *r);

#endif
