#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/thread.h"
#include "store/driver.h"

/* What the files of this folder share. */

#define BATCH_JOBS_MAX 256 /* jobs of one commit */
#define BATCH_WORK_US 20000 /* … or as many as fit into this */
#define WRITERS_MAX 64 /* threads that change at once, where the engine can bear it */
#define TOUCHED_PER_JOB 1024 /* beyond it a job has touched whole organisations */

/* One prepared statement. Several of one text exist when a transaction uses it inside itself. */
struct statement {
	const char *text;
	void *native; /* the driver's */
	struct statement *twin;
	bool open;
};

/* A connection and the statements that were prepared on it, found by the address of their text.
 * One thread at a time. */
struct connection {
	const struct driver *driver;
	void *native; /* the driver's */
	struct statement **slots; /* open addressing; a power of two, or none yet */
	size_t slot_count;
	size_t used;
	unsigned open; /* statements that are open now */
};

enum status connection__open(
	struct connection *c, const struct store *store, bool writes, struct error *err) MUST_USE;
/* Begins a transaction of the store; `incarnation` is what its revisions are of. */
enum status connection__begin(struct connection *c, const struct store *store, bool writes,
	struct uuid *incarnation, struct error *err) MUST_USE;
void connection__close(struct connection *c);
/* A statement of this text that is not open, now open; borrowed until it is released. */
enum status connection__statement(
	struct statement **out, struct connection *c, const char *text, struct error *err) MUST_USE;
void connection__release(struct connection *c, struct statement *s);
/* Resets what a job left open. */
void connection__reset_all(struct connection *c);

/* What the jobs of a batch touched, in order. `mark`: where the running job's begins. */
struct touches {
	struct touched *list;
	size_t count, cap, mark;
	bool collapsed; /* the running job's are whole organisations by now */
};

void touches__clear(struct touches *t); /* frees */
void touches__begin_job(struct touches *t);
void touches__drop_job(struct touches *t);
void touches__reset(struct touches *t); /* empties; gives much memory back */

/* A transaction as one job sees it. After a failed statement there is no other in this job: the
 * first failure latches, is what every later call answers, and the job cannot succeed. */
struct tx {
	struct store *store;
	struct connection *connection;
	struct touches *touches; /* NULL when nothing can be changed */
	struct uuid incarnation;
	bool lags; /* of a replica */
	enum status failed;
	struct error error; /* of `failed` */
};

/* Latches `err` (or a general failure when it says nothing). Returns the status. */
enum status tx__fail(struct tx *tx, enum status status, const struct error *err);

/* Jobs that wait, bounded. Threads: any. */
struct queue {
	pthread_mutex_t mutex;
	pthread_cond_t filled;
	struct store_job *head, *tail;
	unsigned count, max, sleeping;
	bool closed;
	/* What the threads that change work on, each in its slot. */
	struct {
		struct uuid shard;
		bool held;
	} held[WRITERS_MAX];
};

void queue__init(struct queue *q, unsigned max);
void queue__clear(struct queue *q);
enum status queue__put(struct queue *q, struct store_job *job, struct error *err) MUST_USE;
/* Takes up to `max` jobs in order; waits for the first. 0 only when closed and empty. */
unsigned queue__take(struct queue *q, struct store_job **out, unsigned max, bool *closed);
/* What waits now, up to `max`. */
unsigned queue__take_now(struct queue *q, struct store_job **out, unsigned max);
/* The same for jobs of one shard, of which nobody else gets any before `slot` is released. */
unsigned queue__take_shard(
	struct queue *q, struct store_job **out, unsigned max, unsigned slot, bool *closed);
void queue__release(struct queue *q, unsigned slot); /* harmless when nothing is held */
/* Puts jobs that were taken back to the head, in their order; never refused. */
void queue__put_back(struct queue *q, struct store_job **jobs, unsigned count);
void queue__close(struct queue *q);

/* Answers a job with what it holds in `status` and `error`; the job is gone afterwards. */
void job__answer(struct store_job *job);
/* Answers a job that never ran because the store closes. */
void job__refuse_closing(struct store_job *job);
enum status error__unavailable(struct error *err);
enum status error__unknown(struct error *err); /* whether a commit took place */

struct writer;
enum status writer__start(struct writer **out, struct store *store, struct error *err) MUST_USE;
/* Finishes the running batch, refuses what waits and what still comes. Harmless with NULL. */
void writer__halt(struct writer *writer);
void writer__free(struct writer **writer);
enum status writer__put(struct writer *writer, struct store_job *job, struct error *err) MUST_USE;
bool writer__is_here(const struct writer *writer); /* the calling thread is the writer's */
struct connection *writer__connection(struct writer *writer);
/* Runs the thread; until then the connection may be used by the caller. */
enum status writer__run(struct writer *writer, struct error *err) MUST_USE;

struct readers;
enum status readers__start(struct readers **out, struct store *store, struct error *err) MUST_USE;
void readers__halt(struct readers *readers);
void readers__free(struct readers **readers);
enum status readers__put(
	struct readers *readers, struct store_job *job, struct error *err) MUST_USE;
bool readers__is_here(const struct readers *readers);

/* Brings the schema up to date, or (read_only) checks that it is. */
enum status migrate__run(struct store *store, struct connection *c, struct error *err) MUST_USE;

struct store {
	const struct driver *driver;
	struct store_options options; /* the path is a copy */
	void *place; /* the driver's */
	void *replicas; /* likewise; NULL: there are none */
	_Atomic uint64_t replica_reads, replica_refusals;
	struct writer *writer; /* NULL when read_only */
	struct readers *readers;
	struct feed *feed; /* NULL when nobody follows, or nobody else can change anything */
	struct uuid incarnation; /* of a store that is not shared */
	store_commit_hook *hook;
	void *hook_context;
};

#endif
