#include "base/str.h"

#include <endian.h>

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool
str_eq_nocase(struct str a, struct str b)
{
	if (!a.ptr || !b.ptr || a.len != b.len)
		return false;
	if (memcmp(a.ptr, b.ptr, a.len) == 0)
		return true;
	for (size_t i = 0; i < a.len; i++) {
		if (lower(a.ptr[i]) != lower(b.ptr[i]))
			return false;
	}
	return true;
}

int
str_compare(struct str a, struct str b)
{
	size_t shared = a.len < b.len ? a.len : b.len;
	int order = shared ? memcmp(a.ptr, b.ptr, shared) : 0;
	if (order != 0)
		return order;
	return a.len < b.len ? -1 : a.len > b.len;
}

struct str
str_cut(struct str *rest, char separator)
{
	struct str head = *rest;
	const char *at = head.len ? memchr(head.ptr, separator, head.len) : NULL;
	if (!at) {
		*rest = (struct str){0};
		return head;
	}
	head.len = (size_t)(at - head.ptr);
	*rest = (struct str){at + 1, rest->len - head.len - 1};
	return head;
}

bool
str_to_u64(struct str s, uint64_t *out)
{
	uint64_t value = 0;
	if (s.len == 0 || (s.len > 1 && s.ptr[0] == '0'))
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		if (__builtin_mul_overflow(value, 10, &value) ||
			__builtin_add_overflow(value, (uint64_t)(s.ptr[i] - '0'), &value))
			return false;
	}
	*out = value;
	return true;
}

bool
str_to_i64(struct str s, int64_t *out)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t value;
	if (!str_to_u64(negative ? (struct str){s.ptr + 1, s.len - 1} : s, &value))
		return false;
	if (value > (uint64_t)INT64_MAX + negative || (negative && value == 0))
		return false;
	*out = negative ? -(int64_t)(value - 1) - 1 : (int64_t)value;
	return true;
}

static bool
is_continuation(unsigned char c)
{
	return (c & 0xc0) == 0x80;
}

size_t
str_utf8_step(const char *at, const char *end)
{
	if (at >= end)
		return 0;
	const unsigned char *c = (const unsigned char *)at;
	size_t left = (size_t)(end - at);
	if (c[0] < 0x80)
		return 1;
	if (c[0] < 0xc2 || c[0] > 0xf4 || left < 2 || !is_continuation(c[1]))
		return 0;
	if (c[0] < 0xe0)
		return 2;
	if (left < 3 || !is_continuation(c[2]))
		return 0;
	if (c[0] < 0xf0) {
		bool overlong = c[0] == 0xe0 && c[1] < 0xa0;
		bool surrogate = c[0] == 0xed && c[1] > 0x9f;
		return overlong || surrogate ? 0 : 3;
	}
	if (left < 4 || !is_continuation(c[3]))
		return 0;
	bool overlong = c[0] == 0xf0 && c[1] < 0x90;
	bool beyond = c[0] == 0xf4 && c[1] > 0x8f;
	return overlong || beyond ? 0 : 4;
}

struct str
str_utf8_head(struct str s, size_t max)
{
	struct str out = {s.ptr ? s.ptr : "", 0};
	const char *end = out.ptr + (s.len < max ? s.len : max);
	for (size_t step; (step = str_utf8_step(out.ptr + out.len, end)) > 0;)
		out.len += step;
	return out;
}

/* Past what is ASCII, eight bytes at a time, as most of nearly every text is. */
static const char *
skip_ascii(const char *at, const char *end)
{
	for (uint64_t word; (size_t)(end - at) >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		if (word & UINT64_C(0x8080808080808080))
			break;
	}
	return at;
}

bool
str_is_utf8(struct str s)
{
	if (!s.ptr)
		return false;
	const char *end = s.ptr + s.len, *at = skip_ascii(s.ptr, end);
	while (at < end) {
		size_t step = str_utf8_step(at, end);
		if (step == 0)
			return false;
		at += step;
	}
	return true;
}

/* Marks, of eight bytes, '"', '\\', controls and what is beyond ASCII. A borrow can also mark a
 * byte above one that is; the lowest mark is right. */
static uint64_t
mark_special(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t quote = word ^ ones * '"', backslash = word ^ ones * '\\';
	uint64_t marked = (word - ones * ' ') | (quote - ones) | (backslash - ones);
	return ((marked & ~word) | word) & high;
}

static bool
is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x80 && c != '"' && c != '\\';
}

const char *
str_pass_plain(const char *at, const char *end)
{
	for (uint64_t word; (size_t)(end - at) >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, at, sizeof(word));
		uint64_t marks = mark_special(le64toh(word));
		if (marks)
			return at + __builtin_ctzll(marks) / 8;
	}
	while (at < end && is_plain((unsigned char)*at))
		at++;
	return at;
}
