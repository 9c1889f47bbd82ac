#include "http/internal.h"

/*
 * libmicrohttpd 0.9.75 takes more than it should: of two lengths it uses the first, of a length
 * and a coding the coding, a NUL ends a line early, a bare LF ends one, a folded line is joined.
 * A proxy in front that reads the same bytes differently would see other requests than we do, so
 * everything that can be read in two ways is refused here, in one pass.
 *
 * That version leaves the head of a request where it arrived and overwrites only separators: each
 * line is followed by two NULs, its CR and LF. Where a line does not start just behind the one
 * before, something was hidden. Later versions move bytes about, and refuse these by themselves.
 */
struct scan {
	const char *expected; /* where the next line starts; NULL when the layout is unknown */
	enum http__refusal refusal;
	unsigned hosts, lengths, codings;
	struct str host, length, coding;
};

static void
scan_known(struct scan *s, struct str name, struct str value)
{
	if (name.len == 4 && str_eq_nocase(name, STR("Host"))) {
		s->hosts++;
		s->host = http__trim(value);
	} else if (name.len == 14 && str_eq_nocase(name, STR("Content-Length"))) {
		s->lengths++;
		s->length = http__trim(value);
	} else if (name.len == 17 && str_eq_nocase(name, STR("Transfer-Encoding"))) {
		s->codings++;
		s->coding = value;
	}
}

static enum MHD_Result
scan_header(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	struct scan *s = context;
	struct str n = {name, name_len}, v = {value ? value : "", value_len};
	(void)kind;
	if ((s->expected && (s->expected != name || !value)) || !http__name_ok(n) ||
		!http__value_ok(v)) {
		s->refusal = REFUSE_HEADERS;
		return MHD_NO;
	}
	if (s->expected)
		s->expected = value + value_len + 2;
	scan_known(s, n, v);
	return MHD_YES;
}

static enum http__refusal
check_host(const struct http_request *r, const struct scan *s, bool old)
{
	if (s->hosts > 1)
		return REFUSE_HOST_REPEATED;
	if (!s->hosts)
		return old ? REFUSE_NOTHING : REFUSE_HOST_MISSING;
	if (!http__host_ok(s->host))
		return REFUSE_HOST;
	if (r->parts.authority.ptr && !str_eq_nocase(r->parts.authority, s->host))
		return REFUSE_HOST;
	return REFUSE_NOTHING;
}

/* RFC 9112 section 6.3. */
static enum http__refusal
check_framing(struct http_request *r, const struct scan *s, bool old)
{
	if (s->codings) {
		if (s->lengths)
			return REFUSE_LENGTH_AND_CODING;
		/* Not trimmed: the library compares the whole value too. */
		if (old || s->codings > 1 || !str_eq_nocase(s->coding, STR("chunked")))
			return REFUSE_CODING;
		return REFUSE_NOTHING;
	}
	if (s->lengths > 1)
		return REFUSE_LENGTH_REPEATED;
	if (s->lengths && !str_to_u64(s->length, &r->content_length))
		return REFUSE_LENGTH;
	return REFUSE_NOTHING;
}

static enum http__refusal
check_headers(struct http_request *r, size_t size, const char *method, const char *version)
{
	bool raw = r->server->raw_layout, old = strcmp(version, MHD_HTTP_VERSION_1_0) == 0;
	struct scan s = {.expected = raw ? version + strlen(version) + 2 : NULL};
	MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, scan_header, &s);
	if (s.refusal)
		return s.refusal;
	if (raw && s.expected + 2 != method + size)
		return REFUSE_HEADERS;
	enum http__refusal why = check_host(r, &s, old);
	return why ? why : check_framing(r, &s, old);
}

enum http__refusal
http__check(struct http_request *r, const char *method, const char *version)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
	size_t size = info ? info->header_size : 0;
	if (r->refusal)
		return r->refusal;
	if (size > HTTP_HEADERS_MAX)
		return REFUSE_HEADERS_LARGE;
	if (r->server->raw_layout &&
		(method + strlen(method) + 1 != r->target_at ||
			r->target_at + r->target_len + 1 != version))
		return REFUSE_LINE;
	if (!http__target_parse((struct str){r->target, r->target_len}, &r->parts))
		return REFUSE_TARGET;
	if (!http__escapes_ok(r->parts.query))
		return REFUSE_QUERY;
	r->method = http__method_parse(method);
	return check_headers(r, size, method, version);
}
