#include "http_wire.h"

#include <stdio.h>
#include <stdlib.h>

/* What src/http makes of bytes: the real server, raw requests over loopback. */

#define BODY_MAX 1000
#define GET_ECHO "GET /echo HTTP/1.1\r\nHost: a\r\n"
#define POST_ECHO "POST /echo HTTP/1.1\r\nHost: a\r\n"
#define LAST "GET /last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
#define BYTES(literal) ((struct str){literal, sizeof(literal) - 1})

static struct http_server *server;
static uint16_t port;
static _Atomic unsigned handled;
static char space[65536];

/* Answers with what it saw, a line each. */
static void
answer(struct http_request *r, void *context)
{
	struct str name, value, body = http_body(r);
	bool repeated = false;
	struct buf b;
	(void)context;
	handled++;
	if (str_eq(http_path(r), STR("/silent")))
		return;
	value = http_query(r, "header", &repeated);
	if (value.ptr)
		http_add_header(r, "X-From-Query", value);
	value = http_query(r, "fill", &repeated);
	while (value.ptr && arena_alloc(http_arena(r), 1000))
		;
	buf_init(&b, 65536);
	value = http_query(r, "q", &repeated);
	buf_printf(&b, "method=%d path=%.*s peer=%.*s q=%s%.*s%s\n", (int)http_method(r),
		STR_ARG(http_path(r)), STR_ARG(http_peer(r)), value.ptr ? "" : "none",
		STR_ARG(value), repeated ? " repeated" : "");
	for (size_t i = 0; (value = http_query_at(r, i, &name)).ptr; i++)
		buf_printf(&b, "arg=%.*s:%.*s\n", STR_ARG(name), STR_ARG(value));
	value = http_header(r, "x-test");
	buf_printf(&b, "x-test=%s<%.*s> of %u\n", value.ptr ? "" : "none", STR_ARG(value),
		http_header_count(r, "X-Test"));
	buf_printf(&b, "id=%.*s\n", STR_ARG(http_request_id(r)));
	buf_printf(&b, "segment=<%.*s>\n",
		STR_ARG(http_decode_segment(
			r, (struct str){http_path(r).ptr + 1, http_path(r).len - 1})));
	buf_printf(&b, "body[%zu]=%.*s\n", body.len, STR_ARG(body));
	assert_false(b.failed);
	http_add_header(r, "X-Extra", STR("one"));
	http_add_header(r, "X-Extra", STR("two"));
	http_respond(r, 200, "text/plain", buf_view(&b));
	buf_clear(&b);
}

static int
start(void **state)
{
	struct error err = {0};
	struct http_options options = {.address = "127.0.0.1",
		.threads = 1,
		.connections_max = 100,
		.suspended_max = 10,
		.idle_timeout_s = 30,
		.body_max = BODY_MAX,
		.arena_max = 100000,
		.handler = answer};
	(void)state;
	if (http_server_start(&server, &options, &err) != OK)
		return -1;
	port = http_server_port(server);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	http_server_stop(&server, 1000);
	return server ? -1 : 0;
}

/* The bytes get exactly one answer, a problem document of that status; the connection closes and
 * no handler has run, whatever stands behind the request. */
static void
expect_refused(struct str request, const char *status, const char *detail)
{
	char line[64];
	unsigned before = handled;
	struct buf b;
	buf_init(&b, 65536);
	buf_str(&b, request);
	buf_str(&b, BYTES(LAST));
	snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
	struct str got = wire_ask(port, buf_view(&b), space, sizeof(space));
	if (!str_starts(got, str_from(line)) || !wire_has(got, detail))
		print_message("%.*s\nanswered\n%.*s\n", STR_ARG(request), STR_ARG(got));
	assert_true(str_starts(got, str_from(line)));
	assert_int_equal(1, wire_count(got, "HTTP/1.1 "));
	assert_int_equal(1, wire_count(got, "Connection: close\r\n"));
	assert_int_equal(1, wire_count(got, "Content-Type: application/problem+json\r\n"));
	assert_true(wire_has(got, "{\"type\":\"about:blank\",\"title\":\""));
	assert_true(wire_has(got, detail));
	assert_int_equal(1, wire_answers(got));
	assert_int_equal(before, handled);
	buf_clear(&b);
}

