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
	if (touched->kind < VIEW_ORG || touched->kind > VIEW_RESOURCE) {
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

static void
raise(struct directory *d, const struct touched *touched, bool told)
{
	/* Without memory for it there is no view of the organisation either, and whatever is
	 * being loaded is refused by its epoch. */
	struct heads *heads = heads__get(d, (struct org_id){touched->org}, touched->revision);
	if (heads)
		heads__raise(told ? &heads->told : &heads->floor, touched->revision);
}

void
drop__touched(void *directory, const struct touched *touched, size_t count)
{
	struct directory *d = directory;
	directory_enter();
	for (size_t i = 0; i < count; i++)
		raise(d, &touched[i], false);
	for (size_t i = 0; i < count; i++)
		drop_one(d, &touched[i]);
	for (size_t i = 0; i < count; i++)
		raise(d, &touched[i], true);
	directory_leave();
}
