#include "signin/cbor.h"

/* The head of an item: its type, and the number that comes with it. */
static bool
cut_head(struct cbor_item *out, struct str *rest)
{
	if (rest->len == 0)
		return false;
	uint8_t first = (uint8_t)rest->ptr[0];
	unsigned low = first & 31;
	size_t len = low < 24 ? 0 : low < 28 ? (size_t)1 << (low - 24) : rest->len;
	if (len >= rest->len || first >> 5 == 6)
		return false;
	*out = (struct cbor_item){.type = (enum cbor_type)(first >> 5), .count = len ? 0 : low};
	for (size_t i = 0; i < len; i++)
		out->count = out->count << 8 | (uint8_t)rest->ptr[1 + i];
	*rest = (struct str){rest->ptr + 1 + len, rest->len - 1 - len};
	return true;
}

static bool
cut_content(struct cbor_item *item, struct str *rest)
{
	if (item->count > rest->len)
		return false;
	item->content = (struct str){rest->ptr, (size_t)item->count};
	*rest = (struct str){rest->ptr + item->count, rest->len - (size_t)item->count};
	return item->type != CBOR_TEXT || str_is_utf8(item->content);
}

static bool
cut(struct cbor_item *out, struct str *rest, unsigned depth) /* depth: of what may be inside */
{
	const char *start = rest->ptr;
	uint64_t inside = 0;
	if (!cut_head(out, rest))
		return false;
	if (out->type == CBOR_BYTES || out->type == CBOR_TEXT) {
		if (!cut_content(out, rest))
			return false;
	} else if (out->type == CBOR_ARRAY || out->type == CBOR_MAP) {
		if (depth == 0 || out->count > rest->len)
			return false;
		inside = out->type == CBOR_MAP ? 2 * out->count : out->count;
	}
	for (; inside > 0; inside--) {
		struct cbor_item item;
		if (!cut(&item, rest, depth - 1))
			return false;
	}
	out->whole = (struct str){start, (size_t)(rest->ptr - start)};
	return true;
}

bool
cbor_cut(struct cbor_item *out, struct str *rest)
{
	return cut(out, rest, CBOR_DEPTH_MAX);
}

bool
cbor_map_get(struct cbor_item *out, const struct cbor_item *map, struct str key)
{
	struct str rest = map->whole;
	struct cbor_item head, name, value;
	unsigned found = 0;
	if (map->type != CBOR_MAP || !cut_head(&head, &rest))
		return false;
	for (uint64_t i = 0; i < head.count; i++) {
		if (!cbor_cut(&name, &rest) || !cbor_cut(&value, &rest))
			return false;
		if (name.type == CBOR_TEXT && str_eq(name.content, key)) {
			*out = value;
			found++;
		}
	}
	return found == 1;
}
