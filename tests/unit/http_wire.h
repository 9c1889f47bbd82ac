#ifndef TEST_HTTP_WIRE_H
#define TEST_HTTP_WIRE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/server.h"

/* A client that speaks raw bytes over loopback. */

static inline int
wire_open(uint16_t port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	assert_int_equal(0, connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

static inline void
wire_send(int fd, struct str bytes)
{
	/* The server may close before it has read everything: that is for the reader to see. */
	for (size_t at = 0; at < bytes.len;) {
		ssize_t n = send(fd, bytes.ptr + at, bytes.len - at, MSG_NOSIGNAL);
		if (n <= 0)
			return;
		at += (size_t)n;
	}
}

static inline unsigned
wire_count(struct str bytes, const char *what)
{
	unsigned found = 0;
	size_t len = strlen(what);
	for (const char *at = bytes.ptr, *end = bytes.ptr + bytes.len;
		(at = memmem(at, (size_t)(end - at), what, len)); at += len)
		found++;
	return found;
}

/* The answers in `bytes`: heads followed by as many bytes as they announce. What is left over is
 * not counted. */
static inline unsigned
wire_answers(struct str bytes)
{
	unsigned found = 0;
	while (str_starts(bytes, STR("HTTP/1.1 "))) {
		const char *end = memmem(bytes.ptr, bytes.len, "\r\n\r\n", 4);
		if (!end)
			break;
		size_t head = (size_t)(end - bytes.ptr) + 4, body = 0;
		const char *field = memmem(bytes.ptr, head, "Content-Length: ", 16);
		for (; field && field[16] >= '0' && field[16] <= '9'; field++)
			body = body * 10 + (size_t)(field[16] - '0');
		if (head + body > bytes.len)
			break;
		found++;
		bytes = (struct str){bytes.ptr + head + body, bytes.len - head - body};
	}
	return found;
}

/* Reads until there are `answers` of them or the server closes; `*closed` tells which. Fails
 * after 20 s of silence. */
static inline struct str
wire_read(int fd, char *space, size_t size, unsigned answers, bool *closed)
{
	struct str got = {space, 0};
	*closed = false;
	while (wire_answers(got) < answers && got.len < size) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		assert_int_equal(1, poll(&p, 1, 20000));
		ssize_t n = recv(fd, space + got.len, size - got.len, 0);
		if (n <= 0) {
			*closed = true;
			break;
		}
		got.len += (size_t)n;
	}
	return got;
}

/* True once the server has closed and nothing more came. */
static inline bool
wire_closed(int fd)
{
	char more[4096];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	assert_int_equal(1, poll(&p, 1, 20000));
	return recv(fd, more, sizeof(more), 0) <= 0;
}

static inline bool
wire_has(struct str bytes, const char *what)
{
	return wire_count(bytes, what) > 0;
}

/* One connection: sends, reads everything until the server closes, closes. */
static inline struct str
wire_ask(uint16_t port, struct str bytes, char *space, size_t size)
{
	bool closed = false;
	int fd = wire_open(port);
	wire_send(fd, bytes);
	struct str got = wire_read(fd, space, size, 1000, &closed);
	assert_true(closed);
	close(fd);
	return got;
}

#endif
