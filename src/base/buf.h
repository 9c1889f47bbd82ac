#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macros.h"
#include "base/str.h"

/*
 * A growing run of bytes whose maximum is stated when it is made. Writers do not check each call:
 * a failed append (no memory, over the maximum) sets `failed` and later appends do nothing, and
 * the user asks once at the end.
 */
struct buf {
	char *ptr;
	size_t len, cap, max;
	bool failed;
	bool starved; /* … since there was no memory */
	bool fixed; /* ptr is the caller's: never grown, never freed */
};

void buf_init(struct buf *b, size_t max);
void buf_init_fixed(struct buf *b, char *space, size_t size);
void buf_clear(struct buf *b); /* frees what is owned; wipes nothing */
void buf_reset(struct buf *b); /* empties, keeps the memory */

void buf_append(struct buf *b, const void *bytes, size_t len);
/* `len` more bytes for the caller to fill, valid until the next append; NULL when it failed. */
char *buf_extend(struct buf *b, size_t len);
void buf_str(struct buf *b, struct str s);
void buf_u64(struct buf *b, uint64_t value);
void buf_i64(struct buf *b, int64_t value);
/* Quoted and escaped as a JSON string; malformed UTF-8 becomes U+FFFD. */
void buf_json_str(struct buf *b, struct str s);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF(2, 3);

static inline void
buf_char(struct buf *b, char c)
{
	if (LIKELY(!b->failed && b->len < b->cap))
		b->ptr[b->len++] = c;
	else
		buf_append(b, &c, 1);
}

static inline struct str
buf_view(const struct buf *b)
{
	return (struct str){b->ptr, b->len};
}

#endif
