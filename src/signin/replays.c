#include "signin/replays.h"

#include <stdlib.h>

#include "base/hash.h"
#include "base/thread.h"
#include "crypto/crypto.h"

#define BUCKETS ((size_t)8192)
#define PLACES 16
#define PLACES_OF_ONE 8 /* that one organisation may fill */

struct place {
	uint8_t digest[16];
	uint64_t party; /* whose it is, in short */
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

static enum status
no_room(struct error *err)
{
	return error_set(
		err, ERR_BUSY, "overloaded", "Too much is remembered just now; try again.");
}

/* With the mutex held. */
static enum status
take_place(struct place *bucket, const struct place *wanted, int64_t now_us, struct error *err)
{
	struct place *free_place = NULL;
	unsigned of_one = 0;

	for (size_t i = 0; i < PLACES; i++) {
		struct place *place = &bucket[i];
		if (now_us >= place->until_us) {
			free_place = place;
			continue;
		}
		if (memcmp(place->digest, wanted->digest, sizeof(place->digest)) == 0)
			return error_set(
				err, ERR_UNAUTHENTICATED, "replayed", "This has been used before.");
		of_one += place->party == wanted->party;
	}
	if (!free_place || of_one >= PLACES_OF_ONE)
		return no_room(err);
	*free_place = *wanted;
	return OK;
}

enum status
replays_add(struct replays *replays, const struct replay *replay, int64_t now_us, struct error *err)
{
	uint8_t digest[SHA256_LEN];
	const struct crypto_piece pieces[] = {
		{replay->whose.id.bytes, sizeof(replay->whose.id.bytes)},
		{replay->id.ptr, replay->id.len}};
	struct place wanted = {
		.party = hash_uuid(replay->org.id, replays->seed), .until_us = replay->until_us};

	crypto_sha256_pieces(digest, pieces, ARRAY_LEN(pieces));
	memcpy(wanted.digest, digest, sizeof(wanted.digest));
	struct place *bucket =
		replays->places[hash_bytes(digest, sizeof(digest), replays->seed) % BUCKETS];
	mutex_lock(&replays->mutex);
	enum status rc = take_place(bucket, &wanted, now_us, err);
	mutex_unlock(&replays->mutex);
	return rc;
}
