#ifndef BASE_UUID_H
#define BASE_UUID_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"
#include "base/str.h"

#define UUID_TEXT_LEN 36

struct uuid {
	uint8_t bytes[16];
};

/* RFC 9562 section 5.7: millisecond time, then random bits; ordered within a process by a
 * counter in rand_a. Threads: any. */
struct uuid uuid_new(void);

/* The canonical 36-character form; parsing takes upper and lower case, nothing else. */
void uuid_format(char out[UUID_TEXT_LEN + 1], struct uuid id);
bool uuid_parse(struct str text, struct uuid *out) MUST_USE;

static inline bool
uuid_eq(struct uuid a, struct uuid b)
{
	return memcmp(a.bytes, b.bytes, 16) == 0;
}

static inline bool
uuid_is_nil(struct uuid id)
{
	return uuid_eq(id, (struct uuid){{0}});
}

static inline int
uuid_compare(struct uuid a, struct uuid b)
{
	return memcmp(a.bytes, b.bytes, 16);
}

#endif
