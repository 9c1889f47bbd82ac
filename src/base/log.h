#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdint.h>

#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"

/*
 * One JSON object a line on standard error: {"time":…,"level":…,"event":…, fields…}. Values are
 * typed; there is no type for a secret, and a field whose name contains, in any case, "secret",
 * "password", "token", "authorization", "cookie" or "key" is printed as "[redacted]" whatever it
 * holds. Fields that do not fit a line of 4 KiB are left out, and "truncated":true says so.
 * Nothing is allocated; each line is one write(2). Threads: any.
 */
enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct log_field {
	const char *name;
	enum { LOG_END = 0, LOG_STR, LOG_INT, LOG_UUID, LOG_BOOL } type;
	union {
		struct str str;
		int64_t num;
		struct uuid uuid;
		bool flag;
	};
};

#define LOG_S(name_, s) ((struct log_field){.name = (name_), .type = LOG_STR, .str = (s)})
#define LOG_Z(name_, z) LOG_S(name_, str_from(z))
#define LOG_I(name_, n) ((struct log_field){.name = (name_), .type = LOG_INT, .num = (int64_t)(n)})
#define LOG_U(name_, u) ((struct log_field){.name = (name_), .type = LOG_UUID, .uuid = (u)})
#define LOG_B(name_, b) ((struct log_field){.name = (name_), .type = LOG_BOOL, .flag = (b)})

/* log_event(LOG_INFO, "listening", LOG_Z("address", address), LOG_I("port", port)); */
#define log_event(level, event, ...)                                                               \
	log_write(level, event, (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})

void log_set_level(enum log_level least);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* One error with its code, text, detail and place. */
void log_error(const char *event, const struct error *err);

#endif
