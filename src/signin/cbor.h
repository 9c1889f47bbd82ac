#ifndef SIGNIN_CBOR_H
#define SIGNIN_CBOR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

/*
 * Just enough of CBOR (RFC 8949) to take attestation objects apart, and to know that what is handed
 * to a library is bounded: definite lengths, no tags, no more items than there are bytes, and
 * CBOR_DEPTH_MAX levels. Pure: any bytes, any thread.
 */
#define CBOR_DEPTH_MAX 4

enum cbor_type {
	CBOR_UNSIGNED = 0,
	CBOR_NEGATIVE = 1,
	CBOR_BYTES = 2,
	CBOR_TEXT = 3,
	CBOR_ARRAY = 4,
	CBOR_MAP = 5,
	CBOR_SIMPLE = 7,
};

struct cbor_item {
	enum cbor_type type;
	uint64_t count; /* the number, or how many bytes, elements or pairs */
	struct str content; /* of bytes and texts; borrowed */
	struct str whole; /* the item with all that is in it; borrowed */
};

/* Cuts the next item off. False when there is none, or it is not as above. */
bool cbor_cut(struct cbor_item *out, struct str *rest) MUST_USE;

/* The value of a text key in a map; false when it is absent, or there twice. */
bool cbor_map_get(struct cbor_item *out, const struct cbor_item *map, struct str key) MUST_USE;

#endif
