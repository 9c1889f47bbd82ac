#include <sched.h>
#include <stdlib.h>

#include "directory/internal.h"

/* So many entries get a second chance before one has to go whatever it is: it bounds what a
 * single load can be made to wait. */
#define CHANCES_MAX 1024

static void
forget(struct directory *d, struct entry *e)
{
	struct clock *c = &d->clock;
	struct entry *last = c->slots[--c->count];
	c->slots[e->slot] = last;
	last->slot = e->slot;
	atomic_fetch_sub_explicit(&d->bytes, e->size, memory_order_relaxed);
	atomic_fetch_sub_explicit(&d->table.count, 1, memory_order_relaxed);
}

bool
clock__add(struct directory *d, struct entry *e)
{
	struct clock *c = &d->clock;
	mutex_lock(&c->mutex);
	if (c->count == c->cap) {
		uint32_t cap = c->cap ? c->cap * 2 : 256;
		struct entry **slots = realloc(c->slots, cap * sizeof(*slots));
		if (!slots) {
			mutex_unlock(&c->mutex);
			return false;
		}
		c->slots = slots;
		c->cap = cap;
	}
	e->slot = c->count;
	c->slots[c->count++] = e;
	atomic_fetch_add_explicit(&d->table.count, 1, memory_order_relaxed);
	mutex_unlock(&c->mutex);
	return true;
}

void
clock__remove(struct directory *d, struct entry *e)
{
	mutex_lock(&d->clock.mutex);
	forget(d, e);
	mutex_unlock(&d->clock.mutex);
}

/* The entry that has to go: one that was not used since the hand last passed. */
static struct entry *
choose(struct clock *c)
{
	for (uint32_t chances = 0;; chances++) {
		if (c->hand >= c->count)
			c->hand = 0;
		struct entry *e = c->slots[c->hand];
		if (chances >= CHANCES_MAX || !atomic_load_explicit(&e->used, memory_order_relaxed))
			return e;
		atomic_store_explicit(&e->used, 0, memory_order_relaxed);
		c->hand++;
	}
}

void
clock__take_room(struct directory *d, size_t size)
{
	struct clock *c = &d->clock;
	mutex_lock(&c->mutex);
	while (c->count > 0 &&
		atomic_load_explicit(&d->bytes, memory_order_relaxed) + size > d->memory_max) {
		struct entry *e = choose(c);
		/* Whoever takes it out of the table forgets it: a drop may be about to. */
		if (cds_lfht_del(d->table.nodes, &e->node) != 0) {
			mutex_unlock(&c->mutex);
			sched_yield();
			mutex_lock(&c->mutex);
			continue;
		}
		index__remove(d, e);
		forget(d, e);
		entry__retire(e);
		atomic_fetch_add_explicit(&d->evictions, 1, memory_order_relaxed);
	}
	atomic_fetch_add_explicit(&d->bytes, size, memory_order_relaxed);
	mutex_unlock(&c->mutex);
}
