#ifndef MODEL_PERMSET_H
#define MODEL_PERMSET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"

/* Numbers of permissions: built-in ones below 1024, an organisation's own from there on. */
#define PERMISSION_OWN_FIRST 1024
#define PERMISSION_LIMIT 8192 /* an organisation's last number is one less */
#define PERMISSION_NONE UINT32_MAX

/* A set of permission numbers; words past word_count are empty. Lives in an arena. */
struct permset {
	uint64_t *words;
	uint32_t word_count;
};

static inline bool
permset_has(const struct permset *set, uint32_t permission)
{
	uint32_t word = permission >> 6;
	return word < set->word_count && (set->words[word] >> (permission & 63) & 1);
}

/* An empty set that can hold numbers below `limit`. False when memory fails. */
bool permset_init(struct permset *set, struct arena *arena, uint32_t limit) MUST_USE;
void permset_add(struct permset *set, uint32_t permission); /* below its limit, asserted */
/* Adds what `other` has; `set` has to be as large, asserted. */
void permset_unite(struct permset *set, const struct permset *other);
/* Takes away what `other` has. */
void permset_subtract(struct permset *set, const struct permset *other);
bool permset_is_empty(const struct permset *set);
bool permset_contains(const struct permset *set, const struct permset *subset);
/* The first member at or after `from`, or PERMISSION_NONE. */
uint32_t permset_next(const struct permset *set, uint32_t from);

#endif
