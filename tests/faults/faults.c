/*
 * What libraries and the system answer when they fail, in a program of its own for tests. It is
 * linked with -Wl,--wrap for what this program calls; what libraries call of the system finds the
 * functions here first. Only the file that THINGWARD_FAULTS names makes anything fail.
 */
#include <argon2.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum kind { MEMORY, CRYPTO, STORE, DISK, KINDS };

/* The file: tests write how many calls of a kind from now one fails (1: the next; -1: each), and
 * read which kinds have failed since. */
struct faults {
	_Atomic int32_t after[KINDS];
	_Atomic int32_t failed[KINDS];
};

static struct faults none;
static struct faults *faults = &none;

/* Without its file nothing would fail, and every test of failures pass. */
__attribute__((constructor)) static void
attach(void)
{
	const char *path = getenv("THINGWARD_FAULTS");
	if (!path)
		return;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	void *map = fd >= 0 ? mmap(NULL, sizeof(*faults), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
			    : MAP_FAILED;
	if (map == MAP_FAILED)
		abort();
	close(fd);
	faults = map;
}

static bool
fails(enum kind kind)
{
	int32_t left = atomic_load_explicit(&faults->after[kind], memory_order_relaxed);
	while (left > 0) {
		if (atomic_compare_exchange_weak(&faults->after[kind], &left, left - 1))
			break;
	}
	if (left == 0 || left > 1)
		return false;
	atomic_store(&faults->failed[kind], 1);
	return true;
}

/* A function that fails by answering `failure`. */
#define FAULTY(kind, failure, result, name, parameters, arguments)                                 \
	result __real_##name parameters;                                                           \
	result __wrap_##name parameters;                                                           \
	result __wrap_##name parameters                                                            \
	{                                                                                          \
		return fails(kind) ? (failure) : __real_##name arguments;                          \
	}

FAULTY(MEMORY, NULL, void *, malloc, (size_t size), (size))
FAULTY(MEMORY, NULL, void *, calloc, (size_t count, size_t size), (count, size))
FAULTY(MEMORY, NULL, void *, realloc, (void *at, size_t size), (at, size))
FAULTY(MEMORY, NULL, char *, strdup, (const char *text), (text))
FAULTY(MEMORY, NULL, struct MHD_Response *, MHD_create_response_from_buffer,
	(size_t len, void *bytes, enum MHD_ResponseMemoryMode mode), (len, bytes, mode))

FAULTY(CRYPTO, NULL, EVP_MD_CTX *, EVP_MD_CTX_new, (void), ())
FAULTY(CRYPTO, NULL, EVP_PKEY_CTX *, EVP_PKEY_CTX_dup, (const EVP_PKEY_CTX *from), (from))
FAULTY(CRYPTO, NULL, EVP_PKEY *, EVP_PKCS82PKEY_ex,
	(const PKCS8_PRIV_KEY_INFO *info, OSSL_LIB_CTX *lib, const char *query), (info, lib, query))
FAULTY(CRYPTO, 0, int, EVP_PKEY_sign,
	(EVP_PKEY_CTX * ctx, unsigned char *out, size_t *len, const unsigned char *in,
		size_t in_len),
	(ctx, out, len, in, in_len))
FAULTY(CRYPTO, 0, int, EVP_EncryptInit_ex2,
	(EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key,
		const unsigned char *iv, const OSSL_PARAM *params),
	(ctx, cipher, key, iv, params))
FAULTY(CRYPTO, 0, int, EVP_DecryptInit_ex2,
	(EVP_CIPHER_CTX * ctx, const EVP_CIPHER *cipher, const unsigned char *key,
		const unsigned char *iv, const OSSL_PARAM *params),
	(ctx, cipher, key, iv, params))
FAULTY(CRYPTO, ARGON2_MEMORY_ALLOCATION_ERROR, int, argon2id_verify,
	(const char *encoded, const void *password, size_t len), (encoded, password, len))

FAULTY(STORE, SQLITE_IOERR, int, sqlite3_step, (sqlite3_stmt * statement), (statement))
FAULTY(STORE, SQLITE_NOMEM, int, sqlite3_prepare_v3,
	(sqlite3 * db, const char *text, int len, unsigned flags, sqlite3_stmt **out,
		const char **rest),
	(db, text, len, flags, out, rest))
FAULTY(STORE, SQLITE_NOMEM, int, sqlite3_bind_blob64,
	(sqlite3_stmt * s, int at, const void *bytes, sqlite3_uint64 len, void (*done)(void *)),
	(s, at, bytes, len, done))

/* Called by libraries, and so in the place of the system's. */
static int
sync_or_fail(const char *name, int fd)
{
	int (*real)(int);
	*(void **)&real = dlsym(RTLD_NEXT, name);
	if (!fails(DISK))
		return real(fd);
	errno = EIO;
	return -1;
}

int
fsync(int fd)
{
	return sync_or_fail("fsync", fd);
}

int
fdatasync(int fd)
{
	return sync_or_fail("fdatasync", fd);
}
