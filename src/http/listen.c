#include <arpa/inet.h>
#include <errno.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "http/internal.h"

#define OTHER_DESCRIPTORS 192 /* stores, logs, epoll and the like */

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

static bool
endpoint_parse(struct endpoint *out, const char *text, uint16_t port)
{
	*out = (struct endpoint){0};
	if (inet_pton(AF_INET, text, &out->v4.sin_addr) == 1) {
		out->v4.sin_family = AF_INET;
		out->v4.sin_port = htons(port);
		out->len = sizeof(out->v4);
		return true;
	}
	if (inet_pton(AF_INET6, text, &out->v6.sin6_addr) == 1) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port);
		out->len = sizeof(out->v6);
		return true;
	}
	return false;
}

static enum status
listen_failed(const struct http_options *options, struct error *err)
{
	switch (errno) {
	case EADDRINUSE:
		return error_set(err, ERR_INVALID, "address-in-use",
			"Another program listens on %s port %u; stop it or choose another port.",
			options->address, (unsigned)options->port);
	case EACCES:
		return error_set(err, ERR_INVALID, "address-denied",
			"The system does not let this program listen on port %u; choose a port "
			"from 1024 on.",
			(unsigned)options->port);
	case EADDRNOTAVAIL:
	case EAFNOSUPPORT:
		return error_set(err, ERR_INVALID, "address-unknown",
			"This machine does not have the listening address %s; choose one that it "
			"has, or 0.0.0.0 for all.",
			options->address);
	}
	error_set(err, ERR_INTERNAL, "listen-failed", "The server cannot listen on %s port %u.",
		options->address, (unsigned)options->port);
	return error_detail(err, "errno %d", errno);
}

static bool
listen_at(int fd, struct endpoint *address)
{
	int on = 1, off = 0;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0)
		return false;
	/* "::" takes IPv4 too. */
	if (address->any.sa_family == AF_INET6 &&
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) != 0)
		return false;
	return bind(fd, &address->any, address->len) == 0 && listen(fd, SOMAXCONN) == 0 &&
		getsockname(fd, &address->any, &address->len) == 0;
}

enum status
http__listen(int *fd, uint16_t *port, const struct http_options *options, struct error *err)
{
	struct endpoint address;
	if (!endpoint_parse(&address, options->address, options->port))
		return error_set(err, ERR_INVALID, "address-malformed",
			"The listening address must be an IPv4 or IPv6 address such as 127.0.0.1 "
			"or ::1; it is '%.100s'.",
			options->address);
	*fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (*fd < 0)
		return listen_failed(options, err);
	if (!listen_at(*fd, &address)) {
		enum status rc = listen_failed(options, err);
		close(*fd);
		*fd = -1;
		return rc;
	}
	*port = ntohs(
		address.any.sa_family == AF_INET ? address.v4.sin_port : address.v6.sin6_port);
	return OK;
}

enum status
http__raise_descriptors(unsigned connections, struct error *err)
{
	struct rlimit limit;
	rlim_t need = (rlim_t)connections + OTHER_DESCRIPTORS;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return error_set(err, ERR_INTERNAL, "descriptor-limit",
			"The limit of file descriptors cannot be read.");
	if (limit.rlim_cur >= need)
		return OK;
	rlim_t most = limit.rlim_max;
	limit.rlim_cur = need;
	/* Who may raise the hard limit has it raised. */
	if (limit.rlim_max < need)
		limit.rlim_max = need;
	if (setrlimit(RLIMIT_NOFILE, &limit) == 0)
		return OK;
	return error_set(err, ERR_INVALID, "descriptor-limit",
		"The wanted number of connections needs %llu file descriptors and the system "
		"allows %llu; allow fewer connections or raise the limit (ulimit -n, LimitNOFILE).",
		(unsigned long long)need, (unsigned long long)most);
}
