#include <malloc.h>
#include <stdlib.h>

#include "directory/internal.h"

/* What an entry costs beside its block: the allocator's header, its slot of the clock, about
 * one and a half buckets of the table, and two slots of the index. */
#define OVERHEAD (8 + 8 + 24 + 16)

/* About what a private key takes, once it is opened. */
#define KEY_OPENED ((size_t)6 * 1024)

static size_t
size_of_opened(const struct view_key *key, const void *view)
{
	const struct keys_view *keys = view;
	return keys && key->kind == VIEW_KEYS ? keys->count * KEY_OPENED : 0;
}

static void
close_keys(const struct keys_view *keys)
{
	for (uint32_t i = 0; i < keys->count; i++) {
		struct sign_key *key = atomic_load(&keys->keys[i].opened->key);
		sign_key_free(&key);
	}
}

static enum status
pack_failed(const struct packer *p, struct error *err)
{
	*err = p->error;
	return p->error.status;
}

static enum status
add_conditions_arena(struct packer *p, struct packer *measured, size_t size, struct error *err)
{
	if (!measured->has_conditions)
		return OK;
	p->conditions = arena_new(size);
	return p->conditions ? OK : error_no_memory(err);
}

/* Packs into the block; on failure what it holds is released. */
static enum status
fill(struct entry *e, struct packer *measured, size_t conditions_size, const void *view,
	struct error *err)
{
	struct packer p = {.base = e->view};
	enum status rc = add_conditions_arena(&p, measured, conditions_size, err);
	if (rc != OK)
		return rc;
	pack__view(&p, (enum view_kind)e->kind, view);
	ASSERT(p.used == measured->used);
	if (p.conditions) {
		e->conditions = p.conditions;
		e->owns_conditions = true;
	}
	return p.failed ? pack_failed(&p, err) : OK;
}

enum status
entry__new(struct entry **out, const struct view_key *key, const void *view, struct arena *scratch,
	struct error *err)
{
	size_t before = arena_used(scratch);
	struct packer measured = {.conditions = scratch};
	*out = NULL;
	if (view)
		pack__view(&measured, key->kind, view);
	if (measured.failed)
		return pack_failed(&measured, err);
	size_t conditions_size = arena_used(scratch) - before;
	size_t size = sizeof(struct entry) + measured.used;
	if (size + conditions_size > UINT32_MAX / 2)
		return error_no_memory(err);
	struct entry *e = calloc(1, size);
	if (!e)
		return error_no_memory(err);
	e->org = key->org.id;
	e->id = key->id;
	e->kind = (uint8_t)key->kind;
	e->absent = view == NULL;
	atomic_store_explicit(&e->used, 1, memory_order_relaxed);
	e->size = (uint32_t)(malloc_usable_size(e) + conditions_size + size_of_opened(key, view) +
		OVERHEAD);
	enum status rc = view ? fill(e, &measured, conditions_size, view, err) : OK;
	if (rc != OK) {
		entry__free(e);
		return rc;
	}
	*out = e;
	return OK;
}

void
entry__free(struct entry *e)
{
	if (e->owns_conditions)
		arena_free(&e->conditions);
	if (e->kind == VIEW_KEYS && !e->absent)
		close_keys(entry__view(e));
	free(e);
}

static void
free_later(struct rcu_head *head)
{
	SANITIZER_ACQUIRE(&directory__readers);
	entry__free((struct entry *)((char *)head - offsetof(struct entry, rcu)));
}

void
entry__retire(struct entry *e)
{
	urcu_memb_call_rcu(&e->rcu, free_later);
}
