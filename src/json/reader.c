#include "json/reader.h"

#include <string.h>

#include "json/number.h"

void
json_reader_init(struct json_reader *r, struct str text, unsigned max_depth, size_t max_string,
	char *scratch, size_t scratch_size)
{
	ASSERT(max_depth <= JSON_READER_DEPTH_MAX);
	const char *start = text.ptr ? text.ptr : "";
	r->start = start;
	r->at = start;
	r->end = start + text.len;
	r->depth = 0;
	r->max_depth = max_depth;
	r->max_string = max_string;
	r->scratch = scratch;
	r->scratch_end = scratch ? scratch + scratch_size : NULL;
	r->failed = text.len > UINT32_MAX;
	r->first = false;
	r->name_count = 0;
	r->name_base[0] = 0;
}

static bool
fail(struct json_reader *r)
{
	r->failed = true;
	return false;
}

/* The next byte that is not white space, or 0 at the end and after a failure: NUL itself is no
 * part of any text. */
static char
look(struct json_reader *r)
{
	if (r->failed)
		return 0;
	const char *at = r->at, *end = r->end;
	while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t'))
		at++;
	r->at = at;
	return at < end ? *at : 0;
}

static bool
take(struct json_reader *r, char c)
{
	if (look(r) != c)
		return fail(r);
	r->at++;
	return true;
}

char
json_reader_peek(struct json_reader *r)
{
	char c = look(r);
	switch (c) {
	case '{':
	case '[':
	case '"':
	case 't':
	case 'f':
	case 'n':
		return c;
	default:
		return c == '-' || (c >= '0' && c <= '9') ? '0' : 0;
	}
}

static bool
enter(struct json_reader *r, char bracket)
{
	if (!take(r, bracket))
		return false;
	if (r->depth >= r->max_depth)
		return fail(r);
	r->depth++;
	r->name_base[r->depth] = r->name_count;
	r->first = true;
	return true;
}

static bool
leave(struct json_reader *r)
{
	ASSERT(r->depth > 0);
	r->at++;
	r->name_count = r->name_base[r->depth];
	r->depth--;
	r->first = false;
	return false;
}

bool
json_reader_enter_object(struct json_reader *r)
{
	return enter(r, '{');
}

bool
json_reader_enter_array(struct json_reader *r)
{
	return enter(r, '[');
}

bool
json_reader_next_element(struct json_reader *r)
{
	char c = look(r);
	if (c == ']')
		return leave(r);
	if (!r->first && !take(r, ','))
		return false;
	r->first = false;
	return !r->failed;
}

static uint32_t
hash_of(struct str s)
{
	uint32_t hash = UINT32_C(2166136261);
	for (size_t i = 0; i < s.len; i++)
		hash = (hash ^ (uint8_t)s.ptr[i]) * UINT32_C(16777619);
	return hash;
}

static bool
remember(struct json_reader *r, struct str name)
{
	unsigned base = r->name_base[r->depth];
	uint32_t hash = hash_of(name);
	for (unsigned i = base; i < r->name_count; i++) {
		const struct json_reader_name *other = &r->names[i];
		if (other->hash == hash && other->len == name.len &&
			memcmp(other->ptr, name.ptr, name.len) == 0)
			return fail(r);
	}
	if (r->name_count - base == JSON_READER_MEMBERS_MAX)
		return fail(r);
	r->names[r->name_count++] = (struct json_reader_name){name.ptr, (uint32_t)name.len, hash};
	return true;
}

bool
json_reader_next_member(struct json_reader *r, struct str *name)
{
	char c = look(r);
	if (c == '}')
		return leave(r);
	if (!r->first && !take(r, ','))
		return false;
	r->first = false;
	return json_reader_string(r, name) && remember(r, *name) && take(r, ':');
}

