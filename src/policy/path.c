#include "policy/path.h"

static uint64_t
filter_bit(struct uuid node)
{
	return UINT64_C(1) << (node.bytes[15] & 63);
}

static void
path_add(struct path *path, struct uuid node)
{
	ASSERT(path->count < ARRAY_LEN(path->nodes));
	path->nodes[path->count++] = node;
	path->filter |= filter_bit(node);
}

void
policy__path(struct path *path, const struct question *question)
{
	const struct target *target = &question->target;

	path->count = 0;
	path->filter = 0;
	path_add(path, question->org->id.id);
	if (target->workspace)
		path_add(path, target->workspace->id.id);
	if (target->rgroup)
		path_add(path, target->rgroup->id.id);
	if (!target->resource)
		return;
	for (uint32_t i = 0; i < target->resource->group_count; i++)
		path_add(path, target->resource->groups[i].id);
	path_add(path, target->resource->id.id);
}

bool
policy__path_has(const struct path *path, struct uuid node)
{
	if (!(path->filter & filter_bit(node)))
		return false;
	for (uint32_t i = 0; i < path->count; i++) {
		if (uuid_eq(path->nodes[i], node))
			return true;
	}
	return false;
}
