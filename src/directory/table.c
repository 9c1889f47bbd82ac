#include <stdlib.h>

#include "base/hash.h"
#include "directory/internal.h"

struct view_key
key__normal(enum view_kind kind, struct org_id org, struct uuid id)
{
	if (kind == VIEW_ISSUER || kind == VIEW_PERSON)
		return (struct view_key){kind, PLATFORM, id};
	bool is_one = kind == VIEW_ORG || kind == VIEW_REFUSALS;
	return (struct view_key){kind, org, is_one ? org.id : id};
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

/* The long way. */
static struct entry *
find_chained(struct directory *d, const struct view_key *key, uint64_t hash)
{
	struct cds_lfht_iter it;
	cds_lfht_lookup(d->table.nodes, hash, is_entry, key, &it);
	struct cds_lfht_node *node = cds_lfht_iter_get_node(&it);
	return node ? caa_container_of(node, struct entry, node) : NULL;
}

static struct index_line *
line_at(struct directory *d, uint64_t hash)
{
	return lines__line(atomic_load_explicit(&d->index.lines, memory_order_acquire), hash);
}

/* The first in a line that has the upper bits of the hash, from `at` on; NULL when none has. */
static struct entry *
candidate(const struct index_line *line, uint64_t hash, unsigned *at)
{
	for (; *at < INDEX_SLOTS; (*at)++) {
		uint64_t slot = atomic_load_explicit(&line->slots[*at], memory_order_acquire);
		if (slot && (slot ^ hash << 48) >> 48 == 0)
			return (struct entry *)(uintptr_t)(slot ^ hash << 48);
	}
	return NULL;
}

/* What a decision reads of an entry: the processor fetches further lines by itself. */
static void
prefetch_entry(const struct entry *e)
{
	for (size_t at = 0; at < 6; at++)
		__builtin_prefetch((const char *)e + at * 64);
}

static struct entry *
find(struct directory *d, const struct view_key *key, uint64_t hash)
{
	const struct index_line *line = line_at(d, hash);
	struct entry *e;
	for (unsigned at = 0; (e = candidate(line, hash, &at)); at++) {
		prefetch_entry(e);
		if (LIKELY(is_entry(&e->node, key)))
			return e;
	}
	return find_chained(d, key, hash);
}

void
table__expect(struct directory *d, const struct view_key *key)
{
	__builtin_prefetch(line_at(d, key__hash(d, key)));
}

void
table__find_all(
	struct directory *d, struct entry **out, const struct view_key *keys, uint32_t count)
{
	uint64_t hashes[TABLE_FIND_MAX];
	ASSERT(count <= TABLE_FIND_MAX);
	for (uint32_t i = 0; i < count; i++) {
		hashes[i] = key__hash(d, &keys[i]);
		__builtin_prefetch(line_at(d, hashes[i]));
	}
	for (uint32_t i = 0; i < count; i++) {
		unsigned at = 0;
		const struct entry *e = candidate(line_at(d, hashes[i]), hashes[i], &at);
		if (e)
			prefetch_entry(e);
	}
	for (uint32_t i = 0; i < count; i++)
		out[i] = find(d, &keys[i], hashes[i]);
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
	index__remove(d, e);
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
		index__remove(d, old);
		clock__remove(d, old);
		entry__retire(old);
	}
	if (clock__add(d, e)) {
		index__put(d, e);
		return true;
	}
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

/* What is loaded now, and is not there yet, is refused. */
static void
raise_epochs(struct directory *d)
{
	for (size_t i = 0; i < STRIPES; i++) {
		mutex_lock(&d->stripes[i].mutex);
		atomic_fetch_add(&d->stripes[i].epoch, 1);
		mutex_unlock(&d->stripes[i].mutex);
	}
}

/* What `chosen` says of an entry, given `wanted`. */
typedef bool chooser(struct directory *d, const struct entry *e, const void *wanted);

static void
drop_chosen(struct directory *d, chooser *chosen, const void *wanted)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	raise_epochs(d);
	for (cds_lfht_first(d->table.nodes, &it); (node = cds_lfht_iter_get_node(&it));
		cds_lfht_next(d->table.nodes, &it)) {
		struct entry *e = caa_container_of(node, struct entry, node);
		SANITIZER_ACQUIRE(e);
		if (!chosen(d, e, wanted))
			continue;
		struct view_key key = {(enum view_kind)e->kind, {e->org}, e->id};
		struct stripe *stripe = key__stripe(d, key__hash(d, &key));
		mutex_lock(&stripe->mutex);
		take_out(d, e);
		mutex_unlock(&stripe->mutex);
	}
	atomic_fetch_add_explicit(&d->drops, 1, memory_order_relaxed);
}

static bool
is_of_org(struct directory *d, const struct entry *e, const void *org)
{
	(void)d;
	return uuid_eq(e->org, ((const struct org_id *)org)->id);
}

static bool
is_of_kind(struct directory *d, const struct entry *e, const void *kind)
{
	enum view_kind wanted = *(const enum view_kind *)kind;
	(void)d;
	return wanted == VIEW_ANY || e->kind == wanted;
}

void
table__drop_many(struct directory *d, const struct org_id *org, enum view_kind kind)
{
	if (org)
		drop_chosen(d, is_of_org, org);
	else
		drop_chosen(d, is_of_kind, &kind);
}

/* A skeleton holds what the platform demands as well; and what belongs to the platform may have
 * been changed with an organisation. */
static bool
is_behind(struct directory *d, const struct entry *e, const void *platform_behind)
{
	const struct heads *heads = heads__find(d, (struct org_id){e->org});
	return !heads || e->kind == VIEW_ISSUER || e->kind == VIEW_PERSON || heads__behind(heads) ||
		(e->kind == VIEW_ORG && *(const bool *)platform_behind);
}

void
table__drop_behind(struct directory *d)
{
	const struct heads *platform = heads__find(d, PLATFORM);
	bool platform_behind = !platform || heads__behind(platform);
	drop_chosen(d, is_behind, &platform_behind);
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
	index__grow(d);
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
	atomic_init(&heads->first, revision);
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
heads__each(struct directory *d, heads_visitor *visit)
{
	struct cds_lfht_iter it;
	struct cds_lfht_node *node;
	for (cds_lfht_first(d->orgs.nodes, &it); (node = cds_lfht_iter_get_node(&it));
		cds_lfht_next(d->orgs.nodes, &it)) {
		struct heads *heads = caa_container_of(node, struct heads, node);
		SANITIZER_ACQUIRE(heads);
		visit(heads);
	}
}

void
heads__raise(_Atomic int64_t *value, int64_t to)
{
	int64_t was = atomic_load(value);
	while (was < to && !atomic_compare_exchange_weak(value, &was, to))
		;
}
