/* Who really sent a request that a proxy handed on. */
#include <arpa/inet.h>

#include "http/internal.h"

/* The last of several headers and the last entries of all: each proxy appends what it saw. */
#define LINES_MAX 8
#define HOPS_MAX 32

static bool
is_trusted(const struct http_proxies *proxies, const struct address *address)
{
	for (size_t i = 0; i < proxies->count; i++) {
		if (cidr_contains(&proxies->blocks[i], address))
			return true;
	}
	return false;
}

/* Takes the last entry off a list with commas. */
static struct str
cut_last(struct str *list)
{
	size_t at = list->len;
	while (at > 0 && list->ptr[at - 1] != ',')
		at--;
	struct str last = {list->ptr + at, list->len - at};
	list->len = at > 0 ? at - 1 : 0;
	return http__trim(last);
}

void
http__forwarded(struct address *address, const struct str *lines, size_t count,
	const struct http_proxies *proxies)
{
	unsigned hops = 0;
	while (count-- > 0) {
		struct str list = lines[count];
		do {
			struct address before;
			if (!is_trusted(proxies, address) || ++hops > HOPS_MAX ||
				!address_parse(cut_last(&list), &before))
				return;
			*address = before;
		} while (list.len > 0);
	}
}

struct lines {
	struct str list[LINES_MAX];
	size_t count;
};

static enum MHD_Result
keep_line(void *context, enum MHD_ValueKind kind, const char *name, size_t name_len,
	const char *value, size_t value_len)
{
	struct lines *lines = context;
	(void)kind;
	if (!str_eq_nocase(STR("X-Forwarded-For"), (struct str){name, name_len}) || !value)
		return MHD_YES;
	if (lines->count == LINES_MAX)
		memmove(lines->list, lines->list + 1, --lines->count * sizeof(struct str));
	lines->list[lines->count++] = (struct str){value, value_len};
	return MHD_YES;
}

struct str
http_peer(const struct http_request *r)
{
	/* Made on demand; callers see the request as constant all the same. */
	char *out = ((struct http_request *)r)->peer;
	const struct http_proxies *proxies = &r->server->options.proxies;
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	struct lines lines = {0};
	struct address address;
	if (out[0] || !info || !address_of_socket(info->client_addr, &address))
		return str_from(out);
	if (is_trusted(proxies, &address)) {
		MHD_get_connection_values_n(r->mhd, MHD_HEADER_KIND, keep_line, &lines);
		http__forwarded(&address, lines.list, lines.count, proxies);
	}
	if (!inet_ntop(address.len == 4 ? AF_INET : AF_INET6, address.bytes, out, sizeof(r->peer)))
		out[0] = '\0';
	return str_from(out);
}
