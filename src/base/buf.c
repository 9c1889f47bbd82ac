#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define FIRST_CAPACITY 256

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void
buf_init_fixed(struct buf *b, char *space, size_t size)
{
	*b = (struct buf){.ptr = space, .cap = size, .max = size, .fixed = true};
}

void
buf_clear(struct buf *b)
{
	if (!b->fixed)
		free(b->ptr);
	*b = (struct buf){.max = b->fixed ? 0 : b->max};
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->failed = b->starved = false;
}

/* Room for `more` bytes beyond len, or failure. */
static bool
reserve(struct buf *b, size_t more)
{
	if (b->failed)
		return false;
	if (LIKELY(more <= b->cap - b->len))
		return true;
	if (b->fixed || more > b->max - b->len) {
		b->failed = true;
		return false;
	}
	size_t cap = b->cap ? b->cap : FIRST_CAPACITY;
	while (cap - b->len < more && cap <= b->max / 2)
		cap *= 2;
	if (cap - b->len < more || cap > b->max)
		cap = b->max;
	char *ptr = realloc(b->ptr, cap);
	if (!ptr) {
		b->failed = b->starved = true;
		return false;
	}
	b->ptr = ptr;
	b->cap = cap;
	return true;
}

void
buf_append(struct buf *b, const void *bytes, size_t len)
{
	if (len == 0 || !reserve(b, len))
		return;
	memcpy(b->ptr + b->len, bytes, len);
	b->len += len;
}

char *
buf_extend(struct buf *b, size_t len)
{
	static char nothing[1];
	if (!reserve(b, len))
		return NULL;
	char *out = b->ptr ? b->ptr + b->len : nothing;
	b->len += len;
	return out;
}

void
buf_str(struct buf *b, struct str s)
{
	buf_append(b, s.ptr, s.len);
}

void
buf_u64(struct buf *b, uint64_t value)
{
	char digits[20];
	size_t at = sizeof(digits);
	do {
		digits[--at] = (char)('0' + value % 10);
		value /= 10;
	} while (value > 0);
	buf_append(b, digits + at, sizeof(digits) - at);
}

void
buf_i64(struct buf *b, int64_t value)
{
	if (value < 0)
		buf_char(b, '-');
	buf_u64(b, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void
buf_printf(struct buf *b, const char *fmt, ...)
{
	char space[512];
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(space, sizeof(space), fmt, args);
	va_end(args);
	if (len >= 0 && (size_t)len < sizeof(space)) {
		buf_append(b, space, (size_t)len);
	} else {
		char *whole = NULL;
		len = vasprintf(&whole, fmt, again);
		if (len >= 0)
			buf_append(b, whole, (size_t)len);
		else
			b->failed = true;
		if (len >= 0)
			free(whole);
	}
	va_end(again);
}

static void
escape(struct buf *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";
	static const char letters[0x20] = {
		['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};
	char out[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
	size_t len = sizeof(out);
	if (c == '"' || c == '\\') {
		out[1] = (char)c;
		len = 2;
	} else if (c < 0x20 && letters[c]) {
		out[1] = letters[c];
		len = 2;
	}
	buf_append(b, out, len);
}

void
buf_json_str(struct buf *b, struct str s)
{
	const char *run = s.ptr ? s.ptr : "", *at = run, *end = run + s.len;
	buf_char(b, '"');
	while ((at = str_pass_plain(at, end)) < end) {
		size_t step = str_utf8_step(at, end);
		if (step > 1) {
			at += step;
			continue;
		}
		buf_append(b, run, (size_t)(at - run));
		if (step == 0)
			buf_append(b, "\xef\xbf\xbd", 3);
		else
			escape(b, (unsigned char)*at);
		run = ++at;
	}
	buf_append(b, run, (size_t)(at - run));
	buf_char(b, '"');
}
