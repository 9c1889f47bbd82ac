#include "http/parse.h"

#include <stdint.h>

enum {
	C_TOKEN = 1, /* of a header's name */
	C_HOST = 2, /* of a host and port */
	C_TARGET = 4, /* of a request target */
	C_ID = 8, /* of a request id */
	C_ALNUM = C_TOKEN | C_HOST | C_TARGET | C_ID,
};

static const unsigned char classes[256] = {
	['0' ... '9'] = C_ALNUM,
	['A' ... 'Z'] = C_ALNUM,
	['a' ... 'z'] = C_ALNUM,
	['!'] = C_TOKEN | C_HOST | C_TARGET,
	['"'] = C_TARGET,
	['$'] = C_TOKEN | C_HOST | C_TARGET,
	['%'] = C_TOKEN | C_HOST | C_TARGET,
	['&'] = C_TOKEN | C_HOST | C_TARGET,
	['\''] = C_TOKEN | C_HOST | C_TARGET,
	['('] = C_HOST | C_TARGET,
	[')'] = C_HOST | C_TARGET,
	['*'] = C_TOKEN | C_HOST | C_TARGET,
	['+'] = C_TOKEN | C_HOST | C_TARGET,
	[','] = C_HOST | C_TARGET,
	['-'] = C_TOKEN | C_HOST | C_TARGET | C_ID,
	['.'] = C_TOKEN | C_HOST | C_TARGET | C_ID,
	['/'] = C_TARGET,
	[':'] = C_HOST | C_TARGET | C_ID,
	[';'] = C_HOST | C_TARGET,
	['<'] = C_TARGET,
	['='] = C_HOST | C_TARGET,
	['>'] = C_TARGET,
	['?'] = C_TARGET,
	['@'] = C_TARGET,
	['['] = C_HOST | C_TARGET,
	[']'] = C_HOST | C_TARGET,
	['#'] = C_TOKEN,
	['^'] = C_TOKEN | C_TARGET,
	['_'] = C_TOKEN | C_HOST | C_TARGET | C_ID,
	['`'] = C_TOKEN | C_TARGET,
	['{'] = C_TARGET,
	['|'] = C_TOKEN | C_TARGET,
	['}'] = C_TARGET,
	['~'] = C_TOKEN | C_HOST | C_TARGET,
};

static bool
all_of(struct str s, unsigned class)
{
	unsigned kept = class;
	for (size_t i = 0; i < s.len; i++)
		kept &= classes[(unsigned char)s.ptr[i]];
	return kept != 0;
}

/* The byte that an escape at `at` stands for; -1 when it is not a whole one. */
static int
escape_at(struct str raw, size_t at)
{
	if (raw.len - at < 3)
		return -1;
	int high = str_hex_value(raw.ptr[at + 1]), low = str_hex_value(raw.ptr[at + 2]);
	return high < 0 || low < 0 ? -1 : high * 16 + low;
}

static struct str
skip(struct str s, size_t n)
{
	return (struct str){s.ptr + n, s.len - n};
}

static bool
cut_authority(struct str *raw, struct str *authority)
{
	size_t scheme = 0;
	if (raw->len >= 7 && str_eq_nocase((struct str){raw->ptr, 7}, STR("http://")))
		scheme = 7;
	else if (raw->len >= 8 && str_eq_nocase((struct str){raw->ptr, 8}, STR("https://")))
		scheme = 8;
	if (!scheme)
		return false;
	*raw = skip(*raw, scheme);
	size_t len = 0;
	while (len < raw->len && raw->ptr[len] != '/' && raw->ptr[len] != '?')
		len++;
	*authority = (struct str){raw->ptr, len};
	*raw = skip(*raw, len);
	return http__host_ok(*authority);
}

bool
http__target_parse(struct str raw, struct http__target *out)
{
	*out = (struct http__target){0};
	if (!raw.len || raw.len > HTTP_TARGET_MAX || !all_of(raw, C_TARGET))
		return false;
	if (raw.ptr[0] != '/' && !cut_authority(&raw, &out->authority))
		return false;
	out->query = raw;
	out->path = str_cut(&out->query, '?');
	if (out->authority.ptr && !out->path.len)
		out->path = STR("/");
	return true;
}

