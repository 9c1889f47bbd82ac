#ifndef TESTS_UNIT_PERMSET_SUPPORT_H
#define TESTS_UNIT_PERMSET_SUPPORT_H

#include "model/permset.h"

static inline uint32_t
count_of(const struct permset *set)
{
	uint32_t count = 0;
	for (uint32_t at = permset_next(set, 0); at != PERMISSION_NONE;
		at = permset_next(set, at + 1))
		count++;
	return count;
}

#endif
