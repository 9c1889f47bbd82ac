#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include "policy/decide.h"

/* The nodes at which a grant counts for a target: organisation, workspace, resource groups,
 * resource. */
struct path {
	uint32_t count;
	uint64_t filter; /* a bit for the last byte of each node: spares most comparisons */
	struct uuid nodes[3 + RGROUPS_PER_RESOURCE_MAX];
};

void policy__path(struct path *path, const struct question *question);
bool policy__path_has(const struct path *path, struct uuid node);

#endif
