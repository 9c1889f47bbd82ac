/*
 * What an engine can do for refresh tokens: the row of a family is rotated and a token signed by
 * ES256, with one hand-over to the thread that writes and one back, so many under way at once; the
 * writer commits all that wait, on the schema and settings of a store. Prints JSON.
 *
 * usage: refresh_limit FILE|postgres://… FAMILIES CONNECTIONS SECONDS
 *
 * To PostgreSQL it sends a whole commit at once (pipeline mode).
 */
#include <endian.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/thread.h"
#include "crypto/crypto.h"
#include "jose/jws.h"
#include "shape.h"
#include "store/store.h"

#define CONNECTIONS_MAX 1024

static const char *const INSERT =
	"INSERT INTO families (org, family, workspace, client_org, client, principal, generation,"
	" client_generation, hash, pepper, rotations, scope, methods, auth_us, created_us, used_us,"
	" expires_us, ends_us) VALUES ($1, $2, $3, $1, $4, $5, 0, 0, $6, 1, 0, 'openid', 'email',"
	" 1, 1, 1, 4000000000000000, 4100000000000000)";
#define ROTATE_TEXT                                                                                \
	"UPDATE families SET previous_hash = hash, previous_pepper = pepper, hash = $4,"           \
	" pepper = $5, rotations = rotations + 1, used_us = $6, expires_us ="                      \
	" CASE WHEN ends_us < $7 THEN ends_us ELSE $7 END"                                         \
	" WHERE org = $1 AND family = $2 AND hash = $3 AND client = $8 AND workspace = $9"         \
	" AND client_org = $1 AND expires_us > $6 RETURNING scope, principal, auth_us"

/* One that waits for its answer. */
struct refresh {
	uint32_t family;
	uint8_t next_hash[SHA256_LEN];
	struct refresh *next;
};

static struct {
	const char *place;
	uint32_t families, connections, seconds;
} options;
static uint8_t (*hashes)[SHA256_LEN]; /* that are live, of each family */
static sqlite3 *db;
static sqlite3_stmt *rotation;
static PGconn *pg; /* instead of the two before it */
static pthread_mutex_t mutex;
static pthread_cond_t changed;
static struct refresh *waiting, *finished; /* under the mutex */
static bool ends;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "refresh_limit: %s: %s\n", what, why);
	exit(1);
}

static void
must(int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE && rc != SQLITE_ROW)
		die("sqlite", sqlite3_errmsg(db));
}

static void
must_pg(bool good)
{
	if (!good)
		die("postgresql", PQerrorMessage(pg));
}

static void
control(const char *text)
{
	if (pg)
		must_pg(PQsendQueryParams(pg, text, 0, NULL, NULL, NULL, NULL, 0) == 1);
	else
		must(sqlite3_exec(db, text, NULL, NULL, NULL));
}

static struct uuid
id_of(enum thing thing, uint32_t number)
{
	return shape_id(thing, 0, number);
}

/* The rows of all families. */
static enum status
seed(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct sql sql = {INSERT};
	enum status rc = OK;
	(void)job;
	for (uint32_t i = 0; i < options.families && rc == OK; i++) {
		struct query q;
		rc = query_begin(&q, tx, &sql, err);
		if (rc != OK)
			return rc;
		random_bytes(hashes[i], SHA256_LEN);
		query_bind_uuid(&q, 1, id_of(THING_ORG, 0));
		query_bind_uuid(&q, 2, id_of(THING_CREDENTIAL, i));
		query_bind_uuid(&q, 3, id_of(THING_WORKSPACE, 0));
		query_bind_uuid(&q, 4, id_of(THING_PRINCIPAL, 0));
		query_bind_uuid(&q, 5, id_of(THING_PRINCIPAL, i + 1));
		query_bind_bytes(&q, 6, hashes[i], SHA256_LEN);
		rc = query_run(&q, NULL, err);
	}
	return rc;
}

/* The values of one rotation: in the order of their places, binary, numbers in network order. */
#define VALUES 9
struct values {
	struct uuid org, family, client, workspace;
	int64_t numbers[3];
	const char *at[VALUES];
	int lens[VALUES];
};