bool
http__escapes_ok(struct str raw)
{
	const char *at = raw.ptr, *end = raw.ptr + raw.len;
	while (at < end && (at = memchr(at, '%', (size_t)(end - at)))) {
		if (escape_at(raw, (size_t)(at - raw.ptr)) <= 0)
			return false;
		at += 3;
	}
	return true;
}

bool
http__query_next(struct str *rest, struct str *name, struct str *value)
{
	while (rest->ptr) {
		struct str pair = str_cut(rest, '&');
		if (!pair.len)
			continue;
		*value = pair;
		*name = str_cut(value, '=');
		if (!value->ptr)
			*value = (struct str){pair.ptr + pair.len, 0};
		return true;
	}
	return false;
}

/* One decoded byte of a form; `*i` moves past it. */
static char
form_byte(struct str raw, size_t *i)
{
	char c = raw.ptr[*i];
	int escaped = c == '%' ? escape_at(raw, *i) : -1;
	*i += escaped >= 0 ? 3 : 1;
	if (escaped >= 0)
		return (char)escaped;
	return c == '+' ? ' ' : c;
}

size_t
http__form_decode(char *out, struct str raw)
{
	size_t len = 0;
	if (raw.len && !memchr(raw.ptr, '%', raw.len) && !memchr(raw.ptr, '+', raw.len)) {
		memcpy(out, raw.ptr, raw.len);
		return raw.len;
	}
	for (size_t i = 0; i < raw.len;)
		out[len++] = form_byte(raw, &i);
	return len;
}

bool
http__form_equals(struct str raw, struct str plain)
{
	size_t at = 0;
	for (size_t i = 0; i < raw.len; at++)
		if (at == plain.len || form_byte(raw, &i) != plain.ptr[at])
			return false;
	return at == plain.len;
}

bool
http__segment_decode(char *out, struct str raw, size_t *len)
{
	size_t made = 0;
	for (size_t i = 0; i < raw.len; i++) {
		int c = (unsigned char)raw.ptr[i];
		if (c == '/')
			return false;
		if (c == '%') {
			c = escape_at(raw, i);
			i += 2;
		}
		if (c <= 0)
			return false;
		out[made++] = (char)c;
	}
	*len = made;
	return true;
}

bool
http__name_ok(struct str name)
{
	return name.len && all_of(name, C_TOKEN);
}

/* Eight bytes at a time: a byte is a control when it is below 0x20 or 0x7f. */
static uint64_t
controls_in(uint64_t word)
{
	const uint64_t ones = 0x0101010101010101u, tops = ones * 0x80;
	uint64_t del = word ^ (ones * 0x7f);
	return (((word - ones * 0x20) & ~word) | ((del - ones) & ~del)) & tops;
}

bool
http__value_ok(struct str value)
{
	size_t i = 0;
	for (uint64_t word; i + sizeof(word) <= value.len; i += sizeof(word)) {
		memcpy(&word, value.ptr + i, sizeof(word));
		if (controls_in(word))
			break;
	}
	for (; i < value.len; i++) {
		unsigned char c = (unsigned char)value.ptr[i];
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

bool
http__host_ok(struct str host)
{
	return host.len && host.len <= 255 && all_of(host, C_HOST);
}

bool
http__request_id_ok(struct str id)
{
	return id.len && id.len <= HTTP_REQUEST_ID_MAX && all_of(id, C_ID);
}

struct str
http__trim(struct str s)
{
	while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = skip(s, 1);
	while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
		s.len--;
	return s;
}

enum http_method
http__method_parse(const char *method)
{
	static const struct {
		char name[8];
		enum http_method method;
	} known[] = {
		{"POST", HTTP_POST},
		{"GET", HTTP_GET},
		{"PUT", HTTP_PUT},
		{"HEAD", HTTP_HEAD},
		{"PATCH", HTTP_PATCH},
		{"DELETE", HTTP_DELETE},
		{"OPTIONS", HTTP_OPTIONS},
	};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(method, known[i].name) == 0)
			return known[i].method;
	return HTTP_OTHER;
}
