#include "store/sqlite.h"

#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

#define SQL_TEXT_MAX (64 * 1024)

/* Pages of the write-ahead log between two checkpoints (4 MiB), and the size (64 MiB) at which
 * the writer waits for the readers so that the log starts from its beginning. */
#define CHECKPOINT_PAGES 1000
#define CHECKPOINT_FORCE_PAGES 16000

static const struct driver_word words[] = {
	{"{uuid}", "BLOB"},
	{"{bytes}", "BLOB"},
	{"{int}", "INTEGER"},
	{"{text}", "TEXT"},
	{"{strict}", "STRICT"},
	{"{moment}", "0"},
	{NULL, NULL},
};

enum status
sqlite__error(sqlite3 *db, int rc, struct error *err)
{
	int extended = db ? sqlite3_extended_errcode(db) : rc;
	switch (rc & 0xff) {
	case SQLITE_NOMEM:
		error_no_memory(err);
		break;
	case SQLITE_CONSTRAINT:
		if (extended == SQLITE_CONSTRAINT_UNIQUE ||
			extended == SQLITE_CONSTRAINT_PRIMARYKEY)
			error_set(err, ERR_CONFLICT, "already-exists", "This exists already.");
		else
			error_set(err, ERR_INTERNAL, "internal", "Something went wrong.");
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		error_set(err, ERR_CORRUPT, "store-corrupt", "The store is damaged.");
		break;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_PROTOCOL:
	case SQLITE_ABORT:
	case SQLITE_INTERRUPT:
		error_set(err, ERR_BUSY, "store-unavailable",
			"The store cannot be used at the moment; try again later.");
		break;
	default:
		error_set(err, ERR_INTERNAL, "internal", "Something went wrong.");
	}
	return error_detail(
		err, "sqlite %d: %s", extended, db ? sqlite3_errmsg(db) : sqlite3_errstr(rc));
}

static enum status
has_schema(void *connection, bool *out, struct error *err)
{
	struct sqlite_connection *c = connection;
	sqlite3_stmt *stmt = NULL;
	*out = false;
	int rc = sqlite3_prepare_v2(c->db,
		"SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migrations'",
		-1, &stmt, NULL);
	if (rc == SQLITE_OK) {
		rc = sqlite3_step(stmt);
		*out = rc == SQLITE_ROW;
	}
	enum status status = OK;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		status = sqlite__error(c->db, rc, err);
	sqlite3_finalize(stmt);
	return status;
}

