#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include "base/macros.h"

/*
 * What every fallible function answers. Doors map a status to HTTP in one table
 * (http/status.c), so a status says what kind of answer the caller is owed, not where it arose.
 */
enum status {
	OK = 0,
	ERR_INVALID, /* the input is wrong: 400 */
	ERR_UNAUTHENTICATED, /* nobody proved who calls: 401, never says why */
	ERR_FORBIDDEN, /* known, and not allowed: 403 */
	ERR_NOT_FOUND, /* absent, or not for the caller to see: 404 */
	ERR_CONFLICT, /* the state of things forbids it: 409 */
	ERR_PRECONDITION, /* If-Match did not match: 412 */
	ERR_TOO_LARGE, /* over a byte limit: 413 */
	ERR_LIMIT, /* over a count limit that the message names: 409 */
	ERR_BUSY, /* overloaded, locked, disk full, store away: 503, Retry-After */
	ERR_NOT_REACHED, /* a demanded revision was not reached in time: 409 */
	ERR_CORRUPT, /* stored data that should not exist: 500 */
	ERR_INTERNAL, /* a library or the system failed: 500 */
	ERR_NO_MEMORY, /* 503 */
};

#define ERROR_TEXT_MAX 256
#define ERROR_DETAIL_MAX 256

/*
 * Belongs to the caller, fixed size, initialised with {0}. The first writer wins; those who pass
 * it up leave it alone.
 */
struct error {
	enum status status;
	const char *code; /* stable, a literal: "role-not-for-kind" */
	char text[ERROR_TEXT_MAX]; /* for the caller of the server: says what to do */
	char detail[ERROR_DETAIL_MAX]; /* for the log alone */
	char permission[96]; /* the missing permission of an ERR_FORBIDDEN, or "" */
	const char *file;
	int line;
};

/* Records the first error and returns its status. `err` may not be NULL. Threads: any. */
#define error_set(err, status, code, ...)                                                          \
	error_set_at(err, __FILE__, __LINE__, status, code, __VA_ARGS__)
enum status error_set_at(struct error *err, const char *file, int line, enum status status,
	const char *code, const char *fmt, ...) PRINTF(6, 7);

/* Adds private detail for the log; the public text stays. Returns err->status. */
enum status error_detail(struct error *err, const char *fmt, ...) PRINTF(2, 3);

/* "no memory", with the place of the call. */
#define error_no_memory(err)                                                                       \
	error_set(err, ERR_NO_MEMORY, "out-of-memory", "The server is out of memory; try again.")

/* Forgets an error that was dealt with. */
void error_clear(struct error *err);

const char *status_name(enum status status);

#endif
