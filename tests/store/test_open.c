#include "support.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/migrations.h"

/* Opening: what is refused, in which words, and what outlives the process. */

static void
assert_refused(struct fixture *f, enum status status, const char *code, const char *word)
{
	struct error err = {0};
	enum status rc = store_open(&f->store, &f->options, &err);
	if (rc == OK)
		fail_msg("opened, and should not have been: %s", f->options.path);
	assert_null(f->store);
	if (rc != status || strcmp(err.code, code) != 0)
		fail_msg("%s: %s (%s)", err.code, err.text, err.detail);
	if (!strstr(err.text, word))
		fail_msg("no \"%s\" in: %s", word, err.text);
}

static void
write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static mode_t
mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 0777;
}

static void
test_open__makes_the_last_folder_private(void **state)
{
	struct fixture *f = *state;
	char folder[96], path[160], file[200];
	snprintf(folder, sizeof(folder), "%s/var", f->folder);
	snprintf(path, sizeof(path), "%s/store.db", folder);
	f->options.path = path;
	mode_t before = umask(0);
	fixture_open(f);
	umask(before);
	assert_int_equal(mode_of(folder), 0700);
	assert_int_equal(mode_of(path), 0600);
	snprintf(file, sizeof(file), "%s-wal", path);
	assert_int_equal(mode_of(file), 0600);
	snprintf(file, sizeof(file), "%s.lock", path);
	assert_int_equal(mode_of(file), 0600);
	store_close(&f->store);
	f->options.path = f->path;
	snprintf(path, sizeof(path), "%s/none/var/store.db", f->folder);
	f->options.path = path;
	assert_refused(f, ERR_INVALID, "store-unreadable", "create it");
}

static void
test_open__keeps_what_was_written(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	struct error err = {0};
	fixture_open(f);
	adding_init(&a, NULL, "kept@example.com");
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	store_close(&f->store);
	f->options.fresh_only = true;
	assert_refused(f, ERR_INVALID, "store-not-empty", f->path);
	f->options.fresh_only = false;
	fixture_open(f);
	assert_true(person_is_there(f->store, a.person));
}

static void
test_open__a_second_server_is_refused(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	fixture_open(f);
	assert_refused(&other, ERR_BUSY, "store-locked", "stop that one");
	/* Another process: the lock goes with the one that holds it. */
	pid_t child = fork();
	if (child == 0) {
		struct error err = {0};
		enum status rc = store_open(&other.store, &other.options, &err);
		_exit(rc == ERR_BUSY && strcmp(err.code, "store-locked") == 0 ? 0 : 1);
	}
	int ended = -1;
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
	store_close(&f->store);
	fixture_open(f);
}

static void
test_open__for_reading_needs_no_lock(void **state)
{
	struct fixture *f = *state;
	struct fixture other = *f;
	struct adding a;
	struct error err = {0};
	other.options.read_only = true;
	assert_refused(&other, ERR_INVALID, "store-unreadable", "is not there");
	fixture_open(f);
	adding_init(&a, NULL, "seen@example.com");
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	fixture_open(&other);
	assert_true(person_is_there(other.store, a.person));
	assert_int_equal(store_change_wait(other.store, &a.job, &err), ERR_INVALID);
	assert_string_equal(err.code, "store-read-only");
	store_close(&other.store);
	store_close(&f->store);
	fixture_open(&other);
	assert_int_equal(count_persons(other.store), 1);
	store_close(&other.store);
}

static void
test_open__a_newer_schema_is_refused(void **state)
{
	struct fixture *f = *state;
	fixture_open(f);
	run_change(f->store,
		"INSERT INTO schema_migrations (version, name, digest, applied_us) "
		"SELECT version + 1000, name, digest, applied_us FROM schema_migrations");
	store_close(&f->store);
	assert_refused(f, ERR_INVALID, "store-too-new", "newer program");
	f->options.read_only = true;
	assert_refused(f, ERR_INVALID, "store-too-new", "newer program");
}

static void
test_open__an_edited_migration_is_refused(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(store_schema_version(), (int)store_migration_count);
	fixture_open(f);
	struct adding a;
	struct error err = {0};
	adding_init(&a, NULL, "digest@example.com");
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	/* Any bytes that are not the digest. */
	run_change(f->store,
		"UPDATE schema_migrations SET digest = (SELECT person FROM persons) WHERE version "
		"= 1");
	store_close(&f->store);
	assert_refused(f, ERR_CORRUPT, "store-migration-changed", f->path);
}

