/* Requests of our own, to a socket of the test that says whatever it is told to. */
#include "http_wire.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "http/client.h"

#define ANSWER_MAX 1000
#define TIMEOUT_MS 20000
#define OK_HEAD "HTTP/1.1 200 OK\r\n"

static int listener;
static uint16_t port;
static char url[64];
static struct error err;
static struct http_client_answer answer;

/* What the far end says next, and what it has heard. */
static struct {
	struct str says; /* absent: nothing at all */
	char heard[8192];
	size_t heard_len;
	_Atomic unsigned connections;
} far_end;

static int
start(void **state)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	(void)state;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, len) != 0 ||
		listen(listener, 5) != 0 ||
		getsockname(listener, (struct sockaddr *)&addr, &len) != 0)
		return -1;
	port = ntohs(addr.sin_port);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/a?b=c", port);
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	http_client_answer_clear(&answer);
	return close(listener);
}

/* Reads a head and the body that it announces. */
static void
hear(int fd)
{
	char *heard = far_end.heard;
	size_t want = sizeof(far_end.heard) - 1;
	far_end.heard_len = 0;
	while (far_end.heard_len < want) {
		ssize_t n = recv(fd, heard + far_end.heard_len, want - far_end.heard_len, 0);
		if (n <= 0)
			break;
		far_end.heard_len += (size_t)n;
		heard[far_end.heard_len] = '\0';
		const char *end = strstr(heard, "\r\n\r\n");
		const char *length = strstr(heard, "Content-Length: ");
		if (end && want == sizeof(far_end.heard) - 1)
			want = (size_t)(end - heard) + 4 +
				(length ? strtoul(length + 16, NULL, 10) : 0);
	}
}

static void *
serve(void *unused)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	(void)unused;
	if (fd < 0)
		return NULL;
	far_end.connections++;
	hear(fd);
	if (far_end.says.ptr) {
		wire_send(fd, far_end.says);
		shutdown(fd, SHUT_WR);
	}
	/* Until the client has gone. */
	char rest[256];
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
	close(fd);
	return NULL;
}

static enum status
run(const struct http_client_request *request)
{
	http_client_answer_clear(&answer);
	error_clear(&err);
	return http_client_run(&answer, request, &err);
}

/* One request, answered with these bytes. */
static enum status
ask(struct http_client_request request, struct str says)
{
	pthread_t thread;
	far_end.says = says;
	assert_int_equal(0, pthread_create(&thread, NULL, serve, NULL));
	request.method = request.method ? request.method : "GET";
	request.url = request.url ? request.url : url;
	request.timeout_ms = request.timeout_ms ? request.timeout_ms : TIMEOUT_MS;
	request.answer_max = ANSWER_MAX;
	enum status rc = run(&request);
	assert_int_equal(0, pthread_join(thread, NULL));
	return rc;
}

/* A request for which no connection may be made. */
static void
expect_refused(const char *to, const struct http_client_guard *guard, const char *code)
{
	const struct http_client_request request = {.method = "GET",
		.url = to,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.guard = guard};
	unsigned before = far_end.connections;
	struct pollfd waiting = {.fd = listener, .events = POLLIN};
	if (run(&request) == OK || strcmp(err.code, code) != 0)
		fail_msg("%s: %s", to, err.code ? err.code : "answered");
	assert_int_equal(before, far_end.connections);
	assert_int_equal(0, poll(&waiting, 1, 0));
}

static bool
heard(const char *what)
{
	return strstr(far_end.heard, what) != NULL;
}

static void
test_client__what_is_sent(void **state)
{
	(void)state;
	const struct http_client_header headers[] = {
		{"X-One", STR("a b")}, {"X-Empty", STR("")}, {"Accept", STR("text/html")}};
	assert_int_equal(OK,
		ask((struct http_client_request){.method = "PUT",
			    .body = STR("a=b"),
			    .content_type = HTTP_CLIENT_FORM,
			    .headers = headers,
			    .header_count = 3},
			STR(OK_HEAD "\r\n")));
	assert_true(str_starts(str_from(far_end.heard), STR("PUT /a?b=c HTTP/1.1\r\n")));
	assert_true(heard("\r\nX-One: a b\r\n"));
	assert_true(heard("\r\nX-Empty:\r\n"));
	assert_true(heard("\r\nAccept: text/html\r\n"));
	assert_true(heard("\r\nContent-Type: " HTTP_CLIENT_FORM "\r\n"));
	assert_true(heard("\r\nContent-Length: 3\r\n"));
	assert_true(heard("\r\n\r\na=b"));
	assert_false(heard("Expect"));
	assert_false(heard("Accept-Encoding"));
	assert_int_equal(OK,
		ask(
			(struct http_client_request){
				.method = "POST", .body = STR("{}"), .bearer = "t0ken"},
			STR(OK_HEAD "\r\n")));
	assert_true(heard("\r\nContent-Type: application/json\r\n"));
	assert_true(heard("\r\nAuthorization: Bearer t0ken\r\n"));
}

