#include "oauth/redirect.h"

#define PORT_DIGITS_MAX 5

/* What follows the port, or the place of it, of an address on this machine; absent of any other. */
static struct str
behind_port(struct str uri)
{
	static const struct str hosts[] = {
		{"http://127.0.0.1", 16},
		{"http://[::1]", 12},
	};
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++) {
		if (!str_starts(uri, hosts[i]))
			continue;
		size_t at = hosts[i].len, digits = 0;
		if (at < uri.len && uri.ptr[at] == ':') {
			while (++at < uri.len && uri.ptr[at] >= '0' && uri.ptr[at] <= '9')
				digits++;
			if (digits == 0 || digits > PORT_DIGITS_MAX)
				return (struct str){NULL, 0};
		}
		/* Anything else would be part of another host, or of a user's name. */
		if (at < uri.len && uri.ptr[at] != '/' && uri.ptr[at] != '?')
			return (struct str){NULL, 0};
		return (struct str){uri.ptr + at, uri.len - at};
	}
	return (struct str){NULL, 0};
}

static bool
is_same_but_port(struct str registered, struct str uri)
{
	struct str one = behind_port(registered), other = behind_port(uri);
	/* The seventh byte tells the two hosts apart. */
	return str_eq(one, other) && registered.ptr[7] == uri.ptr[7];
}

bool
redirect_is_registered(const struct str_list *registered, struct str uri)
{
	for (uint32_t i = 0; i < registered->count; i++)
		if (str_eq(registered->items[i], uri) ||
			is_same_but_port(registered->items[i], uri))
			return true;
	return false;
}
