/* Opaque secrets, and the file of the installation's keys. */
#include "check.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/secret.h"

static char folder[] = "/tmp/thingward-test-XXXXXX";
static char path[sizeof(folder) + 8];

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/keys", folder);
	return crypto_init(&err) == OK ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static void
test_secret__round_trip(void **state)
{
	(void)state;
	static const char *const prefixes[] = {"twk_", "twc_", "tws_", "twd_", "twr_", "twa_"};
	struct secret_text text, other;
	struct secret_parts parts;
	struct uuid org = uuid_new(), credential = uuid_new(), nil = {{0}};
	for (size_t i = 0; i < ARRAY_LEN(prefixes); i++) {
		secret_issue(&text, prefixes[i], org, credential);
		assert_int_equal(strlen(text.text), SECRET_TEXT_MAX - 1);
		assert_true(secret_parse(&parts, str_from(text.text)));
		assert_string_equal(parts.prefix, prefixes[i]);
		assert_true(uuid_eq(parts.org, org));
		assert_true(uuid_eq(parts.credential, credential));
	}
	secret_issue(&other, "twa_", org, credential);
	assert_string_not_equal(text.text, other.text);
	secret_issue(&text, "twk_", nil, credential);
	assert_true(secret_parse(&parts, str_from(text.text)));
	assert_true(uuid_is_nil(parts.org));
}

