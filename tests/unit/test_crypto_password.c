/* Passwords under argon2id: published hashes, what is refused, when to hash again. */
#include "check.h"

#include "crypto/crypto.h"
#include "crypto/password.h"

/* Of the tests of the reference implementation: "password" under the salt "somesalt". */
#define PUBLISHED                                                                                  \
	"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
#define PUBLISHED_64_MIB                                                                           \
	"$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	return crypto_init(&err) == OK ? 0 : -1;
}

static bool
verify(const char *phc, struct str password)
{
	struct error err = {0};
	bool match = true;
	assert_int_equal(password_verify(&match, phc, password, &err), OK);
	return match;
}

static void
test_password__published(void **state)
{
	(void)state;
	assert_true(verify(PUBLISHED, STR("password")));
	assert_true(verify(PUBLISHED_64_MIB, STR("password")));
	assert_false(verify(PUBLISHED, STR("passwore")));
	assert_false(verify(PUBLISHED, STR("password ")));
	assert_false(verify(PUBLISHED, STR("")));
	assert_false(verify(PUBLISHED, (struct str){0}));
	assert_true(password_needs_rehash(PUBLISHED));
	assert_true(password_needs_rehash(PUBLISHED_64_MIB));
}

static void
test_password__hash_and_verify(void **state)
{
	(void)state;
	char first[PASSWORD_PHC_MAX], second[PASSWORD_PHC_MAX];
	struct error err = {0};
	struct str password = STR("correct horse battery st\xc3\xa4ple");
	assert_int_equal(password_hash(first, password, &err), OK);
	assert_int_equal(password_hash(second, password, &err), OK);
	assert_string_not_equal(first, second);
	assert_true(str_starts(str_from(first), STR("$argon2id$v=19$m=19456,t=2,p=1$")));
	assert_int_equal(strlen(first), strlen(password_of_nobody));
	assert_true(verify(first, password));
	assert_false(verify(first, STR("correct horse battery staple")));
	assert_false(password_needs_rehash(first));
}

static void
test_password__bounds(void **state)
{
	(void)state;
	static char letters[PASSWORD_MAX + 1];
	char phc[PASSWORD_PHC_MAX];
	struct error err = {0};
	memset(letters, 'a', sizeof(letters));
	assert_int_equal(
		password_hash(phc, (struct str){letters, PASSWORD_MAX + 1}, &err), ERR_INVALID);
	assert_string_equal(err.code, "password-too-long");
	err = (struct error){0};
	assert_int_equal(password_hash(phc, (struct str){letters, PASSWORD_MAX}, &err), OK);
	assert_true(verify(phc, (struct str){letters, PASSWORD_MAX}));
	assert_false(verify(phc, (struct str){letters, PASSWORD_MAX + 1}));
}

static void
test_password__of_nobody(void **state)
{
	(void)state;
	assert_false(verify(password_of_nobody, STR("password")));
	assert_false(verify(password_of_nobody, STR("")));
	assert_false(password_needs_rehash(password_of_nobody));
}

static void
test_password__broken_hashes(void **state)
{
	(void)state;
#define SALT_AND_TAG "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4"
	const char *const broken[] = {
		NULL,
		"",
		"password",
		"$argon2id$v=19$",
		"$argon2id$v=19$m=256,t=2,p=1",
		"$argon2id$v=19$m=256,t=2,p=1$",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$",
		"$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$!!!!",
		"$argon2i$v=19$m=256,t=2,p=1$" SALT_AND_TAG,
		"$argon2d$v=19$m=256,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=16$m=256,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$m=256,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=7,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=65537,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=4294967295,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=99999999999999999999,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=-256,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=0256,t=2,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=256,t=0,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=256,t=11,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=256,t=2,p=2$" SALT_AND_TAG,
		"$argon2id$v=19$t=2,m=256,p=1$" SALT_AND_TAG,
		"$argon2id$v=19$m=256,t=2,p=1$" SALT_AND_TAG SALT_AND_TAG,
	};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct error err = {0};
		bool match = true;
		assert_int_equal(
			password_verify(&match, broken[i], STR("password"), &err), ERR_CORRUPT);
		assert_string_equal(err.code, "password-hash-broken");
		assert_false(match);
		assert_true(password_needs_rehash(broken[i]));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password__published),
		cmocka_unit_test(test_password__hash_and_verify),
		cmocka_unit_test(test_password__bounds),
		cmocka_unit_test(test_password__of_nobody),
		cmocka_unit_test(test_password__broken_hashes),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
