#ifndef POLICY_SCAN_H
#define POLICY_SCAN_H

#include "policy/path.h"

/*
 * One pass over what a subject holds along a path: does a grant that is active carry the
 * permission, and what do ceiling-bearing roles say about it.
 */
struct bound {
	bool borne; /* an active ceiling-bearing role is held at the organisation … */
	bool allows; /* … and one of them allows the permission */
};

struct scan {
	const struct question *question;
	const struct path *path;
	const struct terms *terms; /* giving: only what holds on at least these terms counts */
	uint32_t permission;
	bool gives; /* carried to be given on, rather than exercised */

	enum reason reason; /* GRANTED, or the nearest miss */
	const struct grant_entry *grant; /* that one */
	const struct group_view *group;
	struct bound now; /* what bounds the subject now … */
	struct bound lasting; /* … and as long as the terms last */
};

void policy__scan(struct scan *scan);

/* Whether a grant counts now, and for as long as the terms last. */
enum reason policy__entry_state(const struct question *question, const struct grant_entry *entry);
bool policy__meets_terms(const struct grant_entry *entry, const struct terms *terms);

/* The conditions that are the same for every permission. */
enum reason policy__state(const struct question *question);
bool policy__within(const struct question *question);
bool policy__rail_applies(const struct question *question, const struct path *path,
	const struct guardrail_view *rail);

#endif
