#include "support.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A disk that is full or broken, at each moment: a clear answer, and never half a change. */

static void
test_faults__a_failed_commit_refuses_the_whole_batch(void **state)
{
	struct fixture *f = *state;
	struct adding hold, good[3], bad;
	struct counter entered, go, answered;
	struct error err = {0};
	counter_init(&entered);
	counter_init(&go);
	counter_init(&answered);
	adding_init(&hold, &answered, "hold@example.com");
	hold.entered = &entered;
	hold.hold = &go;
	assert_int_equal(store_change(f->store, &hold.job, &err), OK);
	counter_wait(&entered, 1);
	store_fail_write(f->store, 1);
	counter_add(&go, 1);
	counter_wait(&answered, 1);
	assert_true(store_failed(f->store));
	assert_int_equal(hold.status, ERR_BUSY);
	assert_string_equal(hold.code, "store-unavailable");
	assert_false(person_is_there(f->store, hold.person));

	/* The store works again as soon as the disk does. */
	for (unsigned i = 0; i < 3; i++) {
		char email[32];
		snprintf(email, sizeof(email), "g%u@example.com", i);
		adding_init(&good[i], &answered, email);
		assert_int_equal(store_change(f->store, &good[i].job, &err), OK);
	}
	counter_wait(&answered, 4);
	adding_init(&bad, NULL, "g0@example.com");
	assert_int_equal(store_change_wait(f->store, &bad.job, &err), ERR_CONFLICT);
	assert_int_equal(count_persons(f->store), 3);
	counter_clear(&entered);
	counter_clear(&go);
	counter_clear(&answered);
}

/* Every write of a change fails once, in turn: it is there if and only if it was answered OK. */
static void
test_faults__each_write_in_turn(void **state)
{
	struct fixture *f = *state;
	unsigned refused = 0;
	int64_t there = 0;
	for (int n = 1;; n++) {
		struct adding a;
		struct error err = {0};
		char email[32];
		snprintf(email, sizeof(email), "w%d@example.com", n);
		adding_init(&a, NULL, email);
		a.rows = 20;
		store_fail_write(f->store, n);
		enum status rc = store_change_wait(f->store, &a.job, &err);
		bool failed = store_failed(f->store);
		store_fail_write(f->store, 0);
		assert_true(rc == OK || rc == ERR_BUSY);
		if (rc == OK)
			there += 20;
		else
			refused++;
		assert_int_equal(person_is_there(f->store, a.person), rc == OK);
		assert_int_equal(count_persons(f->store), there);
		if (!failed)
			break;
		assert_true(n < 500);
	}
	assert_true(refused > 2);
	store_close(&f->store);
	fixture_open(f);
	assert_int_equal(count_persons(f->store), there);
}

/* The same with steps: a look-up that fails is an error, never an absence. */
static void
test_faults__each_step_in_turn(void **state)
{
	struct fixture *f = *state;
	int64_t there = 0;
	for (int n = 1;; n++) {
		struct adding a;
		struct error err = {0};
		char email[32];
		snprintf(email, sizeof(email), "s%d@example.com", n);
		adding_init(&a, NULL, email);
		a.rows = 3;
		store_fail_next(f->store, n);
		enum status rc = store_change_wait(f->store, &a.job, &err);
		bool failed = store_failed(f->store);
		store_fail_next(f->store, 0);
		assert_true(rc == OK || rc == ERR_BUSY);
		there += rc == OK ? 3 : 0;
		assert_int_equal(count_persons(f->store), there);
		if (!failed)
			break;
		assert_true(n < 100);
	}
}

static struct store *failing; /* whose write fails */

/* Fails the first write from the moment it runs, and then writes more than fits into memory. */
static enum status
greedy_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct adding *a = (struct adding *)job;
	if (a->runs == 0)
		store_fail_write(failing, 1);
	return adding_run(job, tx, err);
}

