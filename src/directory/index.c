#include <stdlib.h>
#include <sys/mman.h>

#include "directory/internal.h"

/*
 * The short way to an entry. The table's buckets are chains: a look-up that finds nothing in the
 * processor's caches waits for memory three or four times. Here it waits once, for the line that
 * holds the entry's address and 16 bits of its hash, and once more for the entry.
 *
 * The table alone says what there is: an entry is put in here after it was put in there, and taken
 * out after, in both cases before whoever does it goes on. A line that is full forgets an entry,
 * which is then found the long way.
 */
#define LINES_FIRST 256
#define HUGE_PAGE ((size_t)2 << 20)
#define ADDRESS_BITS 48
#define ADDRESS_MASK ((UINT64_C(1) << ADDRESS_BITS) - 1)

static uint64_t
slot_of(const struct entry *e, uint64_t hash)
{
	uint64_t address = (uintptr_t)e;
	ASSERT((address & ~ADDRESS_MASK) == 0);
	return address | hash << ADDRESS_BITS;
}

static struct lines *
lines_new(size_t count)
{
	struct lines *lines = malloc(sizeof(*lines));
	if (!lines)
		return NULL;
	size_t size = count * sizeof(struct index_line);
	/* Where it is large it also spares the search for the page. */
	lines->at = aligned_alloc(size < HUGE_PAGE ? 4096 : HUGE_PAGE, size);
	if (!lines->at) {
		free(lines);
		return NULL;
	}
	if (size >= HUGE_PAGE)
		(void)madvise(lines->at, size, MADV_HUGEPAGE);
	memset(lines->at, 0, size);
	lines->mask = count - 1;
	return lines;
}

static void
lines_free(struct lines *lines)
{
	if (!lines)
		return;
	free(lines->at);
	free(lines);
}

bool
index__init(struct index *index)
{
	mutex_init(&index->mutex);
	struct lines *lines = lines_new(LINES_FIRST);
	atomic_init(&index->lines, lines);
	return lines != NULL;
}

void
index__clear(struct index *index)
{
	lines_free(atomic_load(&index->lines));
}

static void
lines_put(struct lines *lines, uint64_t slot, uint64_t hash)
{
	struct index_line *line = lines__line(lines, hash);
	size_t at = INDEX_SLOTS;
	for (size_t i = 0; i < INDEX_SLOTS; i++) {
		uint64_t there = atomic_load_explicit(&line->slots[i], memory_order_relaxed);
		if (there == slot)
			return;
		if (!there)
			at = i;
	}
	if (at == INDEX_SLOTS)
		at = hash >> 8 & (INDEX_SLOTS - 1);
	atomic_store_explicit(&line->slots[at], slot, memory_order_release);
}

static void
lines_remove(struct lines *lines, uint64_t slot, uint64_t hash)
{
	struct index_line *line = lines__line(lines, hash);
	for (size_t i = 0; i < INDEX_SLOTS; i++) {
		if (atomic_load_explicit(&line->slots[i], memory_order_relaxed) == slot)
			atomic_store_explicit(&line->slots[i], 0, memory_order_relaxed);
	}
}

static uint64_t
hash_of(const struct directory *d, const struct entry *e)
{
	struct view_key key = {(enum view_kind)e->kind, {e->org}, e->id};
	return key__hash(d, &key);
}

/* One that was taken out of the table meanwhile is not put in: whoever did it has been here, or
 * comes and finds nothing. */
void
index__put(struct directory *d, struct entry *e)
{
	struct index *index = &d->index;
	uint64_t hash = hash_of(d, e), slot = slot_of(e, hash);
	mutex_lock(&index->mutex);
	if (!cds_lfht_is_node_deleted(&e->node)) {
		lines_put(atomic_load(&index->lines), slot, hash);
		if (index->next)
			lines_put(index->next, slot, hash);
	}
	mutex_unlock(&index->mutex);
}

void
index__remove(struct directory *d, struct entry *e)
{
	struct index *index = &d->index;
	uint64_t hash = hash_of(d, e), slot = slot_of(e, hash);
	mutex_lock(&index->mutex);
	lines_remove(atomic_load(&index->lines), slot, hash);
	if (index->next)
		lines_remove(index->next, slot, hash);
	mutex_unlock(&index->mutex);
}

/* At most half of the slots are in use: then one line in fifty is full. */
static bool
begin_growing(struct directory *d)
{
	struct index *index = &d->index;
	size_t count = atomic_load_explicit(&d->table.count, memory_order_relaxed);
	mutex_lock(&index->mutex);
	size_t lines = (size_t)atomic_load(&index->lines)->mask + 1;
	bool grows = !index->next && count > lines * INDEX_SLOTS / 2;
	if (grows)
		index->next = lines_new(lines * 2);
	grows = grows && index->next;
	mutex_unlock(&index->mutex);
	return grows;
}

void
index__grow(struct directory *d)
{
	struct index *index = &d->index;
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	if (!begin_growing(d))
		return;
	directory_enter();
	for (cds_lfht_first(d->table.nodes, &it); (node = cds_lfht_iter_get_node(&it));
		cds_lfht_next(d->table.nodes, &it)) {
		struct entry *e = caa_container_of(node, struct entry, node);
		SANITIZER_ACQUIRE(e);
		index__put(d, e);
	}
	directory_leave();
	mutex_lock(&index->mutex);
	struct lines *old = atomic_load(&index->lines);
	atomic_store(&index->lines, index->next);
	index->next = NULL;
	mutex_unlock(&index->mutex);
	urcu_memb_synchronize_rcu();
	lines_free(old);
}
