/* The parsers of a request's head, over any bytes: what they accept keeps its promises. */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "http/parse.h"

static bool
has_byte(struct str s, int byte)
{
	return s.len && memchr(s.ptr, byte, s.len);
}

/* Of exactly the size that is promised to be enough, so that the sanitizer sees one byte more. */
static char *
room(size_t size)
{
	char *out = malloc(size ? size : 1);
	require(out != NULL);
	return out;
}

static size_t
check_form(struct str raw)
{
	char *out = room(raw.len);
	struct str plain = {out, http__form_decode(out, raw)};
	require(plain.len <= raw.len && !has_byte(plain, '\0'));
	require(http__form_equals(raw, plain));
	require(!plain.len || !http__form_equals(raw, (struct str){out, plain.len - 1}));
	free(out);
	return raw.len;
}

static void
check_query(struct str query)
{
	struct str rest = query, name, value;
	size_t seen = 0;
	while (http__query_next(&rest, &name, &value)) {
		require(!has_byte(name, '&') && !has_byte(name, '=') && !has_byte(value, '&'));
		seen += check_form(name) + check_form(value) + (name.ptr + name.len != value.ptr);
	}
	require(seen <= query.len);
}

static void
check_segment(struct str raw)
{
	char *out = room(raw.len);
	size_t len = 0;
	if (http__segment_decode(out, raw, &len)) {
		struct str plain = {out, len};
		require(len <= raw.len && !has_byte(plain, '\0') && !has_byte(raw, '/'));
		require(http__escapes_ok(raw));
	}
	free(out);
}

static void
check_target(struct str raw)
{
	struct http__target t;
	if (!http__target_parse(raw, &t))
		return;
	require(raw.len <= HTTP_TARGET_MAX && t.path.len && t.path.ptr[0] == '/');
	require(!has_byte(raw, ' ') && !has_byte(raw, '\0') && !has_byte(raw, '\n'));
	require(!has_byte(t.path, '?'));
	if (!t.authority.ptr)
		require(t.path.len + (t.query.ptr ? 1 + t.query.len : 0) == raw.len);
	else
		require(http__host_ok(t.authority));
	if (http__escapes_ok(t.query))
		check_query(t.query);
}

/* The fast look at a value says what a slow one does. */
static void
check_header(struct str raw)
{
	bool ok = true;
	for (size_t i = 0; i < raw.len; i++) {
		unsigned char c = (unsigned char)raw.ptr[i];
		ok = ok && (c >= 0x20 || c == '\t') && c != 0x7f;
	}
	require(ok == http__value_ok(raw));
	require(ok || (!http__name_ok(raw) && !http__host_ok(raw) && !http__request_id_ok(raw)));
	require(!http__request_id_ok(raw) || raw.len <= HTTP_REQUEST_ID_MAX);
	struct str trimmed = http__trim(raw), again = http__trim(trimmed);
	require(again.ptr == trimmed.ptr && again.len == trimmed.len);
	uint64_t length = 0;
	char text[32];
	if (str_to_u64(raw, &length)) {
		int len = snprintf(text, sizeof(text), "%llu", (unsigned long long)length);
		require(str_eq(raw, (struct str){text, (size_t)len}));
	}
}

/* Lines of X-Forwarded-For: an address comes out, whatever stands there, and none without trust. */
static void
check_forwarded(struct str raw)
{
	static const struct cidr everybody[] = {{{4, {0}}, 0}, {{16, {0}}, 0}},
				 proxy = {{4, {10, 0, 0, 1}}, 32};
	const struct address start = {4, {10, 0, 0, 1}};
	struct address address = start;
	struct str lines[4];
	size_t count = 0;
	for (struct str rest = raw; rest.ptr && count < ARRAY_LEN(lines);)
		lines[count++] = str_cut(&rest, '\n');
	http__forwarded(&address, lines, count, &(struct http_proxies){0});
	require(memcmp(&address, &start, sizeof(start)) == 0);
	http__forwarded(&address, lines, count, &(struct http_proxies){&proxy, 1});
	require(address.len == 4 || address.len == 16);
	http__forwarded(&address, lines, count, &(struct http_proxies){everybody, 2});
	require(address.len == 4 || address.len == 16);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str raw = {(const char *)data, size};
	check_target(raw);
	check_segment(raw);
	check_header(raw);
	check_forwarded(raw);
	return 0;
}
