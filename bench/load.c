/*
 * A load generator: one thread, epoll, keep-alive. Closed loop, or a fixed offered rate; there a
 * latency counts from the moment at which the request should have left, so that a server that
 * stalls cannot hide it. With --awake it never sleeps: waking it is work of the kernel on the
 * server's core, and would count as the server's. A plan is a file of lines "PATH BEARER BODY": one
 * after the other while it warms up, then in an order drawn at random; with --once each of them
 * once, in order. Prints one JSON object.
 */
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/macros.h"
#include "base/str.h"

#define PLAN_MAX 131072
#define ANSWER_MAX 65536
#define NS_PER_S INT64_C(1000000000)

/* Log-linear, in nanoseconds: 64 steps for each power of two, so within 1.6 %. */
#define STEP_BITS 6
#define STEPS (1 << STEP_BITS)

struct histogram {
	uint64_t counts[64 * STEPS], total, max;
};

struct connection {
	int fd;
	int64_t since_ns; /* when the request left, or should have */
	size_t got;
	char answer[ANSWER_MAX];
	struct connection *next_idle;
};

static struct {
	uint16_t port;
	unsigned connections;
	double rate;
	uint64_t requests, warmup;
	double seconds;
	int pid;
	bool once, awake;
	const char *method, *path, *body, *plan;
	struct buf headers;
} options = {.connections = 32, .warmup = 2000, .method = "POST", .path = "/", .body = ""};

static struct str requests[PLAN_MAX];
static size_t request_count;
static uint64_t random_state = 1;
static struct histogram latencies;
static struct connection *idle;
static int epoll_fd;
static uint64_t sent, done, refused, broken;
static int64_t first_ns, counted_ns, cpu_ns;

