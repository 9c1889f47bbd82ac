#include "support.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* What is PostgreSQL's alone: sessions that are cut, several processes, several threads. */

static const char *const cut_all =
	"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
	"WHERE application_name = 'thingward' AND datname = current_database()";

static enum status
add(struct store *store, struct adding *a, const char *email)
{
	struct error err = {0};
	adding_init(a, NULL, email);
	enum status rc = store_change_wait(store, &a->job, &err);
	snprintf(a->code, sizeof(a->code), "%s", err.code ? err.code : "");
	return rc;
}

static void
test_pgsql__cut_sessions_are_made_anew(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	for (unsigned i = 0; i < 5; i++) {
		char email[32];
		snprintf(email, sizeof(email), "c%u@example.com", i);
		assert_int_equal(add(f->store, &a, email), OK);
		assert_true(database_run(f->url, cut_all) >= 2);
		assert_true(person_is_there(f->store, a.person));
	}
	assert_int_equal(count_persons(f->store), 5);
}

/* Cuts its own session in the middle, the first time. */
static enum status
cutting_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct adding *a = (struct adding *)job;
	static const struct sql CUT = SQL("SELECT CASE WHEN pg_terminate_backend(pg_backend_pid()) "
					  "THEN 1 ELSE 0 END");
	struct query q;
	if (a->runs > 0)
		return adding_run(job, tx, err);
	enum status rc = adding_run(job, tx, err);
	if (rc == OK)
		rc = query_begin(&q, tx, &CUT, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

static void
test_pgsql__a_job_whose_session_is_cut_runs_again(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	struct error err = {0};
	adding_init(&a, NULL, "again@example.com");
	a.job.run = cutting_run;
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	assert_int_equal(a.runs, 2);
	assert_int_equal(count_persons(f->store), 1);
}

/* Statements of PL/pgSQL that run when a person that was added is committed. */
static void
do_at_commit(const struct fixture *f, const char *statements)
{
	char sql[512];
	snprintf(sql, sizeof(sql),
		"CREATE FUNCTION committing() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN %s; END'",
		statements);
	database_run(f->url, sql);
	database_run(f->url,
		"CREATE CONSTRAINT TRIGGER committing AFTER INSERT ON persons DEFERRABLE "
		"INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION committing()");
}

/* The session ends while it commits: nobody can know what became of it. */
static void
test_pgsql__a_cut_commit_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	do_at_commit(f, "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL");
	assert_int_equal(add(f->store, &a, "unknown@example.com"), ERR_BUSY);
	assert_string_equal(a.code, "outcome-unknown");
	database_run(f->url, "DROP TRIGGER committing ON persons");
	assert_int_equal(add(f->store, &a, "known@example.com"), OK);
	assert_int_equal(count_persons(f->store), 1);
}

/* A commit that the server refuses is undone, and that is certain. */
static void
test_pgsql__a_refused_commit_is_known(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	do_at_commit(f, "RAISE SQLSTATE ''53100''");
	assert_int_equal(add(f->store, &a, "full@example.com"), ERR_BUSY);
	assert_string_equal(a.code, "store-unavailable");
	database_run(f->url, "DROP TRIGGER committing ON persons");
	assert_int_equal(add(f->store, &a, "room@example.com"), OK);
	assert_int_equal(count_persons(f->store), 1);
}

/* A serialization failure is nobody's fault: the batch runs again. */
static void
test_pgsql__a_chance_failure_runs_again(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	database_run(f->url, "CREATE SEQUENCE tries");
	database_run(f->url,
		"CREATE FUNCTION luck() RETURNS trigger LANGUAGE plpgsql AS "
		"'BEGIN IF nextval(''tries'') < 3 THEN RAISE SQLSTATE ''40001''; "
		"END IF; RETURN NEW; END'");
	database_run(f->url,
		"CREATE TRIGGER luck BEFORE INSERT ON persons "
		"FOR EACH ROW EXECUTE FUNCTION luck()");
	assert_int_equal(add(f->store, &a, "luck@example.com"), OK);
	assert_int_equal(a.runs, 3);
	database_run(f->url, "ALTER SEQUENCE tries MINVALUE -1000 RESTART WITH -1000");
	assert_int_equal(add(f->store, &a, "none@example.com"), ERR_BUSY);
	assert_int_equal(a.runs, 5);
	assert_int_equal(count_persons(f->store), 1);
}

