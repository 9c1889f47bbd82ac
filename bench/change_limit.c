/*
 * What an engine can do: the rows of one change (a group is made: its row, its record, its
 * organisation's head, and where nodes follow each other its row of the feed) in a bare loop on the
 * schema and settings of a store, so many changes a commit. Prints JSON.
 *
 * usage: change_limit FILE|postgres://… ORGANISATIONS CHANGES-A-COMMIT SESSIONS SECONDS
 *
 * On PostgreSQL each session sends a whole commit at once (pipeline mode), each of one
 * organisation; SQLite has one session, whose commits mix organisations.
 */
#include <endian.h>
#include <libpq-fe.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/thread.h"
#include "shape.h"
#include "store/store.h"

enum { HEAD, GROUP, RECORD, FEED, STATEMENTS };
static const char *const TEXTS[STATEMENTS] = {
	"UPDATE orgs SET revision = $2, head = $3 WHERE org = $1",
	"INSERT INTO groups (org, grp, name, description, created_us, changed)"
	" VALUES ($1, $2, $3, $4, $5, $6)",
	"INSERT INTO records (org, revision, part, time_us, actor, actor_kind, actor_org, "
	"credential,"
	" address, action, subject_kind, subject, salt, body, digest, hash)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
	"INSERT INTO feed (org, revision, made_us, views) VALUES ($1, $2, $3, $4)",
};
static const char *const ADD_ORG =
	"INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission, next_role,"
	" created_us, changed) VALUES ($1, 'bench', 1, 0, 0, $2, 1024, 0, 0, 0)";
#define BODY                                                                                       \
	"{\"before\":null,\"after\":{\"id\":\"01a20083-92ba-7a6c-a669-9936d0373f67\","             \
	"\"name\":\"g-00000001\",\"description\":\"\",\"created_at\":\"2026-01-01T00:00:00."       \
	"000Z\","                                                                                  \
	"\"changed\":17}}"

/* A value on its way to either engine. */
struct value {
	enum { INT, TEXT, BYTES } type;
	int64_t number;
	const void *at;
	int len;
};
#define VALUES_MAX 16
#define I(n) ((struct value){.type = INT, .number = (n)})
#define T(literal) ((struct value){TEXT, 0, literal, (int)sizeof(literal) - 1})
#define U(id) ((struct value){BYTES, 0, (id)->bytes, 16})
#define B(bytes_) ((struct value){BYTES, 0, bytes_, (int)sizeof(bytes_)})

struct session {
	pthread_t thread;
	sqlite3 *db;
	sqlite3_stmt *statements[STATEMENTS];
	PGconn *pg;
	uint32_t first, last; /* its organisations */
	int64_t commits;
};

static struct {
	const char *place;
	bool shared;
	uint32_t orgs, batch, sessions, seconds;
} options;
static int64_t *revisions; /* of each organisation */
static int64_t until_us;

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "change_limit: %s: %s\n", what, why);
	exit(1);
}

static void
must(const struct session *s, int rc)
{
	if (rc != SQLITE_OK && rc != SQLITE_DONE)
		die("sqlite", sqlite3_errmsg(s->db));
}

static void
run_sqlite(struct session *s, int which, const struct value *values, int count)
{
	sqlite3_stmt *q = s->statements[which];
	for (int i = 0; i < count; i++) {
		const struct value *v = &values[i];
		/* To this engine "$2" is a name: its place is where it stands first. */
		char name[8];
		snprintf(name, sizeof(name), "$%d", i + 1);
		int at = sqlite3_bind_parameter_index(q, name);
		if (v->type == INT)
			must(s, sqlite3_bind_int64(q, at, v->number));
		else if (v->type == TEXT)
			must(s, sqlite3_bind_text(q, at, v->at, v->len, SQLITE_STATIC));
		else
			must(s, sqlite3_bind_blob(q, at, v->at, v->len, SQLITE_STATIC));
	}
	must(s, sqlite3_step(q));
	must(s, sqlite3_reset(q));
}