/* CRC-32, the obvious way, so that scanners elsewhere can be written from this. */
static void
test_secret__checksum_is_crc32(void **state)
{
	(void)state;
	struct secret_text text;
	uint8_t all[4 + 68];
	size_t len;
	uint32_t crc = UINT32_MAX;
	secret_issue(&text, "twk_", uuid_new(), uuid_new());
	memcpy(all, text.text, 4);
	assert_true(crypto_base64url_decode(all + 4, 68, &len, str_from(text.text + 4)));
	for (size_t i = 0; i < 68; i++) {
		crc ^= all[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ UINT32_C(0xedb88320) : crc >> 1;
	}
	crc = ~crc;
	for (int i = 0; i < 4; i++)
		assert_int_equal(all[68 + i], (crc >> (8 * i)) & 0xff);
}

static void
test_secret__any_changed_character_is_refused(void **state)
{
	(void)state;
	struct secret_text text;
	struct secret_parts parts;
	secret_issue(&text, "twk_", uuid_new(), uuid_new());
	for (size_t i = 0; i < SECRET_TEXT_MAX - 1; i++) {
		char right = text.text[i];
		for (int c = 0; c < 256; c++) {
			text.text[i] = (char)c;
			bool same = text.text[i] == right;
			struct str changed = {text.text, SECRET_TEXT_MAX - 1};
			assert_int_equal(secret_parse(&parts, changed), same);
		}
		text.text[i] = right;
	}
}

static void
test_secret__refuses_other_shapes(void **state)
{
	(void)state;
	struct secret_text text;
	struct secret_parts parts;
	char longer[SECRET_TEXT_MAX + 1];
	secret_issue(&text, "twk_", uuid_new(), uuid_new());
	for (size_t len = 0; len < SECRET_TEXT_MAX - 1; len++)
		assert_false(secret_parse(&parts, (struct str){text.text, len}));
	snprintf(longer, sizeof(longer), "%sA", text.text);
	assert_false(secret_parse(&parts, str_from(longer)));
	assert_false(secret_parse(&parts, (struct str){text.text, SECRET_TEXT_MAX}));
	assert_false(secret_parse(&parts, (struct str){0}));
	assert_true(uuid_is_nil(parts.org));
	char right = text.text[20];
	text.text[20] = text.text[21];
	text.text[21] = right;
	assert_int_equal(secret_parse(&parts, str_from(text.text)), text.text[20] == text.text[21]);
}

static void
write_file(const char *text, mode_t mode)
{
	unlink(path);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

static void
check_refused(enum status status, const char *code, const char *said)
{
	struct keyring *ring;
	struct error err = {0};
	assert_int_equal(keyring_load(&ring, path, false, &err), status);
	assert_null(ring);
	assert_string_equal(err.code, code);
	if (!strstr(err.text, said))
		fail_msg("'%s' does not say '%s'", err.text, said);
}

#define KEY_A "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define KEY_B "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE"

static int
entries_of_folder(void)
{
	DIR *dir = opendir(folder);
	int count = 0;
	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

static void
test_keyring__made_once(void **state)
{
	(void)state;
	struct keyring *ring, *again;
	struct error err = {0};
	struct stat st;
	uint8_t hash[SHA256_LEN];
	int pepper = 0;
	unlink(path);
	check_refused(ERR_NOT_FOUND, "key-file-missing", path);
	umask(0);
	assert_int_equal(keyring_load(&ring, path, true, &err), OK);
	umask(022);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(entries_of_folder(), 1);
	assert_int_equal(keyring_load(&again, path, true, &err), OK);
	keyring_hash(ring, hash, &pepper, STR("twk_x"));
	assert_int_equal(pepper, 1);
	assert_true(keyring_verify(again, hash, pepper, STR("twk_x")));
	assert_false(keyring_verify(again, hash, pepper, STR("twk_y")));
	assert_false(keyring_verify(again, hash, pepper, (struct str){0}));
	for (int other = -1; other < 258; other++)
		assert_int_equal(keyring_verify(again, hash, other, STR("twk_x")), other == pepper);
	keyring_free(&ring);
	keyring_free(&again);
	keyring_free(&again);
}

static void
test_keyring__refuses_what_others_may_read(void **state)
{
	(void)state;
	static const mode_t modes[] = {0640, 0604, 0660, 0601, 0644, 0620, 0610};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		write_file("pepper 1 " KEY_A "\nmaster 1 " KEY_B "\n", modes[i]);
		if (geteuid() == 0)
			assert_int_equal(chown(path, (uid_t)-1, 1), 0);
		check_refused(ERR_INVALID, "key-file-exposed", "chmod 600");
	}
}

/* As systemd leaves a credential: the group's right is the mask of an access control list. */
static void
test_keyring__root_s_own_group_may_read(void **state)
{
	(void)state;
	struct keyring *ring;
	struct error err = {0};
	if (geteuid() != 0)
		skip();
	write_file("pepper 1 " KEY_A "\nmaster 1 " KEY_B "\n", 0440);
	assert_int_equal(chown(path, (uid_t)-1, 0), 0);
	assert_int_equal(keyring_load(&ring, path, false, &err), OK);
	keyring_free(&ring);
	static const mode_t modes[] = {0460, 0450, 0444};
	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		assert_int_equal(chmod(path, modes[i]), 0);
		check_refused(ERR_INVALID, "key-file-exposed", "chmod 600");
	}
}

static void
test_keyring__refuses_broken_files(void **state)
{
	(void)state;
	static const char *const bad[] = {"pepper 1 " KEY_A "\n", "master 1 " KEY_A "\n", "",
		"# nothing\n", "pepper 0 " KEY_A "\nmaster 1 " KEY_B "\n",
		"pepper 256 " KEY_A "\nmaster 1 " KEY_B "\n",
		"pepper 01 " KEY_A "\nmaster 1 " KEY_B "\n",
		"pepper 1 " KEY_A "\npepper 1 " KEY_B "\nmaster 1 " KEY_B "\n",
		"pepper 1 " KEY_A "\nmaster 1 " KEY_B "\nmaster 1 " KEY_B "\n",
		"pepper 1 " KEY_A "A\nmaster 1 " KEY_B "\n",
		"pepper 1 " KEY_A " \nmaster 1 " KEY_B "\n", "pepper 1\nmaster 1 " KEY_B "\n",
		"pepper 1 AAAA\nmaster 1 " KEY_B "\n", " pepper 1 " KEY_A "\nmaster 1 " KEY_B "\n",
		"salt 1 " KEY_A "\nmaster 1 " KEY_B "\npepper 1 " KEY_A "\n",
		"pepper 1 " KEY_A "\r\nmaster 1 " KEY_B "\n"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		write_file(bad[i], 0600);
		check_refused(ERR_INVALID, "key-file-broken", path);
	}
	char *big = malloc(20000);
	assert_non_null(big);
	memset(big, '#', 19999);
	big[19999] = '\0';
	write_file(big, 0600);
	free(big);
	check_refused(ERR_INVALID, "key-file-broken", "too long");
}

static void
test_keyring__refuses_folders(void **state)
{
	(void)state;
	struct keyring *ring;
	struct error err = {0};
	assert_int_equal(keyring_load(&ring, folder, true, &err), ERR_INVALID);
	assert_string_equal(err.code, "key-file-unreadable");
	err = (struct error){0};
	assert_int_equal(keyring_load(&ring, "/nonexistent/keys", true, &err), ERR_INVALID);
	assert_string_equal(err.code, "key-file-unwritable");
}

static void
test_keyring__newest_is_used_and_older_verify(void **state)
{
	(void)state;
	struct keyring *old, *new;
	struct error err = {0};
	uint8_t hash[SHA256_LEN];
	struct buf sealed, out;
	int pepper;
	write_file("pepper 1 " KEY_A "\nmaster 1 " KEY_B "\n", 0400);
	assert_int_equal(keyring_load(&old, path, false, &err), OK);
	write_file("# rotated\n\npepper 2 " KEY_B "\npepper 1 " KEY_A "\nmaster 1 " KEY_B
		   "\nmaster 9 " KEY_A,
		0600);
	assert_int_equal(keyring_load(&new, path, false, &err), OK);
	keyring_hash(old, hash, &pepper, STR("x"));
	assert_int_equal(pepper, 1);
	assert_true(keyring_verify(new, hash, 1, STR("x")));
	keyring_hash(new, hash, &pepper, STR("x"));
	assert_int_equal(pepper, 2);
	assert_false(keyring_verify(old, hash, 2, STR("x")));

	buf_init(&sealed, 64);
	buf_init(&out, 64);
	assert_int_equal(keyring_seal(old, &sealed, STR("plain"), STR("row"), &err), OK);
	assert_int_equal(sealed.len, 5 + KEYRING_SEAL_OVERHEAD);
	assert_int_equal(keyring_open(new, &out, buf_view(&sealed), STR("row"), &err), OK);
	check_str(buf_view(&out), "plain");
	buf_reset(&sealed);
	assert_int_equal(keyring_seal(new, &sealed, STR("plain"), STR("row"), &err), OK);
	assert_int_equal(sealed.ptr[0], 9);
	assert_int_equal(keyring_open(old, &out, buf_view(&sealed), STR("row"), &err), ERR_CORRUPT);
	err = (struct error){0};
	assert_int_equal(keyring_open(new, &out, (struct str){0}, STR("row"), &err), ERR_CORRUPT);
	err = (struct error){0};
	char *big = calloc(1, 64);
	assert_int_equal(
		keyring_seal(new, &sealed, (struct str){big, 64}, STR("row"), &err), ERR_TOO_LARGE);
	assert_int_equal(sealed.len, 5 + KEYRING_SEAL_OVERHEAD);
	free(big);
	buf_clear(&sealed);
	buf_clear(&out);
	keyring_free(&old);
	keyring_free(&new);
}

/* What follows a secret is the same whenever it is asked for, and another of every other. */
static void
test_secret__successors(void **state)
{
	(void)state;
	struct keyring *ring = NULL;
	struct error err = {0};
	struct secret_text first, next, again, last;
	struct secret_parts before, after;
	unlink(path);
	assert_int_equal(keyring_load(&ring, path, true, &err), OK);
	secret_issue(&first, "twr_", uuid_new(), uuid_new());
	assert_true(keyring_succeed(&next, ring, 1, str_from(first.text)));
	assert_true(keyring_succeed(&again, ring, 1, str_from(first.text)));
	assert_string_equal(next.text, again.text);
	assert_string_not_equal(next.text, first.text);
	assert_true(keyring_succeed(&last, ring, 1, str_from(next.text)));
	assert_string_not_equal(last.text, next.text);
	assert_true(secret_parse(&before, str_from(first.text)));
	assert_true(secret_parse(&after, str_from(last.text)));
	assert_string_equal(after.prefix, "twr_");
	assert_true(uuid_eq(before.org, after.org));
	assert_true(uuid_eq(before.credential, after.credential));
	assert_false(keyring_succeed(&next, ring, 2, str_from(first.text)));
	assert_false(keyring_succeed(&next, ring, 0, str_from(first.text)));
	assert_false(keyring_succeed(&next, ring, 1, STR("twr_x")));
	keyring_free(&ring);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret__round_trip),
		cmocka_unit_test(test_secret__checksum_is_crc32),
		cmocka_unit_test(test_secret__successors),
		cmocka_unit_test(test_secret__any_changed_character_is_refused),
		cmocka_unit_test(test_secret__refuses_other_shapes),
		cmocka_unit_test(test_keyring__made_once),
		cmocka_unit_test(test_keyring__refuses_what_others_may_read),
		cmocka_unit_test(test_keyring__root_s_own_group_may_read),
		cmocka_unit_test(test_keyring__refuses_broken_files),
		cmocka_unit_test(test_keyring__refuses_folders),
		cmocka_unit_test(test_keyring__newest_is_used_and_older_verify),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
