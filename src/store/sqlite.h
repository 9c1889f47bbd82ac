#ifndef STORE_SQLITE_H
#define STORE_SQLITE_H

#include <sqlite3.h>

#include "store/driver.h"

/* What sqlite.c and sqlite_open.c share. */

/* The statements around a transaction, prepared once. */
enum control {
	BEGIN_READ,
	BEGIN_WRITE,
	COMMIT,
	ROLLBACK,
	SAVEPOINT,
	RELEASE,
	ROLLBACK_TO,
	CONTROL_COUNT
};

struct sqlite_place {
	char *path; /* absolute */
	int lock; /* the lock file, or -1 */
	int busy_timeout_ms;
	bool read_only, existing_only;
};

struct sqlite_connection {
	sqlite3 *db;
	sqlite3_stmt *control[CONTROL_COUNT];
	uint64_t commits; /* that the engine has told of */
	int wal_pages; /* after the newest of them */
	int checkpoint_at;
	bool strained; /* a transaction was undone since the last tidying */
};

enum status sqlite__attach(void **place, const struct store_options *options, struct error *err);
void sqlite__detach(void **place);
enum status sqlite__open(void **connection, void *place, bool writes, struct error *err);
void sqlite__close(void **connection);

/* Maps the engine's answer `rc` to an error; its words go into the detail. */
enum status sqlite__error(sqlite3 *db, int rc, struct error *err);

/* The virtual file system that can be told to fail; the default one in ordinary builds. Whether a
 * step is to fail now. */
#ifdef FAULT_INJECTION
const char *sqlite__vfs(void);
bool sqlite__step_fails(void);
#else
#define sqlite__vfs() NULL
#define sqlite__step_fails() false
#endif

#endif
