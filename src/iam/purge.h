#ifndef IAM_PURGE_H
#define IAM_PURGE_H

#include "store/store.h"

/* Removes rows that have ended by themselves, or whose client is gone, of every organisation: at
 * most PURGE_BATCH of each table, and of each such client, in one job. `more` says that there are
 * others. An event. */
#define PURGE_BATCH 200
enum status purge_run(bool *more, struct tx *tx, int64_t now_us, struct error *err) MUST_USE;

#endif