static void
test_pgsql__a_slow_statement_is_ended(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	f->options.statement_timeout_ms = 100;
	fixture_open(f);
	database_run(f->url,
		"CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS "
		"'BEGIN PERFORM pg_sleep(20); RETURN NEW; END'");
	database_run(f->url,
		"CREATE TRIGGER slow BEFORE INSERT ON persons "
		"FOR EACH ROW EXECUTE FUNCTION slow()");
	assert_int_equal(add(f->store, &a, "slow@example.com"), ERR_BUSY);
	assert_string_equal(a.code, "store-unavailable");
	database_run(f->url, "DROP TRIGGER slow ON persons");
	assert_int_equal(add(f->store, &a, "fast@example.com"), OK);
}

/* Changes a setting of the server, and waits until all its sessions have heard of it. */
static void
set(struct fixture *f, const char *name, const char *value)
{
	char sql[128];
	snprintf(sql, sizeof(sql), "ALTER SYSTEM SET %s = '%s'", name, value);
	database_run(f->url, sql);
	database_run(f->url, "SELECT CASE WHEN pg_reload_conf() THEN 1 ELSE 0 END");
	snprintf(sql, sizeof(sql),
		"SELECT CASE WHEN current_setting('%s') = '%s' THEN 1 ELSE 0 END", name, value);
	while (database_run(f->url, sql) == 0)
		usleep(1000);
}

#define STANDBYS "synchronous_standby_names"

/* The synchronous standby is away: nobody may be told that the change will stay. */
static void
test_pgsql__an_unconfirmed_commit_is_unknown(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	f->options.statement_timeout_ms = 100;
	fixture_open(f);
	set(f, STANDBYS, "nobody");
	assert_int_equal(add(f->store, &a, "waits@example.com"), ERR_BUSY);
	assert_string_equal(a.code, "outcome-unknown");
	set(f, STANDBYS, "");
	assert_int_equal(add(f->store, &a, "stays@example.com"), OK);
	assert_true(person_is_there(f->store, a.person));
}

/* … nor when somebody ends the waiting: the server then tells of success, with a warning. */
static void
test_pgsql__a_commit_with_a_warning_is_unknown(void **state)
{
	static const char *const cancel =
		"SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity "
		"WHERE application_name = 'thingward' AND wait_event = 'SyncRep'";
	struct fixture *f = *state;
	struct counter answered;
	struct error err = {0};
	struct adding a;
	counter_init(&answered);
	adding_init(&a, &answered, "warned@example.com");
	set(f, STANDBYS, "nobody");
	assert_int_equal(store_change(f->store, &a.job, &err), OK);
	while (database_run(f->url, cancel) == 0)
		usleep(1000);
	counter_wait(&answered, 1);
	assert_string_equal(a.code, "outcome-unknown");
	set(f, STANDBYS, "");
	counter_clear(&answered);
}

/* A server that does not answer at all is given up in time. */
static void
test_pgsql__a_silent_server_is_given_up(void **state)
{
	static const char *const one = "SELECT min(pid) FROM pg_stat_activity WHERE pid > %lld AND"
				       " application_name = 'thingward' AND"
				       " datname = current_database()";
	struct fixture *f = *state;
	struct adding a;
	char sql[160];
	pid_t stopped[8];
	unsigned count = 0;
	f->options.statement_timeout_ms = 100;
	f->options.writers = 1;
	fixture_open(f);
	for (int64_t pid = 0; count < ARRAY_LEN(stopped); count++) {
		snprintf(sql, sizeof(sql), one, (long long)pid);
		pid = database_run(f->url, sql);
		if (pid == 0)
			break;
		stopped[count] = (pid_t)pid;
	}
	assert_true(count >= 2);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(kill(stopped[i], SIGSTOP), 0);
	assert_int_equal(add(f->store, &a, "silent@example.com"), ERR_BUSY);
	assert_string_equal(a.code, "store-unavailable");
	assert_int_equal(add(f->store, &a, "spoken@example.com"), OK);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(kill(stopped[i], SIGCONT), 0);
	assert_true(person_is_there(f->store, a.person));
	assert_int_equal(count_persons(f->store), 1);
}

