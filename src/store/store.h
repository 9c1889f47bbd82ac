#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "base/uuid.h"

/*
 * Transactions and statements. One text of SQL serves both engines: the common subset, $1
 * placeholders, integers for time and truth, 16-byte binary identifiers, JSON as text. A
 * statement can only be made inside a transaction.
 *
 * Changes are jobs: the writer takes all that wait, runs each in a savepoint, commits once, then
 * answers them all. A job may be run again from its start, does no hashing of passwords and no
 * network work, and holds the writer for at most about 5 ms.
 */
struct store;
struct tx;

struct store_options {
	const char *path; /* of the SQLite file; ":memory:" is refused */
	const char *url; /* secret; of a PostgreSQL database, which is then used instead; or NULL */
	unsigned readers; /* read connections (and the threads that use them) */
	unsigned queue_max; /* jobs that may wait for the writer; beyond it ERR_BUSY */
	unsigned read_queue_max;
	int busy_timeout_ms; /* how long another process may hold the file, or a row */
	/* Of PostgreSQL alone. */
	const char *replicas; /* URL of servers that follow that one, for readings that may lag */
	unsigned writers; /* connections (and threads) that change; 0: 1 */
	int statement_timeout_ms; /* 0: none */
	int wait_ms; /* how long to wait for the database at the start */
	int64_t feed_keep_us; /* how long others may learn of a change; 0: ten minutes */

	/* Called in the transaction that brings the schema to its newest version: for what is in
	 * the rows and no SQL can compute. NULL: nothing. */
	enum status (*convert)(struct tx *tx, struct error *err);

	bool read_only; /* no writer, no migration: for `thingward verify` */
	bool existing_only; /* of SQLite: refuse a file that is not there */
	bool fresh_only; /* refuse a store that already has a schema */
};

/*
 * Opens and migrates. ERR_INVALID "store-unreadable" (no such folder, not a database, no right to
 * write: text names the path and the remedy), "store-too-new", "store-too-old" (read_only),
 * "store-not-empty" (fresh_only), ERR_BUSY "store-locked" (another process serves it),
 * "store-unreachable" (no database answers), "store-forbidden" (it refuses its user a right),
 * ERR_CORRUPT (also "store-migration-changed"). The last folder of the path is made when it is
 * missing. Start-up only. Owned; store_close waits for running jobs and refuses those that wait.
 */
enum status store_open(
	struct store **out, const struct store_options *options, struct error *err) MUST_USE;
void store_close(struct store **store);

/* Copies everything into a store that has just been made, of any engine: all of it or nothing, and
 * every table is counted on both sides. The command line's alone; the source should not change. */
struct store_copied {
	int64_t tables, rows;
};
enum status store_copy(
	struct store_copied *out, struct store *to, struct store *from, struct error *err) MUST_USE;

struct store_stats {
	uint64_t replica_reads; /* readings that a replica answered … */
	uint64_t replica_refusals; /* … and that had to be run again on the primary */
};
struct store_stats store_stats(const struct store *store);

/* The newest schema this program knows. */
int store_schema_version(void);

/*
 * A job is embedded in what its submitter keeps until `done` has been called: exactly once, on
 * the writer's (or reader's) thread, after the commit, with the status that the caller is owed.
 * `run` may be called several times; it starts from nothing each time.
 */
struct store_job {
	enum status (*run)(struct store_job *job, struct tx *tx, struct error *err);
	void (*done)(struct store_job *job, enum status status, const struct error *err);
	/* The organisation that is changed (nil: the platform). Changes of one are run in order;
	 * those of several may be run at once. */
	struct uuid shard;
	bool may_lag; /* of a reading: it asks tx_lags how old a snapshot it has */
	struct error error; /* the store's: what `run` is given, emptied for each run */
	enum status status; /* the store's */
	struct store_job *next; /* the store's */
};

/* Hands a change to the writer. ERR_BUSY "overloaded" when the queue is full or the store is
 * closing: then `done` is not called. ERR_INVALID "store-read-only". A job is answered ERR_BUSY
 * "store-unavailable" when its transaction could not be committed: nothing of it is there;
 * "outcome-unknown" when the database was lost while it was committed: it may be there.
 * Threads: any. */
enum status store_change(struct store *store, struct store_job *job, struct error *err) MUST_USE;

/* Hands a reading job to the read threads: one snapshot for the whole job. Same rules. */
enum status store_read(struct store *store, struct store_job *job, struct error *err) MUST_USE;

/* The same, waiting for the answer; `done` is not called and may be NULL. For the command line,
 * start-up and tests: not on a thread that answers requests, nor inside a job. */
enum status store_change_wait(
	struct store *store, struct store_job *job, struct error *err) MUST_USE;
enum status store_read_wait(struct store *store, struct store_job *job, struct error *err) MUST_USE;

/*
 * What a change touched, told to the directory after the commit and before anyone is answered.
 * `kind` is the directory's (enum view_kind); the store only carries it.
 */
struct touched {
	struct uuid org;
	int64_t revision; /* of that organisation, after the change */
	int kind;
	struct uuid id;
};
/* `incarnation`: what the revisions are of. */
typedef void store_commit_hook(
	void *context, struct uuid incarnation, const struct touched *touched, size_t count);
void store_on_commit(struct store *store, store_commit_hook *hook, void *context); /* start-up */

/*
 * What a follower learns of other processes' changes, on a thread of the store's. `touched`: as
 * above, those of this process among them, each organisation's in the order of revisions, some
 * perhaps twice.
 *
 * Who could not follow for a while compares: `mark` the revisions that are known; then `compare`
 * for each organisation there is, false when that is behind the mark; when all were told, `settle`:
 * what an organisation was that is further by now does not count any more. `forget` before it all:
 * the database was restored or has failed over, and nothing that is known counts; until `settle`
 * tells its incarnation nothing can be said at all. What is begun may be begun again.
 */
