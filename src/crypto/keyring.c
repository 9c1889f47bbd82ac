#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/random.h"
#include "crypto/internal.h"
#include "crypto/secret.h"

#define KEY_LEN 32
#define NAMES 256
#define FILE_MAX ((size_t)16 * 1024)

struct master {
	bool present;
	uint8_t key[KEY_LEN];
};

struct keyring {
	struct crypto_hmac_key *peppers[NAMES];
	struct master masters[NAMES];
	uint8_t newest_pepper, newest_master; /* 0 for none */
};

static enum status
file_failed(struct error *err, const char *code, const char *path)
{
	return error_set(err, ERR_INVALID, code, "The key file %s: %s.", path, strerror(errno));
}

static bool
write_all(int fd, struct str text)
{
	while (text.len > 0) {
		ssize_t written = write(fd, text.ptr, text.len);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return false;
		text = (struct str){text.ptr + written, text.len - (size_t)written};
	}
	return true;
}

static void
put_key(struct buf *text, const char *kind)
{
	uint8_t key[KEY_LEN];
	char encoded[KEY_LEN * 2];
	random_bytes(key, sizeof(key));
	crypto_base64url(encoded, sizeof(encoded), key, sizeof(key));
	buf_str(text, str_from(kind));
	buf_str(text, STR(" 1 "));
	buf_str(text, str_from(encoded));
	buf_char(text, '\n');
	crypto_wipe(key, sizeof(key));
	crypto_wipe(encoded, sizeof(encoded));
}

static bool
write_keys(int fd)
{
	char space[512];
	struct buf text;
	buf_init_fixed(&text, space, sizeof(space));
	buf_str(&text,
		STR("# The secrets of this installation. Without them no credential works:\n"
		    "# keep a copy apart from the store's.\n"));
	put_key(&text, "pepper");
	put_key(&text, "master");
	bool written = !text.failed && write_all(fd, buf_view(&text)) && fsync(fd) == 0;
	crypto_wipe(space, sizeof(space));
	return written;
}

/* So that the new name is on the disk as well as what it names. */
static bool
sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *folder = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
	int fd = folder ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	bool synced = fd >= 0 && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	free(folder);
	return synced;
}

static enum status
create_file(const char *path, struct error *err)
{
	char *temporary;
	if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
		return error_no_memory(err);
	enum status rc = OK;
	int fd = mkostemp(temporary, O_CLOEXEC);
	bool written = fd >= 0 && write_keys(fd);
	if (!written) {
		rc = file_failed(err, "key-file-unwritable", path);
	} else if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
		/* One that appeared meanwhile is as good. */
		if (errno != EEXIST)
			rc = file_failed(err, "key-file-unwritable", path);
	} else if (!sync_folder(path)) {
		rc = file_failed(err, "key-file-unwritable", path);
	}
	if (fd >= 0) {
		unlink(temporary); /* absent once it has been renamed */
		close(fd);
	}
	free(temporary);
	return rc;
}

/* A credential of systemd stays root's, and the service reads it by an access control list, whose
 * mask shows as a right of the group: root's own has nobody else in it. */
static bool
is_exposed(const struct stat *st)
{
	mode_t harmless = st->st_gid == 0 ? S_IRGRP : 0;
	return (st->st_mode & (S_IRWXG | S_IRWXO) & ~harmless) != 0;
}

/* Opens the file if nobody else may read it. */
static enum status
open_file(int *out, const char *path, struct error *err)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return error_set(err, ERR_NOT_FOUND, "key-file-missing",
			"The key file %s does not exist; restore it from its copy.", path);
	if (fd < 0)
		return file_failed(err, "key-file-unreadable", path);
	enum status rc = OK;
	if (fstat(fd, &st) != 0)
		rc = file_failed(err, "key-file-unreadable", path);
	else if (!S_ISREG(st.st_mode))
		rc = error_set(err, ERR_INVALID, "key-file-unreadable",
			"The key file %s is not an ordinary file.", path);
	else if (is_exposed(&st))
		rc = error_set(err, ERR_INVALID, "key-file-exposed",
			"The key file %s is open to others; run: chmod 600 '%s'.", path, path);
	if (rc != OK)
		close(fd);
	else
		*out = fd;
	return rc;
}

static enum status
read_file(char *space, size_t size, struct str *out, const char *path, struct error *err)
{
	int fd = -1;
	enum status rc = open_file(&fd, path, err);
	if (rc != OK)
		return rc;
	size_t len = 0;
	ssize_t got;
	do {
		got = read(fd, space + len, size - len);
		len += got > 0 ? (size_t)got : 0;
	} while (len < size && (got > 0 || (got < 0 && errno == EINTR)));
	if (got < 0)
		rc = file_failed(err, "key-file-unreadable", path);
	else if (len == size)
		rc = error_set(
			err, ERR_INVALID, "key-file-broken", "The key file %s is too long.", path);
	close(fd);
	*out = (struct str){space, len};
	return rc;
}

static bool
add_pepper(struct keyring *ring, uint8_t name, const uint8_t key[KEY_LEN])
{
	struct error err = {0};
	if (ring->peppers[name] ||
		crypto_hmac_key_new(&ring->peppers[name], key, KEY_LEN, &err) != OK)
		return false;
	if (name > ring->newest_pepper)
		ring->newest_pepper = name;
	return true;
}