static void
test_client__what_is_answered(void **state)
{
	(void)state;
	assert_int_equal(OK,
		ask((struct http_client_request){0},
			STR("HTTP/1.1 404 No\r\nContent-Type: Text/HTML; charset=utf-8\r\n"
			    "Content-Length: 3\r\n\r\nabc")));
	assert_int_equal(404, answer.status);
	assert_string_equal("text/html", answer.content_type);
	assert_int_equal(-1, answer.max_age_s);
	assert_true(str_eq(buf_view(&answer.body), STR("abc")));
	assert_int_equal(OK, ask((struct http_client_request){0}, STR(OK_HEAD "\r\n")));
	assert_string_equal("", answer.content_type);
}

static void
test_client__how_long_an_answer_keeps(void **state)
{
	(void)state;
	static const struct {
		struct str says;
		int64_t want;
	} cases[] = {
		{STR(OK_HEAD "Cache-Control: max-age=60\r\n\r\n"), 60},
		{STR(OK_HEAD "cache-control:public, Max-Age=3600 ,x\r\n\r\n"), 3600},
		{STR(OK_HEAD "Cache-Control: max-age=60, no-store\r\n\r\n"), 0},
		{STR(OK_HEAD "Cache-Control: no-cache\r\n\r\n"), 0},
		{STR(OK_HEAD "Cache-Control: max-age=-1\r\n\r\n"), -1},
		{STR(OK_HEAD "Cache-Control: max-age=99999999999\r\n\r\n"), -1},
		{STR(OK_HEAD "Cache-Control: max-age=\r\n\r\n"), -1},
		{STR(OK_HEAD "Cache-Control: s-max-age=5\r\n\r\n"), -1},
		{STR("HTTP/1.1 103 Early\r\nCache-Control: max-age=9\r\n\r\n" OK_HEAD "\r\n"), -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(OK, ask((struct http_client_request){0}, cases[i].says));
		if (answer.max_age_s != cases[i].want)
			fail_msg("%zu: %lld", i, (long long)answer.max_age_s);
	}
}

static void
test_client__a_redirect_is_an_answer(void **state)
{
	(void)state;
	assert_int_equal(OK,
		ask((struct http_client_request){0},
			STR("HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1:1/\r\n\r\n")));
	assert_int_equal(302, answer.status);
}

static void
test_client__no_proxy_of_the_environment(void **state)
{
	(void)state;
	assert_int_equal(0, setenv("http_proxy", "http://127.0.0.1:1", 1));
	assert_int_equal(0, setenv("ALL_PROXY", "http://127.0.0.1:1", 1));
	assert_int_equal(OK, ask((struct http_client_request){0}, STR(OK_HEAD "\r\n")));
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
}

static void
test_client__too_large(void **state)
{
	(void)state;
	char body[ANSWER_MAX + 101];
	struct buf b;
	snprintf(body, sizeof(body), "%s\r\n%0*d", OK_HEAD, ANSWER_MAX + 1, 7);
	assert_int_equal(ERR_TOO_LARGE, ask((struct http_client_request){0}, str_from(body)));
	assert_string_equal("answer-too-large", err.code);
	/* Headers without an end. */
	buf_init(&b, 100000);
	buf_str(&b, STR(OK_HEAD));
	for (unsigned i = 0; i < 1000; i++)
		buf_printf(&b, "X-%u: %070d\r\n", i, 1);
	assert_false(b.failed);
	assert_int_equal(ERR_TOO_LARGE, ask((struct http_client_request){0}, buf_view(&b)));
	assert_string_equal("answer-too-large", err.code);
	buf_clear(&b);
}

static void
test_client__who_does_not_answer(void **state)
{
	(void)state;
	assert_int_equal(
		ERR_BUSY, ask((struct http_client_request){.timeout_ms = 200}, (struct str){0}));
	assert_string_equal("server-unreachable", err.code);
	assert_int_equal(ERR_BUSY, ask((struct http_client_request){0}, STR("")));
	assert_int_equal(ERR_BUSY, ask((struct http_client_request){0}, STR("rubbish\r\n")));
	/* A body that ends before its length. */
	assert_int_equal(ERR_BUSY,
		ask((struct http_client_request){0}, STR(OK_HEAD "Content-Length: 9\r\n\r\nabc")));
}

static void
test_client__what_cannot_be_asked(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "127.0.0.1:x", "ftp://127.0.0.1/",
		"file:///etc/passwd", "http://", "http://a b/", "gopher://127.0.0.1:1/"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		expect_refused(bad[i], NULL, "url-invalid");
	const struct http_client_header header = {"X-A", STR("a\r\nX-B: c")};
	struct http_client_request request = {.method = "GET",
		.url = url,
		.headers = &header,
		.header_count = 1,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX};
	assert_int_equal(ERR_INVALID, run(&request));
	assert_string_equal("header-invalid", err.code);
}

static struct cidr
block(const char *text)
{
	struct cidr out;
	assert_int_equal(CIDR_OK, cidr_parse(str_from(text), &out));
	return out;
}

static void
test_guard__private_addresses_are_refused(void **state)
{
	(void)state;
	static const char *const hosts[] = {"127.0.0.1", "localhost", "[::1]", "[::]", "0.0.0.0",
		"127.1", "2130706433", "0x7f000001", "0177.0.0.1", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "10.0.0.1", "192.168.0.1", "172.16.0.1", "169.254.169.254",
		"100.64.0.1", "[fd00::1]", "[fe80::1]", "[ff02::1]", "224.0.0.1", "255.255.255.255",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]"};
	const struct http_client_guard none = {0};
	char to[64];
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		snprintf(to, sizeof(to), "http://%s:%u/", hosts[i], port);
		expect_refused(to, &none, "address-refused");
		snprintf(to, sizeof(to), "https://%s:%u/", hosts[i], port);
		expect_refused(to, &none, "address-refused");
	}
	/* Another private block does not open this one. */
	const struct cidr ten = block("10.0.0.0/8");
	const struct http_client_guard other = {&ten, 1};
	expect_refused(url, &other, "address-refused");
	snprintf(to, sizeof(to), "http://user:secret@127.0.0.1:%u/", port);
	expect_refused(to, &other, "url-invalid");
}