/* The library refuses these by itself, with a page of its own and in some cases two heads. The
 * first head says that the connection ends, which it does, so that a peer can take nothing that
 * follows for the answer to another request. */
static void
expect_library_refused(struct str request, const char *status)
{
	char line[64];
	unsigned before = handled;
	struct buf b;
	buf_init(&b, 65536);
	buf_str(&b, request);
	buf_str(&b, BYTES(LAST));
	snprintf(line, sizeof(line), "HTTP/1.1 %s ", status);
	struct str got = wire_ask(port, buf_view(&b), space, sizeof(space));
	const char *end = memmem(got.ptr, got.len, "\r\n\r\n", 4);
	if (!end || !str_starts(got, str_from(line)))
		print_message("%.*s\nanswered\n%.*s\n", STR_ARG(request), STR_ARG(got));
	assert_true(str_starts(got, str_from(line)));
	assert_non_null(end);
	assert_int_equal(1,
		wire_count((struct str){got.ptr, (size_t)(end - got.ptr) + 2},
			"Connection: close\r\n"));
	assert_false(wire_has(got, "HTTP/1.1 200"));
	assert_int_equal(before, handled);
	buf_clear(&b);
}

static struct str
expect_answered(struct str request)
{
	struct buf b;
	buf_init(&b, 65536);
	buf_str(&b, request);
	buf_str(&b, BYTES(LAST));
	struct str got = wire_ask(port, buf_view(&b), space, sizeof(space));
	if (wire_count(got, "HTTP/1.1 200 OK\r\n") != 2)
		print_message("%.*s\nanswered\n%.*s\n", STR_ARG(request), STR_ARG(got));
	assert_int_equal(2, wire_count(got, "HTTP/1.1 200 OK\r\n"));
	assert_int_equal(2, wire_answers(got));
	assert_int_equal(1, wire_count(got, "path=/last "));
	buf_clear(&b);
	return got;
}