/* The same, and does not care. */
static enum status
careless_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct error ignored = {0};
	(void)err;
	enum status rc = greedy_run(job, tx, &ignored);
	return rc == OK ? rc : OK;
}

struct told {
	unsigned calls;
	size_t count;
};

static void
tell(void *context, struct uuid incarnation, const struct touched *touched, size_t count)
{
	struct told *told = context;
	(void)incarnation;
	(void)touched;
	told->calls++;
	told->count += count;
}

static void
one_costs_the_transaction(struct fixture *f,
	enum status (*run)(struct store_job *job, struct tx *tx, struct error *err))
{
	struct adding hold, jobs[5];
	struct counter entered, go, answered;
	struct told told = {0};
	struct error err = {0};
	failing = f->store;
	store_on_commit(f->store, tell, &told);
	counter_init(&entered);
	counter_init(&go);
	counter_init(&answered);
	adding_init(&hold, &answered, "hold@example.com");
	hold.entered = &entered;
	hold.hold = &go;
	assert_int_equal(store_change(f->store, &hold.job, &err), OK);
	counter_wait(&entered, 1);
	for (unsigned i = 0; i < 5; i++) {
		char email[32];
		snprintf(email, sizeof(email), "r%u@example.com", i);
		adding_init(&jobs[i], &answered, email);
		jobs[i].touches = 1;
		if (i == 2) {
			jobs[i].rows = 60;
			jobs[i].extra = 100000;
			jobs[i].job.run = run;
		}
		if (i == 3)
			jobs[i].fails_with = ERR_FORBIDDEN;
		assert_int_equal(store_change(f->store, &jobs[i].job, &err), OK);
	}
	counter_add(&go, 1);
	counter_wait(&answered, 6);
	assert_true(store_failed(f->store));
	for (unsigned i = 0; i < 5; i++) {
		enum status wanted = i == 2 ? ERR_BUSY : i == 3 ? ERR_FORBIDDEN : OK;
		assert_int_equal(jobs[i].status, wanted);
		assert_int_equal(jobs[i].answers, 1);
		assert_int_equal(person_is_there(f->store, jobs[i].person), wanted == OK);
	}
	assert_int_equal(jobs[2].runs, 1);
	assert_int_equal(count_persons(f->store), 4);
	assert_true(told.calls >= 1);
	assert_int_equal(told.count, 3);
	counter_clear(&entered);
	counter_clear(&go);
	counter_clear(&answered);
}

static void
test_faults__the_others_are_run_again(void **state)
{
	one_costs_the_transaction(*state, greedy_run);
}

static void
test_faults__nor_can_a_careless_job_hide_it(void **state)
{
	one_costs_the_transaction(*state, careless_run);
}

/* A real limit of the system instead of the test's: files may not grow. In a child. */
static int
full_disk_main(struct fixture *f)
{
	struct error err = {0};
	struct adding one, big, small;
	struct rlimit limit = {0};
	signal(SIGXFSZ, SIG_IGN);
	adding_init(&one, NULL, "one@example.com");
	adding_init(&big, NULL, "big@example.com");
	adding_init(&small, NULL, "small@example.com");
	big.rows = 40;
	big.extra = 100000;
	if (store_open(&f->store, &f->options, &err) != OK ||
		store_change_wait(f->store, &one.job, &err) != OK)
		return 1;
	getrlimit(RLIMIT_FSIZE, &limit);
	rlim_t before = limit.rlim_cur;
	limit.rlim_cur = (rlim_t)1024 * 1024;
	if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
		return 2;
	if (store_change_wait(f->store, &big.job, &err) != ERR_BUSY)
		return 3;
	error_clear(&err);
	limit.rlim_cur = before;
	setrlimit(RLIMIT_FSIZE, &limit);
	if (store_change_wait(f->store, &small.job, &err) != OK)
		return 4;
	store_close(&f->store);
	return 0;
}

