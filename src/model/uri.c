#include "model/uri.h"

#define refuse(err, ...) error_set(err, ERR_INVALID, "invalid-uri", __VA_ARGS__)

/* Parts of it; absent when there is none. */
struct uri {
	struct str scheme, authority, rest;
};

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* RFC 3986 section 2: unreserved and reserved characters, and '%' with two digits. */
static bool
is_spelled_right(struct str uri)
{
	for (size_t i = 0; i < uri.len; i++) {
		char c = uri.ptr[i];
		if (c == '%') {
			if (uri.len - i < 3 || str_hex_value(uri.ptr[i + 1]) < 0 ||
				str_hex_value(uri.ptr[i + 2]) < 0)
				return false;
		} else if (!is_letter(c) && !is_digit(c) &&
			(c == '\0' || !strchr("-._~:/?#[]@!$&'()*+,;=", c))) {
			return false;
		}
	}
	return true;
}

static bool
is_scheme(struct str scheme)
{
	if (!scheme.len || !is_letter(scheme.ptr[0]))
		return false;
	for (size_t i = 1; i < scheme.len; i++) {
		char c = scheme.ptr[i];
		if (!is_letter(c) && !is_digit(c) && c != '+' && c != '-' && c != '.')
			return false;
	}
	return true;
}

static bool
split(struct uri *out, struct str uri)
{
	*out = (struct uri){.rest = uri};
	out->scheme = str_cut(&out->rest, ':');
	if (!out->rest.ptr || !is_scheme(out->scheme))
		return false;
	if (!str_starts(out->rest, STR("//")))
		return out->rest.len > 0;
	struct str after = {out->rest.ptr + 2, out->rest.len - 2};
	size_t len = 0;
	while (len < after.len && !strchr("/?#", after.ptr[len]))
		len++;
	out->authority = (struct str){after.ptr, len};
	out->rest = (struct str){after.ptr + len, after.len - len};
	return true;
}

static bool
is_port(struct str port)
{
	uint64_t number;

	return str_to_u64(port, &number) && number > 0 && number <= 65535;
}

/* Cuts the port off; what is left is a name, an IPv4 address, or an IPv6 address in brackets. */
static bool
take_host(struct str *host, struct str authority)
{
	struct str rest = authority;

	if (authority.len && authority.ptr[0] == '[') {
		*host = str_cut(&rest, ']');
		if (!rest.ptr || host->len < 3)
			return false;
		host->len++;
		return rest.len == 0 ||
			(rest.ptr[0] == ':' && is_port((struct str){rest.ptr + 1, rest.len - 1}));
	}
	*host = str_cut(&rest, ':');
	for (size_t i = 0; i < host->len; i++) {
		char c = host->ptr[i];
		if (!is_letter(c) && !is_digit(c) && c != '-' && c != '.')
			return false;
	}
	return host->len > 0 && (!rest.ptr || is_port(rest));
}

static bool
is_loopback(struct str host)
{
	return str_eq(host, STR("127.0.0.1")) || str_eq(host, STR("[::1]"));
}

static enum status
check_web(const struct uri *uri, const char *field, struct error *err)
{
	struct str host;
	bool https = str_eq(uri->scheme, STR("https"));

	if (!uri->authority.ptr || !take_host(&host, uri->authority))
		return refuse(err, "%s: needs a host, without a user's name before it.", field);
	if (!https && !is_loopback(host))
		return refuse(err,
			"%s: has to be https; http is for the loopback addresses 127.0.0.1 and "
			"[::1] "
			"alone.",
			field);
	return OK;
}

/* What all of them have in common. */
static enum status
parse(struct uri *out, struct str uri, const char *field, struct error *err)
{
	if (!uri.len || uri.len > URI_MAX_BYTES)
		return refuse(
			err, "%s: has to be an address of 1 to %d bytes.", field, URI_MAX_BYTES);
	if (!is_spelled_right(uri) || !split(out, uri))
		return refuse(err, "%s: is not an absolute address (RFC 3986).", field);
	if (memchr(uri.ptr, '#', uri.len))
		return refuse(err, "%s: must not have a fragment.", field);
	return OK;
}

static bool
is_web(const struct uri *uri)
{
	return str_eq(uri->scheme, STR("https")) || str_eq(uri->scheme, STR("http"));
}

enum status
redirect_uri_check(struct str uri, bool native, const char *field, struct error *err)
{
	struct uri parts;

	enum status rc = parse(&parts, uri, field, err);
	if (rc != OK)
		return rc;
	if (memchr(uri.ptr, '*', uri.len))
		return refuse(err, "%s: must not have a '*': it is compared as it is.", field);
	if (is_web(&parts))
		return check_web(&parts, field, err);
	if (!native)
		return refuse(err, "%s: has to be https.", field);
	if (!memchr(parts.scheme.ptr, '.', parts.scheme.len) || parts.authority.ptr)
		return refuse(err,
			"%s: has to be https, or a scheme of one's own with a dot in it, like "
			"com.example.app:/back.",
			field);
	return OK;
}

enum status
endpoint_uri_check(struct str uri, const char *field, struct error *err)
{
	struct uri parts;

	enum status rc = parse(&parts, uri, field, err);
	if (rc == OK && !is_web(&parts))
		rc = refuse(err, "%s: has to be https.", field);
	return rc == OK ? check_web(&parts, field, err) : rc;
}

enum status
issuer_uri_check(struct str uri, const char *field, struct error *err)
{
	enum status rc = endpoint_uri_check(uri, field, err);
	if (rc == OK && memchr(uri.ptr, '?', uri.len))
		rc = refuse(err, "%s: must not have a query.", field);
	return rc;
}
