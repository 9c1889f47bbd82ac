#include "json/writer.h"

#include "base/clock.h"

#define DEPTH_MAX 32

void
jw_init(struct json_writer *w, struct buf *out)
{
	*w = (struct json_writer){.out = out};
}

/* The comma and the name before a value. */
static void
begin(struct json_writer *w, const char *name)
{
	if (w->depth > 0) {
		uint32_t bit = UINT32_C(1) << (w->depth - 1);
		if (w->has_member & bit)
			buf_char(w->out, ',');
		w->has_member |= bit;
	}
	if (name) {
		buf_json_str(w->out, str_from(name));
		buf_char(w->out, ':');
	}
}

static void
open_level(struct json_writer *w, const char *name, char bracket)
{
	begin(w, name);
	buf_char(w->out, bracket);
	ASSERT(w->depth < DEPTH_MAX);
	w->has_member &= ~(UINT32_C(1) << w->depth);
	w->depth++;
}

static void
close_level(struct json_writer *w, char bracket)
{
	ASSERT(w->depth > 0);
	w->depth--;
	buf_char(w->out, bracket);
}

void
jw_object(struct json_writer *w, const char *name)
{
	open_level(w, name, '{');
}

void
jw_array(struct json_writer *w, const char *name)
{
	open_level(w, name, '[');
}

void
jw_end_object(struct json_writer *w)
{
	close_level(w, '}');
}

void
jw_end_array(struct json_writer *w)
{
	close_level(w, ']');
}

void
jw_str(struct json_writer *w, const char *name, struct str value)
{
	begin(w, name);
	if (value.ptr)
		buf_json_str(w->out, value);
	else
		buf_str(w->out, STR("null"));
}

void
jw_z(struct json_writer *w, const char *name, const char *value)
{
	jw_str(w, name, str_from(value));
}

void
jw_int(struct json_writer *w, const char *name, int64_t value)
{
	begin(w, name);
	buf_i64(w->out, value);
}

void
jw_bool(struct json_writer *w, const char *name, bool value)
{
	begin(w, name);
	buf_str(w->out, value ? STR("true") : STR("false"));
}

void
jw_null(struct json_writer *w, const char *name)
{
	begin(w, name);
	buf_str(w->out, STR("null"));
}

void
jw_id(struct json_writer *w, const char *name, struct uuid value)
{
	char text[1 + UUID_TEXT_LEN + 1];
	text[0] = '"';
	uuid_format(text + 1, value);
	text[1 + UUID_TEXT_LEN] = '"'; /* where its end was marked */
	begin(w, name);
	buf_append(w->out, text, sizeof(text));
}

void
jw_uuid(struct json_writer *w, const char *name, struct uuid value)
{
	if (uuid_is_nil(value))
		jw_null(w, name);
	else
		jw_id(w, name, value);
}

void
jw_time(struct json_writer *w, const char *name, int64_t time_us)
{
	char text[CLOCK_TEXT_MAX];
	if (time_us == 0) {
		jw_null(w, name);
		return;
	}
	clock_format(text, time_us);
	jw_str(w, name, str_from(text));
}

void
jw_raw(struct json_writer *w, const char *name, struct str json)
{
	begin(w, name);
	buf_str(w->out, json);
}
