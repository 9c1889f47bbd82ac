#include "base/log.h"

#include <stdatomic.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

#define LINE_MAX_BYTES 4096
#define CUT ",\"truncated\":true"
#define TAIL_MAX (sizeof(CUT) + sizeof("}\n"))

static _Atomic int least_level = LOG_INFO;

void
log_set_level(enum log_level least)
{
	atomic_store_explicit(&least_level, (int)least, memory_order_relaxed);
}

static struct str
level_name(enum log_level level)
{
	switch (level) {
	case LOG_DEBUG:
		return STR("debug");
	case LOG_INFO:
		return STR("info");
	case LOG_WARN:
		return STR("warn");
	case LOG_ERROR:
		return STR("error");
	}
	return STR("error");
}

static bool
names_secret(const char *name)
{
	static const char *const words[] = {
		"secret", "password", "token", "authorization", "cookie", "key"};
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (strcasestr(name, words[i]))
			return true;
	}
	return false;
}

static void
put_value(struct buf *line, const struct log_field *f)
{
	char id[UUID_TEXT_LEN + 1];
	if (names_secret(f->name)) {
		buf_str(line, STR("\"[redacted]\""));
		return;
	}
	switch (f->type) {
	case LOG_END:
		break;
	case LOG_STR:
		if (f->str.ptr)
			buf_json_str(line, f->str);
		else
			buf_str(line, STR("null"));
		break;
	case LOG_INT:
		buf_i64(line, f->num);
		break;
	case LOG_UUID:
		uuid_format(id, f->uuid);
		buf_json_str(line, str_from(id));
		break;
	case LOG_BOOL:
		buf_str(line, f->flag ? STR("true") : STR("false"));
		break;
	}
}

/* False, and the line as it was, when the field does not fit. */
static bool
put_field(struct buf *line, const struct log_field *f)
{
	size_t before = line->len;
	buf_char(line, ',');
	buf_json_str(line, str_from(f->name));
	buf_char(line, ':');
	put_value(line, f);
	if (!line->failed)
		return true;
	line->len = before;
	line->failed = false;
	return false;
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	if ((int)level < atomic_load_explicit(&least_level, memory_order_relaxed))
		return;
	char space[LINE_MAX_BYTES], now[CLOCK_TEXT_MAX];
	struct buf line;
	bool cut = false;
	buf_init_fixed(&line, space, sizeof(space) - TAIL_MAX);
	clock_format(now, clock_now_us());
	buf_str(&line, STR("{\"time\":\""));
	buf_str(&line, str_from(now));
	buf_str(&line, STR("\",\"level\":\""));
	buf_str(&line, level_name(level));
	buf_char(&line, '"');
	cut |= !put_field(&line, &LOG_Z("event", event));
	for (const struct log_field *f = fields; f->type != LOG_END; f++)
		cut |= !put_field(&line, f);
	line.cap = sizeof(space);
	if (cut)
		buf_str(&line, STR(CUT));
	buf_str(&line, STR("}\n"));
	/* A log that cannot be written must not stop the server. */
	ssize_t written = write(STDERR_FILENO, line.ptr, line.len);
	(void)written;
}

void
log_error(const char *event, const struct error *err)
{
	log_event(LOG_ERROR, event, LOG_Z("status", status_name(err->status)),
		LOG_Z("code", err->code), LOG_Z("text", err->text), LOG_Z("detail", err->detail),
		LOG_Z("file", err->file), LOG_I("line", err->line));
}
