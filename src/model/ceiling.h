#ifndef MODEL_CEILING_H
#define MODEL_CEILING_H

#include <stdbool.h>

#include "base/error.h"
#include "model/permset.h"
#include "json/json.h"

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

#define CEILING_NAMES_MAX 1024

/* Checks the form alone: one of the two members, well-formed permission names. ERR_INVALID with
 * the place ("ceiling.only[3]"). Whether such permissions exist is known to the organisation. */
enum status ceiling_check(const struct json *source, struct error *err) MUST_USE;

static inline bool
ceiling_allows(const struct ceiling *ceiling, uint32_t permission)
{
	return permset_has(&ceiling->named, permission) != ceiling->except;
}

#endif
