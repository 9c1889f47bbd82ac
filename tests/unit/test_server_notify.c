#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "server/notify.h"

/* A manager that listens at `path`, or at that name in the abstract space. */
static int
listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = strlen(path);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0 && len < sizeof(address.sun_path));
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	return fd;
}

static void
expect_told(const char *path)
{
	char got[64] = "";
	int fd = listen_at(path);
	assert_int_equal(setenv("NOTIFY_SOCKET", path, 1), 0);
	notify_manager("READY=1");
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 7);
	assert_string_equal(got, "READY=1");
	assert_int_equal(recv(fd, got, sizeof(got), MSG_DONTWAIT), -1);
	close(fd);
}

static void
test_notify__a_socket_and_a_name(void **state)
{
	char path[64], name[64];
	(void)state;
	snprintf(path, sizeof(path), "/tmp/thingward-notify-%d", (int)getpid());
	snprintf(name, sizeof(name), "@thingward-notify-%d", (int)getpid());
	unlink(path);
	expect_told(path);
	unlink(path);
	expect_told(name);
}

/* None of these may do more than leave a line in the log. */
static void
test_notify__nobody_listens(void **state)
{
	char longer[300];
	(void)state;
	memset(longer, '/', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	const char *const paths[] = {"", "/", "@", "relative", "/nonexistent/socket", longer};
	for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
		assert_int_equal(setenv("NOTIFY_SOCKET", paths[i], 1), 0);
		notify_manager("READY=1");
	}
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	notify_manager("READY=1");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_notify__a_socket_and_a_name),
		cmocka_unit_test(test_notify__nobody_listens),
	};
	return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
