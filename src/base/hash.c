#include "base/hash.h"

#include <pthread.h>
#include <string.h>

#include "base/random.h"

static uint64_t process_seed;
static pthread_once_t seed_once = PTHREAD_ONCE_INIT;

static void
seed_init(void)
{
	random_bytes(&process_seed, sizeof(process_seed));
}

uint64_t
hash_seed(void)
{
	pthread_once(&seed_once, seed_init);
	return process_seed;
}

/* Multiplies to 128 bits and folds: every input bit reaches every output bit. */
static uint64_t
mix(uint64_t a, uint64_t b)
{
	unsigned __int128 product = (unsigned __int128)a * b;
	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t
word_at(const unsigned char *bytes)
{
	uint64_t word;
	memcpy(&word, bytes, sizeof(word));
	return word;
}

#define ODD_A UINT64_C(0x9e3779b97f4a7c15)
#define ODD_B UINT64_C(0xd1b54a32d192ed03)

uint64_t
hash_bytes(const void *bytes, size_t len, uint64_t seed)
{
	const unsigned char *at = bytes;
	uint64_t state = seed ^ mix(len ^ ODD_A, ODD_B);
	size_t left = len;

	for (; left >= 16; at += 16, left -= 16)
		state = mix(word_at(at) ^ ODD_A, word_at(at + 8) ^ state);

	unsigned char tail[16] = {0};
	if (left > 0)
		memcpy(tail, at, left);
	return mix(word_at(tail) ^ ODD_B, word_at(tail + 8) ^ state ^ ODD_A);
}

uint64_t
hash_uuid(struct uuid id, uint64_t seed)
{
	return mix(word_at(id.bytes) ^ ODD_A ^ seed, word_at(id.bytes + 8) ^ ODD_B);
}
