#ifndef MODEL_CATALOGUE_H
#define MODEL_CATALOGUE_H

#include <stdint.h>

#include "base/str.h"
#include "model/kinds.h"

/*
 * The built-in permissions, generated from api/openapi.yaml (x-permissions). Each keeps its number
 * for ever; a number that is gone is never given again.
 */
struct catalogue_entry {
	uint32_t number;
	const char *name; /* "iam:groups:create" */
	const char *resource; /* "groups" */
	const char *action; /* "create" */
	enum permission_class class;
	const char *description;
};
extern const struct catalogue_entry catalogue[]; /* by number, ascending */
extern const uint32_t catalogue_count;

/* The generated header names each number: IAM_GROUPS_CREATE … */
#include "model/catalogue_numbers.h"

const struct catalogue_entry *catalogue_find(struct str name); /* NULL when absent */
const struct catalogue_entry *catalogue_at(uint32_t number); /* NULL when absent */

#endif
