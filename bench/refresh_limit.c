/*
 * What an engine can do for refresh tokens: the row of a family is rotated and a token signed by
 * ES256, with one hand-over to the thread that writes and one back, so many under way at once; the
 * writer commits all that wait. SQLite, on the schema and settings of a store. Prints JSON.
 *
 * usage: refresh_limit FILE FAMILIES CONNECTIONS SECONDS
 */
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
	" expires_us, ends_us) VALUES (?1, ?2, ?3, ?1, ?4, ?5, 0, 0, ?6, 1, 0, 'openid', 'email',"
	" 1, 1, 1, 4000000000000000, 4100000000000000)";
static const char *const ROTATE =
	"UPDATE families SET previous_hash = hash, previous_pepper = pepper, hash = ?4,"
	" pepper = ?5, rotations = rotations + 1, used_us = ?6, expires_us ="
	" CASE WHEN ends_us < ?7 THEN ends_us ELSE ?7 END"
	" WHERE org = ?1 AND family = ?2 AND hash = ?3 AND client = ?8 AND workspace = ?9"
	" AND client_org = ?1 AND expires_us > ?6 RETURNING scope, principal, auth_us";

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
control(const char *text)
{
	must(sqlite3_exec(db, text, NULL, NULL, NULL));
}

static void
bind(sqlite3_stmt *q, int at, const void *bytes, size_t len)
{
	must(sqlite3_bind_blob(q, at, bytes, (int)len, SQLITE_TRANSIENT));
}

static struct uuid
id_of(enum thing thing, uint32_t number)
{
	return shape_id(thing, 0, number);
}

static void
bind_places(sqlite3_stmt *q, uint32_t family)
{
	struct uuid org = id_of(THING_ORG, 0), id = id_of(THING_CREDENTIAL, family);
	bind(q, 1, org.bytes, 16);
	bind(q, 2, id.bytes, 16);
}

static void
seed(void)
{
	struct uuid workspace = id_of(THING_WORKSPACE, 0), client = id_of(THING_PRINCIPAL, 0);
	sqlite3_stmt *q;
	control("BEGIN IMMEDIATE");
	must(sqlite3_prepare_v2(db, INSERT, -1, &q, NULL));
	for (uint32_t i = 0; i < options.families; i++) {
		struct uuid user = id_of(THING_PRINCIPAL, i + 1);
		random_bytes(hashes[i], SHA256_LEN);
		bind_places(q, i);
		bind(q, 3, workspace.bytes, 16);
		bind(q, 4, client.bytes, 16);
		bind(q, 5, user.bytes, 16);
		bind(q, 6, hashes[i], SHA256_LEN);
		must(sqlite3_step(q));
		must(sqlite3_reset(q));
	}
	sqlite3_finalize(q);
	control("COMMIT; PRAGMA wal_checkpoint(TRUNCATE)");
}

static void
rotate(sqlite3_stmt *q, struct refresh *r)
{
	struct uuid workspace = id_of(THING_WORKSPACE, 0), client = id_of(THING_PRINCIPAL, 0);
	int64_t now_us = clock_now_us();
	bind_places(q, r->family);
	bind(q, 3, hashes[r->family], SHA256_LEN);
	bind(q, 4, r->next_hash, SHA256_LEN);
	must(sqlite3_bind_int64(q, 5, 1));
	must(sqlite3_bind_int64(q, 6, now_us));
	must(sqlite3_bind_int64(q, 7, now_us + 1209600 * US_PER_S));
	bind(q, 8, client.bytes, 16);
	bind(q, 9, workspace.bytes, 16);
	if (sqlite3_step(q) != SQLITE_ROW)
		die("sqlite", "no family was rotated");
	must(sqlite3_step(q));
	must(sqlite3_reset(q));
	memcpy(hashes[r->family], r->next_hash, SHA256_LEN);
}

static void *
write_all(void *arg)
{
	sqlite3_stmt *q;
	(void)arg;
	must(sqlite3_prepare_v2(db, ROTATE, -1, &q, NULL));
	mutex_lock(&mutex);
	while (!ends) {
		struct refresh *batch = waiting, *last = NULL;
		if (!batch) {
			cond_wait(&changed, &mutex);
			continue;
		}
		waiting = NULL;
		mutex_unlock(&mutex);
		control("BEGIN IMMEDIATE");
		for (struct refresh *r = batch; r; r = r->next) {
			rotate(q, r);
			last = r;
		}
		control("COMMIT");
		mutex_lock(&mutex);
		last->next = finished;
		finished = batch;
		pthread_cond_broadcast(&changed);
	}
	mutex_unlock(&mutex);
	sqlite3_finalize(q);
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

/* A new store, with the server's own schema; then opened as the server does. */
static void
open_store(void)
{
	const struct store_options store_options = {
		.path = options.place,
		.readers = 1,
		.queue_max = 1,
		.read_queue_max = 1,
		.busy_timeout_ms = 1000,
		.fresh_only = true,
	};
	struct store *store = NULL;
	struct error err = {0};
	if (store_open(&store, &store_options, &err) != OK)
		die(err.code, err.text);
	store_close(&store);
	must(sqlite3_open_v2(options.place, &db, SQLITE_OPEN_READWRITE, NULL));
	control("PRAGMA synchronous = FULL; PRAGMA cache_size = -2048; PRAGMA secure_delete = ON");
}

int
main(int argc, char **argv)
{
	uint32_t *const counts[] = {&options.families, &options.connections, &options.seconds};
	struct error err = {0};
	if (argc != 2 + (int)ARRAY_LEN(counts))
		die("usage", "refresh_limit FILE FAMILIES CONNECTIONS SECONDS");
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
	seed();
	measure();
	sqlite3_close(db);
	free(hashes);
	return 0;
}