static void
fail(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static int64_t
read_clock(clockid_t clock)
{
	struct timespec t = {0};
	clock_gettime(clock, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int64_t
server_cpu_ns(void)
{
	clockid_t clock = 0;
	if (!options.pid || clock_getcpuclockid(options.pid, &clock) != 0)
		return 0;
	return read_clock(clock);
}

static void
histogram_add(struct histogram *h, uint64_t ns)
{
	unsigned shift = 0;
	while ((ns >> shift) >= 2 * STEPS)
		shift++;
	h->counts[shift * STEPS + (ns >> shift)]++;
	h->total++;
	if (ns > h->max)
		h->max = ns;
}

static double
histogram_us(const struct histogram *h, double share)
{
	uint64_t wanted = (uint64_t)((double)h->total * share), seen = 0;
	for (size_t i = 0; i < ARRAY_LEN(h->counts); i++) {
		seen += h->counts[i];
		if (seen > wanted) {
			size_t shift = i < 2 * STEPS ? 0 : i / STEPS - 1;
			return (double)((uint64_t)(i - shift * STEPS) << shift) / 1000;
		}
	}
	return (double)h->max / 1000;
}

static void
add_request(struct str path, struct str bearer, struct str body)
{
	struct buf b;
	if (request_count == PLAN_MAX)
		fail("too many requests");
	buf_init(&b, path.len + bearer.len + body.len + options.headers.len + 1024);
	buf_printf(&b, "%s ", options.method);
	buf_str(&b, path);
	buf_str(&b, STR(" HTTP/1.1\r\nHost: 127.0.0.1\r\n"));
	if (bearer.len) {
		buf_str(&b, STR("Authorization: Bearer "));
		buf_str(&b, bearer);
		buf_str(&b, STR("\r\n"));
	}
	buf_str(&b, buf_view(&options.headers));
	buf_printf(&b, "Content-Length: %zu\r\n\r\n", body.len);
	buf_str(&b, body);
	if (b.failed)
		fail("request too long");
	requests[request_count++] = buf_view(&b);
}

static void
open_connection(struct connection *c)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
		.sin_port = htons(options.port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&addr, sizeof(addr)) != 0)
		fail("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &event) != 0)
		fail("epoll_ctl");
}

static void
make_idle(struct connection *c)
{
	c->got = 0;
	c->next_idle = idle;
	idle = c;
}

static void
connection_lost(struct connection *c)
{
	broken++;
	if (broken > 1000)
		fail("the server closes every connection");
	close(c->fd);
	open_connection(c);
	make_idle(c);
}

static size_t
next_random(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return (size_t)(random_state >> 32);
}

static void
send_request(struct connection *c, int64_t since_ns)
{
	size_t choice = sent % request_count;
	if (sent++ >= options.warmup && !options.once)
		choice = next_random() % request_count;
	struct str request = requests[choice];
	c->since_ns = since_ns;
	for (size_t at = 0; at < request.len;) {
		ssize_t n = send(c->fd, request.ptr + at, request.len - at, MSG_NOSIGNAL);
		if (n < 0) {
			connection_lost(c);
			return;
		}
		at += (size_t)n;
	}
}

static void
answered(struct connection *c)
{
	int64_t now = read_clock(CLOCK_MONOTONIC);
	if (memcmp(c->answer, "HTTP/1.1 2", 10) != 0)
		refused++;
	histogram_add(&latencies, (uint64_t)(now - c->since_ns));
	make_idle(c);
	if (++done == options.warmup) {
		memset(&latencies, 0, sizeof(latencies));
		refused = 0;
		counted_ns = now;
		cpu_ns = server_cpu_ns();
	}
}

/* The length of a whole answer; 0 when it is not there yet. */
static size_t
answer_len(const struct connection *c)
{
	const char *end = memmem(c->answer, c->got, "\r\n\r\n", 4);
	if (!end)
		return 0;
	size_t head = (size_t)(end - c->answer) + 4;
	const char *field = memmem(c->answer, head, "Content-Length: ", 16);
	return field ? head + strtoul(field + 16, NULL, 10) : head;
}

static void
receive(struct connection *c)
{
	ssize_t n = recv(c->fd, c->answer + c->got, sizeof(c->answer) - c->got, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		connection_lost(c);
		return;
	}
	c->got += (size_t)n;
	size_t len = answer_len(c);
	if (len && c->got >= len)
		answered(c);
}

static int64_t
due_ns(void)
{
	return options.rate > 0 ? first_ns + (int64_t)((double)sent * 1e9 / options.rate) : 0;
}

static bool
may_send(int64_t now)
{
	return idle && due_ns() <= now &&
		(!options.requests || sent < options.requests + options.warmup);
}

static bool
finished(int64_t now)
{
	if (options.requests)
		return done >= options.requests + options.warmup;
	return now - first_ns >= (int64_t)(options.seconds * 1e9);
}

static void
run(void)
{
	struct epoll_event events[64];
	int64_t now = first_ns = counted_ns = read_clock(CLOCK_MONOTONIC);
	cpu_ns = server_cpu_ns();
	while (!finished(now)) {
		while (may_send(now)) {
			struct connection *c = idle;
			idle = c->next_idle;
			send_request(c, options.rate > 0 ? due_ns() : read_clock(CLOCK_MONOTONIC));
		}
		int64_t wait = options.rate > 0 && idle ? due_ns() - now : NS_PER_S / 10;
		if (wait < 0 || options.awake)
			wait = 0;
		if (wait > NS_PER_S / 10)
			wait = NS_PER_S / 10;
		struct timespec timeout = {.tv_nsec = wait};
		int n = epoll_pwait2(epoll_fd, events, ARRAY_LEN(events), &timeout, NULL);
		for (int i = 0; i < n; i++)
			receive(events[i].data.ptr);
		now = read_clock(CLOCK_MONOTONIC);
	}
}

static void
report(void)
{
	double seconds = (double)(read_clock(CLOCK_MONOTONIC) - counted_ns) / 1e9;
	double cpu_us = (double)(server_cpu_ns() - cpu_ns) / 1000, count = (double)latencies.total;
	printf("{\"requests\":%llu,\"not_2xx\":%llu,\"broken\":%llu,\"seconds\":%.3f,"
	       "\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,\"max_us\":%.1f",
		(unsigned long long)latencies.total, (unsigned long long)refused,
		(unsigned long long)broken, seconds, count / seconds, histogram_us(&latencies, 0.5),
		histogram_us(&latencies, 0.99), (double)latencies.max / 1000);
	if (options.pid)
		printf(",\"cpu_us_per_request\":%.3f", cpu_us / count);
	printf("}\n");
}

static void
read_plan(const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	if (!file)
		fail(path);
	for (ssize_t len; (len = getline(&line, &size, file)) > 0;) {
		struct str body = {line, (size_t)len - (line[len - 1] == '\n')};
		struct str where = str_cut(&body, ' '), bearer = str_cut(&body, ' ');
		add_request(where, bearer, body);
	}
	free(line);
	fclose(file);
}

static void
set_option(int option)
{
	switch (option) {
	case 'p':
		options.port = (uint16_t)strtoul(optarg, NULL, 10);
		break;
	case 'c':
		options.connections = (unsigned)strtoul(optarg, NULL, 10);
		break;
	case 'r':
		options.rate = strtod(optarg, NULL);
		break;
	case 'n':
		options.requests = strtoull(optarg, NULL, 10);
		break;
	case 's':
		options.seconds = strtod(optarg, NULL);
		break;
	case 'w':
		options.warmup = strtoull(optarg, NULL, 10);
		break;
	case 'P':
		options.pid = (int)strtol(optarg, NULL, 10);
		break;
	case 'm':
		options.method = optarg;
		break;
	case 't':
		options.path = optarg;
		break;
	case 'H':
		buf_printf(&options.headers, "%s\r\n", optarg);
		break;
	case 'b':
		options.body = optarg;
		break;
	case 'l':
		options.plan = optarg;
		break;
	case 'o':
		options.once = true;
		break;
	case 'a':
		options.awake = true;
		break;
	default:
		exit(2);
	}
}

int
main(int argc, char **argv)
{
	static const struct option known[] = {{"port", 1, NULL, 'p'}, {"connections", 1, NULL, 'c'},
		{"rate", 1, NULL, 'r'}, {"requests", 1, NULL, 'n'}, {"seconds", 1, NULL, 's'},
		{"warmup", 1, NULL, 'w'}, {"pid", 1, NULL, 'P'}, {"method", 1, NULL, 'm'},
		{"path", 1, NULL, 't'}, {"header", 1, NULL, 'H'}, {"body", 1, NULL, 'b'},
		{"plan", 1, NULL, 'l'}, {"once", 0, NULL, 'o'}, {"awake", 0, NULL, 'a'}, {0}};
	buf_init(&options.headers, 65536);
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
		set_option(option);
	if (!options.port || !options.connections || (!options.requests && options.seconds <= 0)) {
		fprintf(stderr,
			"usage: load --port N (--requests N | --seconds S) [--connections N] "
			"[--rate N] [--warmup N] [--pid N] [--method M] [--path P] "
			"[--header 'Name: value']… [--body TEXT | --plan FILE [--once]] "
			"[--awake]\n");
		return 2;
	}
	if (options.plan)
		read_plan(options.plan);
	else
		add_request(str_from(options.path), STR(""), str_from(options.body));
	if (!request_count)
		fail("an empty plan");
	if (options.once && options.requests + options.warmup > request_count)
		fail("a plan that is too short");
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	struct connection *all = calloc(options.connections, sizeof(*all));
	if (!all)
		fail("memory");
	for (unsigned i = 0; i < options.connections; i++) {
		open_connection(&all[i]);
		make_idle(&all[i]);
	}
	run();
	report();
	return broken || !latencies.total ? 1 : 0;
}