static void
collect(struct values *v, const struct refresh *r)
{
	int64_t now_us = clock_now_us();
	v->org = id_of(THING_ORG, 0);
	v->family = id_of(THING_CREDENTIAL, r->family);
	v->client = id_of(THING_PRINCIPAL, 0);
	v->workspace = id_of(THING_WORKSPACE, 0);
	v->numbers[0] = 1;
	v->numbers[1] = now_us;
	v->numbers[2] = now_us + 1209600 * US_PER_S;
	const struct str values[VALUES] = {{(char *)v->org.bytes, 16},
		{(char *)v->family.bytes, 16}, {(char *)hashes[r->family], SHA256_LEN},
		{(char *)r->next_hash, SHA256_LEN}, {(char *)&v->numbers[0], 8},
		{(char *)&v->numbers[1], 8}, {(char *)&v->numbers[2], 8},
		{(char *)v->client.bytes, 16}, {(char *)v->workspace.bytes, 16}};
	for (int i = 0; i < VALUES; i++) {
		v->at[i] = values[i].ptr;
		v->lens[i] = (int)values[i].len;
	}
}

static bool
is_number(int place)
{
	return place >= 4 && place <= 6;
}

static void
rotate_sqlite(struct values *v)
{
	for (int i = 0; i < VALUES; i++) {
		if (is_number(i))
			must(sqlite3_bind_int64(rotation, i + 1, v->numbers[i - 4]));
		else
			must(sqlite3_bind_blob(
				rotation, i + 1, v->at[i], v->lens[i], SQLITE_STATIC));
	}
	if (sqlite3_step(rotation) != SQLITE_ROW)
		die("sqlite", "no family was rotated");
	must(sqlite3_step(rotation));
	must(sqlite3_reset(rotation));
}

static void
send_pgsql(struct values *v)
{
	static const int formats[VALUES] = {1, 1, 1, 1, 1, 1, 1, 1, 1};
	for (size_t i = 0; i < ARRAY_LEN(v->numbers); i++)
		v->numbers[i] = (int64_t)htobe64((uint64_t)v->numbers[i]);
	must_pg(PQsendQueryPrepared(pg, "rotate", VALUES, v->at, v->lens, formats, 1) == 1);
}

static void
rotate(const struct refresh *r)
{
	struct values v;
	collect(&v, r);
	if (pg)
		send_pgsql(&v);
	else
		rotate_sqlite(&v);
	memcpy(hashes[r->family], r->next_hash, SHA256_LEN);
}

/* Everything that was sent up to here has succeeded, and rotated so many. */
static void
settle(int rotated)
{
	bool synced = false;
	must_pg(PQpipelineSync(pg) == 1);
	while (!synced) {
		PGresult *result = PQgetResult(pg);
		ExecStatusType status = PQresultStatus(result);
		if (status == PGRES_TUPLES_OK)
			rotated -= PQntuples(result);
		else
			must_pg(!result || status == PGRES_COMMAND_OK ||
				status == PGRES_PIPELINE_SYNC);
		PQclear(result);
		synced = status == PGRES_PIPELINE_SYNC;
	}
	if (rotated)
		die("postgresql", "no family was rotated");
}

static void *
write_all(void *arg)
{
	(void)arg;
	mutex_lock(&mutex);
	while (!ends) {
		struct refresh *batch = waiting, *last = NULL;
		if (!batch) {
			cond_wait(&changed, &mutex);
			continue;
		}
		waiting = NULL;
		mutex_unlock(&mutex);
		int rotated = 0;
		control(pg ? "BEGIN" : "BEGIN IMMEDIATE");
		for (struct refresh *r = batch; r; r = r->next) {
			rotate(r);
			rotated++;
			last = r;
		}
		control("COMMIT");
		if (pg)
			settle(rotated);
		mutex_lock(&mutex);
		last->next = finished;
		finished = batch;
		pthread_cond_broadcast(&changed);
	}
	mutex_unlock(&mutex);
	return NULL;
}

static void
sign(const struct sign_key *key)
{
	char space[2048], claims[400];
	struct buf token;
	struct error err = {0};
	memset(claims, 'x', sizeof(claims));
	buf_init_fixed(&token, space, sizeof(space));
	if (jws_sign(&token, key, STR("at+jwt"), STR("01a200c9-7871-719b-bf61-86e4b6de9ff2"),
		    (struct str){claims, sizeof(claims)}, &err) != OK)
		die(err.code, err.text);
}

/* Chosen among those that nobody waits for. */
static void
ask(struct refresh *r, uint32_t turn)
{
	r->family = turn % options.families;
	random_bytes(r->next_hash, sizeof(r->next_hash));
	mutex_lock(&mutex);
	r->next = waiting;
	waiting = r;
	pthread_cond_broadcast(&changed);
	mutex_unlock(&mutex);
}

