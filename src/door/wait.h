#ifndef DOOR_WAIT_H
#define DOOR_WAIT_H

#include "directory/directory.h"
#include "http/server.h"
#include "store/store.h"

/*
 * A request that waits: it leaves its thread until views are loaded or a job of the store has been
 * answered, and then its handler is called again. One wait at a time.
 *
 * Each wait_for…: after OK the request belongs to whoever resumes it, and the handler returns
 * without touching anything of it. Any error (ERR_BUSY, ERR_NO_MEMORY): it is still at hand, to be
 * answered. Threads: serving.
 */
struct wait; /* in the arena of the request */

/* NULL when the arena is full. `store` may be NULL for who waits for views alone. */
struct wait *wait_new(struct http_request *r, struct directory *d, struct store *store);

/* Until what was missed is known. ERR_BUSY as well when that has been tried too often. */
enum status wait_for_views(struct wait *w, const struct misses *misses, struct error *err) MUST_USE;

/* Until all that is committed by now is known here. Of a directory that is shared alone. */
enum status wait_for_news(struct wait *w, struct error *err) MUST_USE;

/* Until a job has been committed, or a reading answered. `run` may be called again from its start,
 * on the store's thread; `context` is in the arena of the request as well. */
struct wait_job {
	enum status (*run)(void *context, struct tx *tx, struct error *err);
	void *context;
	struct uuid shard; /* the organisation that is changed */
};
enum status wait_for_change(struct wait *w, const struct wait_job *job, struct error *err) MUST_USE;
enum status wait_for_reading(
	struct wait *w, const struct wait_job *job, struct error *err) MUST_USE;

/* Until whoever `start` hands it to calls wait_over, once, on any thread. What `start` answers with
 * an error is over by that. `context` is in the arena of the request as well. */
struct wait_errand {
	enum status (*start)(void *context, struct wait *w, struct error *err);
	void *context;
};
enum status wait_for_errand(
	struct wait *w, const struct wait_errand *errand, struct error *err) MUST_USE;
void wait_over(struct wait *w, enum status status, const struct error *err);

/* What came of the last wait; OK when there was none. */
enum status wait_result(const struct wait *w, struct error *err) MUST_USE;

#endif
