#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/sqlite.h"

/* "Twrd": how a file says that it is a store of this program. */
#define APPLICATION_ID 0x54777264

static const char *const control_texts[CONTROL_COUNT] = {
	[BEGIN_READ] = "BEGIN",
	[BEGIN_WRITE] = "BEGIN IMMEDIATE",
	[COMMIT] = "COMMIT",
	[ROLLBACK] = "ROLLBACK",
	[SAVEPOINT] = "SAVEPOINT job",
	[RELEASE] = "RELEASE job",
	[ROLLBACK_TO] = "ROLLBACK TO job",
};

/* The cache is 2 MiB a connection. Nothing of the store is written outside its folder (temp_store)
 * and erased data is overwritten (secure_delete). */
static const char *const settings = "PRAGMA synchronous = FULL;"
				    "PRAGMA foreign_keys = ON;"
				    "PRAGMA cache_size = -2048;"
				    "PRAGMA mmap_size = 0;"
				    "PRAGMA temp_store = MEMORY;"
				    "PRAGMA secure_delete = ON;"
				    "PRAGMA wal_autocheckpoint = 0;"
				    "PRAGMA journal_size_limit = 67108864;";

static enum status
unreadable(struct error *err, const char *path, const char *why)
{
	return error_set(err, ERR_INVALID, "store-unreadable", "The store %.150s %s", path, why);
}

/* `number`: what the system said of the path. */
static enum status
unreadable_errno(struct error *err, const char *path, int number)
{
	switch (number) {
	case EACCES:
	case EPERM:
		return unreadable(err, path,
			"may not be used: give this user the right to its folder and files.");
	case EROFS:
		return unreadable(err, path, "is on a read-only file system: choose another path.");
	case ENOENT:
	case ENOTDIR:
		return unreadable(err, path, "has no folder: create it, or choose another path.");
	case EISDIR:
		return unreadable(err, path, "is a folder: name a file in it.");
	case ENOSPC:
	case EDQUOT:
		return unreadable(err, path, "has no room: the disk is full.");
	default:
		break;
	}
	unreadable(err, path, "cannot be opened: check the path.");
	return error_detail(err, "%s", strerror(number));
}

static enum status
locked(struct error *err, const char *path)
{
	return error_set(err, ERR_BUSY, "store-locked",
		"The store %.120s is in use by another process: stop that one, or choose another "
		"path.",
		path);
}

/* Makes the last folder of the path, and nothing above it. Its own entry is made to last. */
static enum status
make_folder(const char *path, struct error *err)
{
	char copy[PATH_MAX];
	snprintf(copy, sizeof(copy), "%s", path);
	char *folder = dirname(copy);
	if (mkdir(folder, 0700) != 0)
		return errno == EEXIST ? OK : unreadable_errno(err, path, errno);
	int fd = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0) {
		fsync(fd);
		close(fd);
	}
	return OK;
}

static enum status
take_lock(struct sqlite_place *place, struct error *err)
{
	char path[PATH_MAX + 8];
	snprintf(path, sizeof(path), "%s.lock", place->path);
	place->lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (place->lock < 0)
		return unreadable_errno(err, place->path, errno);
	if (flock(place->lock, LOCK_EX | LOCK_NB) == 0)
		return OK;
	return errno == EWOULDBLOCK ? locked(err, place->path) : unreadable_errno(err, path, errno);
}

/* Opens the file itself first: the system's word on what is wrong is better than the engine's, and
 * the engine would make a new file readable by others. */
static enum status
try_file(const struct sqlite_place *place, struct error *err)
{
	int create = place->existing_only ? 0 : O_CREAT;
	int flags = place->read_only ? O_RDONLY : O_RDWR | create;
	int fd = open(place->path, flags | O_CLOEXEC, 0600);
	struct stat st;
	if (fd < 0 && errno == ENOENT && (place->read_only || place->existing_only))
		return unreadable(err, place->path, "is not there: check the path.");
	if (fd < 0)
		return unreadable_errno(err, place->path, errno);
	bool regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	close(fd);
	if (!regular)
		return unreadable(err, place->path, "is not a file: name one.");
	return OK;
}

/* Without its statistics of memory the engine takes no lock of the process for each allocation. */
static void
configure(void)
{
	sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
	sqlite3_config(SQLITE_CONFIG_URI, 0);
}

enum status
sqlite__attach(void **out, const struct store_options *options, struct error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *path = options->path;
	pthread_once(&once, configure);
	if (!path || !*path || strcmp(path, ":memory:") == 0)
		return unreadable(err, path ? path : "", "must be a file: name one.");
	if (strlen(path) >= PATH_MAX)
		return unreadable(err, path, "has too long a path.");
	struct sqlite_place *place = calloc(1, sizeof(*place));
	if (!place)
		return error_no_memory(err);
	enum status rc = OK;
	place->lock = -1;
	place->busy_timeout_ms = options->busy_timeout_ms;
	place->read_only = options->read_only;
	place->existing_only = options->existing_only;
	place->path = strdup(path);
	*out = place;
	if (!place->path)
		rc = error_no_memory(err);
	if (rc == OK && !place->read_only)
		rc = make_folder(path, err);
	if (rc == OK && !place->read_only)
		rc = take_lock(place, err);
	if (rc == OK)
		rc = try_file(place, err);
	if (rc != OK)
		sqlite__detach(out);
	return rc;
}

void
sqlite__detach(void **out)
{
	struct sqlite_place *place = *out;
	if (!place)
		return;
	*out = NULL;
	if (place->lock >= 0)
		close(place->lock);
	free(place->path);
	free(place);
}

