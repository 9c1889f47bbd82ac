#ifndef MODEL_CEILING_H
#define MODEL_CEILING_H

#include <stdbool.h>

#include "model/permset.h"

/*
 * The most that a holder can ever exercise: only the named permissions, or all except the named
 * ones; the second form includes permissions that come later.
 *
 *	{"only":["devices:read",…]}   {"except":["iam:records:read",…]}
 */
struct ceiling {
	bool except;
	struct permset named;
};

static inline bool
ceiling_allows(const struct ceiling *ceiling, uint32_t permission)
{
	return permset_has(&ceiling->named, permission) != ceiling->except;
}

#endif
