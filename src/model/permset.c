#include "model/permset.h"

bool
permset_init(struct permset *set, struct arena *arena, uint32_t limit)
{
	uint32_t count = limit / 64 + (limit % 64 != 0);
	*set = (struct permset){arena_new_array(arena, uint64_t, count), count};
	if (set->words)
		return true;
	set->word_count = 0;
	return false;
}

void
permset_add(struct permset *set, uint32_t permission)
{
	ASSERT(permission >> 6 < set->word_count);
	set->words[permission >> 6] |= UINT64_C(1) << (permission & 63);
}

void
permset_unite(struct permset *set, const struct permset *other)
{
	ASSERT(set->word_count >= other->word_count);
	for (uint32_t i = 0; i < other->word_count; i++)
		set->words[i] |= other->words[i];
}

void
permset_subtract(struct permset *set, const struct permset *other)
{
	for (uint32_t i = 0; i < set->word_count && i < other->word_count; i++)
		set->words[i] &= ~other->words[i];
}

bool
permset_is_empty(const struct permset *set)
{
	for (uint32_t i = 0; i < set->word_count; i++) {
		if (set->words[i])
			return false;
	}
	return true;
}

bool
permset_contains(const struct permset *set, const struct permset *subset)
{
	for (uint32_t i = 0; i < subset->word_count; i++) {
		uint64_t has = i < set->word_count ? set->words[i] : 0;
		if (subset->words[i] & ~has)
			return false;
	}
	return true;
}

uint32_t
permset_next(const struct permset *set, uint32_t from)
{
	uint64_t from_on = ~UINT64_C(0) << (from & 63);
	for (uint32_t i = from >> 6; i < set->word_count; i++) {
		uint64_t word = set->words[i] & from_on;
		if (word)
			return (i << 6) + (uint32_t)__builtin_ctzll(word);
		from_on = ~UINT64_C(0);
	}
	return PERMISSION_NONE;
}
