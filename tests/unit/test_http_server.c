#include "http_wire.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

/* The life of the server: limits, suspended requests, slow clients, the end. */

#define GET(path) STR("GET " path " HTTP/1.1\r\nHost: a\r\n\r\n")
#define HELD_MAX 1024

static char space[65536];

/* Requests that the handler gave away, and a thread that gives them back. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct http_request *held[HELD_MAX];
	unsigned count;
	bool release, ends, busy;
} holder = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Atomic unsigned resumed, refused, exited;

static void
give_away(struct http_request *r)
{
	int *mark = arena_new_one(http_arena(r), int);
	assert_non_null(mark);
	*mark = 4711;
	http_set_state(r, mark);
	if (!http_suspend(r)) {
		refused++;
		http_add_header(r, "Retry-After", STR("1"));
		http_respond(r, 503, NULL, STR(""));
		return;
	}
	mutex_lock(&holder.lock);
	assert_true(holder.count < HELD_MAX);
	holder.held[holder.count++] = r;
	pthread_cond_signal(&holder.wake);
	mutex_unlock(&holder.lock);
}

static void
answer(struct http_request *r, void *context)
{
	(void)context;
	if (!str_eq(http_path(r), STR("/held"))) {
		http_respond(r, 200, "text/plain", http_body(r));
		return;
	}
	if (!http_request_resumed(r)) {
		give_away(r);
		return;
	}
	resumed++;
	assert_int_equal(4711, *(int *)http_state(r));
	http_respond(r, 200, "text/plain", STR("resumed"));
}

static void *
give_back(void *arg)
{
	(void)arg;
	mutex_lock(&holder.lock);
	while (!holder.ends) {
		while (holder.release && holder.count) {
			struct http_request *r = holder.held[--holder.count];
			holder.busy = true;
			mutex_unlock(&holder.lock);
			http_resume(r);
			mutex_lock(&holder.lock);
			holder.busy = false;
		}
		if (!holder.ends)
			cond_wait(&holder.wake, &holder.lock);
	}
	mutex_unlock(&holder.lock);
	return NULL;
}

static void
holder_set(bool release, bool ends)
{
	mutex_lock(&holder.lock);
	holder.release = release;
	holder.ends = ends;
	pthread_cond_signal(&holder.wake);
	mutex_unlock(&holder.lock);
}

static pthread_t
holder_start(bool release)
{
	struct error err = {0};
	pthread_t thread;
	cond_init(&holder.wake);
	holder.count = 0;
	resumed = refused = 0;
	holder_set(release, false);
	assert_int_equal(OK, thread_start(&thread, "holder", give_back, NULL, &err));
	return thread;
}

static void
holder_stop(pthread_t thread)
{
	holder_set(false, true);
	pthread_join(thread, NULL);
}

static void
wait_for_held(unsigned count)
{
	for (int i = 0; i < 20000; i++) {
		mutex_lock(&holder.lock);
		unsigned held = holder.count;
		mutex_unlock(&holder.lock);
		if (held == count)
			return;
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	fail_msg("requests were not suspended");
}

static void
thread_exits(void)
{
	exited++;
}

/* Keeps the server from being gone before everything has been given back, as its users must. */
static void
thread_waits_for_holder(void)
{
	for (bool wait = true; wait;) {
		mutex_lock(&holder.lock);
		wait = holder.count || holder.busy;
		mutex_unlock(&holder.lock);
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	}
}

static struct http_options
usual(void)
{
	return (struct http_options){.address = "127.0.0.1",
		.threads = 2,
		.connections_max = 100,
		.suspended_max = 50,
		.idle_timeout_s = 30,
		.body_max = 100000,
		.arena_max = 1000000,
		.handler = answer,
		.thread_exit = thread_exits};
}

static struct http_server *
start(struct http_options options)
{
	struct http_server *server = NULL;
	struct error err = {0};
	enum status rc = http_server_start(&server, &options, &err);
	if (rc != OK)
		print_message("%s: %s\n", err.code, err.text);
	assert_int_equal(OK, rc);
	return server;
}

static void
expect_start_refused(struct http_options options, const char *code)
{
	struct http_server *server = NULL;
	struct error err = {0};
	assert_int_not_equal(OK, http_server_start(&server, &options, &err));
	assert_null(server);
	assert_string_equal(code, err.code);
}