static void
test_faults__a_full_disk(void **state)
{
	struct fixture *f = *state;
	int ended = -1;
	store_close(&f->store);
	pid_t child = fork();
	if (child == 0)
		_exit(full_disk_main(f));
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_true(WIFEXITED(ended));
	assert_int_equal(WEXITSTATUS(ended), 0);
	fixture_open(f);
	assert_int_equal(count_persons(f->store), 2);
}

/* Another program holds the file: an answer in the time that the options give, not a wait. */
static void
test_faults__a_file_held_by_another(void **state)
{
	struct fixture *f = *state;
	struct adding one, two;
	struct error err = {0};
	sqlite3 *other = NULL;
	adding_init(&one, NULL, "one@example.com");
	adding_init(&two, NULL, "two@example.com");
	store_close(&f->store);
	f->options.busy_timeout_ms = 20;
	fixture_open(f);
	assert_int_equal(sqlite3_open(f->path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(store_change_wait(f->store, &one.job, &err), ERR_BUSY);
	assert_string_equal(err.code, "store-unavailable");
	assert_int_equal(count_persons(f->store), 0);
	assert_int_equal(sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(other);
	error_clear(&err);
	assert_int_equal(store_change_wait(f->store, &two.job, &err), OK);
	assert_int_equal(count_persons(f->store), 1);
}

/* The files may not grow any more, while the log still holds what could be copied back: small
 * changes go on, in the room that the log has. In a child. */
static int
no_growth_main(struct fixture *f)
{
	struct error err = {0};
	struct rlimit limit = {0};
	struct stat st;
	char wal[128];
	unsigned good = 0;
	signal(SIGXFSZ, SIG_IGN);
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	if (store_open(&f->store, &f->options, &err) != OK)
		return 1;
	for (unsigned i = 0; i < 200; i++) {
		struct adding a;
		char email[32];
		snprintf(email, sizeof(email), "s%u@example.com", i);
		adding_init(&a, NULL, email);
		error_clear(&err);
		good += store_change_wait(f->store, &a.job, &err) == OK;
		if (i != 100)
			continue;
		if (good != 101 || stat(wal, &st) != 0 || getrlimit(RLIMIT_FSIZE, &limit) != 0)
			return 2;
		limit.rlim_cur = (rlim_t)st.st_size;
		if (setrlimit(RLIMIT_FSIZE, &limit) != 0)
			return 3;
	}
	store_close(&f->store);
	return good >= 190 ? 0 : 4;
}

static void
test_faults__a_full_disk_is_lived_with(void **state)
{
	struct fixture *f = *state;
	int ended = -1;
	store_close(&f->store);
	pid_t child = fork();
	if (child == 0)
		_exit(no_growth_main(f));
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_true(WIFEXITED(ended));
	assert_int_equal(WEXITSTATUS(ended), 0);
	fixture_open(f);
	assert_true(count_persons(f->store) >= 190);
}

/* Much is written while readers come and go: the log is copied back and starts anew. */
static void
test_faults__the_log_stays_bounded(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct stat st;
	char wal[128];
	for (unsigned i = 0; i < 60; i++) {
		struct adding a;
		char email[32];
		snprintf(email, sizeof(email), "big%u@example.com", i);
		adding_init(&a, NULL, email);
		a.rows = 10;
		a.extra = 100000;
		assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
		assert_int_equal(count_persons(f->store), (i + 1) * 10);
	}
	snprintf(wal, sizeof(wal), "%s-wal", f->path);
	assert_int_equal(stat(wal, &st), 0);
	assert_true(st.st_size < 20 * 1024 * 1024); /* of 60 MB written */
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_faults__a_failed_commit_refuses_the_whole_batch),
		CASE(test_faults__each_write_in_turn),
		CASE(test_faults__each_step_in_turn),
		CASE(test_faults__the_others_are_run_again),
		CASE(test_faults__nor_can_a_careless_job_hide_it),
		CASE(test_faults__a_full_disk),
		CASE(test_faults__a_full_disk_is_lived_with),
		CASE(test_faults__a_file_held_by_another),
		CASE(test_faults__the_log_stays_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
