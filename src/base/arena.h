#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/macros.h"
#include "base/str.h"

/*
 * Memory of one request, or of one view: allocations are never freed one by one. Every allocation
 * may fail (NULL) when the cap is reached. In sanitizer builds (ARENA_DEBUG) each allocation is a
 * malloc of its own, so that overruns are seen. Threads: one at a time.
 */
struct arena;

/* `max` bytes handed out in all, each allocation rounded up to 16; blocks are taken as needed. NULL
 * when there is no memory. Owned. */
struct arena *arena_new(size_t max) MUST_USE;
void arena_free(struct arena **arena);

/* Forgets every allocation and wipes what was used; keeps the first block for the next request. */
void arena_reset(struct arena *arena);

/* Bytes handed out since the last reset. */
size_t arena_used(const struct arena *arena);

/* Whether the system refused memory since then (the cap does not count): what seemed to be absent
 * afterwards need not be. */
bool arena_starved(const struct arena *arena);

/* Zeroed, aligned for any type; NULL at the cap. A size of 0 gives a valid pointer. */
void *arena_alloc(struct arena *arena, size_t size) MUST_USE;
void *arena_alloc_array(struct arena *arena, size_t count, size_t size) MUST_USE;
#define arena_new_array(arena, type, count) ((type *)arena_alloc_array(arena, count, sizeof(type)))
#define arena_new_one(arena, type) ((type *)arena_alloc(arena, sizeof(type)))

/* Terminated copies; absent stays absent ({NULL, 0} also when memory failed, which callers with a
 * present input detect by .ptr == NULL). */
struct str arena_copy(struct arena *arena, struct str s) MUST_USE;
struct str arena_printf(struct arena *arena, const char *fmt, ...) PRINTF(2, 3) MUST_USE;

#endif