struct store_follower {
	void *context;
	void (*touched)(void *context, const struct touched *touched, size_t count);
	void (*mark)(void *context);
	void (*forget)(void *context);
	bool (*compare)(void *context, struct uuid org, int64_t revision);
	void (*settle)(void *context, struct uuid incarnation);
};
/* Start-up, once. Where no other process can change anything only `settle` is called, here. */
enum status store_follow(
	struct store *store, const struct store_follower *follower, struct error *err) MUST_USE;
bool store_is_shared(const struct store *store);
/* Microseconds since what a follower was told was last complete; 0 when it always is. */
int64_t store_age_us(const struct store *store);
/* A number that all who use this database share; 0 when there is nobody else. */
uint64_t store_seed(const struct store *store);
/* Answers `job` (whose `run` is not used) once the follower knows all that is committed now: OK, or
 * ERR_BUSY. Of a shared store that is followed alone. ERR_BUSY: `done` is not called. */
enum status store_catch_up(struct store *store, struct store_job *job, struct error *err) MUST_USE;

/* The kind of what raises an organisation's revision and touches nothing. */
#define TOUCHED_NOTHING (-2)

/* Notes that `id` changed, if this transaction commits. A job that touches more than 1024 things
 * collapses to "everything in the organisation" (kind -1). */
void tx_touch(struct tx *tx, struct uuid org, int64_t revision, int kind, struct uuid id);

/* Whether there may be newer commits than this snapshot sees, which is then a replica's. Any error
 * has the job run again where there are none, ERR_NOT_REACHED when the snapshot is too old for it.
 */
bool tx_lags(const struct tx *tx);
/* What the revisions that this transaction sees are of. */
struct uuid tx_incarnation(const struct tx *tx);
bool tx_is_change(const struct tx *tx);

/*
 * Statements: prepared once per connection and kept, found again by the address of their text,
 * which lives as long as the program. A query is reset when its rows are used up or by query_end;
 * one that is begun while another of its text is open gets an instance of its own. Bind positions
 * start at 1, columns at 0; values are copied; what is not bound is NULL. A failed bind latches
 * and shows at the first step.
 *
 * After a failed statement the engine may have undone more than the statement: every later call
 * in the same transaction answers that first failure, and the job cannot succeed. What may
 * already be there is therefore written with ON CONFLICT, not tried and forgiven.
 *
 *	static const struct sql GROUP_BY_ID = SQL("SELECT name FROM groups WHERE org = $1 AND …");
 *	struct query q;
 *	rc = query_begin(&q, tx, &GROUP_BY_ID, err);
 *	query_bind_uuid(&q, 1, org);
 *	while ((rc = query_next(&q, err)) == OK && q.row) …
 *	query_end(&q);
 */
struct sql {
	const char *text;
};
#define SQL(text_)                                                                                 \
	{                                                                                          \
		.text = (text_)                                                                    \
	}

struct query {
	struct tx *tx;
	void *statement; /* the store's; NULL when ended */
	bool row; /* a row stands ready */
	bool bind_failed;
};

enum status query_begin(
	struct query *q, struct tx *tx, const struct sql *sql, struct error *err) MUST_USE;
void query_bind_uuid(struct query *q, int at, struct uuid id);
void query_bind_uuid_or_null(struct query *q, int at, struct uuid id); /* nil binds NULL */
void query_bind_int(struct query *q, int at, int64_t value);
void query_bind_int_or_null(struct query *q, int at, int64_t value); /* 0 binds NULL */
void query_bind_str(struct query *q, int at, struct str value); /* absent binds NULL */
void query_bind_bytes(struct query *q, int at, const void *bytes, size_t len);
void query_bind_null(struct query *q, int at);

/* Steps to the next row: q->row tells whether there is one. ERR_BUSY (locked, disk full, I/O),
 * ERR_CONFLICT "already-exists" (a unique constraint), ERR_CORRUPT. */
enum status query_next(struct query *q, struct error *err) MUST_USE;

/* Runs a statement that gives no rows and ends the query; `changed` (may be NULL) counts rows. */
enum status query_run(struct query *q, int64_t *changed, struct error *err) MUST_USE;
void query_end(struct query *q); /* harmless twice, and after query_run */

struct uuid query_uuid(const struct query *q, int column); /* nil for NULL */
int64_t query_int(const struct query *q, int column); /* 0 for NULL */
bool query_is_null(const struct query *q, int column);
/* Borrowed until the next step; absent for NULL. */
struct str query_str(const struct query *q, int column);
struct str query_bytes(const struct query *q, int column);
/* A copy in the arena. Absent for NULL; when memory fails, ERR_NO_MEMORY latches into the query
 * and the next query_next returns it; an identifier that is not 16 bytes long latches
 * ERR_CORRUPT likewise. */
struct str query_str_copy(struct query *q, int column, struct arena *arena);

/* Whether the engine takes a text as exactly one statement: a test asks this of all that stand in
 * the sources. Runs nothing. */
enum status store_prepare(struct store *store, const char *text, struct error *err) MUST_USE;

/*
 * For tests, in builds with fault injection only (elsewhere they do nothing). The n-th step or
 * write to the disk from now on (1: the next one) fails, a write as on a full disk, a sync or
 * a step as by a broken one. The second counts writes and syncs alone. 0: none. They hold for the
 * process, whatever the store. store_failed: whether it has happened since.
 */
void store_fail_next(struct store *store, int after);
void store_fail_write(struct store *store, int after);
bool store_failed(struct store *store);

#endif