static bool
add_master(struct keyring *ring, uint8_t name, const uint8_t key[KEY_LEN])
{
	struct master *master = &ring->masters[name];
	if (master->present)
		return false;
	memcpy(master->key, key, KEY_LEN);
	master->present = true;
	if (name > ring->newest_master)
		ring->newest_master = name;
	return true;
}

static bool
parse_line(struct keyring *ring, struct str line)
{
	uint8_t key[KEY_LEN];
	size_t len = 0;
	uint64_t name = 0;
	if (line.len == 0 || line.ptr[0] == '#')
		return true;
	struct str kind = str_cut(&line, ' ');
	struct str number = str_cut(&line, ' ');
	bool good = str_to_u64(number, &name) && name >= 1 && name < NAMES &&
		crypto_base64url_decode(key, sizeof(key), &len, line) && len == KEY_LEN;
	if (good && str_eq(kind, STR("pepper")))
		good = add_pepper(ring, (uint8_t)name, key);
	else if (good && str_eq(kind, STR("master")))
		good = add_master(ring, (uint8_t)name, key);
	else
		good = false;
	crypto_wipe(key, sizeof(key));
	return good;
}

static enum status
parse_file(struct keyring *ring, struct str text, const char *path, struct error *err)
{
	for (int number = 1; text.ptr; number++) {
		if (!parse_line(ring, str_cut(&text, '\n')))
			return error_set(err, ERR_INVALID, "key-file-broken",
				"Line %d of the key file %s is not '<pepper or master> <number, "
				"once> <key>'.",
				number, path);
	}
	if (ring->newest_pepper == 0 || ring->newest_master == 0)
		return error_set(err, ERR_INVALID, "key-file-broken",
			"The key file %s needs a pepper and a master key.", path);
	return OK;
}

enum status
keyring_load(struct keyring **out, const char *path, bool create, struct error *err)
{
	char space[FILE_MAX];
	struct str text = {0};
	*out = NULL;
	if (create && access(path, F_OK) != 0 && errno == ENOENT) {
		enum status made = create_file(path, err);
		if (made != OK)
			return made;
	}
	struct keyring *ring = calloc(1, sizeof(*ring));
	if (!ring)
		return error_no_memory(err);
	enum status rc = read_file(space, sizeof(space), &text, path, err);
	if (rc == OK)
		rc = parse_file(ring, text, path, err);
	crypto_wipe(space, sizeof(space));
	if (rc != OK)
		keyring_free(&ring);
	*out = ring;
	return rc;
}

void
keyring_free(struct keyring **ring)
{
	if (!*ring)
		return;
	for (size_t i = 0; i < NAMES; i++)
		crypto_hmac_key_free(&(*ring)->peppers[i]);
	crypto_wipe(*ring, sizeof(**ring));
	free(*ring);
	*ring = NULL;
}

int
keyring_newest_pepper(const struct keyring *ring)
{
	return ring->newest_pepper;
}

int
keyring_newest_master(const struct keyring *ring)
{
	return ring->newest_master;
}

void
keyring_hash(const struct keyring *ring, uint8_t hash[SHA256_LEN], int *pepper, struct str secret)
{
	*pepper = ring->newest_pepper;
	crypto_hmac(hash, ring->peppers[ring->newest_pepper], secret.ptr, secret.len);
}

bool
keyring_verify(
	const struct keyring *ring, const uint8_t hash[SHA256_LEN], int pepper, struct str secret)
{
	uint8_t own[SHA256_LEN];
	if (pepper < 1 || pepper >= NAMES || !ring->peppers[pepper] || !secret.ptr)
		return false;
	crypto_hmac(own, ring->peppers[pepper], secret.ptr, secret.len);
	return crypto_equal(own, hash, SHA256_LEN);
}

bool
keyring_succeed(struct secret_text *out, const struct keyring *ring, int pepper, struct str before)
{
	static const char purpose[] = "successor";
	char text[sizeof(purpose) + SECRET_TEXT_MAX];
	struct secret_parts parts;
	uint8_t random[SECRET_RANDOM_LEN];
	_Static_assert(SECRET_RANDOM_LEN == SHA256_LEN, "a hash makes a secret");
	if (pepper < 1 || pepper >= NAMES || !ring->peppers[pepper] ||
		!secret_parse(&parts, before))
		return false;
	memcpy(text, purpose, sizeof(purpose));
	memcpy(text + sizeof(purpose), before.ptr, before.len);
	crypto_hmac(random, ring->peppers[pepper], text, sizeof(purpose) + before.len);
	secret__write(out, &parts, random);
	crypto_wipe(text, sizeof(text));
	crypto_wipe(random, sizeof(random));
	return true;
}

enum status
keyring_seal(const struct keyring *ring, struct buf *out, struct str plain, struct str aad,
	struct error *err)
{
	size_t before = out->len;
	buf_char(out, (char)ring->newest_master);
	enum status rc = crypto_seal(out, ring->masters[ring->newest_master].key, plain, aad, err);
	if (rc != OK)
		out->len = before;
	return rc;
}

enum status
keyring_open(const struct keyring *ring, struct buf *out, struct str sealed, struct str aad,
	struct error *err)
{
	uint8_t name = sealed.len > 0 ? (uint8_t)sealed.ptr[0] : 0;
	if (!ring->masters[name].present)
		return error_set(err, ERR_CORRUPT, "seal-broken",
			"A sealed value names a master key that the key file does not have.");
	struct str rest = {sealed.ptr + 1, sealed.len - 1};
	return crypto_open(out, ring->masters[name].key, rest, aad, err);
}