static void
run_pgsql(struct session *s, int which, const struct value *values, int count)
{
	const char *texts[VALUES_MAX];
	int lens[VALUES_MAX], formats[VALUES_MAX];
	uint64_t numbers[VALUES_MAX];
	char name[2] = {(char)('a' + which), '\0'};
	for (int i = 0; i < count; i++) {
		bool is_int = values[i].type == INT;
		numbers[i] = htobe64((uint64_t)values[i].number);
		texts[i] = is_int ? (const char *)&numbers[i] : values[i].at;
		lens[i] = is_int ? 8 : values[i].len;
		formats[i] = 1;
	}
	if (PQsendQueryPrepared(s->pg, name, count, texts, lens, formats, 0) != 1)
		die("postgresql", PQerrorMessage(s->pg));
}

static void
run(struct session *s, int which, const struct value *values, int count)
{
	if (s->pg)
		run_pgsql(s, which, values, count);
	else
		run_sqlite(s, which, values, count);
}

/* The rows that one change leaves. */
static void
change(struct session *s, uint32_t number)
{
	uint8_t hash[32] = {(uint8_t)number}, salt[16] = {1}, views[34] = {2};
	struct uuid org = shape_id(THING_ORG, number, 0), group = uuid_new();
	struct uuid actor = shape_id(THING_PRINCIPAL, number, 0);
	char name[UUID_TEXT_LEN + 1];
	int64_t revision = ++revisions[number], now_us = clock_now_us();

	uuid_format(name, group);
	const struct value text = {TEXT, 0, name, UUID_TEXT_LEN};
	run(s, HEAD, (struct value[]){U(&org), I(revision), B(hash)}, 3);
	run(s, GROUP, (struct value[]){U(&org), U(&group), text, T(""), I(now_us), I(revision)}, 6);
	run(s, RECORD,
		(struct value[]){U(&org), I(revision), I(0), I(now_us), U(&actor), I(4), U(&org),
			U(&actor), T("127.0.0.1"), T("groups.create"), T("group"), text, B(salt),
			T(BODY), B(hash), B(hash)},
		16);
	if (options.shared)
		run(s, FEED, (struct value[]){U(&org), I(revision), I(now_us), B(views)}, 4);
}

static void
control(struct session *s, const char *text)
{
	if (!s->pg)
		must(s, sqlite3_exec(s->db, text, NULL, NULL, NULL));
	else if (PQsendQueryParams(s->pg, text, 0, NULL, NULL, NULL, NULL, 0) != 1)
		die("postgresql", PQerrorMessage(s->pg));
}

/* Everything that was sent up to here has succeeded. */
static void
settle(struct session *s)
{
	if (PQpipelineSync(s->pg) != 1)
		die("postgresql", PQerrorMessage(s->pg));
	for (;;) {
		PGresult *result = PQgetResult(s->pg);
		ExecStatusType status = PQresultStatus(result);
		if (result && status != PGRES_COMMAND_OK && status != PGRES_PIPELINE_SYNC)
			die("postgresql", PQerrorMessage(s->pg));
		PQclear(result);
		if (status == PGRES_PIPELINE_SYNC)
			return;
	}
}

static void *
session_main(void *arg)
{
	struct session *s = arg;
	uint32_t org = s->first;

	while (clock_mono_us() < until_us) {
		control(s, s->pg ? "BEGIN" : "BEGIN IMMEDIATE");
		for (uint32_t i = 0; i < options.batch; i++) {
			change(s, org);
			if (!s->pg)
				org = org + 1 < s->last ? org + 1 : s->first;
		}
		control(s, "COMMIT");
		if (s->pg) {
			settle(s);
			org = org + 1 < s->last ? org + 1 : s->first;
		}
		s->commits++;
	}
	return NULL;
}

