#include "directory_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct sql INSERT_ORG = SQL(
	"INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission, "
	"next_role, created_us, changed) VALUES ($1, 'org', 1, $2, $3, x'00', 2000, 100, 0, 0)");
const struct sql SET_REVISION = SQL("UPDATE orgs SET revision = $2 WHERE org = $1");
const struct sql SET_SKELETON = SQL("UPDATE orgs SET revision = $2, skeleton = $2 WHERE org = $1");
const struct sql INSERT_WORKSPACE = SQL(
	"INSERT INTO workspaces (org, workspace, name, description, state, created_us, changed) "
	"VALUES ($1, $2, $4, '', $3, 0, 0)");
const struct sql INSERT_PRINCIPAL =
	SQL("INSERT INTO principals (org, principal, kind, workspace, label, name, description, "
	    "state, expires_us, confined, resource, ceiling, generation, created_us, changed) "
	    "VALUES ($1, $2, $3, $4, $5, 'name', '', $6, $7, $8, $9, $10, 3, 0, 0)");
const struct sql INSERT_GROUP =
	SQL("INSERT INTO groups (org, grp, name, description, created_us, changed) "
	    "VALUES ($1, $2, $3, '', 0, 0)");
const struct sql INSERT_MEMBER =
	SQL("INSERT INTO group_members (org, grp, principal, since_us) VALUES ($1, $2, $3, 0)");
const struct sql INSERT_ROLE =
	SQL("INSERT INTO roles (org, role, number, workspace, name, title, description, kinds, "
	    "system, exercises_all, gives_all, confines, ceiling, origin, created_us, changed) "
	    "VALUES ($1, $2, $3, $4, $5, '', '', 6, 0, $6, $7, 0, $8, '', 0, 0)");
const struct sql INSERT_ROLE_PERMISSION =
	SQL("INSERT INTO role_permissions (org, role, permission, exercises, gives) "
	    "VALUES ($1, $2, $3, $4, $5)");
const struct sql INSERT_PERMISSION =
	SQL("INSERT INTO permissions (org, number, workspace, name, description, class, machine, "
	    "origin, removed, created_us, changed, alias, operation_group) "
	    "VALUES ($1, $2, $3, $4, '', 1, $5, '', $6, 0, $7, $8, 'devices')");
const struct sql INSERT_GRANT =
	SQL("INSERT INTO grants (org, grant_id, holder_kind, holder, role, permission, node_kind, "
	    "node, condition, expires_us, created_us) "
	    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0)");
const struct sql INSERT_CREDENTIAL =
	SQL("INSERT INTO credentials (org, credential, principal, name, hash, pepper, state, "
	    "created_us) VALUES ($1, $2, $3, 'key', $4, 7, 1, 0)");

struct uuid
id_of(uint32_t kind, uint32_t number)
{
	struct uuid id = {{0}};
	id.bytes[0] = (uint8_t)kind;
	for (int i = 0; i < 4; i++)
		id.bytes[12 + i] = (uint8_t)(number >> (24 - 8 * i));
	return id;
}

static void
bind_hash(struct query *q, int at, int value)
{
	unsigned char hash[32];
	memset(hash, value, sizeof(hash));
	query_bind_bytes(q, at, hash, sizeof(hash));
}

void
put(struct tx *tx, const struct sql *sql, const char *letters, ...)
{
	struct error err = {0};
	struct query q;
	va_list args;
	assert_int_equal(query_begin(&q, tx, sql, &err), OK);
	va_start(args, letters);
	for (int at = 1; letters[at - 1]; at++) {
		switch (letters[at - 1]) {
		case 'u':
			query_bind_uuid(&q, at, va_arg(args, struct uuid));
			break;
		case 'i':
			query_bind_int(&q, at, va_arg(args, int));
			break;
		case 's':
			query_bind_str(&q, at, str_from(va_arg(args, const char *)));
			break;
		case 'h':
			bind_hash(&q, at, va_arg(args, int));
			break;
		case 'x':
			query_bind_bytes(&q, at, "0123456789abcdef", (size_t)va_arg(args, int));
			break;
		default:
			query_bind_null(&q, at);
		}
	}
	va_end(args);
	if (query_run(&q, NULL, &err) != OK)
		fail_msg("%s: %s (%s)", sql->text, err.text, err.detail);
}

struct test_job {
	struct store_job job;
	writing *write;
	reading *read;
	const void *arg;
};

