#ifndef DIRECTORY_INTERNAL_H
#define DIRECTORY_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>
#include <urcu/urcu-memb.h>
/* The table's header wants the flavour before it. */
#include <urcu/rculfhash.h>

#include "base/arena.h"
#include "base/thread.h"
#include "directory/directory.h"
#include "directory/rows.h"

/* What the files of this folder share. */

/*
 * The thread sanitizer does not see into liburcu: it is told here that a node's contents precede
 * its publication, and that a node is freed only after the readers have left.
 */
#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#define SANITIZER_RELEASE(p) __tsan_release((void *)(uintptr_t)(p))
#define SANITIZER_ACQUIRE(p) __tsan_acquire((void *)(uintptr_t)(p))
#else
#define SANITIZER_RELEASE(p) ((void)(p))
#define SANITIZER_ACQUIRE(p) ((void)(p))
#endif
extern char directory__readers; /* stands for all of them */

/*
 * One view, or the knowledge that there is none: the entry and all that its view points to are
 * one allocation, conditions aside. Immutable once published, but for `used`, `noted_s` and `at`.
 */
struct entry {
	struct cds_lfht_node node;
	struct uuid org, id;
	uint8_t kind;
	_Atomic uint8_t used; /* since the hand last passed */
	bool absent;
	bool owns_conditions;
	uint32_t size; /* bytes that it costs, the table's share included */
	union {
		struct arena *conditions; /* when owns_conditions */
		_Atomic uint32_t noted_s; /* of a credential: when its use was last noted */
	};
	union {
		uint32_t slot; /* while published; the clock's */
		struct rcu_head rcu; /* afterwards */
	};
	_Alignas(8) char view[];
};

static inline const void *
entry__view(const struct entry *e)
{
	return e->absent ? NULL : e->view;
}

/* A packed copy of `view` (NULL: known to be absent). `scratch` is used and left dirty. Owned
 * until it is published. */
enum status entry__new(struct entry **out, const struct view_key *key, const void *view,
	struct arena *scratch, struct error *err) MUST_USE;
void entry__free(struct entry *e); /* never published */
void entry__retire(struct entry *e); /* taken out of the table: when no reader can hold it */

/* Packs what a view consists of: pack.c. */
struct packer {
	char *base; /* NULL: only measures */
	size_t used;
	struct arena *conditions; /* where conditions are compiled anew */
	bool has_conditions;
	bool failed;
	struct error error;
};
const void *pack__view(struct packer *p, enum view_kind kind, const void *view);

/*
 * What is known of an organisation's revision. Never removed: there are as many as organisations
 * that were asked about or changed. `floor`: a load that begins now must see it. `told`: all that
 * changed up to it has been dropped. `first`: there was no view of the organisation before, and
 * since `told` begins with it, none of an older snapshot may come.
 */
struct heads {
	struct cds_lfht_node node;
	struct uuid org;
	_Atomic int64_t first;
	_Atomic int64_t floor, told;
	int64_t marked, next; /* the follower's: what was told before, and is to be, by comparing */
};

/*
 * The library's own resizing goes by the length of a chain that is met while adding, and under a
 * burst of loads stops at chains of a hundred. So a table is grown here, by its count.
 */
struct table {
	struct cds_lfht *nodes;
	_Atomic size_t count, buckets;
};
#define BUCKETS_FIRST 1024

/* The short way into the table: index.c. Written under the mutex, read without. */
#define INDEX_SLOTS 8
struct index_line {
	_Alignas(64) _Atomic uint64_t slots[INDEX_SLOTS]; /* address, and hash above; 0: empty */
};
struct lines {
	struct index_line *at;
	uint64_t mask;
};
struct index {
	pthread_mutex_t mutex;
	struct lines *_Atomic lines; /* reclaimed when no reader is left */
	struct lines *next; /* while it grows: what is put in and taken out is so in both */
};

static inline struct index_line *
lines__line(const struct lines *lines, uint64_t hash)
{
	return &lines->at[hash >> 16 & lines->mask];
}

bool index__init(struct index *index);
void index__clear(struct index *index);
/* Inside directory_enter; after the same was done to the table. */
void index__put(struct directory *d, struct entry *e);
void index__remove(struct directory *d, struct entry *e);
void index__grow(struct directory *d); /* outside directory_enter: it waits for readers */

#define STRIPES 1024
struct stripe {
	pthread_mutex_t mutex; /* publishing and dropping, one at a time */
	_Atomic uint64_t epoch;
};

/* All entries, in no order; the hand of the second-chance sweep goes round it. */
struct clock {
	pthread_mutex_t mutex;
	struct entry **slots;
	uint32_t count, cap, hand;
};