static struct refresh *
take_finished(void)
{
	mutex_lock(&mutex);
	while (!finished)
		cond_wait(&changed, &mutex);
	struct refresh *all = finished;
	finished = NULL;
	mutex_unlock(&mutex);
	return all;
}

static void
measure(void)
{
	struct refresh *all = calloc(options.connections, sizeof(*all));
	struct sign_key *key = NULL;
	struct error err = {0};
	pthread_t writer;
	uint32_t turn = 0;
	uint64_t done = 0;
	if (!all || sign_key_generate(&key, SIGN_ES256, &err) != OK ||
		thread_start(&writer, "writer", write_all, NULL, &err) != OK)
		die("start", err.text);
	int64_t start_us = clock_mono_us(), until_us = start_us + options.seconds * US_PER_S;
	for (uint32_t i = 0; i < options.connections; i++)
		ask(&all[i], turn++);
	while (clock_mono_us() < until_us) {
		struct refresh *r = take_finished();
		for (struct refresh *next; r; r = next) {
			next = r->next;
			sign(key);
			done++;
			ask(r, turn++);
		}
	}
	double seconds = (double)(clock_mono_us() - start_us) / 1e6;
	mutex_lock(&mutex);
	ends = true;
	pthread_cond_broadcast(&changed);
	mutex_unlock(&mutex);
	pthread_join(writer, NULL);
	printf("{\"refreshes\":%llu,\"per_second\":%.0f}\n", (unsigned long long)done,
		(double)done / seconds);
	sign_key_free(&key);
	free(all);
}

static void
open_sqlite(void)
{
	char text[sizeof(ROTATE_TEXT)];
	/* To this engine "$4" would be the first place of that name. */
	memcpy(text, ROTATE_TEXT, sizeof(text));
	for (char *at = text; (at = strchr(at, '$'));)
		*at = '?';
	must(sqlite3_open_v2(options.place, &db, SQLITE_OPEN_READWRITE, NULL));
	control("PRAGMA synchronous = FULL; PRAGMA cache_size = -2048; PRAGMA secure_delete = ON;"
		"PRAGMA wal_checkpoint(TRUNCATE)");
	must(sqlite3_prepare_v2(db, text, -1, &rotation, NULL));
}

static void
open_pgsql(void)
{
	pg = PQconnectdb(options.place);
	must_pg(PQstatus(pg) == CONNECTION_OK);
	PQclear(PQexec(pg, "ANALYZE"));
	PQclear(PQprepare(pg, "rotate", ROTATE_TEXT, 0, NULL));
	must_pg(PQenterPipelineMode(pg) == 1);
}

/* A new store, with the server's own schema; then opened as the server does. */
static void
open_store(void)
{
	struct store_job seeding = {.run = seed};
	bool shared = strncmp(options.place, "postgres", 8) == 0;
	const struct store_options store_options = {
		.path = shared ? NULL : options.place,
		.url = shared ? options.place : NULL,
		.readers = 1,
		.queue_max = 1,
		.read_queue_max = 1,
		.busy_timeout_ms = 1000,
		.wait_ms = 1000,
		.fresh_only = true,
	};
	struct store *store = NULL;
	struct error err = {0};
	enum status rc = store_open(&store, &store_options, &err);
	if (rc == OK)
		rc = store_change_wait(store, &seeding, &err);
	if (rc != OK)
		die(err.code, err.text);
	store_close(&store);
	if (shared)
		open_pgsql();
	else
		open_sqlite();
}

int
main(int argc, char **argv)
{
	uint32_t *const counts[] = {&options.families, &options.connections, &options.seconds};
	struct error err = {0};
	if (argc != 2 + (int)ARRAY_LEN(counts))
		die("usage", "refresh_limit FILE|postgres://… FAMILIES CONNECTIONS SECONDS");
	options.place = argv[1];
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int64_t value = 0;
		if (!str_to_i64(str_from(argv[2 + i]), &value) || value < 1 || value > 1000000)
			die(argv[2 + i], "is no count");
		*counts[i] = (uint32_t)value;
	}
	if (options.connections > CONNECTIONS_MAX || options.families < 2 * options.connections)
		die("usage", "fewer connections, or more families");
	if (crypto_init(&err) != OK)
		die(err.code, err.text);
	hashes = calloc(options.families, sizeof(*hashes));
	if (!hashes)
		die("memory", "is not enough");
	mutex_init(&mutex);
	cond_init(&changed);
	open_store();
	measure();
	sqlite3_finalize(rotation);
	sqlite3_close(db);
	PQfinish(pg);
	free(hashes);
	return 0;
}
