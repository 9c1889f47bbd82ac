#include "directory/internal.h"

/* An organisation's skeleton holds the guardrails of the platform as well. */
static void
drop_skeletons_of(struct directory *d, struct org_id org)
{
	struct view_key key = key__normal(VIEW_ORG, org, org.id);
	if (org_is_platform(org))
		table__drop_many(d, NULL, VIEW_ORG);
	else
		table__drop(d, &key);
}

static void
drop_one(struct directory *d, const struct touched *touched)
{
	struct org_id org = {touched->org};
	if (touched->kind == TOUCHED_NOTHING)
		return;
	if (touched->kind < VIEW_ORG || touched->kind >= VIEW_COUNT) {
		table__drop_many(d, &org, VIEW_ORG);
		if (org_is_platform(org))
			drop_skeletons_of(d, org);
	} else if (touched->kind == VIEW_ORG) {
		drop_skeletons_of(d, org);
	} else {
		struct view_key key = key__normal((enum view_kind)touched->kind, org, touched->id);
		table__drop(d, &key);
	}
}

/* Without memory for it there is no view of the organisation either, and whatever is being loaded
 * is refused by its epoch. */
static struct heads *
heads_of(struct directory *d, const struct touched *touched)
{
	return heads__get(d, (struct org_id){touched->org}, touched->revision);
}

/* Others may have changed the organisation as well: then what they did is not dropped yet, and the
 * feed tells of it, and of this. */
static void
tell(struct directory *d, const struct touched *touched)
{
	struct heads *heads = heads_of(d, touched);
	if (heads && (!d->shared || atomic_load(&heads->told) >= touched->revision - 1))
		heads__raise(&heads->told, touched->revision);
}

static void
note_touched(struct directory *d, const struct touched *touched, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct heads *heads = heads_of(d, &touched[i]);
		if (heads)
			heads__raise(&heads->floor, touched[i].revision);
	}
	for (size_t i = 0; i < count; i++)
		drop_one(d, &touched[i]);
	for (size_t i = 0; i < count; i++)
		tell(d, &touched[i]);
}

/* What is told of a history that was left says nothing: everything was forgotten. */
void
drop__touched(void *directory, struct uuid incarnation, const struct touched *touched, size_t count)
{
	struct directory *d = directory;
	struct directory_era era;
	directory_enter();
	mutex_lock(&d->turning);
	if (directory_era(d, &era) && uuid_eq(era.incarnation, incarnation))
		note_touched(d, touched, count);
	mutex_unlock(&d->turning);
	directory_leave();
}

/* All at one revision of one organisation: from `i` to the end that is given back. */
static size_t
follow_one(struct directory *d, const struct touched *touched, size_t i, size_t count)
{
	const struct touched *first = &touched[i];
	struct heads *heads = heads_of(d, first);
	bool known = heads && atomic_load(&heads->told) >= first->revision;
	if (heads && !known)
		heads__raise(&heads->floor, first->revision);
	for (; i < count; i++) {
		if (!uuid_eq(touched[i].org, first->org) || touched[i].revision != first->revision)
			break;
		if (!known)
			drop_one(d, &touched[i]);
	}
	if (heads)
		heads__raise(&heads->told, first->revision);
	return i;
}

void
drop__followed(void *directory, const struct touched *touched, size_t count)
{
	struct directory *d = directory;
	directory_enter();
	for (size_t i = 0; i < count;)
		i = follow_one(d, touched, i, count);
	directory_leave();
}
