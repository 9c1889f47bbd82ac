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

/* A digit's value with this bit, anything else 0: one look for each, and one question for all. */
#define DIGIT 0x10
static const uint8_t DIGITS[256] = {
	['0'] = DIGIT | 0,
	['1'] = DIGIT | 1,
	['2'] = DIGIT | 2,
	['3'] = DIGIT | 3,
	['4'] = DIGIT | 4,
	['5'] = DIGIT | 5,
	['6'] = DIGIT | 6,
	['7'] = DIGIT | 7,
	['8'] = DIGIT | 8,
	['9'] = DIGIT | 9,
	['a'] = DIGIT | 10,
	['b'] = DIGIT | 11,
	['c'] = DIGIT | 12,
	['d'] = DIGIT | 13,
	['e'] = DIGIT | 14,
	['f'] = DIGIT | 15,
	['A'] = DIGIT | 10,
	['B'] = DIGIT | 11,
	['C'] = DIGIT | 12,
	['D'] = DIGIT | 13,
	['E'] = DIGIT | 14,
	['F'] = DIGIT | 15,
};

bool
uuid_parse(struct str text, struct uuid *out)
{
	static const uint8_t PLACES[16] = {
		0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34};
	struct uuid id;

	if (text.len != UUID_TEXT_LEN)
		return false;
	const unsigned char *at = (const unsigned char *)text.ptr;
	unsigned all = DIGIT;
	for (size_t i = 0; i < sizeof(id.bytes); i++) {
		unsigned high = DIGITS[at[PLACES[i]]], low = DIGITS[at[PLACES[i] + 1]];
		all &= high & low;
		id.bytes[i] = (uint8_t)(high << 4 | (low & 15));
	}
	if (!all || at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-')
		return false;
	*out = id;
	return true;
}
