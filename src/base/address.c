#include "base/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#define MAPPED_BITS 96

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

/* True when the address was an IPv4 one in IPv6 clothes, which it now has taken off. */
static bool
unmap(struct address *a)
{
	if (a->len != 16 || memcmp(a->bytes, mapped, sizeof(mapped)) != 0)
		return false;
	memcpy(a->bytes, a->bytes + sizeof(mapped), 4);
	a->len = 4;
	return true;
}

/* The address as written, not unmapped. */
static bool
parse_as_written(struct str text, struct address *out)
{
	char z[INET6_ADDRSTRLEN];
	if (!text.len || text.len >= sizeof(z) || memchr(text.ptr, 0, text.len))
		return false;
	memcpy(z, text.ptr, text.len);
	z[text.len] = 0;
	bool v6 = memchr(z, ':', text.len) != NULL;
	*out = (struct address){.len = v6 ? 16 : 4};
	return inet_pton(v6 ? AF_INET6 : AF_INET, z, out->bytes) == 1;
}

bool
address_parse(struct str text, struct address *out)
{
	if (!parse_as_written(text, out))
		return false;
	unmap(out);
	return true;
}

bool
address_of_socket(const struct sockaddr *socket, struct address *out)
{
	if (socket->sa_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)(const void *)socket;
		*out = (struct address){.len = 4};
		memcpy(out->bytes, &v4->sin_addr, 4);
		return true;
	}
	if (socket->sa_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)(const void *)socket;
		*out = (struct address){.len = 16};
		memcpy(out->bytes, &v6->sin6_addr, 16);
		unmap(out);
		return true;
	}
	return false;
}

/* Clears what follows the prefix; true when anything was set there. */
static bool
clear_host_bits(struct cidr *block)
{
	bool any = false;
	for (unsigned bit = block->prefix; bit < block->base.len * 8U; bit++) {
		uint8_t mask = (uint8_t)(0x80U >> (bit & 7));
		any = any || (block->base.bytes[bit >> 3] & mask);
		block->base.bytes[bit >> 3] &= (uint8_t)~mask;
	}
	return any;
}

enum cidr_parsed
cidr_parse(struct str text, struct cidr *out)
{
	struct str rest = text;
	struct str address = str_cut(&rest, '/');
	if (!parse_as_written(address, &out->base))
		return CIDR_MALFORMED;
	uint64_t prefix = out->base.len * 8U;
	if (rest.ptr && (!str_to_u64(rest, &prefix) || prefix > out->base.len * 8U))
		return CIDR_MALFORMED;
	out->prefix = (uint8_t)prefix;
	/* A shorter prefix leaves the mapped addresses; the marker itself is then a host bit. */
	if (prefix >= MAPPED_BITS && unmap(&out->base))
		out->prefix = (uint8_t)(prefix - MAPPED_BITS);
	return clear_host_bits(out) ? CIDR_HOST_BITS : CIDR_OK;
}

enum cidr_parsed
cidr_parse_list(struct str text, struct cidr *out, size_t max, size_t *count)
{
	*count = 0;
	for (struct str rest = text; rest.ptr && text.len > 0;) {
		struct str block = str_cut(&rest, ',');
		while (block.len > 0 && block.ptr[0] == ' ')
			block = (struct str){block.ptr + 1, block.len - 1};
		while (block.len > 0 && block.ptr[block.len - 1] == ' ')
			block.len--;
		enum cidr_parsed parsed = CIDR_MALFORMED;
		if (*count < max)
			parsed = cidr_parse(block, &out[*count]);
		if (parsed != CIDR_OK)
			return parsed;
		++*count;
	}
	return CIDR_OK;
}

void
cidr_format(char out[CIDR_TEXT_MAX], const struct cidr *block)
{
	char z[INET6_ADDRSTRLEN] = "";
	inet_ntop(block->base.len == 4 ? AF_INET : AF_INET6, block->base.bytes, z, sizeof(z));
	snprintf(out, CIDR_TEXT_MAX, "%s/%u", z, block->prefix);
}

bool
cidr_contains(const struct cidr *block, const struct address *address)
{
	if (block->base.len != address->len)
		return false;
	unsigned whole = block->prefix >> 3;
	unsigned rest = block->prefix & 7;
	if (memcmp(block->base.bytes, address->bytes, whole) != 0)
		return false;
	if (rest == 0)
		return true;
	uint8_t mask = (uint8_t)(0xff00U >> rest);
	return ((block->base.bytes[whole] ^ address->bytes[whole]) & mask) == 0;
}

/* All that is special among IPv4 addresses. */
static const struct cidr special4[] = {
	{{4, {0}}, 8}, /* this network */
	{{4, {10}}, 8}, /* private */
	{{4, {100, 64}}, 10}, /* shared by customers of a carrier; a metadata service */
	{{4, {127}}, 8}, /* loopback */
	{{4, {169, 254}}, 16}, /* link-local, metadata services */
	{{4, {168, 63, 129, 16}}, 32}, /* a cloud's own, though public */
	{{4, {172, 16}}, 12}, /* private */
	{{4, {192, 0, 0}}, 24}, /* protocol assignments, a metadata service */
	{{4, {192, 0, 2}}, 24}, /* documentation */
	{{4, {192, 88, 99}}, 24}, /* 6to4 relays */
	{{4, {192, 168}}, 16}, /* private */
	{{4, {198, 18}}, 15}, /* benchmarks */
	{{4, {198, 51, 100}}, 24}, /* documentation */
	{{4, {203, 0, 113}}, 24}, /* documentation */
	{{4, {224}}, 3}, /* multicast, reserved, broadcast */
};
/* The Internet is in 2000::/3 alone, but for these. */
static const struct cidr global6 = {{16, {0x20}}, 3};
static const struct cidr special6[] = {
	{{16, {0x20, 0x01}}, 23}, /* protocol assignments, Teredo */
	{{16, {0x20, 0x01, 0x0d, 0xb8}}, 32}, /* documentation */
	{{16, {0x20, 0x02}}, 16}, /* 6to4 */
	{{16, {0x3f, 0xff}}, 20}, /* documentation */
};

bool
address_is_public(const struct address *a)
{
	const struct cidr *special = a->len == 4 ? special4 : special6;
	size_t count = a->len == 4 ? ARRAY_LEN(special4) : ARRAY_LEN(special6);
	if (a->len != 4 && !cidr_contains(&global6, a))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (cidr_contains(&special[i], a))
			return false;
	}
	return true;
}