/* What the engine says while a store is opened, in the words of who starts the server. */
static enum status
open_error(struct sqlite_connection *c, const struct sqlite_place *place, int rc, struct error *err)
{
	switch (rc & 0xff) {
	case SQLITE_BUSY:
		locked(err, place->path);
		break;
	case SQLITE_NOTADB:
		unreadable(err, place->path, "is not a database: choose another path.");
		break;
	case SQLITE_CANTOPEN:
	case SQLITE_PERM:
	case SQLITE_READONLY:
		unreadable_errno(err, place->path, EACCES);
		break;
	case SQLITE_FULL:
		unreadable_errno(err, place->path, ENOSPC);
		break;
	default:
		return sqlite__error(c->db, rc, err);
	}
	return error_detail(err, "sqlite %d: %s", rc, c->db ? sqlite3_errmsg(c->db) : "");
}

/* The first column of the first row; 0 when there is none. */
static int
ask(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *stmt = NULL;
	*out = 0;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc == SQLITE_ROW || rc == SQLITE_DONE ? SQLITE_OK : rc;
}

/* A file system without shared memory would leave the file with a rollback journal. */
static enum status
keep_log(struct sqlite_connection *c, const struct sqlite_place *place, struct error *err)
{
	sqlite3_stmt *stmt = NULL;
	bool wal = false;
	int rc = sqlite3_prepare_v2(c->db, "PRAGMA journal_mode = WAL", -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		wal = sqlite3_stricmp((const char *)sqlite3_column_text(stmt, 0), "wal") == 0;
	sqlite3_finalize(stmt);
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		return open_error(c, place, rc, err);
	if (!wal)
		return unreadable(err, place->path, "needs a local disk: choose another path.");
	return OK;
}

/* Looks before anything is written that the file is a store, or empty; then makes it one. */
static enum status
claim(struct sqlite_connection *c, const struct sqlite_place *place, bool writes, struct error *err)
{
	int64_t id = 0, tables = 0;
	int rc = ask(c->db, "PRAGMA application_id", &id);
	if (rc == SQLITE_OK)
		rc = ask(c->db, "SELECT count(*) FROM sqlite_schema", &tables);
	if (rc == SQLITE_OK && id != APPLICATION_ID && (id != 0 || tables != 0 || !writes))
		return unreadable(
			err, place->path, "is not a store of this program: choose another path.");
	if (rc != SQLITE_OK)
		return open_error(c, place, rc, err);
	if (!writes)
		return OK;
	enum status status = keep_log(c, place, err);
	if (status != OK)
		return status;
	if (id == 0) {
		char text[64];
		snprintf(text, sizeof(text), "PRAGMA application_id = %d", APPLICATION_ID);
		rc = sqlite3_exec(c->db, text, NULL, NULL, NULL);
	}
	return rc == SQLITE_OK ? OK : open_error(c, place, rc, err);
}

static int
on_commit(void *context, sqlite3 *db, const char *name, int pages)
{
	struct sqlite_connection *c = context;
	(void)db;
	(void)name;
	c->commits++;
	c->wal_pages = pages;
	return SQLITE_OK;
}

static int
harden(sqlite3 *db)
{
	static const struct {
		int option, value;
	} options[] = {
		{SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
		{SQLITE_DBCONFIG_DEFENSIVE, 1},
		{SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
		{SQLITE_DBCONFIG_DQS_DML, 0},
		{SQLITE_DBCONFIG_DQS_DDL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		int rc = sqlite3_db_config(db, options[i].option, options[i].value, NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 16 * 1024 * 1024);
	return sqlite3_extended_result_codes(db, 1);
}

static int
prepare_controls(struct sqlite_connection *c)
{
	for (size_t i = 0; i < CONTROL_COUNT; i++) {
		int rc = sqlite3_prepare_v3(c->db, control_texts[i], -1, SQLITE_PREPARE_PERSISTENT,
			&c->control[i], NULL);
		if (rc != SQLITE_OK)
			return rc;
	}
	return SQLITE_OK;
}

static enum status
set_up(struct sqlite_connection *c, const struct sqlite_place *place, bool writes,
	struct error *err)
{
	int flags = (writes ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) | SQLITE_OPEN_NOMUTEX;
	int rc = sqlite3_open_v2(place->path, &c->db, flags, sqlite__vfs());
	if (rc == SQLITE_OK)
		rc = harden(c->db);
	if (rc == SQLITE_OK)
		rc = sqlite3_busy_timeout(c->db, place->busy_timeout_ms);
	if (rc != SQLITE_OK)
		return open_error(c, place, rc, err);
	enum status status = claim(c, place, writes, err);
	if (status != OK)
		return status;
	rc = sqlite3_exec(c->db, settings, NULL, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = prepare_controls(c);
	sqlite3_wal_hook(c->db, on_commit, c);
	return rc == SQLITE_OK ? OK : open_error(c, place, rc, err);
}

enum status
sqlite__open(void **connection, void *place, bool writes, struct error *err)
{
	struct sqlite_connection *c = calloc(1, sizeof(*c));
	if (!c)
		return error_no_memory(err);
	enum status rc = set_up(c, place, writes, err);
	*connection = c;
	if (rc != OK)
		sqlite__close(connection);
	return rc;
}

void
sqlite__close(void **connection)
{
	struct sqlite_connection *c = *connection;
	if (!c)
		return;
	*connection = NULL;
	for (size_t i = 0; i < CONTROL_COUNT; i++)
		sqlite3_finalize(c->control[i]);
	ASSERT(sqlite3_close(c->db) == SQLITE_OK);
	free(c);
}
