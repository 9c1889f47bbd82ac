#include "mail/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_MAX_BYTES 80

static enum status
failed(const char *outbox, int why, struct error *err)
{
	return error_set(err, ERR_BUSY, "mail-not-sent",
		"The mail could not be written into the folder %s: %s.", outbox, strerror(why));
}

/* All of it, and to the disk; or the number of the error. */
static int
write_whole(int fd, struct str bytes)
{
	while (bytes.len > 0) {
		ssize_t n = write(fd, bytes.ptr, bytes.len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno;
		bytes = (struct str){bytes.ptr + n, bytes.len - (size_t)n};
	}
	return fsync(fd) == 0 ? 0 : errno;
}

/* A reader of the folder sees the whole message or none of it. */
static int
write_file(int folder, const char *draft, const char *name, struct str bytes)
{
	int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return errno;
	int why = write_whole(fd, bytes);
	close(fd);
	if (why == 0 && (renameat(folder, draft, folder, name) != 0 || fsync(folder) != 0))
		why = errno;
	if (why != 0)
		unlinkat(folder, draft, 0);
	return why;
}

enum status
mail__keep(const struct mail_envelope *envelope, const char *outbox, struct error *err)
{
	char id[UUID_TEXT_LEN + 1], day[20], draft[NAME_MAX_BYTES], name[NAME_MAX_BYTES];
	time_t seconds = (time_t)(envelope->time_us / 1000000);
	struct tm t = {0};
	uuid_format(id, envelope->id);
	gmtime_r(&seconds, &t);
	strftime(day, sizeof(day), "%Y%m%dT%H%M%SZ", &t);
	snprintf(draft, sizeof(draft), ".%s.draft", id);
	snprintf(name, sizeof(name), "%s-%s.eml", day, id);
	if (mkdir(outbox, 0700) != 0 && errno != EEXIST)
		return failed(outbox, errno, err);
	int folder = open(outbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return failed(outbox, errno, err);
	int why = write_file(folder, draft, name, envelope->bytes);
	close(folder);
	return why == 0 ? OK : failed(outbox, why, err);
}