static void
test_http__length_and_coding(void **state)
{
	(void)state;
	expect_refused(
		BYTES(POST_ECHO "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
		"400", "exclude each other");
	expect_refused(
		BYTES(POST_ECHO "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n"),
		"400", "exclude each other");
	expect_refused(BYTES(POST_ECHO "Content-Length: 2\r\nContent-Length: 2\r\n\r\nab"), "400",
		"more than one Content-Length");
	expect_refused(BYTES(POST_ECHO "Content-Length: 2\r\nContent-Length: 9\r\n\r\nab"), "400",
		"more than one Content-Length");
	expect_refused(BYTES(POST_ECHO "Content-Length: 0\r\ncontent-length: 9\r\n\r\nab"), "400",
		"more than one Content-Length");
	expect_refused(
		BYTES(POST_ECHO "Content-Length: 007\r\n\r\nabcdefg"), "400", "decimal number");
}

static void
test_http__malformed_length(void **state)
{
	(void)state;
	expect_library_refused(BYTES(POST_ECHO "Content-Length: +5\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: -5\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: 5 \r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: 5 5\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: 5,5\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: 0x5\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length: five\r\n\r\nabcde"), "400");
	expect_library_refused(BYTES(POST_ECHO "Content-Length:\r\n\r\nabcde"), "400");
	expect_library_refused(
		BYTES(POST_ECHO "Content-Length: 99999999999999999999999\r\n\r\nabcde"), "413");
}

static void
test_http__coding(void **state)
{
	(void)state;
	static const char *const bad[] = {"identity", "gzip, chunked", "chunked, identity",
		"xchunked", "chunked;q=1", "\"chunked\"", "chunked ", "chunked,"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		char request[512];
		int len = snprintf(request, sizeof(request),
			POST_ECHO "Transfer-Encoding: %s\r\n\r\n0\r\n\r\n", bad[i]);
		expect_refused((struct str){request, (size_t)len}, "400", "Transfer-Encoding");
	}
	expect_refused(BYTES(POST_ECHO "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
				       "chunked\r\n\r\n0\r\n\r\n"),
		"400", "Transfer-Encoding");
	expect_refused(BYTES(POST_ECHO "Transfer-Encoding: chunked\r\nTransfer-Encoding: "
				       "identity\r\n\r\n0\r\n\r\n"),
		"400", "Transfer-Encoding");
	expect_refused(BYTES("POST /echo HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: "
			     "chunked\r\n\r\n0\r\n\r\n"),
		"400", "Transfer-Encoding");
}

static void
test_http__header_lines(void **state)
{
	(void)state;
	expect_refused(BYTES(GET_ECHO "X-Test : a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test\t: a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X Test: a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X(Test): a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO ": a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\r\n b\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\r\n\tb\r\nX-More: c\r\n\r\n"), "400",
		"header is malformed");
	expect_refused(
		BYTES(GET_ECHO "X-Test: a\nX-More: b\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\r\n\n"), "400", "header is malformed");
	expect_refused(BYTES("GET /echo HTTP/1.1\nHost: a\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\rb\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\r\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\x01\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a longer value with \x7f in\r\n\r\n"), "400",
		"header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\0b\r\n\r\n"), "400", "header is malformed");
	expect_refused(BYTES(GET_ECHO "X-Test: a\0\r\n\r\n"), "400", "header is malformed");
	expect_refused(
		BYTES(GET_ECHO "X-Test: \0\r\nX-More: b\r\n\r\n"), "400", "header is malformed");
	expect_refused(
		BYTES("GET /echo HTTP/1.1\r\nHost: a\0b\r\n\r\n"), "400", "header is malformed");
	expect_library_refused(BYTES(GET_ECHO "X-Te\0st: a\r\n\r\n"), "400");
	expect_library_refused(BYTES(GET_ECHO "no colon at all\r\n\r\n"), "400");
	expect_library_refused(BYTES("GET /echo HTTP/1.1\r\n Host: a\r\nno colon\r\n\r\n"), "400");
}

static void
test_http__host(void **state)
{
	(void)state;
	expect_refused(BYTES("GET /echo HTTP/1.1\r\n\r\n"), "400", "Host header is missing");
	expect_refused(
		BYTES("GET /echo HTTP/1.1\r\nX-Test: a\r\n\r\n"), "400", "Host header is missing");
	expect_refused(BYTES(GET_ECHO "Host: a\r\n\r\n"), "400", "more than one Host");
	expect_refused(BYTES(GET_ECHO "host: b\r\n\r\n"), "400", "more than one Host");
	expect_refused(BYTES("GET /echo HTTP/1.1\r\nHost:\r\n\r\n"), "400", "malformed");
	expect_refused(BYTES("GET /echo HTTP/1.1\r\nHost: a b\r\n\r\n"), "400", "malformed");
	expect_refused(BYTES("GET /echo HTTP/1.1\r\nHost: a/b\r\n\r\n"), "400", "malformed");
	expect_refused(BYTES("GET /echo HTTP/1.1\r\nHost: x@a\r\n\r\n"), "400", "malformed");
	struct str got = wire_ask(port, BYTES("GET /echo HTTP/1.0\r\n\r\n"), space, sizeof(space));
	assert_int_equal(1, wire_count(got, " 200 OK\r\n"));
}

static void
test_http__target(void **state)
{
	char longest[8192];
	(void)state;
	expect_refused(BYTES("GET /ec\0ho HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request line");
	expect_refused(BYTES("GET /a?b=\0c HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request line");
	expect_refused(
		BYTES("GET /a\0HTTP/1.1 HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request line");
	expect_refused(BYTES("GET  /a HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request line");
	expect_refused(BYTES("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /a\rb HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /a\\b HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET echo HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "contradicts");
	expect_refused(BYTES("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "request target");
	expect_refused(BYTES("GET /a?b=%zz HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "query");
	expect_refused(BYTES("GET /a?b=%4 HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "query");
	expect_refused(BYTES("GET /a?%00=b HTTP/1.1\r\nHost: a\r\n\r\n"), "400", "query");
	for (size_t len = 4095; len <= 4098; len++) {
		int made = snprintf(longest, sizeof(longest),
			"GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", (int)len - 1, 0);
		struct str request = {longest, (size_t)made};
		if (len <= 4096)
			expect_answered(request);
		else
			expect_refused(request, "414", "4096");
	}
	expect_library_refused(BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "505");
}

static void
test_http__what_the_handler_sees(void **state)
{
	struct str got;
	(void)state;
	got = expect_answered(BYTES("GET /a%20b?q=x%2By+z&r=%e2%82%ac&&s HTTP/1.1\r\nHost: a\r\n"
				    "X-Test:  two words \t\r\n\r\n"));
	assert_true(wire_has(got, "method=1 path=/a%20b peer=127.0.0.1 q=x+y z\n"));
	assert_true(wire_has(got, "arg=q:x+y z\narg=r:\xe2\x82\xac\narg=s:\n"));
	assert_true(wire_has(got, "x-test=<two words> of 1\n"));
	assert_true(wire_has(got, "segment=<a b>\n"));
	assert_true(wire_has(got, "X-Extra: one\r\n"));
	assert_true(wire_has(got, "X-Extra: two\r\n"));
	assert_true(wire_has(got, "Date: "));
	got = expect_answered(BYTES("GET /a%2fb?q=1&q=2 HTTP/1.1\r\nHost: a\r\nX-Test:\r\n"
				    "X-Request-ID: abc-1\r\nx-test: b\r\n\r\n"));
	assert_true(wire_has(got, "q=1 repeated\n"));
	assert_true(wire_has(got, "x-test=<> of 2\n"));
	assert_true(wire_has(got, "id=abc-1\n"));
	assert_true(wire_has(got, "segment=<a/b>\n"));
	got = expect_answered(
		BYTES("BREW http://A?q HTTP/1.1\r\nHost: a\r\nX-Request-ID: a b\r\n\r\n"));
	assert_true(wire_has(got, "method=0 path=/ peer=127.0.0.1 q=\n"));
	assert_false(wire_has(got, "id=a b"));
	assert_true(wire_has(got, "q=none\n"));
	got = expect_answered(BYTES("\r\nDELETE /%zz HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"));
	assert_true(wire_has(got, "method=6 path=/%zz "));
	assert_true(wire_has(got, "segment=<>\n"));
}

static void
test_http__bodies(void **state)
{
	char request[4096], x[BODY_MAX + 2];
	struct str got;
	(void)state;
	got = expect_answered(BYTES(POST_ECHO "Content-Length: 5\r\n\r\na\0b\r\n"));
	assert_int_equal(1, wire_count(got, "body[5]="));
	got = expect_answered(
		BYTES(POST_ECHO "Transfer-Encoding: Chunked\r\n\r\n"
				"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nX-Test: no\r\n\r\n"));
	assert_true(wire_has(got, "body[5]=abcde\n"));
	assert_true(wire_has(got, "x-test=none<> of 0\n"));
	got = expect_answered(BYTES(POST_ECHO "Content-Length: 0\r\n\r\n"));
	assert_true(wire_has(got, "body[0]=\n"));
	memset(x, 'x', sizeof(x));
	for (int len = BODY_MAX; len <= BODY_MAX + 1; len++) {
		int plain = snprintf(request, sizeof(request),
			POST_ECHO "Content-Length: %d\r\n\r\n%.*s", len, len, x);
		if (len == BODY_MAX)
			expect_answered((struct str){request, (size_t)plain});
		else
			expect_refused((struct str){request, (size_t)plain}, "413", "1000");
		int chunked = snprintf(request, sizeof(request),
			POST_ECHO "Transfer-Encoding: chunked\r\n\r\n10\r\n%.16s\r\n%x\r\n%.*s\r\n"
				  "0\r\n\r\n",
			x, (unsigned)len - 16, len - 16, x);
		if (len == BODY_MAX)
			expect_answered((struct str){request, (size_t)chunked});
		else
			expect_refused((struct str){request, (size_t)chunked}, "413", "1000");
	}
	expect_library_refused(
		BYTES(POST_ECHO "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n"), "400");
	expect_library_refused(
		BYTES(POST_ECHO "Transfer-Encoding: chunked\r\n\r\n-1\r\nab\r\n"), "400");
	expect_library_refused(
		BYTES(POST_ECHO "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n"),
		"413");
}

static void
test_http__headers_too_large(void **state)
{
	char *request = test_calloc(1, 40000);
	(void)state;
	memcpy(request, GET_ECHO "X-Test: ", sizeof(GET_ECHO "X-Test: "));
	size_t head = strlen(request);
	memset(request + head, 'x', 12 * 1024);
	memcpy(request + head + 12 * 1024, "\r\n\r\n", 4);
	expect_refused((struct str){request, head + 12 * 1024 + 4}, "431", "12288");
	memset(request + head, 'x', 30000);
	expect_library_refused((struct str){request, head + 30000}, "431");
	test_free(request);
}

static void
test_http__head_and_continue(void **state)
{
	bool closed = false;
	(void)state;
	struct str got =
		wire_ask(port, BYTES("HEAD /echo HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"),
			space, sizeof(space));
	assert_true(str_starts(got, STR("HTTP/1.1 200 OK\r\n")));
	assert_false(wire_has(got, "method="));
	assert_true(memcmp(got.ptr + got.len - 4, "\r\n\r\n", 4) == 0);
	int fd = wire_open(port);
	wire_send(fd, BYTES(POST_ECHO "Expect: 100-continue\r\nContent-Length: 3\r\n\r\n"));
	got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(str_eq(got, STR("HTTP/1.1 100 Continue\r\n\r\n")));
	wire_send(fd, BYTES("abc"));
	got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(wire_has(got, "body[3]=abc\n"));
	wire_send(fd, BYTES(POST_ECHO "Expect: 100-continue\r\nContent-Length: 3000\r\n\r\n"));
	got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(str_starts(got, STR("HTTP/1.1 413 ")));
	assert_true(wire_closed(fd));
	close(fd);
}

static void
test_http__pipelined_and_kept(void **state)
{
	bool closed = false;
	(void)state;
	int fd = wire_open(port);
	for (int i = 0; i < 50; i++)
		wire_send(fd, BYTES(POST_ECHO "Content-Length: 3\r\n\r\nabc" GET_ECHO "\r\n"));
	struct str got = wire_read(fd, space, sizeof(space), 100, &closed);
	assert_int_equal(100, wire_answers(got));
	assert_int_equal(50, wire_count(got, "body[3]=abc\n"));
	for (size_t i = 0; i < strlen(GET_ECHO "\r\n"); i++)
		wire_send(fd, (struct str){&(GET_ECHO "\r\n")[i], 1});
	got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(wire_has(got, "body[0]=\n"));
	assert_false(closed);
	close(fd);
}

static void
test_http__unanswered(void **state)
{
	(void)state;
	struct str got = wire_ask(
		port, BYTES("GET /silent HTTP/1.1\r\nHost: a\r\n\r\n" LAST), space, sizeof(space));
	assert_true(str_starts(got, STR("HTTP/1.1 500 ")));
	assert_int_equal(1, wire_count(got, "HTTP/1.1 "));
}

static void
test_http__answers_that_cannot_be(void **state)
{
	static const char *const bad[] = {"a%0d%0aX-Evil:+1", "a%0aX-Evil:+1", "a%01X-Evil:+1"};
	char request[256];
	struct str got;
	(void)state;
	got = expect_answered(BYTES("GET /?header=%41+b HTTP/1.1\r\nHost: a\r\n\r\n"));
	assert_true(wire_has(got, "X-From-Query: A b\r\n"));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		int len = snprintf(request, sizeof(request),
			"GET /?header=%s HTTP/1.1\r\nHost: a\r\n\r\n", bad[i]);
		got = wire_ask(port, (struct str){request, (size_t)len}, space, sizeof(space));
		assert_true(str_starts(got, STR("HTTP/1.1 500 ")));
		assert_false(wire_has(got, "X-Evil"));
	}
	got = wire_ask(port, BYTES("GET /?fill HTTP/1.1\r\nHost: a\r\n\r\n"), space, sizeof(space));
	assert_true(str_starts(got, STR("HTTP/1.1 503 ")));
	assert_true(wire_has(got, "Retry-After: 1\r\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http__length_and_coding),
		cmocka_unit_test(test_http__malformed_length),
		cmocka_unit_test(test_http__coding),
		cmocka_unit_test(test_http__header_lines),
		cmocka_unit_test(test_http__host),
		cmocka_unit_test(test_http__target),
		cmocka_unit_test(test_http__what_the_handler_sees),
		cmocka_unit_test(test_http__bodies),
		cmocka_unit_test(test_http__headers_too_large),
		cmocka_unit_test(test_http__head_and_continue),
		cmocka_unit_test(test_http__pipelined_and_kept),
		cmocka_unit_test(test_http__unanswered),
		cmocka_unit_test(test_http__answers_that_cannot_be),
	};
	return cmocka_run_group_tests_name("http", tests, start, stop);
}
