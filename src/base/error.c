#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum status
error_set_at(struct error *err, const char *file, int line, enum status status, const char *code,
	const char *fmt, ...)
{
	ASSERT(err != NULL && status != OK);
	if (err->status != OK)
		return err->status;
	err->status = status;
	err->code = code;
	err->file = file;
	err->line = line;
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->text, sizeof(err->text), fmt, args);
	va_end(args);
	return status;
}

enum status
error_detail(struct error *err, const char *fmt, ...)
{
	size_t used = strlen(err->detail);
	if (used > 0 && used + 3 < sizeof(err->detail)) {
		memcpy(err->detail + used, "; ", 3);
		used += 2;
	}
	va_list args;
	va_start(args, fmt);
	vsnprintf(err->detail + used, sizeof(err->detail) - used, fmt, args);
	va_end(args);
	return err->status;
}

void
error_clear(struct error *err)
{
	*err = (struct error){0};
}

const char *
status_name(enum status status)
{
	switch (status) {
	case OK:
		return "ok";
	case ERR_INVALID:
		return "invalid";
	case ERR_UNAUTHENTICATED:
		return "unauthenticated";
	case ERR_FORBIDDEN:
		return "forbidden";
	case ERR_NOT_FOUND:
		return "not-found";
	case ERR_CONFLICT:
		return "conflict";
	case ERR_PRECONDITION:
		return "precondition-failed";
	case ERR_TOO_LARGE:
		return "too-large";
	case ERR_LIMIT:
		return "limit-reached";
	case ERR_BUSY:
		return "busy";
	case ERR_NOT_REACHED:
		return "not-reached";
	case ERR_CORRUPT:
		return "corrupt";
	case ERR_INTERNAL:
		return "internal";
	case ERR_NO_MEMORY:
		return "out-of-memory";
	}
	return "unknown";
}

void
assert_failed(const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, what);
	abort();
}
