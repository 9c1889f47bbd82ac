#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "http/internal.h"

/* What src/http itself answers, as RFC 9457 problem documents. `limit` says which number of the
 * options or of this folder the detail names. */
enum limit { LIMIT_NONE, LIMIT_TARGET, LIMIT_HEADERS, LIMIT_BODY, LIMIT_CONNECTIONS };

static const struct {
	unsigned status;
	const char *title;
	const char *detail;
	enum limit limit;
} refusals[REFUSE_COUNT] = {
	[REFUSE_TARGET] = {400, "Bad Request",
		"The request target must be a path that starts with '/', with every blank, control "
		"character, '#', '\\\\' and non-ASCII byte percent-encoded.",
		LIMIT_NONE},
	[REFUSE_TARGET_LONG] = {414, "URI Too Long",
		"The request target is longer than the limit, in bytes:", LIMIT_TARGET},
	[REFUSE_QUERY] = {400, "Bad Request",
		"The query holds a '%' that two hexadecimal digits do not follow, or an encoded "
		"NUL.",
		LIMIT_NONE},
	[REFUSE_LINE] = {400, "Bad Request",
		"The request line must be method, target and version with one blank between each.",
		LIMIT_NONE},
	[REFUSE_HEADERS] = {400, "Bad Request",
		"A header is malformed: a name must be a token directly followed by a colon, a "
		"value must be on one line without control characters, a line must end in CR LF.",
		LIMIT_NONE},
	[REFUSE_HEADERS_LARGE] = {431, "Request Header Fields Too Large",
		"The headers are longer than the limit, in bytes:", LIMIT_HEADERS},
	[REFUSE_HOST_MISSING] = {400, "Bad Request", "The Host header is missing.", LIMIT_NONE},
	[REFUSE_HOST_REPEATED] = {400, "Bad Request", "There is more than one Host header.",
		LIMIT_NONE},
	[REFUSE_HOST] = {400, "Bad Request",
		"The Host header is malformed, or contradicts the request target.", LIMIT_NONE},
	[REFUSE_LENGTH_AND_CODING] = {400, "Bad Request",
		"Content-Length and Transfer-Encoding exclude each other.", LIMIT_NONE},
	[REFUSE_LENGTH_REPEATED] = {400, "Bad Request",
		"There is more than one Content-Length header.", LIMIT_NONE},
	[REFUSE_LENGTH] = {400, "Bad Request",
		"Content-Length must be a decimal number without sign or leading zero.",
		LIMIT_NONE},
	[REFUSE_CODING] = {400, "Bad Request",
		"The only Transfer-Encoding understood is one 'chunked', in HTTP/1.1.", LIMIT_NONE},
	[REFUSE_BODY_LARGE] = {413, "Content Too Large",
		"The body is longer than the limit, in bytes:", LIMIT_BODY},
	[REFUSE_CONNECTIONS] = {503, "Service Unavailable",
		"The server has as many connections as it may have; try again. The limit:",
		LIMIT_CONNECTIONS},
	[REFUSE_MEMORY] = {503, "Service Unavailable",
		"The server has no memory for this request; try again.", LIMIT_NONE},
	[REFUSE_STOPPING] = {503, "Service Unavailable", "The server is stopping; try again.",
		LIMIT_NONE},
	[REFUSE_UNANSWERED] = {500, "Internal Server Error",
		"The server could not make an answer to this request.", LIMIT_NONE},
};

static size_t
limit_value(const struct http_server *server, enum limit limit)
{
	switch (limit) {
	case LIMIT_NONE:
		break;
	case LIMIT_TARGET:
		return HTTP_TARGET_MAX;
	case LIMIT_HEADERS:
		return HTTP_HEADERS_MAX;
	case LIMIT_BODY:
		return server->options.body_max;
	case LIMIT_CONNECTIONS:
		return server->options.connections_max;
	}
	return 0;
}

static void
format_answer(struct http_server *server, enum http__refusal why, struct buf *raw, struct buf *body)
{
	buf_printf(body, "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,\"detail\":\"%s",
		refusals[why].title, refusals[why].status, refusals[why].detail);
	if (refusals[why].limit != LIMIT_NONE)
		buf_printf(body, " %zu.", limit_value(server, refusals[why].limit));
	buf_str(body, STR("\"}"));
	buf_printf(raw,
		"HTTP/1.1 %u %s\r\nContent-Type: application/problem+json\r\n"
		"Content-Length: %zu\r\n%sConnection: close\r\n\r\n",
		refusals[why].status, refusals[why].title, body->len,
		refusals[why].status == 503 ? "Retry-After: 1\r\n" : "");
	buf_str(raw, buf_view(body));
}

static bool
answer_init(struct http_server *server, enum http__refusal why)
{
	struct http__answer *answer = &server->answers[why];
	struct buf raw, body;
	buf_init(&raw, 2048);
	buf_init(&body, 1024);
	format_answer(server, why, &raw, &body);
	answer->status = refusals[why].status;
	answer->raw = buf_view(&raw); /* freed by http__answers_clear */
	if (!raw.failed && !body.failed)
		answer->response =
			MHD_create_response_from_buffer(body.len, body.ptr, MHD_RESPMEM_MUST_COPY);
	buf_clear(&body);
	struct MHD_Response *response = answer->response;
	return response &&
		MHD_add_response_header(response, "Content-Type", "application/problem+json") &&
		MHD_add_response_header(response, "Connection", "close") &&
		(answer->status != 503 || MHD_add_response_header(response, "Retry-After", "1"));
}

enum status
http__answers_init(struct http_server *server, struct error *err)
{
	for (enum http__refusal why = REFUSE_NOTHING + 1; why < REFUSE_COUNT; why++)
		if (!answer_init(server, why))
			return error_no_memory(err);
	return OK;
}

void
http__answers_clear(struct http_server *server)
{
	for (size_t i = 0; i < ARRAY_LEN(server->answers); i++) {
		struct http__answer *answer = &server->answers[i];
		if (answer->response)
			MHD_destroy_response(answer->response);
		free((char *)answer->raw.ptr);
		*answer = (struct http__answer){0};
	}
}

static void
count_refused(struct http_request *r)
{
	atomic_store_explicit(&r->thread->refused,
		atomic_load_explicit(&r->thread->refused, memory_order_relaxed) + 1,
		memory_order_relaxed);
}

enum MHD_Result
http__refuse(struct http_request *r, enum http__refusal why)
{
	const struct http__answer *answer = &r->server->answers[why];
	ASSERT(why != REFUSE_NOTHING && why < REFUSE_COUNT);
	r->responded = true;
	count_refused(r);
	return MHD_queue_response(r->mhd, answer->status, answer->response);
}

/* The library takes no response while a body arrives, and nothing of it is buffered then, so the
 * answer is written to the socket. Closing at once would reset the connection and might take the
 * answer with it, so what the client still sends is read for a while. */
void
http__refuse_midway(struct http_request *r, enum http__refusal why)
{
	struct str raw = r->server->answers[why].raw;
	r->draining = true;
	r->responded = true;
	count_refused(r);
	if (!r->connection)
		return;
	if (send(r->connection->fd, raw.ptr, raw.len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
		r->drained = HTTP_DRAIN_MAX;
	shutdown(r->connection->fd, SHUT_WR);
}