#define COUNTERS 64 /* threads beyond it share, and may then lose counts */
struct counters {
	_Alignas(64) _Atomic uint64_t hits;
	_Atomic uint64_t misses;
};

#define USES_RING 4096
struct use_slot {
	_Atomic uint64_t turn;
	struct credential_use use;
};
struct uses {
	_Atomic uint64_t head, tail;
	struct use_slot slots[USES_RING];
};

struct directory {
	struct store *store;
	size_t memory_max;
	uint64_t seed;
	bool shared; /* others change things as well, and the feed tells of it */
	/* Which history is followed. Odd: another one is about to be, and nothing can be said. */
	_Atomic uint64_t turns;
	_Atomic uint64_t incarnation[2];
	pthread_mutex_t turning; /* nothing is noted of one history while another is taken up */
	struct table table, orgs; /* of entries, and of heads */
	struct index index;
	struct stripe stripes[STRIPES];
	struct clock clock;
	_Atomic size_t bytes;
	_Atomic uint64_t loads, drops, evictions, stale_loads;
	struct counters counters[COUNTERS];
	struct uses uses;
};

/* Keys. */
uint64_t key__hash(const struct directory *d, const struct view_key *key);
struct view_key key__normal(enum view_kind kind, struct org_id org, struct uuid id);
static inline struct stripe *
key__stripe(struct directory *d, uint64_t hash)
{
	return &d->stripes[hash >> 54];
}
_Static_assert(STRIPES == 1 << 10, "the upper ten bits choose the stripe");

/* The table: table.c. Inside directory_enter. */
struct entry *table__find(struct directory *d, const struct view_key *key);
void table__expect(struct directory *d, const struct view_key *key);
/* Looks for several at once (at most TABLE_FIND_MAX), so that the waits for memory overlap. */
#define TABLE_FIND_MAX 16
void table__find_all(
	struct directory *d, struct entry **out, const struct view_key *keys, uint32_t count);
uint64_t table__epoch(struct directory *d, const struct view_key *key);
/* Publishes, unless the key was dropped since `epoch` was noted (or memory fails): then false, and
 * the entry is freed. Takes the entry in either case. */
bool table__publish(struct directory *d, struct entry *e, uint64_t epoch);
void table__drop(struct directory *d, const struct view_key *key);
/* Everything that `org` has; of the kind alone (in every organisation) when `org` is NULL. */
#define VIEW_ANY ((enum view_kind)127)
void table__drop_many(struct directory *d, const struct org_id *org, enum view_kind kind);

/* Room for what the tables hold. Outside directory_enter: it waits for readers. */
void table__grow(struct directory *d);

/* Everything of the organisations that are behind, or about which nothing is known. */
void table__drop_behind(struct directory *d);

struct heads *heads__find(struct directory *d, struct org_id org); /* NULL: never asked about */
/* The same, made when missing; NULL when memory fails. */
struct heads *heads__get(struct directory *d, struct org_id org, int64_t revision);
typedef void heads_visitor(struct heads *heads);
void heads__each(struct directory *d, heads_visitor *visit);
static inline bool
heads__behind(const struct heads *heads)
{
	return heads->next > atomic_load(&heads->told);
}
void heads__raise(_Atomic int64_t *value, int64_t to);

/*
 * The clock: clock.c. Inside directory_enter. What is in a slot is in the table, or is just being
 * taken out by whoever succeeded in that, who then removes it here.
 */
bool clock__add(struct directory *d, struct entry *e); /* false: no memory */
void clock__remove(struct directory *d, struct entry *e); /* gives its bytes back */
/* Evicts until `size` more bytes fit, and takes them. */
void clock__take_room(struct directory *d, size_t size);

/* The counters of this thread. */
struct counters *thread__counters(struct directory *d);
static inline void
counter__add(_Atomic uint64_t *counter)
{
	uint64_t value = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, value + 1, memory_order_relaxed);
}

void uses__init(struct uses *uses);

/* What is published under the key and true against the names of `org` (NULL: not asked). */
struct entry *lookup__current(
	struct directory *d, const struct view_key *key, const struct org_view *org);

/* The store's hooks: what this process changed; and those of a follower, as store.h has them. */
void drop__touched(
	void *directory, struct uuid incarnation, const struct touched *touched, size_t count);
void drop__followed(void *directory, const struct touched *touched, size_t count);
void compare__mark(void *directory);
void compare__forget(void *directory);
bool compare__org(void *directory, struct uuid org, int64_t revision);
void compare__settle(void *directory, struct uuid incarnation);

/* Of resource_key: the same in all processes on one database. */
extern _Atomic uint64_t directory__key_seed;
void directory__use_seed(const struct directory *d);

/* Called by a load between its snapshot and the publishing of what it read; does nothing unless a
 * test puts its own in this place. */
void directory__before_publish(const struct view_key *key);

#endif
