#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/macros.h"

/* A borrowed run of bytes, not terminated. {NULL, 0} is absent and equals nothing. */
struct str {
	const char *ptr;
	size_t len;
};

#define STR(literal) ((struct str){literal, sizeof(literal) - 1})
#define STR_ARG(s) (int)(s).len, ((s).ptr ? (s).ptr : "") /* for "%.*s" */

static inline struct str
str_from(const char *z)
{
	return (struct str){z, z ? strlen(z) : 0};
}

/* False when either is absent, so that a comparison of missing values fails closed. */
static inline bool
str_eq(struct str a, struct str b)
{
	return a.ptr && b.ptr && a.len == b.len && memcmp(a.ptr, b.ptr, a.len) == 0;
}

static inline bool
str_starts(struct str s, struct str prefix)
{
	return s.ptr && prefix.ptr && s.len >= prefix.len &&
		memcmp(s.ptr, prefix.ptr, prefix.len) == 0;
}

bool str_eq_nocase(struct str a, struct str b); /* ASCII only */
int str_compare(struct str a, struct str b); /* bytewise order, as memcmp */

/* Cuts `*rest` at the first `separator`: the head is returned, `*rest` is what follows it
 * (absent when there was none). */
struct str str_cut(struct str *rest, char separator);

/* Decimal, no sign, no leading zero, no white space; false on anything else or overflow. */
bool str_to_u64(struct str s, uint64_t *out) MUST_USE;
bool str_to_i64(struct str s, int64_t *out) MUST_USE; /* an optional leading '-', but no "-0" */

/* Of a hexadecimal digit in either case; -1 of anything else. */
static inline int
str_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Length of the well-formed UTF-8 sequence that begins at `at`, or 0; NUL is one like any other. */
size_t str_utf8_step(const char *at, const char *end);

/* Past what stands for itself in a JSON string: to the first '"', '\\', control or byte beyond
 * ASCII, or to the end. */
const char *str_pass_plain(const char *at, const char *end);

/* The longest well-formed beginning of at most `max` bytes; "" of an absent text. */
struct str str_utf8_head(struct str s, size_t max);

bool str_is_utf8(struct str s); /* well-formed, no surrogates, no overlong forms */

#endif