static enum status
run_job(struct store_job *job, struct tx *tx, struct error *err)
{
	struct test_job *t = (struct test_job *)job;
	if (t->write) {
		t->write(tx, t->arg);
		return OK;
	}
	struct arena *arena = arena_new((size_t)64 << 20);
	if (!arena)
		return error_no_memory(err);
	t->read(tx, arena, t->arg);
	arena_free(&arena);
	return OK;
}

void
change(struct fixture *f, writing *write, const void *arg)
{
	struct test_job t = {.job.run = run_job, .write = write, .arg = arg};
	struct error err = {0};
	if (store_change_wait(f->store, &t.job, &err) != OK)
		fail_msg("%s (%s)", err.text, err.detail);
}

void
snapshot(struct fixture *f, reading *read, const void *arg)
{
	struct test_job t = {.job.run = run_job, .read = read, .arg = arg};
	struct error err = {0};
	if (store_read_wait(f->store, &t.job, &err) != OK)
		fail_msg("%s (%s)", err.text, err.detail);
}

void
fixture_new_directory(struct fixture *f, size_t memory_max)
{
	struct directory_options options = {f->store, memory_max};
	struct error err = {0};
	directory_free(&f->directory);
	assert_int_equal(directory_new(&f->directory, &options, &err), OK);
}

int
fixture_set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error err = {0};
	char path[96];
	assert_non_null(f);
	snprintf(f->folder, sizeof(f->folder), "/tmp/thingward-directory-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	snprintf(path, sizeof(path), "%s/store.db", f->folder);
	struct store_options options = {.path = path,
		.readers = 2,
		.queue_max = 1000,
		.read_queue_max = 1000,
		.busy_timeout_ms = 2000};
	if (store_open(&f->store, &options, &err) != OK)
		fail_msg("%s (%s)", err.text, err.detail);
	fixture_new_directory(f, (size_t)64 << 20);
	*state = f;
	return 0;
}

static void
remove_files(const char *folder)
{
	DIR *dir = opendir(folder);
	struct dirent *entry;
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type == DT_REG)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

int
fixture_tear_down(void **state)
{
	struct fixture *f = *state;
	store_close(&f->store);
	directory_free(&f->directory);
	remove_files(f->folder);
	free(f);
	return 0;
}

struct fetching {
	struct directory_load load;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned answers;
	enum status status;
};

static void
fetched(struct directory_load *load, enum status status, const struct error *err)
{
	struct fetching *f = (struct fetching *)load;
	(void)err;
	mutex_lock(&f->mutex);
	f->answers++;
	f->status = status;
	pthread_cond_signal(&f->changed);
	mutex_unlock(&f->mutex);
}

enum status
fetch(struct directory *d, const struct misses *misses)
{
	struct fetching *f = calloc(1, sizeof(*f));
	struct error err = {0};
	assert_non_null(f);
	mutex_init(&f->mutex);
	cond_init(&f->changed);
	f->load.misses = *misses;
	f->load.loaded = fetched;
	enum status rc = directory_load(d, &f->load, &err);
	if (rc == OK) {
		mutex_lock(&f->mutex);
		while (!f->answers)
			cond_wait(&f->changed, &f->mutex);
		mutex_unlock(&f->mutex);
		rc = f->status;
	}
	pthread_cond_destroy(&f->changed);
	pthread_mutex_destroy(&f->mutex);
	free(f);
	return rc;
}

/* More rounds than any look-up needs; a load that changes nothing would go on for ever. */
#define ROUNDS_MAX 100

/* Under many changes a load may be told to come again. */
static void
refetch(struct directory *d, const struct misses *misses)
{
	enum status rc = fetch(d, misses);
	if (rc != OK && rc != ERR_BUSY)
		fail_msg("loading: %s", status_name(rc));
}

const struct org_view *
get_org(struct directory *d, struct org_id org)
{
	struct misses misses;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		misses.count = 0;
		directory_enter();
		const struct org_view *view = directory_org(d, org, &misses);
		if (!misses.count)
			return view;
		directory_leave();
		refetch(d, &misses);
	}
	fail_msg("an organisation is loaded again and again");
	return NULL;
}

const struct principal_view *
get_principal(struct directory *d, struct org_id org, uint32_t number)
{
	struct misses misses;
	for (int round = 0; round < ROUNDS_MAX; round++) {
		const struct org_view *skeleton = get_org(d, org);
		assert_non_null(skeleton);
		misses.count = 0;
		const struct principal_view *view = directory_principal(
			d, skeleton, (struct principal_id){id_of(2, number)}, &misses);
		if (!misses.count)
			return view;
		directory_leave();
		refetch(d, &misses);
	}
	fail_msg("a principal is loaded again and again");
	return NULL;
}