static void
test_guard__public_addresses_want_tls(void **state)
{
	(void)state;
	const struct http_client_guard none = {0};
	/* Refused before a connection is tried, as no test has business there. */
	expect_refused("http://192.31.196.1/", &none, "address-refused");
	assert_non_null(strstr(err.text, "without TLS"));
	expect_refused("HTTPS://127.0.0.1/", &none, "address-refused");
}

static void
test_guard__what_is_allowed_is_asked(void **state)
{
	(void)state;
	const struct cidr blocks[] = {block("10.0.0.0/8"), block("127.0.0.0/8")};
	const struct http_client_guard guard = {blocks, 2};
	char to[64];
	assert_int_equal(
		OK, ask((struct http_client_request){.guard = &guard}, STR(OK_HEAD "\r\n")));
	snprintf(to, sizeof(to), "http://[::ffff:127.0.0.1]:%u/", port);
	assert_int_equal(OK,
		ask((struct http_client_request){.guard = &guard, .url = to}, STR(OK_HEAD "\r\n")));
}

static void
test_client__fields(void **state)
{
	(void)state;
	struct buf b;
	buf_init(&b, 1000);
	http_client_add_field(&b, "a b", STR("c&d=e/f\xc3\xa9+~_-."));
	http_client_add_field(&b, "x", STR(""));
	assert_true(str_eq(buf_view(&b), STR("a%20b=c%26d%3De%2Ff%C3%A9%2B~_-.&x=")));
	buf_reset(&b);
	buf_str(&b, STR("https://a/?"));
	http_client_add_field(&b, "a", STR("b"));
	assert_true(str_eq(buf_view(&b), STR("https://a/?a=b")));
	buf_clear(&b);
}

static void *
ask_nobody(void *result)
{
	struct http_client_answer mine;
	struct error mine_err = {0};
	const struct http_client_guard none = {0};
	const struct http_client_request request = {.method = "GET",
		.url = "https://127.0.0.1:1/",
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.guard = &none};
	enum status *rc = result;
	*rc = http_client_run(&mine, &request, &mine_err);
	http_client_answer_clear(&mine);
	return NULL;
}

static void
test_client__many_threads(void **state)
{
	(void)state;
	pthread_t threads[8];
	enum status results[8];
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(0, pthread_create(&threads[i], NULL, ask_nobody, &results[i]));
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(0, pthread_join(threads[i], NULL));
		assert_int_equal(ERR_FORBIDDEN, results[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client__many_threads),
		cmocka_unit_test(test_client__what_is_sent),
		cmocka_unit_test(test_client__what_is_answered),
		cmocka_unit_test(test_client__how_long_an_answer_keeps),
		cmocka_unit_test(test_client__a_redirect_is_an_answer),
		cmocka_unit_test(test_client__no_proxy_of_the_environment),
		cmocka_unit_test(test_client__too_large),
		cmocka_unit_test(test_client__who_does_not_answer),
		cmocka_unit_test(test_client__what_cannot_be_asked),
		cmocka_unit_test(test_client__fields),
		cmocka_unit_test(test_guard__private_addresses_are_refused),
		cmocka_unit_test(test_guard__public_addresses_want_tls),
		cmocka_unit_test(test_guard__what_is_allowed_is_asked),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
