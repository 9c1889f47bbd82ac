#ifndef BASE_ADDRESS_H
#define BASE_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* IP addresses and blocks of them. An IPv4 address mapped into IPv6 is that IPv4 address. Pure,
 * no allocation; threads: any. */

struct address {
	uint8_t len; /* 4 or 16 */
	uint8_t bytes[16];
};

/* The usual texts of RFC 4291 section 2.2 and dotted decimals; no zone, no port, no brackets. */
bool address_parse(struct str text, struct address *out) MUST_USE;

struct sockaddr;
/* Of an IPv4 or IPv6 socket; false for any other. */
bool address_of_socket(const struct sockaddr *socket, struct address *out) MUST_USE;

/* True when the Internet leads there: not loopback, private, link-local, multicast, reserved, one's
 * own network, documentation, nor a wrapping of such an IPv4 address (RFC 6890 and the IANA
 * registries of special-purpose addresses), nor the one public address that a cloud gives its own
 * servers. */
bool address_is_public(const struct address *a);

struct cidr {
	struct address base;
	uint8_t prefix;
};
#define CIDR_TEXT_MAX 52

enum cidr_parsed { CIDR_MALFORMED = 0, CIDR_HOST_BITS, CIDR_OK };
/* "10.0.0.0/8"; an address alone is the block of itself. CIDR_HOST_BITS when bits after the prefix
 * are set: `out` is then the block that was probably meant. */
enum cidr_parsed cidr_parse(struct str text, struct cidr *out) MUST_USE;
/* Blocks with commas between them, at most `max`; blanks around them do not count. The first that
 * is not CIDR_OK decides. An empty text has none. */
enum cidr_parsed cidr_parse_list(
	struct str text, struct cidr *out, size_t max, size_t *count) MUST_USE;
void cidr_format(char out[CIDR_TEXT_MAX], const struct cidr *block);
bool cidr_contains(const struct cidr *block, const struct address *address);

#endif