static void
open_session(struct session *s, uint32_t number)
{
	s->first = (uint32_t)((uint64_t)options.orgs * number / options.sessions);
	s->last = (uint32_t)((uint64_t)options.orgs * (number + 1) / options.sessions);
	if (!options.shared) {
		must(s, sqlite3_open_v2(options.place, &s->db, SQLITE_OPEN_READWRITE, NULL));
		control(s,
			"PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;"
			"PRAGMA secure_delete = ON");
		for (int i = 0; i < STATEMENTS; i++)
			must(s, sqlite3_prepare_v2(s->db, TEXTS[i], -1, &s->statements[i], NULL));
		return;
	}
	s->pg = PQconnectdb(options.place);
	if (PQstatus(s->pg) != CONNECTION_OK)
		die("postgresql", PQerrorMessage(s->pg));
	for (int i = 0; i < STATEMENTS; i++) {
		char name[2] = {(char)('a' + i), '\0'};
		PQclear(PQprepare(s->pg, name, TEXTS[i], 0, NULL));
	}
	if (PQenterPipelineMode(s->pg) != 1)
		die("postgresql", "no pipeline mode");
}

static void
close_session(struct session *s)
{
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(s->statements[i]);
	sqlite3_close(s->db);
	PQfinish(s->pg);
}

struct founding {
	struct store_job job; /* first */
};

static enum status
found_run(struct store_job *job, struct tx *tx, struct error *err)
{
	const struct sql sql = {ADD_ORG};
	const uint8_t head[32] = {0};
	enum status rc = OK;

	(void)job;
	for (uint32_t i = 0; i < options.orgs && rc == OK; i++) {
		struct query q;
		rc = query_begin(&q, tx, &sql, err);
		if (rc != OK)
			return rc;
		query_bind_uuid(&q, 1, shape_id(THING_ORG, i, 0));
		query_bind_bytes(&q, 2, head, sizeof(head));
		rc = query_run(&q, NULL, err);
	}
	return rc;
}

/* A new store, with the server's own schema and settings. */
static void
found(void)
{
	struct founding founding = {.job = {.run = found_run}};
	const struct store_options store_options = {
		.path = options.shared ? NULL : options.place,
		.url = options.shared ? options.place : NULL,
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
		rc = store_change_wait(store, &founding.job, &err);
	if (rc != OK)
		die(err.code, err.text);
	store_close(&store);
}

static void
measure(void)
{
	struct session *sessions = calloc(options.sessions, sizeof(*sessions));
	struct error err = {0};
	int64_t commits = 0;

	if (!sessions)
		die("memory", "is not enough");
	for (uint32_t i = 0; i < options.sessions; i++)
		open_session(&sessions[i], i);
	int64_t start_us = clock_mono_us();
	until_us = start_us + options.seconds * US_PER_S;
	for (uint32_t i = 0; i < options.sessions; i++) {
		if (thread_start(&sessions[i].thread, "session", session_main, &sessions[i], &err))
			die(err.code, err.text);
	}
	for (uint32_t i = 0; i < options.sessions; i++) {
		pthread_join(sessions[i].thread, NULL);
		commits += sessions[i].commits;
	}
	double seconds = (double)(clock_mono_us() - start_us) / 1e6;
	printf("{\"commits\":%lld,\"commits_s\":%.0f,\"changes_s\":%.0f}\n", (long long)commits,
		(double)commits / seconds, (double)commits * options.batch / seconds);
	for (uint32_t i = 0; i < options.sessions; i++)
		close_session(&sessions[i]);
	free(sessions);
}

int
main(int argc, char **argv)
{
	uint32_t *const counts[] = {
		&options.orgs, &options.batch, &options.sessions, &options.seconds};
	if (argc != 2 + (int)ARRAY_LEN(counts))
		die("usage",
			"change_limit FILE|postgres://… ORGANISATIONS CHANGES-A-COMMIT SESSIONS "
			"SECONDS");
	options.place = argv[1];
	options.shared = strncmp(options.place, "postgres", 8) == 0;
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		int64_t value = 0;
		if (!str_to_i64(str_from(argv[2 + i]), &value) || value < 1 || value > 1000000)
			die(argv[2 + i], "is no count");
		*counts[i] = (uint32_t)value;
	}
	if (options.sessions > options.orgs || (!options.shared && options.sessions > 1))
		die("sessions", "are as many as organisations at most; SQLite has one");
	revisions = calloc(options.orgs, sizeof(*revisions));
	if (!revisions)
		die("memory", "is not enough");
	found();
	measure();
	free(revisions);
	return 0;
}
