#include "directory/internal.h"

/*
 * How one catches up with a store that could not be followed for a while: not by what was touched,
 * but by how far each organisation is.
 */

static void
mark(struct heads *heads)
{
	heads->marked = atomic_load(&heads->told);
}

void
compare__mark(void *directory)
{
	struct directory *d = directory;
	directory_enter();
	heads__each(d, mark);
	directory_leave();
}

static void
forget(struct heads *heads)
{
	atomic_store(&heads->told, 0);
	atomic_store(&heads->floor, 0);
	atomic_store(&heads->first, 0);
	heads->marked = 0;
}

void
compare__forget(void *directory)
{
	struct directory *d = directory;
	mutex_lock(&d->turning);
	uint64_t turns = atomic_load(&d->turns);
	if (turns % 2 == 0)
		atomic_store(&d->turns, turns + 1);
	mutex_unlock(&d->turning);
	directory__use_seed(d);
	directory_enter();
	heads__each(d, forget);
	table__drop_many(d, NULL, VIEW_ANY);
	directory_leave();
}

bool
compare__org(void *directory, struct uuid org, int64_t revision)
{
	struct directory *d = directory;
	struct org_id id = {org};
	directory_enter();
	/* What replicas say of the platform has to be held against something. */
	struct heads *heads =
		org_is_platform(id) ? heads__get(d, id, revision) : heads__find(d, id);
	bool reached = !heads || heads->marked <= revision;
	if (heads) {
		heads__raise(&heads->floor, revision);
		heads->next = revision;
	}
	directory_leave();
	return reached;
}

static void
advance(struct heads *heads)
{
	heads__raise(&heads->told, heads->next);
	heads->next = 0;
}

void
compare__settle(void *directory, struct uuid incarnation)
{
	struct directory *d = directory;
	uint64_t halves[2], turns = atomic_load(&d->turns);
	memcpy(halves, incarnation.bytes, sizeof(halves));
	directory_enter();
	table__drop_behind(d);
	heads__each(d, advance);
	directory_leave();
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		atomic_store(&d->incarnation[i], halves[i]);
	if (turns % 2 != 0)
		atomic_store(&d->turns, turns + 1);
}

bool
directory_era(struct directory *d, struct directory_era *out)
{
	uint64_t halves[2];
	out->turns = atomic_load(&d->turns);
	for (size_t i = 0; i < ARRAY_LEN(halves); i++)
		halves[i] = atomic_load(&d->incarnation[i]);
	memcpy(out->incarnation.bytes, halves, sizeof(halves));
	return directory_era_lasts(d, out);
}

bool
directory_era_lasts(struct directory *d, const struct directory_era *era)
{
	return era->turns % 2 == 0 && atomic_load(&d->turns) == era->turns;
}
