#include "server/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"

/* A socket by its path, or by a name in the abstract space that '@' stands before. */
static bool
send_to(const char *path, const char *state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	errno = EINVAL;
	if (len < 2 || len >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
		return false;
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	ssize_t sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL,
		(const struct sockaddr *)(const void *)&address, size);
	close(fd);
	return sent == (ssize_t)strlen(state);
}

void
notify_manager(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	if (path && *path && !send_to(path, state))
		log_event(LOG_WARN, "manager-not-notified", LOG_Z("why", strerror(errno)));
}
