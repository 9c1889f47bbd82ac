#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ALIGNMENT 16
#define FIRST_BLOCK 4096
#define LARGEST_BLOCK ((size_t)64 * 1024)

/* Blocks come zeroed and are wiped when they are forgotten, so that a kept block is zeroed too. */
struct block {
	struct block *next;
	size_t size, used;
	_Alignas(ALIGNMENT) char space[];
};

struct arena {
	size_t max, used;
	bool starved;
	struct block *first, *last;
};

struct arena *
arena_new(size_t max)
{
	struct arena *arena = calloc(1, sizeof(*arena));
	if (arena)
		arena->max = max;
	return arena;
}

static void
free_blocks(struct block *block)
{
	while (block) {
		struct block *next = block->next;
		explicit_bzero(block->space, block->used);
		free(block);
		block = next;
	}
}

void
arena_free(struct arena **arena)
{
	if (!*arena)
		return;
	free_blocks((*arena)->first);
	free(*arena);
	*arena = NULL;
}

size_t
arena_used(const struct arena *arena)
{
	return arena->used;
}

bool
arena_starved(const struct arena *arena)
{
	return arena->starved;
}

static struct block *
add_block(struct arena *arena, size_t size)
{
	struct block *block = calloc(1, sizeof(*block) + size);
	if (!block) {
		arena->starved = true;
		return NULL;
	}
	block->size = size;
	if (arena->last)
		arena->last->next = block;
	else
		arena->first = block;
	arena->last = block;
	return block;
}

#ifdef ARENA_DEBUG

void
arena_reset(struct arena *arena)
{
	free_blocks(arena->first);
	arena->first = NULL;
	arena->last = NULL;
	arena->used = 0;
	arena->starved = false;
}

/* The exact size, not the rounded one, so that the sanitizer sees the first byte too many. */
static void *
take(struct arena *arena, size_t size, size_t rounded)
{
	(void)rounded;
	struct block *block = add_block(arena, size);
	if (!block)
		return NULL;
	block->used = size;
	return block->space;
}

#else

void
arena_reset(struct arena *arena)
{
	struct block *first = arena->first;
	if (first) {
		free_blocks(first->next);
		first->next = NULL;
		explicit_bzero(first->space, first->used);
		first->used = 0;
	}
	arena->last = first;
	arena->used = 0;
	arena->starved = false;
}

static void *
take(struct arena *arena, size_t size, size_t rounded)
{
	(void)size;
	struct block *block = arena->last;
	if (!block || block->size - block->used < rounded) {
		size_t want = block ? block->size * 2 : FIRST_BLOCK;
		if (want > LARGEST_BLOCK)
			want = LARGEST_BLOCK;
		if (want > arena->max - arena->used)
			want = arena->max - arena->used;
		block = add_block(arena, want > rounded ? want : rounded);
		if (!block)
			return NULL;
	}
	void *out = block->space + block->used;
	block->used += rounded;
	return out;
}

#endif

void *
arena_alloc(struct arena *arena, size_t size)
{
	if (size > arena->max)
		return NULL;
	size_t rounded = size ? (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1) : ALIGNMENT;
	if (rounded > arena->max - arena->used)
		return NULL;
	void *out = take(arena, size, rounded);
	if (out)
		arena->used += rounded;
	return out;
}

void *
arena_alloc_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

struct str
arena_copy(struct arena *arena, struct str s)
{
	if (!s.ptr)
		return (struct str){0};
	char *out = s.len < SIZE_MAX ? arena_alloc(arena, s.len + 1) : NULL;
	if (!out)
		return (struct str){0};
	memcpy(out, s.ptr, s.len);
	return (struct str){out, s.len};
}

struct str
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list args, again;
	va_start(args, fmt);
	va_copy(again, args);
	int len = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	char *out = len >= 0 ? arena_alloc(arena, (size_t)len + 1) : NULL;
	if (out)
		vsnprintf(out, (size_t)len + 1, fmt, again);
	va_end(again);
	return out ? (struct str){out, (size_t)len} : (struct str){0};
}
