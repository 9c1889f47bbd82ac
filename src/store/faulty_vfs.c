#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "store/sqlite.h"

/*
 * A file system for tests: the system's own, until it is told to fail. Only in builds with fault
 * injection. What is opened through it holds the file of the system's behind itself.
 */
static atomic_int fail_any; /* steps, writes and syncs until one fails; 0: none will */
static atomic_int fail_write; /* the same, steps not counted */
static atomic_bool failed;
static sqlite3_vfs *real;
static sqlite3_vfs shim;

static bool
due_in(atomic_int *counter)
{
	int left = atomic_load(counter);
	while (left > 0) {
		if (!atomic_compare_exchange_weak(counter, &left, left - 1))
			continue;
		if (left > 1)
			return false;
		atomic_store(&failed, true);
		return true;
	}
	return false;
}

static bool
write_fails(void)
{
	bool any = due_in(&fail_any);
	return due_in(&fail_write) || any;
}

bool
sqlite__step_fails(void)
{
	return due_in(&fail_any);
}

void
store_fail_next(struct store *store, int after)
{
	(void)store;
	atomic_store(&failed, false);
	atomic_store(&fail_any, after);
}

void
store_fail_write(struct store *store, int after)
{
	(void)store;
	atomic_store(&failed, false);
	atomic_store(&fail_write, after);
}

bool
store_failed(struct store *store)
{
	(void)store;
	return atomic_load(&failed);
}

struct file {
	sqlite3_file base;
	sqlite3_file *behind; /* follows this struct in memory */
};

static sqlite3_file *
behind(sqlite3_file *f)
{
	return ((struct file *)f)->behind;
}

static int
file_close(sqlite3_file *f)
{
	return behind(f)->pMethods->xClose(behind(f));
}

static int
file_read(sqlite3_file *f, void *out, int len, sqlite3_int64 at)
{
	return behind(f)->pMethods->xRead(behind(f), out, len, at);
}

static int
file_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
	if (write_fails())
		return SQLITE_FULL;
	return behind(f)->pMethods->xWrite(behind(f), bytes, len, at);
}

static int
file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return behind(f)->pMethods->xTruncate(behind(f), size);
}

static int
file_sync(sqlite3_file *f, int flags)
{
	if (write_fails())
		return SQLITE_IOERR_FSYNC;
	return behind(f)->pMethods->xSync(behind(f), flags);
}

static int
file_size(sqlite3_file *f, sqlite3_int64 *out)
{
	return behind(f)->pMethods->xFileSize(behind(f), out);
}

static int
file_lock(sqlite3_file *f, int level)
{
	return behind(f)->pMethods->xLock(behind(f), level);
}

static int
file_unlock(sqlite3_file *f, int level)
{
	return behind(f)->pMethods->xUnlock(behind(f), level);
}

static int
file_check_lock(sqlite3_file *f, int *out)
{
	return behind(f)->pMethods->xCheckReservedLock(behind(f), out);
}

static int
file_control(sqlite3_file *f, int op, void *arg)
{
	return behind(f)->pMethods->xFileControl(behind(f), op, arg);
}

static int
file_sector_size(sqlite3_file *f)
{
	return behind(f)->pMethods->xSectorSize(behind(f));
}

static int
file_characteristics(sqlite3_file *f)
{
	return behind(f)->pMethods->xDeviceCharacteristics(behind(f));
}

static int
file_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	return behind(f)->pMethods->xShmMap(behind(f), page, size, extend, out);
}

static int
file_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return behind(f)->pMethods->xShmLock(behind(f), offset, n, flags);
}

static void
file_shm_barrier(sqlite3_file *f)
{
	behind(f)->pMethods->xShmBarrier(behind(f));
}

static int
file_shm_unmap(sqlite3_file *f, int delete_it)
{
	return behind(f)->pMethods->xShmUnmap(behind(f), delete_it);
}

/* Version 2: with shared memory for the log, without mapping of the file. */
static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = file_shm_map,
	.xShmLock = file_shm_lock,
	.xShmBarrier = file_shm_barrier,
	.xShmUnmap = file_shm_unmap,
};

static int
shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *out_flags)
{
	struct file *file = (struct file *)f;
	(void)vfs;
	file->behind = (sqlite3_file *)(file + 1);
	int rc = real->xOpen(real, name, file->behind, flags, out_flags);
	file->base.pMethods = file->behind->pMethods ? &methods : NULL;
	return rc;
}

/* The other calls of the system's file system do not look at the one they are called through. */
static void
register_shim(void)
{
	real = sqlite3_vfs_find(NULL);
	ASSERT(real);
	shim = *real;
	shim.zName = "faulty";
	shim.szOsFile = (int)sizeof(struct file) + real->szOsFile;
	shim.xOpen = shim_open;
	shim.pNext = NULL;
	ASSERT(sqlite3_vfs_register(&shim, 0) == SQLITE_OK);
}

const char *
sqlite__vfs(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, register_shim);
	return shim.zName;
}
