#ifndef JSON_WRITER_H
#define JSON_WRITER_H

#include "base/buf.h"
#include "base/uuid.h"

/*
 * Append-only JSON writer over a bounded buffer. Commas are placed by the writer; nesting is at
 * most 32. A NULL name writes an element of an array. Failure shows in buf->failed at the end.
 * Strings are escaped; malformed UTF-8 becomes U+FFFD.
 */
struct json_writer {
	struct buf *out;
	unsigned depth;
	uint32_t has_member; /* one bit per level */
};

void jw_init(struct json_writer *w, struct buf *out);
void jw_object(struct json_writer *w, const char *name); /* opens */
void jw_array(struct json_writer *w, const char *name); /* opens */
void jw_end_object(struct json_writer *w);
void jw_end_array(struct json_writer *w);
void jw_str(struct json_writer *w, const char *name, struct str value); /* absent writes null */
void jw_z(struct json_writer *w, const char *name, const char *value);
void jw_int(struct json_writer *w, const char *name, int64_t value);
void jw_bool(struct json_writer *w, const char *name, bool value);
void jw_null(struct json_writer *w, const char *name);
void jw_uuid(struct json_writer *w, const char *name, struct uuid value); /* nil writes null */
void jw_id(struct json_writer *w, const char *name, struct uuid value); /* nil like any other */
void jw_time(struct json_writer *w, const char *name, int64_t time_us); /* 0 writes null */
void jw_raw(struct json_writer *w, const char *name, struct str json); /* well-formed JSON */

#endif
