#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/uuid.h"

/* Fast, seeded per process, for tables in memory only. Never stored, never a proof. */
uint64_t hash_bytes(const void *bytes, size_t len, uint64_t seed);
uint64_t hash_uuid(struct uuid id, uint64_t seed);
uint64_t hash_seed(void); /* random, the same for the life of the process */

#endif
