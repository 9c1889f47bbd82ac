#include "base/uuid.h"

#include <stdatomic.h>

#include "base/clock.h"
#include "base/random.h"

#define COUNTER_BITS 12

/*
 * The last stamp given: milliseconds and, below them, the counter. A new millisecond starts the
 * counter at random in its lower half; a full counter, or a clock set back, borrows from the
 * milliseconds to come, so that a later identifier is always the greater one.
 */
static uint64_t
next_stamp(uint64_t random)
{
	static _Atomic uint64_t last;
	uint64_t now_ms = (uint64_t)clock_now_us() / 1000;
	uint64_t fresh = now_ms << COUNTER_BITS | (random & ((1U << (COUNTER_BITS - 1)) - 1));
	uint64_t seen = atomic_load_explicit(&last, memory_order_relaxed), next;
	do {
		next = fresh > seen ? fresh : seen + 1;
	} while (!atomic_compare_exchange_weak(&last, &seen, next));
	return next;
}

struct uuid
uuid_new(void)
{
	struct uuid id;
	uint16_t start;
	random_bytes(id.bytes + 6, 10);
	memcpy(&start, id.bytes + 6, sizeof(start));
	uint64_t stamp = next_stamp(start);
	for (int i = 0; i < 6; i++)
		id.bytes[i] = (uint8_t)(stamp >> (COUNTER_BITS + 40 - 8 * i));
	id.bytes[6] = (uint8_t)(0x70 | ((stamp >> 8) & 0x0f));
	id.bytes[7] = (uint8_t)stamp;
	id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
	return id;
}

static bool
dash_follows(size_t byte)
{
	return byte == 3 || byte == 5 || byte == 7 || byte == 9;
}

void
uuid_format(char out[UUID_TEXT_LEN + 1], struct uuid id)
{
	static const char hex[] = "0123456789abcdef";
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		*out++ = hex[id.bytes[i] >> 4];
		*out++ = hex[id.bytes[i] & 15];
		if (dash_follows(i))
			*out++ = '-';
	}
	*out = '\0';
}

bool
uuid_parse(struct str text, struct uuid *out)
{
	if (text.len != UUID_TEXT_LEN)
		return false;
	const char *at = text.ptr;
	struct uuid id;
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		int high = str_hex_value(at[0]), low = str_hex_value(at[1]);
		if (high < 0 || low < 0)
			return false;
		id.bytes[i] = (uint8_t)(high << 4 | low);
		at += 2;
		if (dash_follows(i) && *at++ != '-')
			return false;
	}
	*out = id;
	return true;
}
