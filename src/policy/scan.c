#include "policy/scan.h"

#include "policy/lookup.h"

/* Up to this many grants are held against the path one by one; more are searched by node. */
#define LINEAR_MAX 16

bool
policy__meets_terms(const struct grant_entry *entry, const struct terms *terms)
{
	return entry->expires_us >= terms->expires_us &&
		condition_includes(terms->condition, entry->condition);
}

enum reason
policy__entry_state(const struct question *question, const struct grant_entry *entry)
{
	const struct attributes *attributes = &question->attributes;

	if (attributes->now_us >= entry->expires_us)
		return REASON_GRANT_EXPIRED;
	if (entry->condition && !condition_holds(entry->condition, attributes, false))
		return REASON_CONDITION_NOT_MET;
	return REASON_GRANTED;
}

static void
bound_by(struct bound *bound, const struct ceiling *ceiling, uint32_t permission)
{
	bound->borne = true;
	bound->allows = bound->allows || ceiling_allows(ceiling, permission);
}

/* A miss that came closer explains better than one that did not. */
static int
nearness(enum reason reason)
{
	switch ((int)reason) {
	case REASON_GRANTED:
		return 3;
	case REASON_CONDITION_NOT_MET:
		return 2;
	case REASON_GRANT_EXPIRED:
		return 1;
	}
	return 0;
}

static void
visit(struct scan *scan, const struct grant_entry *entry, const struct group_view *group)
{
	const struct org_view *org = scan->question->org;
	const struct role_view *role = NULL;
	bool carries = entry->permission == scan->permission;

	if (entry->role != ROLE_NONE) {
		role = org_role_at(org, entry->role);
		if (!role || !(role->kinds & KIND_BIT(scan->question->subject.principal->kind)))
			return;
		carries = permset_has(
			scan->gives ? &role->gives : &role->exercises, scan->permission);
	}

	bool ceiling = role && role->ceiling && uuid_eq(entry->node, org->id.id);
	if (!carries && !ceiling)
		return;

	enum reason state = policy__entry_state(scan->question, entry);
	if (ceiling && state == REASON_GRANTED)
		bound_by(&scan->now, role->ceiling, scan->permission);
	if (state == REASON_GRANTED && scan->terms && !policy__meets_terms(entry, scan->terms))
		state = REASON_NO_GRANT;
	if (ceiling && state == REASON_GRANTED)
		bound_by(&scan->lasting, role->ceiling, scan->permission);
	if (carries && nearness(state) > nearness(scan->reason)) {
		scan->reason = state;
		scan->grant = entry;
		scan->group = group;
	}
}

static uint32_t
first_at(const struct grants *grants, struct uuid node)
{
	uint32_t low = 0, high = grants->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (uuid_compare(grants->entries[middle].node, node) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void
scan_grants(struct scan *scan, const struct grants *grants, const struct group_view *group)
{
	if (grants->count <= LINEAR_MAX) {
		for (uint32_t i = 0; i < grants->count; i++) {
			if (policy__path_has(scan->path, grants->entries[i].node))
				visit(scan, &grants->entries[i], group);
		}
		return;
	}
	for (uint32_t n = 0; n < scan->path->count; n++) {
		struct uuid node = scan->path->nodes[n];
		for (uint32_t i = first_at(grants, node);
			i < grants->count && uuid_eq(grants->entries[i].node, node); i++)
			visit(scan, &grants->entries[i], group);
	}
}

void
policy__scan(struct scan *scan)
{
	const struct subject *subject = &scan->question->subject;

	scan->reason = REASON_NO_GRANT;
	scan_grants(scan, &subject->principal->grants, NULL);
	for (uint32_t i = 0; i < subject->principal->group_count; i++) {
		if (subject->groups[i])
			scan_grants(scan, &subject->groups[i]->grants, subject->groups[i]);
	}
}
