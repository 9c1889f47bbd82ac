#include "mail/internal.h"

#include <string.h>

#define QP_LINE_MAX 76
#define WORD_MAX 75 /* RFC 2047 section 2 */
#define LINE_MAX 76
#define WORD_HEAD "=?UTF-8?Q?"
#define WORD_TAIL "?="
#define PLAIN_MAX 60 /* of a value that needs no folding */

static const char hex[] = "0123456789ABCDEF";

static size_t
put_escaped(char *out, unsigned char c)
{
	out[0] = '=';
	out[1] = hex[c >> 4];
	out[2] = hex[c & 15];
	return 3;
}

/* The length of the end of line at `at`, or 0. */
static size_t
line_end(const char *at, const char *end)
{
	if (at < end && *at == '\n')
		return 1;
	return at + 1 < end && at[0] == '\r' && at[1] == '\n' ? 2 : 0;
}

void
mail__quoted_printable(struct buf *out, struct str text)
{
	size_t column = 0;
	const char *at = text.ptr ? text.ptr : "", *end = at + text.len;
	while (at < end) {
		char bytes[3];
		size_t len = line_end(at, end);
		if (len > 0) {
			buf_str(out, STR("\r\n"));
			column = 0;
			at += len;
			continue;
		}
		unsigned char c = (unsigned char)*at++;
		bool last = at == end || line_end(at, end) > 0;
		bool blank = c == ' ' || c == '\t';
		bool plain = blank ? !last : c > 0x20 && c < 0x7f && c != '=';
		bytes[0] = (char)c;
		len = plain ? 1 : put_escaped(bytes, c);
		/* One character is left for the '=' of a line that goes on. */
		if (column + len > QP_LINE_MAX - (last ? 0 : 1)) {
			buf_str(out, STR("=\r\n"));
			column = 0;
		}
		buf_append(out, bytes, len);
		column += len;
	}
}

/* What stands for itself in an encoded word wherever it is. RFC 2047 section 5 (3). */
static bool
is_word_character(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		(c && strchr("!*+-/", c));
}

/* One character of the text, of up to four bytes. */
static size_t
encode_character(char out[12], const char *at, size_t step)
{
	size_t len = 0;
	for (size_t i = 0; i < step; i++) {
		if (is_word_character(at[i]))
			out[len++] = at[i];
		else if (at[i] == ' ')
			out[len++] = '_';
		else
			len += put_escaped(out + len, (unsigned char)at[i]);
	}
	return len;
}

static void
encoded_words(struct buf *out, struct str text, size_t used)
{
	const char *at = text.ptr, *end = at + text.len;
	size_t word = 0;
	while (at < end) {
		char bytes[12];
		size_t step = str_utf8_step(at, end);
		step = step ? step : 1;
		size_t len = encode_character(bytes, at, step);
		size_t tail = sizeof(WORD_TAIL) - 1;
		bool fits = word > 0 && word + len + tail <= WORD_MAX &&
			used + word + len + tail <= LINE_MAX;
		if (!fits) {
			/* The blank between two words is not part of the text. */
			if (word > 0)
				buf_str(out, STR(WORD_TAIL "\r\n "));
			used = word > 0 ? 1 : used;
			buf_str(out, STR(WORD_HEAD));
			word = sizeof(WORD_HEAD) - 1;
		}
		buf_append(out, bytes, len);
		word += len;
		at += step;
	}
	if (word > 0)
		buf_str(out, STR(WORD_TAIL));
}

/* Words that need no quotes and no encoding. */
static bool
is_phrase(struct str text)
{
	bool plain = text.len <= PLAIN_MAX;
	for (size_t i = 0; i < text.len; i++) {
		bool inner = i > 0 && i + 1 < text.len && text.ptr[i] == ' ';
		plain = plain && (inner || is_word_character(text.ptr[i]));
	}
	return plain;
}

void
mail__phrase(struct buf *out, struct str text, size_t used)
{
	if (is_phrase(text))
		buf_str(out, text);
	else
		encoded_words(out, text, used);
}

static bool
is_plain(struct str value)
{
	for (size_t i = 0; i < value.len; i++) {
		if (value.ptr[i] < 0x20 || value.ptr[i] >= 0x7f)
			return false;
	}
	bool blank_ends = value.len > 0 && (value.ptr[0] == ' ' || value.ptr[value.len - 1] == ' ');
	return value.len <= PLAIN_MAX && !blank_ends &&
		!(value.len && memmem(value.ptr, value.len, "=?", 2));
}

void
mail__header(struct buf *out, const char *name, struct str value)
{
	buf_printf(out, "%s: ", name);
	if (is_plain(value))
		buf_str(out, value);
	else
		encoded_words(out, value, strlen(name) + 2);
	buf_str(out, STR("\r\n"));
}
