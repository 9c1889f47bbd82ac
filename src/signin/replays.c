#include "signin/replays.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/thread.h"
#include "crypto/crypto.h"

#define BUCKETS ((size_t)8192)
#define PLACES 8

struct place {
	uint8_t digest[16];
	int64_t until_us; /* 0: free */
};

struct replays {
	pthread_mutex_t mutex;
	uint64_t seed;
	struct place places[BUCKETS][PLACES];
};

enum status
replays_new(struct replays **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	mutex_init(&(*out)->mutex);
	(*out)->seed = hash_seed();
	return OK;
}

void
replays_free(struct replays **replays)
{
	if (!*replays)
		return;
	pthread_mutex_destroy(&(*replays)->mutex);
	free(*replays);
	*replays = NULL;
}

/* With the mutex held. */
static enum status
take_place(struct place *bucket, const uint8_t digest[16], int64_t until_us, int64_t now_us,
	struct error *err)
{
	struct place *free_place = NULL;
	for (size_t i = 0; i < PLACES; i++) {
		struct place *place = &bucket[i];
		if (now_us >= place->until_us)
			free_place = place;
		else if (memcmp(place->digest, digest, sizeof(place->digest)) == 0)
			return error_set(
				err, ERR_UNAUTHENTICATED, "replayed", "This has been used before.");
	}
	if (!free_place)
		return error_set(
			err, ERR_BUSY, "overloaded", "Too much is remembered just now; try again.");
	memcpy(free_place->digest, digest, sizeof(free_place->digest));
	free_place->until_us = until_us;
	return OK;
}

enum status
replays_add(struct replays *replays, struct principal_id whose, struct str id, int64_t until_us,
	int64_t now_us, struct error *err)
{
	uint8_t digest[SHA256_LEN];
	const struct crypto_piece pieces[] = {
		{whose.id.bytes, sizeof(whose.id.bytes)}, {id.ptr, id.len}};
	crypto_sha256_pieces(digest, pieces, ARRAY_LEN(pieces));
	struct place *bucket =
		replays->places[hash_bytes(digest, sizeof(digest), replays->seed) % BUCKETS];
	mutex_lock(&replays->mutex);
	enum status rc = take_place(bucket, digest, until_us, now_us, err);
	mutex_unlock(&replays->mutex);
	return rc;
}