/* The four digits after "\u", or a value above all code units when they are not four digits. */
static uint32_t
code_unit(struct json_reader *r)
{
	uint32_t unit = 0;
	for (int i = 0; i < 4; i++) {
		int digit = r->at < r->end ? str_hex_value(*r->at) : -1;
		if (digit < 0)
			return UINT32_MAX;
		unit = unit << 4 | (uint32_t)digit;
		r->at++;
	}
	return unit;
}

static size_t
encode(char out[4], uint32_t point)
{
	if (point < 0x80) {
		out[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		out[0] = (char)(0xc0 | point >> 6);
		out[1] = (char)(0x80 | (point & 63));
		return 2;
	}
	if (point < 0x10000) {
		out[0] = (char)(0xe0 | point >> 12);
		out[1] = (char)(0x80 | (point >> 6 & 63));
		out[2] = (char)(0x80 | (point & 63));
		return 3;
	}
	out[0] = (char)(0xf0 | point >> 18);
	out[1] = (char)(0x80 | (point >> 12 & 63));
	out[2] = (char)(0x80 | (point >> 6 & 63));
	out[3] = (char)(0x80 | (point & 63));
	return 4;
}

/* What follows "\u": one code unit or a surrogate pair, but not NUL. 0 on failure. */
static size_t
unicode_escape(struct json_reader *r, char out[4])
{
	uint32_t unit = code_unit(r);
	if (unit == 0 || unit > 0xffff || (unit >= 0xdc00 && unit <= 0xdfff))
		return 0;
	if (unit < 0xd800 || unit > 0xdfff)
		return encode(out, unit);
	if (r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
		return 0;
	r->at += 2;
	uint32_t low = code_unit(r);
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	return encode(out, 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00));
}

/* Passes one escape, whose backslash is at hand; its bytes, or 0 on failure. */
static size_t
escape(struct json_reader *r, char out[4])
{
	static const char plain[] = "\"\\/bfnrt", meaning[] = "\"\\/\b\f\n\r\t";
	if (r->end - r->at < 2)
		return 0;
	char c = r->at[1];
	r->at += 2;
	if (c == 'u')
		return unicode_escape(r, out);
	const char *found = c ? strchr(plain, c) : NULL;
	if (!found)
		return 0;
	out[0] = meaning[found - plain];
	return 1;
}

/* Passes the bytes of a string up to the next quote or backslash. */
static bool
pass_run(struct json_reader *r)
{
	for (;;) {
		r->at = str_pass_plain(r->at, r->end);
		if (r->at == r->end)
			return fail(r);
		if (*r->at == '"' || *r->at == '\\')
			return true;
		size_t step = (unsigned char)*r->at < 0x20 ? 0 : str_utf8_step(r->at, r->end);
		if (step == 0)
			return fail(r);
		r->at += step;
	}
}

/* Where a string is decoded to: nowhere when it is only passed over. */
struct sink {
	char *at, *end;
	size_t len;
	bool keep;
};

static bool
put(struct json_reader *r, struct sink *to, const char *bytes, size_t len)
{
	to->len += len;
	if (to->len > r->max_string)
		return fail(r);
	if (!to->keep || len == 0)
		return true;
	if (!to->at || (size_t)(to->end - to->at) < len)
		return fail(r);
	memcpy(to->at, bytes, len);
	to->at += len;
	return true;
}

/* The rest of a string that has an escape; its beginning lies between `from` and r->at. */
static bool
decode(struct json_reader *r, const char *from, struct sink *to)
{
	char bytes[4];
	for (;;) {
		if (!put(r, to, from, (size_t)(r->at - from)))
			return false;
		if (*r->at == '"')
			return true;
		size_t len = escape(r, bytes);
		if (len == 0)
			return fail(r);
		if (!put(r, to, bytes, len))
			return false;
		from = r->at;
		if (!pass_run(r))
			return false;
	}
}

static bool
read_string(struct json_reader *r, struct str *out, bool keep)
{
	if (!take(r, '"'))
		return false;
	const char *from = r->at;
	if (!pass_run(r))
		return false;
	if (*r->at == '"') {
		*out = (struct str){from, (size_t)(r->at - from)};
		r->at++;
		return out->len <= r->max_string || fail(r);
	}
	struct sink to = {r->scratch, r->scratch_end, 0, keep};
	if (!decode(r, from, &to))
		return false;
	*out = (struct str){r->scratch, to.len};
	r->scratch = to.at;
	r->at++;
	return true;
}

bool
json_reader_string(struct json_reader *r, struct str *out)
{
	return read_string(r, out, true);
}

static bool
take_word(struct json_reader *r, struct str word)
{
	if (look(r) == 0 || !str_starts((struct str){r->at, (size_t)(r->end - r->at)}, word))
		return fail(r);
	r->at += word.len;
	return true;
}

bool
json_reader_bool(struct json_reader *r, bool *out)
{
	*out = look(r) == 't';
	return take_word(r, *out ? STR("true") : STR("false"));
}

bool
json_reader_null(struct json_reader *r)
{
	return take_word(r, STR("null"));
}

static bool
pass_digits(struct json_reader *r)
{
	const char *from = r->at;
	while (r->at < r->end && *r->at >= '0' && *r->at <= '9')
		r->at++;
	return r->at > from;
}

static bool
pass_char(struct json_reader *r, char a, char b)
{
	if (r->at == r->end || (*r->at != a && *r->at != b))
		return false;
	r->at++;
	return true;
}

/* Section 6 of RFC 8259. */
static bool
pass_number(struct json_reader *r, bool *is_integer)
{
	*is_integer = true;
	pass_char(r, '-', '-');
	if (!pass_char(r, '0', '0') && !pass_digits(r))
		return false;
	if (pass_char(r, '.', '.')) {
		*is_integer = false;
		if (!pass_digits(r))
			return false;
	}
	if (pass_char(r, 'e', 'E')) {
		*is_integer = false;
		pass_char(r, '+', '-');
		if (!pass_digits(r))
			return false;
	}
	return true;
}

bool
json_reader_number(struct json_reader *r, double *out, bool *is_integer, int64_t *integer)
{
	*integer = 0;
	if (json_reader_peek(r) != '0')
		return fail(r);
	const char *from = r->at;
	if (!pass_number(r, is_integer))
		return fail(r);
	struct str text = {from, (size_t)(r->at - from)};
	if (!*is_integer)
		return json__number_value(text, out) || fail(r);
	if (!str_eq(text, STR("-0")) && !str_to_i64(text, integer))
		return fail(r);
	*out = (double)*integer;
	return true;
}

static bool skip_value(struct json_reader *r);

static bool
skip_object(struct json_reader *r)
{
	struct str name;
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		if (!skip_value(r))
			return false;
	}
	return !r->failed;
}

static bool
skip_array(struct json_reader *r)
{
	if (!json_reader_enter_array(r))
		return false;
	while (json_reader_next_element(r)) {
		if (!skip_value(r))
			return false;
	}
	return !r->failed;
}

/* Recursion ends at max_depth. */
static bool
skip_value(struct json_reader *r)
{
	struct str string;
	double number;
	int64_t integer;
	bool flag;
	switch (json_reader_peek(r)) {
	case '{':
		return skip_object(r);
	case '[':
		return skip_array(r);
	case '"':
		return read_string(r, &string, false);
	case 't':
	case 'f':
		return json_reader_bool(r, &flag);
	case 'n':
		return json_reader_null(r);
	case '0':
		return json_reader_number(r, &number, &flag, &integer);
	default:
		return fail(r);
	}
}

bool
json_reader_skip(struct json_reader *r, struct str *raw)
{
	char *scratch = r->scratch;
	look(r);
	const char *from = r->at;
	if (!skip_value(r))
		return false;
	r->scratch = scratch;
	if (raw)
		*raw = (struct str){from, (size_t)(r->at - from)};
	return true;
}

bool
json_reader_end(struct json_reader *r)
{
	return !r->failed && look(r) == 0 && r->at == r->end && r->depth == 0;
}
