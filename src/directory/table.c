#include <stdlib.h>

#include "base/hash.h"
#include "directory/internal.h"

struct view_key
key__normal(enum view_kind kind, struct org_id org, struct uuid id)
{
	return (struct view_key){kind, org, kind == VIEW_ORG ? org.id : id};
}

uint64_t
key__hash(const struct directory *d, const struct view_key *key)
{
	return hash_uuid(key->id, hash_uuid(key->org.id, d->seed ^ key->kind));
}

static int
is_entry(struct cds_lfht_node *node, const void *wanted)
{
	const struct entry *e = caa_container_of(node, struct entry, node);
	const struct view_key *key = wanted;
	SANITIZER_ACQUIRE(e);
	return e->kind == key->kind && uuid_eq(e->id, key->id) && uuid_eq(e->org, key->org.id);
}

static struct entry *
find(struct directory *d, const struct view_key *key, uint64_t hash)
{
	struct cds_lfht_iter it;
	cds_lfht_lookup(d->table.nodes, hash, is_entry, key, &it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);
	return node ? caa_container_of(node, struct entry, node) : NULL;
}

struct entry *
table__find(struct directory *d, const struct view_key *key)
{
	return find(d, key, key__hash(d, key));
}

uint64_t
table__epoch(struct directory *d, const struct view_key *key)
{
	return atomic_load(&key__stripe(d, key__hash(d, key))->epoch);
}

/* Takes an entry out, unless somebody else does. Holds the stripe: no entry is half put in. */
static void
take_out(struct directory *d, struct entry *e)
{
	if (cds_lfht_del(d->table.nodes, &e->node) != 0)
		return;
	clock__remove(d, e);
	entry__retire(e);
}

/* Puts an entry in, in the place of one that is there. Holds the stripe: a drop waits. */
static bool
put_in(struct directory *d, struct entry *e, const struct view_key *key, uint64_t hash)
{
	SANITIZER_RELEASE(e);
	struct cds_lfht_node *before =
		cds_lfht_add_replace(d->table.nodes, hash, is_entry, key, &e->node);
	if (before) {
		struct entry *old = caa_container_of(before, struct entry, node);
		clock__remove(d, old);
		entry__retire(old);
	}
	if (clock__add(d, e))
		return true;
	ASSERT(cds_lfht_del(d->table.nodes, &e->node) == 0);
	entry__retire(e);
	return false;
}

bool
table__publish(struct directory *d, struct entry *e, uint64_t epoch)
{
	struct view_key key = {(enum view_kind)e->kind, {e->org}, e->id};
	uint64_t hash = key__hash(d, &key);
	struct stripe *stripe = key__stripe(d, hash);
	uint32_t size = e->size;
	clock__take_room(d, size);
	mutex_lock(&stripe->mutex);
	bool fresh = atomic_load(&stripe->epoch) == epoch;
	bool kept = fresh && put_in(d, e, &key, hash);
	mutex_unlock(&stripe->mutex);
	if (!kept)
		atomic_fetch_sub_explicit(&d->bytes, size, memory_order_relaxed);
	if (!fresh)
		entry__free(e);
	return kept;
}

void
table__drop(struct directory *d, const struct view_key *key)
{
	uint64_t hash = key__hash(d, key);
	struct stripe *stripe = key__stripe(d, hash);
	mutex_lock(&stripe->mutex);
	atomic_fetch_add(&stripe->epoch, 1);
	struct entry *e = find(d, key, hash);
	if (e)
		take_out(d, e);
	mutex_unlock(&stripe->mutex);
	atomic_fetch_add_explicit(&d->drops, 1, memory_order_relaxed);
}

void
table__drop_many(struct directory *d, const struct org_id *org, enum view_kind kind)
{
	for (size_t i = 0; i < STRIPES; i++) {
		mutex_lock(&d->stripes[i].mutex);
		atomic_fetch_add(&d->stripes[i].epoch, 1);
		mutex_unlock(&d->stripes[i].mutex);
	}
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	for (cds_lfht_first(d->table.nodes, &it); (node = cds_lfht_iter_get_node(&it));
		cds_lfht_next(d->table.nodes, &it)) {
		struct entry *e = caa_container_of(node, struct entry, node);
		SANITIZER_ACQUIRE(e);
		if (org ? !uuid_eq(e->org, org->id) : e->kind != kind)
			continue;
		struct view_key key = {(enum view_kind)e->kind, {e->org}, e->id};
		struct stripe *stripe = key__stripe(d, key__hash(d, &key));
		mutex_lock(&stripe->mutex);
		take_out(d, e);
		mutex_unlock(&stripe->mutex);
	}
	atomic_fetch_add_explicit(&d->drops, 1, memory_order_relaxed);
}

static void
grow(struct table *table)
{
	size_t count = atomic_load_explicit(&table->count, memory_order_relaxed);
	size_t buckets = atomic_load_explicit(&table->buckets, memory_order_relaxed);
	if (count <= buckets)
		return;
	size_t wanted = buckets;
	while (wanted < count)
		wanted *= 2;
	/* One thread grows it; the others need not wait. */
	if (atomic_compare_exchange_strong(&table->buckets, &buckets, wanted))
		cds_lfht_resize(table->nodes, wanted);
}

void
table__grow(struct directory *d)
{
	grow(&d->table);
	grow(&d->orgs);
}

static int
is_heads(struct cds_lfht_node *node, const void *org)
{
	const struct heads *heads = caa_container_of(node, struct heads, node);
	SANITIZER_ACQUIRE(heads);
	return uuid_eq(heads->org, *(const struct uuid *)org);
}

struct heads *
heads__find(struct directory *d, struct org_id org)
{
	struct cds_lfht_iter it;
	cds_lfht_lookup(d->orgs.nodes, hash_uuid(org.id, d->seed), is_heads, &org.id, &it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);
	return node ? caa_container_of(node, struct heads, node) : NULL;
}

struct heads *
heads__get(struct directory *d, struct org_id org, int64_t revision)
{
	struct heads *heads = heads__find(d, org);
	if (heads)
		return heads;
	heads = calloc(1, sizeof(*heads));
	if (!heads)
		return NULL;
	heads->org = org.id;
	heads->first = revision;
	atomic_init(&heads->floor, revision);
	atomic_init(&heads->told, revision);
	SANITIZER_RELEASE(heads);
	struct cds_lfht_node *node = cds_lfht_add_unique(
		d->orgs.nodes, hash_uuid(org.id, d->seed), is_heads, &org.id, &heads->node);
	if (node != &heads->node)
		free(heads);
	else
		atomic_fetch_add_explicit(&d->orgs.count, 1, memory_order_relaxed);
	return caa_container_of(node, struct heads, node);
}

void
heads__raise(_Atomic int64_t *value, int64_t to)
{
	int64_t was = atomic_load(value);
	while (was < to && !atomic_compare_exchange_weak(value, &was, to))
		;
}
