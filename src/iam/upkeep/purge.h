#ifndef IAM_PURGE_H
#define IAM_PURGE_H

#include "store/store.h"

/*
 * Removes rows that have ended by themselves, or whose client is gone, of every organisation. A job
 * takes at most PURGE_BATCH of one kind, and ends with the kind that makes it that many in all;
 * `more` says that it ended so. The next job goes on with the kind after it: given to that as
 * `from`, at first 0. So each has its turn, however many there are of another. An event.
 */
#define PURGE_BATCH 200
struct purged {
	unsigned next;
	bool more;
};
enum status purge_run(struct purged *out, unsigned from, struct tx *tx, int64_t now_us,
	struct error *err) MUST_USE;

#endif
