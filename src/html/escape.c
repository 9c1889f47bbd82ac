#include "html/html.h"

/* What stands for a byte in HTML; NULL when it stands for itself. */
static const char *
entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	case '\0':
		return "\xef\xbf\xbd";
	default:
		return NULL;
	}
}

void
html_escape(struct buf *out, struct str text)
{
	const char *at = text.ptr ? text.ptr : "", *run = at, *end = at + text.len;
	while (at < end) {
		size_t step = str_utf8_step(at, end);
		const char *instead = step == 0 ? "\xef\xbf\xbd" : step == 1 ? entity(*at) : NULL;
		if (!instead) {
			at += step;
			continue;
		}
		buf_append(out, run, (size_t)(at - run));
		buf_str(out, str_from(instead));
		run = ++at;
	}
	buf_append(out, run, (size_t)(at - run));
}

/* White space, control characters and '\' are read differently by different browsers. */
static bool
is_plain(struct str address)
{
	for (size_t i = 0; i < address.len; i++) {
		unsigned char c = (unsigned char)address.ptr[i];
		if (c <= 0x20 || c == 0x7f || c == '\\')
			return false;
	}
	return str_is_utf8(address);
}

/* What follows "http://": a loopback host, a port or none, and then the path. */
static bool
is_loopback(struct str rest)
{
	static const struct str hosts[] = {{"127.0.0.1", 9}, {"[::1]", 5}, {"localhost", 9}};
	size_t at = 0;
	for (size_t i = 0; at == 0 && i < ARRAY_LEN(hosts); i++) {
		if (str_starts(rest, hosts[i]))
			at = hosts[i].len;
	}
	if (at == 0)
		return false;
	if (at < rest.len && rest.ptr[at] == ':') {
		for (at++; at < rest.len && rest.ptr[at] >= '0' && rest.ptr[at] <= '9';)
			at++;
	}
	return at == rest.len || memchr("/?#", rest.ptr[at], 3);
}

bool
html_address_allowed(struct str address)
{
	if (address.len == 0 || !is_plain(address))
		return false;
	if (address.ptr[0] == '/')
		return address.len == 1 || address.ptr[1] != '/';
	if (address.ptr[0] == '?' || address.ptr[0] == '#')
		return true;
	if (str_starts(address, STR("http://")))
		return is_loopback((struct str){address.ptr + 7, address.len - 7});
	return str_starts(address, STR("https://")) && address.len > 8 &&
		!memchr("/?#:@", address.ptr[8], 5);
}