/* A demoted primary takes no change, in the sessions that there are as well. */
static void
test_pgsql__a_demoted_primary_is_refused(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	assert_int_equal(add(f->store, &a, "before@example.com"), OK);
	set(f, "default_transaction_read_only", "on");
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(add(f->store, &a, "demoted@example.com"), ERR_BUSY);
		assert_string_equal(a.code, "store-unavailable");
	}
	set(f, "default_transaction_read_only", "off");
	while (add(f->store, &a, "again@example.com") != OK)
		usleep(10000);
	assert_int_equal(count_persons(f->store), 2);
}

/* Jobs of two organisations run at once; those of one never do. */
static void
test_pgsql__shards_run_beside_each_other(void **state)
{
	struct fixture *f = *state;
	struct adding a, b, c;
	struct counter entered, go, answered;
	struct error err = {0};
	counter_init(&entered);
	counter_init(&go);
	counter_init(&answered);
	adding_init(&a, &answered, "a@example.com");
	adding_init(&b, &answered, "b@example.com");
	adding_init(&c, &answered, "c@example.com");
	a.entered = b.entered = c.entered = &entered;
	a.hold = b.hold = c.hold = &go;
	a.job.shard = c.job.shard = uuid_new();
	b.job.shard = uuid_new();
	assert_int_equal(store_change(f->store, &a.job, &err), OK);
	assert_int_equal(store_change(f->store, &c.job, &err), OK);
	assert_int_equal(store_change(f->store, &b.job, &err), OK);
	counter_wait(&entered, 2);
	usleep(20000);
	assert_int_equal(counter_value(&entered), 2);
	counter_add(&go, 1);
	counter_wait(&answered, 3);
	assert_int_equal(count_persons(f->store), 3);
	counter_clear(&entered);
	counter_clear(&go);
	counter_clear(&answered);
}

/* Several processes start at once on an empty database: one schema, no error. */
static void
test_pgsql__many_start_together(void **state)
{
	struct fixture *f = *state;
	enum { NODES = 6, ROUNDS = 20 };
	for (unsigned round = 0; round < ROUNDS; round++) {
		pid_t nodes[NODES];
		database_run(f->url, "DROP SCHEMA public CASCADE");
		database_run(f->url, "CREATE SCHEMA public");
		for (unsigned i = 0; i < NODES; i++) {
			nodes[i] = fork();
			if (nodes[i] != 0)
				continue;
			struct error err = {0};
			if (store_open(&f->store, &f->options, &err) != OK) {
				fprintf(stderr, "%s (%s)\n", err.text, err.detail);
				_exit(1);
			}
			_exit(0);
		}
		for (unsigned i = 0; i < NODES; i++) {
			int ended = -1;
			assert_int_equal(waitpid(nodes[i], &ended, 0), nodes[i]);
			assert_int_equal(ended, 0);
		}
	}
	assert_int_equal(database_run(f->url, "SELECT count(*) FROM schema_migrations"),
		store_schema_version());
}

static void
assert_refused(struct fixture *f, enum status status, const char *code, const char *word)
{
	struct error err = {0};
	assert_int_equal(store_open(&f->store, &f->options, &err), status);
	assert_null(f->store);
	assert_string_equal(err.code, code);
	if (!strstr(err.text, word))
		fail_msg("no \"%s\" in: %s", word, err.text);
}

/* Whoever runs the server is told what to do, in its detail; who merely asks it is not: a server
 * that runs may be refused as well, when it connects anew. */