static enum status
script(void *connection, const char *sql, struct error *err)
{
	struct sqlite_connection *c = connection;
	int rc = sqlite3_exec(c->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? OK : sqlite__error(c->db, rc, err);
}

static int
control(struct sqlite_connection *c, enum control which)
{
	int rc = sqlite3_step(c->control[which]);
	if (rc == SQLITE_DONE) {
		sqlite3_reset(c->control[which]);
		return SQLITE_OK;
	}
	return rc;
}

static enum status
control_or_error(struct sqlite_connection *c, enum control which, struct error *err)
{
	int rc = control(c, which);
	if (LIKELY(rc == SQLITE_OK))
		return OK;
	enum status status = sqlite__error(c->db, rc, err);
	sqlite3_reset(c->control[which]);
	return status;
}

static bool
in_transaction(void *connection)
{
	struct sqlite_connection *c = connection;
	return !sqlite3_get_autocommit(c->db);
}

static void
rollback(void *connection)
{
	struct sqlite_connection *c = connection;
	struct error err = {0};
	c->strained = true;
	if (in_transaction(c) && control_or_error(c, ROLLBACK, &err) != OK)
		log_error("store-rollback-failed", &err);
}

/* What could not be rolled back in time is rolled back now: no connection is lost for good. */
static enum status
begin(void *connection, bool writes, struct error *err)
{
	if (in_transaction(connection))
		rollback(connection);
	return control_or_error(connection, writes ? BEGIN_WRITE : BEGIN_READ, err);
}

/* The log's hook tells of each commit that has taken place, so that an error that came after it
 * (there is none in this version of the engine) is not taken for a transaction undone. */
static enum status
commit(void *connection, struct error *err)
{
	struct sqlite_connection *c = connection;
	uint64_t before = c->commits;
	enum status rc = control_or_error(c, COMMIT, err);
	if (LIKELY(rc == OK))
		return OK;
	if (c->commits != before) {
		log_error("store-commit-complained", err);
		error_clear(err);
		return OK;
	}
	rollback(c);
	return rc;
}

/* Neither by chance nor because of others, who are met when a transaction begins. */
static bool
again(void *connection)
{
	(void)connection;
	return false;
}

static const char *
place_name(void *place)
{
	const struct sqlite_place *p = place;
	return p->path;
}

/* Nobody but the process that holds the lock writes to its file, and none needs it: what cannot be
 * written is missed at the next start, and does no harm. */
static void
note(void *place, const char *line, bool sync)
{
	const struct sqlite_place *p = place;
	if (p->lock >= 0 && pwrite(p->lock, line, strlen(line), 0) > 0 && sync)
		fdatasync(p->lock);
}

static bool
recall(void *place, char *out, size_t size)
{
	const struct sqlite_place *p = place;
	ssize_t got = p->lock >= 0 ? pread(p->lock, out, size - 1, 0) : -1;
	out[got > 0 ? got : 0] = '\0';
	return got > 0;
}

static enum status
savepoint(void *connection, struct error *err)
{
	return control_or_error(connection, SAVEPOINT, err);
}

static enum status
release(void *connection, struct error *err)
{
	return control_or_error(connection, RELEASE, err);
}

static enum status
rollback_to(void *connection, struct error *err)
{
	struct sqlite_connection *c = connection;
	enum status rc = control_or_error(c, ROLLBACK_TO, err);
	return rc == OK ? control_or_error(c, RELEASE, err) : rc;
}

/* After a failure as well: on a full disk the log cannot grow, but once it has been copied back it
 * starts anew in the room that it has. */
static void
tidy(void *connection)
{
	struct sqlite_connection *c = connection;
	if (c->wal_pages < CHECKPOINT_PAGES)
		c->checkpoint_at = CHECKPOINT_PAGES;
	if (LIKELY(c->wal_pages < c->checkpoint_at && !c->strained))
		return;
	bool force = c->wal_pages >= CHECKPOINT_FORCE_PAGES;
	int rc = sqlite3_wal_checkpoint_v2(c->db, NULL,
		force ? SQLITE_CHECKPOINT_RESTART : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
	/* A log that was copied whole starts anew with the next commit, unless a reader holds it;
	 * there is no use in trying again at every commit. */
	c->checkpoint_at = c->wal_pages + CHECKPOINT_PAGES;
	if (rc != SQLITE_OK && rc != SQLITE_BUSY && !c->strained) {
		struct error err = {0};
		sqlite__error(c->db, rc, &err);
		log_error("store-checkpoint-failed", &err);
	}
	c->strained = false;
}

/* "$1" names a place by its number; the engine's own form for that is "?1" ("$1" would be counted
 * by appearance). Text in quotes is left alone. */
static void
number_places(struct buf *out, const char *text)
{
	char quote = 0;
	for (const char *p = text; *p; p++) {
		if (quote)
			quote = *p == quote ? 0 : quote;
		else if (*p == '\'' || *p == '"')
			quote = *p;
		buf_char(out, !quote && *p == '$' && p[1] >= '1' && p[1] <= '9' ? '?' : *p);
	}
}

static enum status
prepare(void **statement, void *connection, const char *text, bool persistent, struct error *err)
{
	struct sqlite_connection *c = connection;
	struct buf own;
	sqlite3_stmt *stmt = NULL;
	const char *rest = NULL;
	enum status status = OK;
	*statement = NULL;
	buf_init(&own, SQL_TEXT_MAX);
	number_places(&own, text);
	buf_char(&own, '\0');
	if (own.failed) {
		status = error_no_memory(err);
		goto out;
	}
	int rc = sqlite3_prepare_v3(c->db, own.ptr, (int)own.len,
		persistent ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, &rest);
	if (rc != SQLITE_OK) {
		status = sqlite__error(c->db, rc, err);
		goto out;
	}
	if (!stmt || (rest && rest[strspn(rest, " \t\n;")] != '\0')) {
		sqlite3_finalize(stmt);
		error_set(err, ERR_INTERNAL, "internal", "Something went wrong.");
		status = error_detail(err, "not exactly one statement: %.100s", text);
		goto out;
	}
	*statement = stmt;
out:
	buf_clear(&own);
	return status;
}

static void
finalize(void **statement)
{
	sqlite3_finalize(*statement);
	*statement = NULL;
}

static void
reset(void *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

static bool
bind_int(void *statement, int at, int64_t value)
{
	return sqlite3_bind_int64(statement, at, value) == SQLITE_OK;
}

static bool
bind_text(void *statement, int at, struct str value)
{
	return sqlite3_bind_text64(statement, at, value.ptr, value.len, SQLITE_TRANSIENT,
		       SQLITE_UTF8) == SQLITE_OK;
}

static bool
bind_bytes(void *statement, int at, const void *bytes, size_t len)
{
	if (len == 0)
		return sqlite3_bind_zeroblob(statement, at, 0) == SQLITE_OK;
	return sqlite3_bind_blob64(statement, at, bytes, len, SQLITE_TRANSIENT) == SQLITE_OK;
}

static bool
bind_null(void *statement, int at)
{
	return sqlite3_bind_null(statement, at) == SQLITE_OK;
}

static enum status
step(void *statement, bool *row, struct error *err)
{
	if (sqlite__step_fails())
		return sqlite__error(NULL, SQLITE_IOERR, err);
	int rc = sqlite3_step(statement);
	*row = rc == SQLITE_ROW;
	if (LIKELY(rc == SQLITE_ROW || rc == SQLITE_DONE))
		return OK;
	return sqlite__error(sqlite3_db_handle(statement), rc, err);
}

static int64_t
changed(void *statement)
{
	return sqlite3_changes64(sqlite3_db_handle(statement));
}

static bool
column_is_null(void *statement, int column)
{
	return sqlite3_column_type(statement, column) == SQLITE_NULL;
}

static int64_t
column_int(void *statement, int column)
{
	return sqlite3_column_int64(statement, column);
}

static struct str
column_bytes(void *statement, int column)
{
	if (sqlite3_column_type(statement, column) == SQLITE_NULL)
		return (struct str){0};
	const char *bytes = sqlite3_column_blob(statement, column);
	int len = sqlite3_column_bytes(statement, column);
	return (struct str){bytes ? bytes : "", bytes ? (size_t)len : 0};
}

const struct driver driver_sqlite = {
	.name = "sqlite",
	.words = words,
	.attach = sqlite__attach,
	.detach = sqlite__detach,
	.place_name = place_name,
	.open = sqlite__open,
	.close = sqlite__close,
	.has_schema = has_schema,
	.script = script,
	.begin = begin,
	.commit = commit,
	.rollback = rollback,
	.savepoint = savepoint,
	.release = release,
	.rollback_to = rollback_to,
	.in_transaction = in_transaction,
	.again = again,
	.held = again,
	.tidy = tidy,
	.note = note,
	.recall = recall,
	.prepare = prepare,
	.finalize = finalize,
	.reset = reset,
	.bind_int = bind_int,
	.bind_text = bind_text,
	.bind_bytes = bind_bytes,
	.bind_null = bind_null,
	.step = step,
	.changed = changed,
	.column_is_null = column_is_null,
	.column_int = column_int,
	.column_bytes = column_bytes,
};