static void
test_http_server__start(void **state)
{
	struct http_options options = usual();
	(void)state;
	struct http_server *server = start(options), *other;
	options.port = http_server_port(server);
	assert_int_not_equal(0, options.port);
	expect_start_refused(options, "address-in-use");
	options = usual();
	options.address = "localhost";
	expect_start_refused(options, "address-malformed");
	options.address = "192.0.2.1";
	expect_start_refused(options, "address-unknown");
	options = usual();
	options.connections_max = 2000000000;
	expect_start_refused(options, "descriptor-limit");
	options = usual();
	options.threads = 0;
	expect_start_refused(options, "http-options");
	options = usual();
	options.address = "::";
	options.threads = 1;
	other = start(options);
	int fd = wire_open(http_server_port(other)); /* IPv4 to a socket for both */
	close(fd);
	http_server_stop(&other, 1000);
	http_server_stop(&server, 1000);
	assert_null(server);
	http_server_stop(&server, 1000);
}

struct load {
	uint16_t port;
	unsigned requests, answered;
};

static void *
run_load(void *arg)
{
	struct load *load = arg;
	char own[4096];
	bool closed = false;
	int fd = wire_open(load->port);
	for (unsigned i = 0; i < load->requests && !closed; i++) {
		wire_send(fd, i % 3 ? GET("/held") : GET("/echo"));
		struct str got = wire_read(fd, own, sizeof(own), 1, &closed);
		load->answered += str_starts(got, STR("HTTP/1.1 200 OK\r\n"));
	}
	close(fd);
	return NULL;
}

static void
test_http_server__suspend_and_resume(void **state)
{
	struct load loads[20];
	pthread_t threads[ARRAY_LEN(loads)];
	struct error err = {0};
	(void)state;
	pthread_t thread = holder_start(true);
	struct http_server *server = start(usual());
	for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
		loads[i] = (struct load){.port = http_server_port(server), .requests = 300};
		assert_int_equal(OK, thread_start(&threads[i], "load", run_load, &loads[i], &err));
	}
	for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(300, loads[i].answered);
	}
	assert_int_equal(20 * 200, resumed);
	struct http_stats stats = http_server_stats(server);
	assert_int_equal(20 * 300, stats.requests);
	assert_int_equal(0, stats.suspended);
	assert_int_equal(0, stats.refused_early);
	http_server_stop(&server, 1000);
	holder_stop(thread);
}

static void
test_http_server__suspended_max(void **state)
{
	struct http_options options = usual();
	bool closed = false;
	int fds[4];
	(void)state;
	options.suspended_max = 3;
	pthread_t thread = holder_start(false);
	struct http_server *server = start(options);
	for (unsigned i = 0; i < 4; i++) {
		fds[i] = wire_open(http_server_port(server));
		wire_send(fds[i], GET("/held"));
		wait_for_held(i < 3 ? i + 1 : 3);
	}
	struct str got = wire_read(fds[3], space, sizeof(space), 1, &closed);
	assert_true(str_starts(got, STR("HTTP/1.1 503 ")));
	assert_true(wire_has(got, "Retry-After: 1\r\n"));
	assert_int_equal(3, http_server_stats(server).suspended);
	holder_set(true, false);
	for (unsigned i = 0; i < 3; i++) {
		got = wire_read(fds[i], space, sizeof(space), 1, &closed);
		assert_true(wire_has(got, "\r\n\r\nresumed"));
	}
	wire_send(fds[3], GET("/held"));
	got = wire_read(fds[3], space, sizeof(space), 1, &closed);
	assert_true(wire_has(got, "\r\n\r\nresumed"));
	for (unsigned i = 0; i < 4; i++)
		close(fds[i]);
	http_server_stop(&server, 1000);
	holder_stop(thread);
}

static void
test_http_server__stop_with_suspended(void **state)
{
	bool closed = false;
	int fds[20];
	(void)state;
	pthread_t thread = holder_start(false);
	struct http_server *server = start(usual());
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		fds[i] = wire_open(http_server_port(server));
		wire_send(fds[i], GET("/held"));
	}
	wait_for_held(ARRAY_LEN(fds));
	http_server_stop(&server, 10);
	for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
		struct str got = wire_read(fds[i], space, sizeof(space), 2, &closed);
		assert_true(closed);
		assert_true(str_starts(got, STR("HTTP/1.1 503 ")));
		assert_true(wire_has(got, "Retry-After: 1\r\n"));
		assert_true(wire_has(got, "The server is stopping"));
		assert_int_equal(1, wire_answers(got));
		close(fds[i]);
	}
	assert_int_equal(0, resumed);
	holder_stop(thread);
}