static void
test_open__other_files_are_left_alone(void **state)
{
	struct fixture *f = *state;
	char text[128];
	write_file(f->path,
		"This is a letter to my aunt, and it is longer than a header of "
		"a database would be, so that there is no doubt about it at all.");
	assert_refused(f, ERR_INVALID, "store-unreadable", "not a database");
	FILE *file = fopen(f->path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	assert_memory_equal(text, "This is a letter", 16);

	f->options.path = f->folder;
	assert_refused(f, ERR_INVALID, "store-unreadable", "is a folder");
	f->options.path = ":memory:";
	assert_refused(f, ERR_INVALID, "store-unreadable", "must be a file");
	f->options.path = "";
	assert_refused(f, ERR_INVALID, "store-unreadable", "must be a file");
	f->options.path = "/dev/null";
	assert_refused(f, ERR_INVALID, "store-unreadable", "/dev/null");
}

/* In a child without root's rights; 0 when it was refused as it should be. */
static int
refused_without_rights(struct fixture *f)
{
	struct error err = {0};
	if (geteuid() == 0 && (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534)))
		return 2;
	enum status rc = store_open(&f->store, &f->options, &err);
	bool said = rc == ERR_INVALID && strcmp(err.code, "store-unreadable") == 0 &&
		strstr(err.text, "right to its folder");
	if (!said)
		fprintf(stderr, "%d %s\n", (int)rc, err.text);
	return said ? 0 : 1;
}

static void
assert_refused_without_rights(struct fixture *f)
{
	int ended = -1;
	pid_t child = fork();
	if (child == 0)
		_exit(refused_without_rights(f));
	assert_int_equal(waitpid(child, &ended, 0), child);
	assert_int_equal(ended, 0);
}

static void
test_open__without_rights_says_so(void **state)
{
	struct fixture *f = *state;
	assert_int_equal(chmod(f->folder, 0), 0);
	assert_refused_without_rights(f);
	assert_int_equal(chmod(f->folder, 0755), 0);
	if (geteuid() == 0)
		assert_refused_without_rights(f);
	fixture_open(f);
	store_close(&f->store);
	assert_int_equal(chmod(f->folder, 0777), 0);
	assert_int_equal(chmod(f->path, 0), 0);
	assert_refused_without_rights(f);
}

/* Adds persons until it is killed; tells each that was answered OK. */
static void
burst_main(struct fixture *f, int out)
{
	struct error err = {0};
	if (store_open(&f->store, &f->options, &err) != OK)
		_exit(1);
	for (unsigned i = 0; i < 100000; i++) {
		struct adding a;
		char email[48];
		snprintf(email, sizeof(email), "b%d.%u@example.com", (int)getpid(), i);
		adding_init(&a, NULL, email);
		if (store_change_wait(f->store, &a.job, &err) != OK)
			_exit(1);
		if (write(out, a.person.bytes, 16) != 16)
			_exit(1);
	}
	_exit(0);
}

static unsigned
read_reported(int in, struct uuid *reported, unsigned max)
{
	unsigned count = 0;
	while (count < max && read(in, reported[count].bytes, 16) == 16)
		count++;
	return count;
}

static void
test_open__kill_loses_nothing_reported(void **state)
{
	struct fixture *f = *state;
	enum { ROUNDS = 5, EACH = 40, MAX = 5000 };
	struct uuid *reported = calloc(ROUNDS * MAX, sizeof(*reported));
	unsigned count = 0;
	assert_non_null(reported);
	for (unsigned round = 0; round < ROUNDS; round++) {
		int fds[2] = {-1, -1};
		assert_int_equal(pipe(fds), 0);
		pid_t child = fork();
		if (child == 0)
			burst_main(f, fds[1]);
		close(fds[1]);
		unsigned first = read_reported(fds[0], reported + count, EACH * (round + 1));
		assert_int_equal(first, EACH * (round + 1));
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		count += first;
		count += read_reported(fds[0], reported + count, MAX - first);
		close(fds[0]);
		if (round % 2 == 0) { /* a reader comes first to a store that was left as it fell */
			f->options.read_only = true;
			fixture_open(f);
			assert_true(person_is_there(f->store, reported[count - 1]));
			store_close(&f->store);
			f->options.read_only = false;
		}
		fixture_open(f);
		for (unsigned i = 0; i < count; i++)
			assert_true(person_is_there(f->store, reported[i]));
		assert_true(count_persons(f->store) >= count);
		store_close(&f->store);
	}
	free(reported);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_closed, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_open__makes_the_last_folder_private),
		CASE(test_open__keeps_what_was_written),
		CASE(test_open__a_second_server_is_refused),
		CASE(test_open__for_reading_needs_no_lock),
		CASE(test_open__a_newer_schema_is_refused),
		CASE(test_open__an_edited_migration_is_refused),
		CASE(test_open__other_files_are_left_alone),
		CASE(test_open__without_rights_says_so),
		CASE(test_open__kill_loses_nothing_reported),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
