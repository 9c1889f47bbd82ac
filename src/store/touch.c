#include <stdlib.h>

#include "store/internal.h"

/* More than this many entries are given back after the batch that needed them. */
#define KEEP_MAX 4096

void
touches__clear(struct touches *t)
{
	free(t->list);
	*t = (struct touches){0};
}

void
touches__begin_job(struct touches *t)
{
	t->mark = t->count;
	t->collapsed = false;
}

void
touches__drop_job(struct touches *t)
{
	t->count = t->mark;
	t->collapsed = false;
}

void
touches__reset(struct touches *t)
{
	if (t->cap > KEEP_MAX)
		touches__clear(t);
	t->count = 0;
	touches__begin_job(t);
}

static bool
append(struct touches *t, const struct touched *one)
{
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct touched *list = realloc(t->list, cap * sizeof(*list));
		if (!list)
			return false;
		t->list = list;
		t->cap = cap;
	}
	t->list[t->count++] = *one;
	return true;
}

/* Notes that all of the organisation changed; `to` entries of the job are such notes already. */
static size_t
fold(struct touched *job, size_t to, const struct touched *one)
{
	for (size_t i = 0; i < to; i++) {
		if (!uuid_eq(job[i].org, one->org))
			continue;
		if (job[i].revision < one->revision)
			job[i].revision = one->revision;
		return to;
	}
	job[to] = (struct touched){.org = one->org, .revision = one->revision, .kind = -1};
	return to + 1;
}

/* Replaces the job's entries by one for each organisation. */
static void
collapse(struct touches *t)
{
	struct touched *job = t->list + t->mark;
	size_t count = t->count - t->mark;
	size_t to = 0;
	for (size_t i = 0; i < count; i++) {
		struct touched one = job[i];
		to = fold(job, to, &one);
	}
	t->count = t->mark + to;
	t->collapsed = true;
}

void
tx_touch(struct tx *tx, struct uuid org, int64_t revision, int kind, struct uuid id)
{
	struct touches *t = tx->touches;
	struct touched one = {.org = org, .revision = revision, .kind = kind, .id = id};
	struct error err = {0};
	ASSERT(t);
	if (!append(t, &one)) {
		tx__fail(tx, error_no_memory(&err), &err);
		return;
	}
	if (t->collapsed)
		t->count = t->mark + fold(t->list + t->mark, t->count - t->mark - 1, &one);
	else if (t->count - t->mark > TOUCHED_PER_JOB)
		collapse(t);
	if (t->count - t->mark > TOUCHED_PER_JOB) {
		enum status rc = error_set(&err, ERR_LIMIT, "too-many-organisations",
			"One change may touch at most %d organisations.", TOUCHED_PER_JOB);
		tx__fail(tx, rc, &err);
	}
}