/* While the server ends, the holder goes on giving back what the end takes too. */
static void
test_http_server__resume_races_with_stop(void **state)
{
	struct http_options options = usual();
	int fds[40];
	(void)state;
	options.thread_exit = thread_waits_for_holder;
	for (int round = 0; round < 20; round++) {
		bool closed = false;
		pthread_t thread = holder_start(false);
		struct http_server *server = start(options);
		for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
			fds[i] = wire_open(http_server_port(server));
			wire_send(fds[i], GET("/held"));
		}
		wait_for_held(ARRAY_LEN(fds));
		holder_set(true, false);
		http_server_stop(&server, 0);
		for (unsigned i = 0; i < ARRAY_LEN(fds); i++) {
			struct str got = wire_read(fds[i], space, sizeof(space), 2, &closed);
			assert_true(closed);
			assert_int_equal(1, wire_answers(got));
			close(fds[i]);
		}
		holder_stop(thread);
	}
}

static void
test_http_server__quiesce(void **state)
{
	bool closed = false;
	(void)state;
	exited = 0;
	struct http_server *server = start(usual());
	uint16_t port = http_server_port(server);
	int fd = wire_open(port);
	wire_send(fd, GET("/echo"));
	struct str got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_false(wire_has(got, "Connection: close"));
	http_server_quiesce(server);
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int late = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(-1, connect(late, (struct sockaddr *)&addr, sizeof(addr)));
	close(late);
	wire_send(fd, GET("/echo"));
	got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(str_starts(got, STR("HTTP/1.1 200 ")));
	assert_true(wire_has(got, "Connection: close\r\n"));
	assert_true(wire_closed(fd));
	close(fd);
	assert_int_equal(0, exited);
	http_server_stop(&server, 1000);
	assert_int_equal(1, exited); /* of the two threads the one that served */
}

