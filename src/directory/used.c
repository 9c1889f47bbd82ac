#include "base/clock.h"
#include "directory/internal.h"

/* One note for each credential in so many seconds. */
#define NOTE_EVERY_S 60

/*
 * A ring of many writers: the turn of a slot says whether it is free for the writer of that
 * position, or filled for the reader of it.
 */
void
uses__init(struct uses *uses)
{
	for (uint64_t i = 0; i < USES_RING; i++)
		atomic_init(&uses->slots[i].turn, i);
}

static void
push(struct uses *uses, const struct credential_use *use)
{
	uint64_t at = atomic_load_explicit(&uses->tail, memory_order_relaxed);
	for (;;) {
		struct use_slot *slot = &uses->slots[at % USES_RING];
		uint64_t turn = atomic_load_explicit(&slot->turn, memory_order_acquire);
		if ((int64_t)(turn - at) < 0)
			return; /* full: a note is lost, and the next use makes another */
		if (turn != at) {
			at = atomic_load_explicit(&uses->tail, memory_order_relaxed);
			continue;
		}
		if (atomic_compare_exchange_weak_explicit(
			    &uses->tail, &at, at + 1, memory_order_relaxed, memory_order_relaxed)) {
			slot->use = *use;
			atomic_store_explicit(&slot->turn, at + 1, memory_order_release);
			return;
		}
	}
}

/* False when this credential was noted a short while ago. */
static bool
is_due(struct directory *d, const struct credential_use *use)
{
	struct view_key key = {VIEW_CREDENTIAL, use->org, use->id.id};
	struct entry *e = table__find(d, &key);
	if (!e || e->absent)
		return true;
	uint32_t now_s = (uint32_t)(use->used_us / US_PER_S);
	uint32_t noted_s = atomic_load_explicit(&e->noted_s, memory_order_relaxed);
	if (noted_s && now_s - noted_s < NOTE_EVERY_S)
		return false;
	return atomic_compare_exchange_strong_explicit(
		&e->noted_s, &noted_s, now_s, memory_order_relaxed, memory_order_relaxed);
}

void
directory_credential_used(
	struct directory *d, struct org_id org, struct credential_id id, int64_t now_us)
{
	struct credential_use use = {org, id, now_us};
	directory_enter();
	bool due = is_due(d, &use);
	directory_leave();
	if (due)
		push(&d->uses, &use);
}

size_t
directory_take_used(struct directory *d, struct credential_use *out, size_t max)
{
	struct uses *uses = &d->uses;
	uint64_t at = atomic_load_explicit(&uses->head, memory_order_relaxed);
	size_t count = 0;
	for (; count < max; count++, at++) {
		struct use_slot *slot = &uses->slots[at % USES_RING];
		if (atomic_load_explicit(&slot->turn, memory_order_acquire) != at + 1)
			break;
		out[count] = slot->use;
		atomic_store_explicit(&slot->turn, at + USES_RING, memory_order_release);
	}
	atomic_store_explicit(&uses->head, at, memory_order_relaxed);
	return count;
}
