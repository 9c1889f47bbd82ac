#include <inttypes.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "store/store.h"

/*
 * What the engine can do (one row a commit, and n rows a commit, in a bare loop on the same table
 * with the same settings) against the writer with as many jobs of one row each in flight. Prints
 * JSON. usage: store_limit FOLDER [SECONDS]
 */
#define INSERT_TEXT                                                                                \
	"INSERT INTO persons (person, email, email_normal, name, state, created_us) "              \
	"VALUES ($1, $2, $2, $3, 0, $4)"

static const struct sql INSERT_PERSON = SQL(INSERT_TEXT);
static unsigned sequence; /* makes addresses: one thread at a time */

struct result {
	int64_t commits, rows, us;
};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "store_limit: %s: %s\n", what, why);
	exit(1);
}

static void
must(sqlite3 *db, int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		die("sqlite", sqlite3_errmsg(db));
}

static void
insert_bare(sqlite3 *db, sqlite3_stmt *insert)
{
	char email[40];
	struct uuid id = uuid_new();
	int len = snprintf(email, sizeof(email), "p%09u@example.com", sequence++);
	must(db, sqlite3_bind_blob(insert, 1, id.bytes, 16, SQLITE_STATIC));
	must(db, sqlite3_bind_text(insert, 2, email, len, SQLITE_STATIC));
	must(db, sqlite3_bind_text(insert, 3, "A Person", 8, SQLITE_STATIC));
	must(db, sqlite3_bind_int64(insert, 4, 1));
	must(db, sqlite3_step(insert));
	must(db, sqlite3_reset(insert));
}

static struct result
run_bare(const char *path, unsigned rows, int64_t for_us)
{
	struct result r = {0};
	sqlite3 *db = NULL;
	sqlite3_stmt *begin = NULL, *commit = NULL, *insert = NULL;
	must(db, sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL));
	must(db, sqlite3_exec(db, "PRAGMA synchronous = FULL; PRAGMA cache_size = -2048", 0, 0, 0));
	must(db, sqlite3_prepare_v2(db, "BEGIN IMMEDIATE", -1, &begin, NULL));
	must(db, sqlite3_prepare_v2(db, "COMMIT", -1, &commit, NULL));
	must(db, sqlite3_prepare_v2(db, INSERT_TEXT, -1, &insert, NULL));
	int64_t start = clock_mono_us();
	while (clock_mono_us() - start < for_us) {
		must(db, sqlite3_step(begin));
		must(db, sqlite3_reset(begin));
		for (unsigned i = 0; i < rows; i++)
			insert_bare(db, insert);
		must(db, sqlite3_step(commit));
		must(db, sqlite3_reset(commit));
		r.commits++;
		r.rows += rows;
	}
	r.us = clock_mono_us() - start;
	sqlite3_finalize(begin);
	sqlite3_finalize(commit);
	sqlite3_finalize(insert);
	sqlite3_close(db);
	return r;
}

struct load {
	struct store *store;
	int64_t until_us;
	struct result result;
	unsigned in_flight;
	pthread_mutex_t mutex;
	pthread_cond_t ended;
};

struct insert_job {
	struct store_job job; /* first */
	struct load *load;
	char email[40];
};

static enum status
insert_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct insert_job *j = (struct insert_job *)job;
	struct query q;
	struct uuid id = uuid_new();
	enum status rc = query_begin(&q, tx, &INSERT_PERSON, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id);
	query_bind_str(&q, 2, str_from(j->email));
	query_bind_str(&q, 3, STR("A Person"));
	query_bind_int(&q, 4, 1);
	tx_touch(tx, id, 1, 1, id);
	return query_run(&q, NULL, err);
}

static void
submit(struct insert_job *j)
{
	struct error err = {0};
	snprintf(j->email, sizeof(j->email), "p%09u@example.com", sequence++);
	if (store_change(j->load->store, &j->job, &err) != OK)
		die("store", err.text);
}

/* Each client sends its next change when it has the answer to the one before. */
static void
insert_done(struct store_job *job, enum status status, const struct error *err)
{
	struct insert_job *j = (struct insert_job *)job;
	struct load *load = j->load;
	if (status != OK)
		die("job", err->text);
	mutex_lock(&load->mutex);
	load->result.rows++;
	bool over = clock_mono_us() >= load->until_us;
	if (over && --load->in_flight == 0)
		pthread_cond_signal(&load->ended);
	if (!over)
		submit(j);
	mutex_unlock(&load->mutex);
}

static void
count_commit(void *context, struct uuid incarnation, const struct touched *touched, size_t count)
{
	struct load *load = context;
	(void)incarnation;
	(void)touched;
	(void)count;
	load->result.commits++;
}

static struct result
run_writer(const char *path, unsigned clients, int64_t for_us)
{
	struct error err = {0};
	struct store_options options = {.path = path,
		.readers = 1,
		.queue_max = clients + 1,
		.read_queue_max = 1,
		.busy_timeout_ms = 1000};
	struct load load = {.in_flight = clients};
	struct insert_job *jobs = calloc(clients, sizeof(*jobs));
	if (!jobs || store_open(&load.store, &options, &err) != OK)
		die(path, err.text);
	mutex_init(&load.mutex);
	cond_init(&load.ended);
	store_on_commit(load.store, count_commit, &load);
	int64_t start = clock_mono_us();
	load.until_us = start + for_us;
	mutex_lock(&load.mutex);
	for (unsigned i = 0; i < clients; i++) {
		jobs[i] = (struct insert_job){
			.job = {.run = insert_run, .done = insert_done}, .load = &load};
		submit(&jobs[i]);
	}
	while (load.in_flight > 0)
		cond_wait(&load.ended, &load.mutex);
	mutex_unlock(&load.mutex);
	load.result.us = clock_mono_us() - start;
	store_close(&load.store);
	pthread_cond_destroy(&load.ended);
	pthread_mutex_destroy(&load.mutex);
	free(jobs);
	return load.result;
}

static double
per_second(int64_t count, int64_t us)
{
	return (double)count * 1e6 / (double)us;
}

static void
print_result(const char *name, struct result r)
{
	printf("\"%s\":{\"commits_s\":%.0f,\"rows_s\":%.0f},", name, per_second(r.commits, r.us),
		per_second(r.rows, r.us));
}

int
main(int argc, char **argv)
{
	static const unsigned clients[] = {1, 16, 64};
	char path[4096];
	if (argc < 2)
		die("usage", "store_limit FOLDER [SECONDS]");
	int64_t seconds = 2;
	if (argc > 2 && !str_to_i64(str_from(argv[2]), &seconds))
		die("usage", "store_limit FOLDER [SECONDS]");
	int64_t for_us = seconds * US_PER_S;
	printf("{");
	for (size_t i = 0; i < ARRAY_LEN(clients); i++) {
		snprintf(path, sizeof(path), "%s/limit-%d-%u.db", argv[1], (int)getpid(),
			clients[i]);
		struct result ours = run_writer(path, clients[i], for_us);
		struct result bare = run_bare(path, clients[i], for_us);
		struct result single = run_bare(path, 1, for_us);
		printf("%s\"%u\":{", i ? "," : "", clients[i]);
		print_result("bare_single", single);
		print_result("bare_batch", bare);
		print_result("writer", ours);
		printf("\"ratio\":%.3f}",
			per_second(ours.rows, ours.us) / per_second(bare.rows, bare.us));
		fflush(stdout);
	}
	printf("}\n");
	return 0;
}
