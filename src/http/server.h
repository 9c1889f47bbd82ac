#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * HTTP/1.1 over libmicrohttpd, which no other folder sees. No word of identity or access here.
 *
 * A handler is called once the whole body is there. It either responds, or suspends; a suspended
 * request is resumed from any thread, and then the handler is called again (http_request_resumed
 * tells). A handler that does neither has its request answered with 500. Everything about one
 * exchange lives in its arena.
 *
 * Refused before any handler, with an RFC 9457 problem document and the end of the connection:
 * Content-Length together with Transfer-Encoding, either of them repeated or malformed, a coding
 * other than "chunked"; a header name that is no token, NUL or another control character, a folded
 * line, a line that does not end in CR LF; a missing (HTTP/1.1) or repeated Host; a target that is
 * no path or absolute URL of this host, or longer than 4 KiB (414); headers over 12 KiB (431); a
 * body over the limit (413); more than `connections_max` connections (503, Retry-After; far beyond
 * it they are closed unheard). A head or a body that does not come in time ends the connection.
 *
 * The library refuses some of these before us, with a short HTML page: a header line without colon,
 * a Content-Length that is no number or does not fit 64 bits, bad chunks, headers far over 12 KiB,
 * a version that is not 1.x. For the second it sends its head twice; both say "Connection: close"
 * and the connection is closed, so nothing can be taken for the answer to another request.
 */
struct http_server;
struct http_request;

enum http_method {
	HTTP_OTHER = 0,
	HTTP_GET,
	HTTP_HEAD,
	HTTP_POST,
	HTTP_PUT,
	HTTP_PATCH,
	HTTP_DELETE,
	HTTP_OPTIONS
};

typedef void http_handler(struct http_request *request, void *context);

/* Whose X-Forwarded-For is believed; borrowed. */
struct http_proxies {
	const struct cidr *blocks;
	size_t count;
};

struct http_options {
	const char *address; /* "127.0.0.1", "::1", "0.0.0.0" … */
	uint16_t port; /* 0: any free one, see http_server_port */
	unsigned threads;
	unsigned connections_max; /* all in all; the descriptor limit is raised to fit */
	unsigned suspended_max;
	unsigned idle_timeout_s; /* also how long a slow client may take */
	size_t body_max; /* bytes; a handler can refuse less by itself */
	size_t arena_max; /* bytes of one exchange; three times body_max, and what handlers need */
	struct http_proxies proxies;
	http_handler *handler;
	void *context;
	void (*thread_exit)(void); /* may be NULL; called as each serving thread ends */
};

/* ERR_INVALID "address-in-use" and the like: the text names the option and the remedy. */
enum status http_server_start(
	struct http_server **out, const struct http_options *options, struct error *err) MUST_USE;
uint16_t http_server_port(const struct http_server *server);

/* Stops accepting; what runs goes on. */
void http_server_quiesce(struct http_server *server);
/* Waits at most `timeout_ms` for what runs, answers suspended requests with 503, stops, frees.
 * Nobody may call http_resume for its requests after it has returned. */
void http_server_stop(struct http_server **server, int timeout_ms);

struct http_stats {
	uint64_t connections, suspended; /* now */
	uint64_t requests, refused_early; /* since the start; the first counts the second too */
};
/* Threads: any. */
struct http_stats http_server_stats(const struct http_server *server);

/* What came in: borrowed for the life of the exchange. */
enum http_method http_method(const struct http_request *r);
struct str http_path(const struct http_request *r); /* as sent, not decoded, starts with '/' */
/* Without the blanks around it; the first of several; absent when missing. */
struct str http_header(const struct http_request *r, const char *name);
/* How many headers of that name there are; more than one of a sensitive header is refused by its
 * user. */
unsigned http_header_count(const struct http_request *r, const char *name);
/* The same as http_header, but absent when there are several: for what proves who calls. */
struct str http_header_once(const struct http_request *r, const char *name);
/* Whether Content-Type names this media type, whatever its parameters. */
bool http_content_is(const struct http_request *r, const char *type);
/* A decoded query parameter; absent when missing; `*repeated` is set when there are several. A
 * malformed query (bad %-escape, NUL) was refused before the handler. */
struct str http_query(const struct http_request *r, const char *name, bool *repeated);
struct str http_query_at(
	const struct http_request *r, size_t i, struct str *name); /* i-th; absent past the end */
struct str http_query_raw(const struct http_request *r); /* as sent; absent without '?' */
struct str http_body(const struct http_request *r);
/* The address of the client as text, without a port: what the connection says, unless that is a
 * trusted proxy; then the last of X-Forwarded-For that is no trusted proxy. */
struct str http_peer(const struct http_request *r);
struct str http_request_id(
	const struct http_request *r); /* X-Request-ID if acceptable, else made on demand */
struct arena *http_arena(struct http_request *r);

/* Whatever the handler wants to keep from call to call of one exchange; freed with the arena. */
void http_set_state(struct http_request *r, void *state);
void *http_state(const struct http_request *r);

/* What is owed to the caller: `err`, or that there was no memory, for then whatever was refused may
 * have been refused for that. Borrowed. Threads: the request's. */
const struct error *http_error(const struct http_request *r, const struct error *err);

/* The one table from a status to HTTP. Threads: any. */
unsigned http_status_of(enum status status);

/* Percent-decodes one path segment into the arena; absent if it is malformed or holds NUL; %2F is
 * a '/' inside the segment. */
struct str http_decode_segment(struct http_request *r, struct str segment);

/* Answering, exactly once per exchange and only in the handler. The body is copied. Extra headers
 * first: their values are copied, their names must last (a literal). A value with a control
 * character makes the answer a 500, a full arena a 503. HEAD is answered like GET: the body is left
 * out. */
void http_add_header(struct http_request *r, const char *name, struct str value);
void http_respond(
	struct http_request *r, unsigned status, const char *content_type, struct str body);

/*
 * Leaves the serving thread. After http_suspend the handler must return without touching `r`
 * again, except that `r` may be handed to another thread which calls http_resume exactly once.
 * False when too many are suspended: then the handler has to answer (503) itself.
 */
bool http_suspend(struct http_request *r) MUST_USE;
void http_resume(struct http_request *r);
bool http_request_resumed(const struct http_request *r);

#endif