static void
test_http_server__slow_clients(void **state)
{
	static const struct str head =
		STR("GET /echo HTTP/1.1\r\nHost: a\r\nX-Slow: aaaaaaaaaaaaaa");
	struct http_options options = usual();
	(void)state;
	options.idle_timeout_s = 1;
	struct http_server *server = start(options);
	uint16_t port = http_server_port(server);
	int idle = wire_open(port), half = wire_open(port), body = wire_open(port);
	int slow_head = wire_open(port), slow_body = wire_open(port);
	/* One that was good before is held to the same. */
	bool closed = false;
	wire_send(slow_head, GET("/echo"));
	assert_int_equal(1, wire_answers(wire_read(slow_head, space, sizeof(space), 1, &closed)));
	wire_send(half, STR("GET /echo HTTP/1.1\r\nHo"));
	wire_send(body, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc"));
	wire_send(slow_body, STR("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n"));
	/* Both send a byte every 200 ms, for which the library alone would wait for ever. */
	int64_t until_us = clock_mono_us() + 20 * US_PER_S;
	bool head_ended = false, body_ended = false;
	for (size_t i = 0; (!head_ended || !body_ended) && clock_mono_us() < until_us; i++) {
		struct pollfd p[2] = {
			{.fd = slow_head, .events = POLLIN}, {.fd = slow_body, .events = POLLIN}};
		poll(p, 2, 0);
		head_ended = p[0].revents != 0;
		body_ended = p[1].revents != 0;
		send(slow_head, head.ptr + (i < head.len ? i : head.len - 1), 1, MSG_NOSIGNAL);
		send(slow_body, "x", 1, MSG_NOSIGNAL);
		nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	}
	assert_true(head_ended && body_ended);
	assert_true(wire_closed(idle) && wire_closed(half) && wire_closed(body));
	close(idle);
	close(half);
	close(body);
	close(slow_head);
	close(slow_body);
	http_server_stop(&server, 1000);
}

static void
wait_for_connections(struct http_server *server, unsigned count)
{
	for (int i = 0; i < 20000 && http_server_stats(server).connections != count; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(count, http_server_stats(server).connections);
}

static unsigned
accepted_of(int *fds, unsigned count)
{
	unsigned served = 0;
	for (unsigned i = 0; i < count; i++) {
		bool closed = false;
		wire_send(fds[i], GET("/echo"));
		struct str got = wire_read(fds[i], space, sizeof(space), 1, &closed);
		served += str_starts(got, STR("HTTP/1.1 200 "));
	}
	return served;
}

static void
test_http_server__many_connections(void **state)
{
	struct http_options options = usual();
	int *fds = test_calloc(1600, sizeof(int));
	(void)state;
	options.connections_max = 1550;
	struct http_server *server = start(options);
	uint16_t port = http_server_port(server);
	/* The two threads accept side by side, so the last come when the first are counted; which
	 * of the last are over is open. */
	for (unsigned i = 0; i < 1600; i++) {
		fds[i] = wire_open(port);
		if (i == 1499)
			wait_for_connections(server, 1500);
	}
	assert_int_equal(1500, accepted_of(fds, 1500));
	wait_for_connections(server, 1600);
	assert_int_equal(50, accepted_of(fds + 1500, 100));
	assert_int_equal(50, http_server_stats(server).refused_early);
	assert_int_equal(1500, accepted_of(fds, 1500));
	for (unsigned i = 0; i < 1600; i++)
		close(fds[i]);
	http_server_stop(&server, 1000);
	test_free(fds);
}

static void
test_http_server__over_the_limit(void **state)
{
	struct http_options options = usual();
	bool closed = false;
	int fds[80], surplus_503 = 0, surplus_closed = 0;
	(void)state;
	options.connections_max = 4;
	options.threads = 1;
	struct http_server *server = start(options);
	for (unsigned i = 0; i < 80; i++)
		fds[i] = wire_open(http_server_port(server));
	for (unsigned i = 0; i < 80; i++) {
		wire_send(fds[i], GET("/echo"));
		struct str got = wire_read(fds[i], space, sizeof(space), 1, &closed);
		if (i < 4)
			assert_true(str_starts(got, STR("HTTP/1.1 200 ")));
		surplus_503 +=
			str_starts(got, STR("HTTP/1.1 503 ")) && wire_has(got, "Retry-After: 1");
		surplus_closed += got.len == 0;
	}
	/* Whoever comes after one was refused may be served or told again. */
	assert_true(surplus_503 >= 64);
	assert_int_equal(80, 4 + surplus_503 + surplus_closed);
	for (unsigned i = 0; i < 80; i++)
		close(fds[i]);
	wait_for_connections(server, 0);
	int fd = wire_open(http_server_port(server));
	wire_send(fd, GET("/echo"));
	struct str got = wire_read(fd, space, sizeof(space), 1, &closed);
	assert_true(str_starts(got, STR("HTTP/1.1 200 ")));
	close(fd);
	http_server_stop(&server, 1000);
}

/* Bodies that grow in the arena while they arrive, and answers that leave in pieces. */
static void
test_http_server__large_bodies(void **state)
{
	enum { SIZE = 100000, ROOM = SIZE + 1000 };
	char *body = test_malloc(SIZE), *got = test_malloc(ROOM), head[200];
	bool closed = false;
	(void)state;
	struct http_server *server = start(usual());
	for (int i = 0; i < SIZE; i++)
		body[i] = (char)(i * 7 + i / 1000);
	int fd = wire_open(http_server_port(server));
	for (int round = 0; round < 6; round++) {
		bool chunked = round % 2;
		int len = snprintf(head, sizeof(head), "POST /echo HTTP/1.1\r\nHost: a\r\n%s%d%s",
			chunked ? "Transfer-Encoding: chunked\r\nX-Round: " : "Content-Length: ",
			chunked ? round : SIZE, chunked ? "\r\n\r\n186a0\r\n" : "\r\n\r\n");
		wire_send(fd, (struct str){head, (size_t)len});
		wire_send(fd, (struct str){body, SIZE});
		if (chunked)
			wire_send(fd, STR("\r\n0\r\n\r\n"));
		struct str all = wire_read(fd, got, ROOM, 1, &closed);
		assert_true(str_starts(all, STR("HTTP/1.1 200 ")) && all.len > SIZE);
		assert_memory_equal(body, all.ptr + all.len - SIZE, SIZE);
	}
	close(fd);
	http_server_stop(&server, 1000);
	test_free(body);
	test_free(got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_http_server__start),
		cmocka_unit_test(test_http_server__suspend_and_resume),
		cmocka_unit_test(test_http_server__suspended_max),
		cmocka_unit_test(test_http_server__stop_with_suspended),
		cmocka_unit_test(test_http_server__resume_races_with_stop),
		cmocka_unit_test(test_http_server__quiesce),
		cmocka_unit_test(test_http_server__slow_clients),
		cmocka_unit_test(test_http_server__large_bodies),
		cmocka_unit_test(test_http_server__many_connections),
		cmocka_unit_test(test_http_server__over_the_limit),
	};
	return cmocka_run_group_tests_name("http_server", tests, NULL, NULL);
}
