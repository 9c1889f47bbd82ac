#ifndef POLICY_PATH_H
#define POLICY_PATH_H

#include "policy/decide.h"

/* The nodes at which a grant counts for a target: organisation, workspace, resource groups,
 * resource. */
struct path {
	uint32_t count;
	struct uuid nodes[3 + RGROUPS_PER_RESOURCE_MAX];
};

void policy__path(struct path *path, const struct question *question);
bool policy__path_has(const struct path *path, struct uuid node);

#endif