static void
assert_forbidden(struct fixture *f, const char *remedy)
{
	struct error err = {0};
	assert_int_equal(store_open(&f->store, &f->options, &err), ERR_BUSY);
	assert_null(f->store);
	assert_string_equal(err.code, "store-forbidden");
	assert_string_equal(
		err.text, "The database refuses this server a right; its log says which.");
	if (!strstr(err.detail, remedy) || !strstr(err.detail, "permission denied"))
		fail_msg("no \"%s\" in: %s", remedy, err.detail);
}

static void
test_pgsql__opening_says_what_is_wrong(void **state)
{
	struct fixture *f = *state;
	f->options.url = "postgres://nobody:hidden@127.0.0.1:1/none";
	assert_refused(f, ERR_BUSY, "store-unreachable", "127.0.0.1:1/none");
	f->options.url = "postgres://%zz";
	assert_refused(f, ERR_INVALID, "store-unreadable", "postgres://user@host");
	f->options.url = f->url;
	fixture_open(f);
	f->options.fresh_only = true;
	struct fixture other = *f;
	other.store = NULL;
	assert_refused(&other, ERR_INVALID, "store-not-empty", "in use");
	run_change(f->store,
		"INSERT INTO schema_migrations (version, name, digest, applied_us) "
		"SELECT version + 1000, name, digest, applied_us FROM schema_migrations");
	other.options.fresh_only = false;
	assert_refused(&other, ERR_INVALID, "store-too-new", "newer program");
}

/* Somebody who may come in, and do nothing. */
static void
test_pgsql__a_user_without_rights_is_told(void **state)
{
	struct fixture *f = *state;
	char role[32], sql[96], url[DATABASE_URL_MAX];
	const char *rest = strchr(f->url, '@');
	assert_non_null(rest);
	snprintf(role, sizeof(role), "weak_%d", (int)getpid());
	snprintf(sql, sizeof(sql), "CREATE ROLE %s LOGIN", role);
	database_run(f->url, sql);
	snprintf(url, sizeof(url), "postgres://%s%s", role, rest);
	f->options.url = url;
	assert_forbidden(f, "its owner");
	database_run(f->url, "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC");
	assert_forbidden(f, "GRANT EXECUTE ON FUNCTION pg_control_system()");
	database_run(f->url, "GRANT EXECUTE ON FUNCTION pg_control_system() TO PUBLIC");
	f->options.url = f->url;
	fixture_open(f);
	store_close(&f->store); /* the tables are another's now */
	f->options.url = url;
	assert_forbidden(f, "its owner");
	snprintf(sql, sizeof(sql), "DROP ROLE %s", role);
	database_run(f->url, sql);
}

static void
test_pgsql__texts_are_ordered_by_bytes(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	static const char *const emails[] = {"a@x", "B@x", "_@x", "\xc3\xa4@x", "Z@x", "b@x"};
	for (size_t i = 0; i < ARRAY_LEN(emails); i++)
		assert_int_equal(add(f->store, &a, emails[i]), OK);
	assert_int_equal(database_run(f->url,
				 "SELECT CASE WHEN array_agg(email ORDER BY email) = "
				 "array_agg(email ORDER BY convert_to(email, 'UTF8')) "
				 "THEN 1 ELSE 0 END FROM persons"),
		1);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_closed, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_pgsql__cut_sessions_are_made_anew),
		CASE(test_pgsql__a_job_whose_session_is_cut_runs_again),
		CASE(test_pgsql__a_cut_commit_is_unknown),
		CASE(test_pgsql__a_refused_commit_is_known),
		CASE(test_pgsql__a_chance_failure_runs_again),
		CLOSED(test_pgsql__a_slow_statement_is_ended),
		CLOSED(test_pgsql__an_unconfirmed_commit_is_unknown),
		CASE(test_pgsql__a_commit_with_a_warning_is_unknown),
		CLOSED(test_pgsql__a_silent_server_is_given_up),
		CASE(test_pgsql__a_demoted_primary_is_refused),
		CASE(test_pgsql__shards_run_beside_each_other),
		CLOSED(test_pgsql__many_start_together),
		CLOSED(test_pgsql__opening_says_what_is_wrong),
		CLOSED(test_pgsql__a_user_without_rights_is_told),
		CASE(test_pgsql__texts_are_ordered_by_bytes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
