#include <stdlib.h>

#include "base/hash.h"
#include "directory/internal.h"

static bool
table_init(struct table *table)
{
	table->nodes =
		cds_lfht_new_flavor(BUCKETS_FIRST, BUCKETS_FIRST, 0, 0, &urcu_memb_flavor, NULL);
	atomic_init(&table->buckets, BUCKETS_FIRST);
	return table->nodes != NULL;
}

enum status
directory_new(struct directory **out, const struct directory_options *options, struct error *err)
{
	*out = NULL;
	struct directory *d = aligned_alloc(_Alignof(struct directory), sizeof(*d));
	if (!d)
		return error_no_memory(err);
	memset(d, 0, sizeof(*d));
	if (!table_init(&d->table) || !table_init(&d->orgs) || !index__init(&d->index)) {
		directory_free(&d);
		return error_no_memory(err);
	}
	d->store = options->store;
	d->memory_max = options->memory_max;
	d->seed = hash_seed();
	for (size_t i = 0; i < STRIPES; i++)
		mutex_init(&d->stripes[i].mutex);
	mutex_init(&d->clock.mutex);
	mutex_init(&d->turning);
	uses__init(&d->uses);
	d->shared = store_is_shared(d->store);
	directory__use_seed(d);
	store_on_commit(d->store, drop__touched, d);
	const struct store_follower follower = {
		d, drop__followed, compare__mark, compare__forget, compare__org, compare__settle};
	enum status rc = store_follow(d->store, &follower, err);
	directory__use_seed(d);
	*out = d;
	return rc;
}

static void
destroy_table(struct cds_lfht *table)
{
	if (table)
		ASSERT(cds_lfht_destroy(table, NULL) == 0);
}

static void
empty_tables(struct directory *d)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	directory_enter();
	for (cds_lfht_first(d->table.nodes, &it); (node = cds_lfht_iter_get_node(&it));
		cds_lfht_next(d->table.nodes, &it)) {
		cds_lfht_del(d->table.nodes, node);
		entry__retire(caa_container_of(node, struct entry, node));
	}
	directory_leave();
	urcu_memb_barrier();
}

/* Their nodes are freed when no reader is left: the caller's word that none is. */
static void
free_heads(struct directory *d)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	directory_enter();
	for (cds_lfht_first(d->orgs.nodes, &it); (node = cds_lfht_iter_get_node(&it));) {
		cds_lfht_next(d->orgs.nodes, &it);
		cds_lfht_del(d->orgs.nodes, node);
		free(caa_container_of(node, struct heads, node));
	}
	directory_leave();
}

void
directory_free(struct directory **directory)
{
	struct directory *d = *directory;
	if (!d)
		return;
	if (d->table.nodes && d->orgs.nodes) {
		empty_tables(d);
		free_heads(d);
	}
	destroy_table(d->table.nodes);
	destroy_table(d->orgs.nodes);
	index__clear(&d->index);
	free(d->clock.slots);
	free(d);
	*directory = NULL;
}

int64_t
directory_revision(struct directory *d, struct org_id org)
{
	directory_enter();
	struct heads *heads = heads__find(d, org);
	int64_t revision = heads ? atomic_load_explicit(&heads->told, memory_order_acquire) : 0;
	directory_leave();
	return revision;
}

/* Where every change is made by this process, it drops what it changes, and nothing has an age. */
int64_t
directory_age_us(const struct directory *d)
{
	return store_age_us(d->store);
}

_Atomic uint64_t directory__key_seed;

void
directory__use_seed(const struct directory *d)
{
	uint64_t shared = store_seed(d->store);
	atomic_store(&directory__key_seed, shared ? shared : hash_seed());
}

static void
caught_up(struct store_job *job, enum status status, const struct error *err)
{
	struct directory_load *load = caa_container_of(job, struct directory_load, job);
	load->loaded(load, status, err);
}

enum status
directory_catch_up(struct directory *d, struct directory_load *load, struct error *err)
{
	load->directory = d;
	load->job = (struct store_job){.done = caught_up};
	return store_catch_up(d->store, &load->job, err);
}

bool
directory_is_shared(const struct directory *d)
{
	return d->shared;
}

struct directory_stats
directory_stats(const struct directory *d)
{
	struct directory_stats stats = {
		.views = atomic_load_explicit(&d->table.count, memory_order_relaxed),
		.bytes = atomic_load_explicit(&d->bytes, memory_order_relaxed),
		.loads = atomic_load_explicit(&d->loads, memory_order_relaxed),
		.drops = atomic_load_explicit(&d->drops, memory_order_relaxed),
		.evictions = atomic_load_explicit(&d->evictions, memory_order_relaxed),
		.stale_loads = atomic_load_explicit(&d->stale_loads, memory_order_relaxed),
	};
	for (size_t i = 0; i < COUNTERS; i++) {
		const struct counters *c = &d->counters[i];
		stats.hits += atomic_load_explicit(&c->hits, memory_order_relaxed);
		stats.misses += atomic_load_explicit(&c->misses, memory_order_relaxed);
	}
	return stats;
}
