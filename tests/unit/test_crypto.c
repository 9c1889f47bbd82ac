/* Hashes against published vectors, seals, encodings. */
#include "check.h"

#include <stdlib.h>

#include "base/thread.h"
#include "crypto/crypto.h"

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	return crypto_init(&err) == OK && crypto_init(&err) == OK ? 0 : -1;
}

static void
check_hex(const uint8_t bytes[SHA256_LEN], const char *want)
{
	char hex[2 * SHA256_LEN + 1];
	crypto_hex(hex, bytes, SHA256_LEN);
	assert_string_equal(hex, want);
}

/* A FIPS 180-4 example. */
static void
test_sha512__vector(void **state)
{
	(void)state;
	uint8_t hash[SHA512_LEN];
	char hex[2 * SHA512_LEN + 1];
	struct error err = {0};
	assert_int_equal(crypto_sha512(hash, STR("abc"), &err), OK);
	crypto_hex(hex, hash, SHA512_LEN);
	assert_string_equal(hex,
		"ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
		"2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* FIPS 180-4 examples, and the million letters a. */
static void
test_sha256__vectors(void **state)
{
	(void)state;
	uint8_t hash[SHA256_LEN];
	crypto_sha256(hash, "", 0);
	check_hex(hash, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	crypto_sha256(hash, "abc", 3);
	check_hex(hash, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	crypto_sha256(hash, "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 56);
	check_hex(hash, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
	char *letters = malloc(1000000);
	assert_non_null(letters);
	memset(letters, 'a', 1000000);
	crypto_sha256(hash, letters, 1000000);
	check_hex(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	struct crypto_piece pieces[] = {{letters, 999}, {NULL, 0}, {letters + 999, 999001}};
	crypto_sha256_pieces(hash, pieces, ARRAY_LEN(pieces));
	check_hex(hash, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
	free(letters);
}

static void
check_hmac(const void *key, size_t key_len, const void *data, size_t len, const char *want)
{
	struct crypto_hmac_key *prepared;
	struct error err = {0};
	uint8_t mac[SHA256_LEN];
	assert_int_equal(crypto_hmac_key_new(&prepared, key, key_len, &err), OK);
	for (int i = 0; i < 2; i++) {
		crypto_hmac(mac, prepared, data, len);
		check_hex(mac, want);
	}
	crypto_hmac_key_free(&prepared);
	assert_null(prepared);
	crypto_hmac_key_free(&prepared);
}

/* RFC 2202 section 3, test cases 1 and 2, and nothing under no key. */
static void
test_hmac_sha1__rfc2202(void **state)
{
	(void)state;
	static const struct {
		struct str key, message;
		const char *want;
	} cases[] = {
		{STR("\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v\v"), STR("Hi There"),
			"b617318655057264e28bc0b6fb378c8ef146be00"},
		{STR("Jefe"), STR("what do ya want for nothing?"),
			"effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
		{STR(""), STR(""), "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
		{{NULL, 0}, {NULL, 0}, "fbdb1d1b18aa6c08324b7d64b71fb76370690e1d"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		uint8_t mac[SHA1_LEN];
		char hex[2 * SHA1_LEN + 1];
		assert_int_equal(crypto_hmac_sha1(mac, cases[i].key, cases[i].message, &err), OK);
		crypto_hex(hex, mac, sizeof(mac));
		assert_string_equal(hex, cases[i].want);
	}
}

/* RFC 6238 appendix B: eight digits of a step of 30 seconds. */
static void
test_hmac_sha1__rfc6238(void **state)
{
	(void)state;
	static const struct {
		uint64_t time_s;
		uint32_t want;
	} cases[] = {{59, 94287082}, {1111111109, 7081804}, {1111111111, 14050471},
		{1234567890, 89005924}, {2000000000, 69279037}, {20000000000, 65353130}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct error err = {0};
		uint8_t mac[SHA1_LEN], step[8];
		for (int k = 0; k < 8; k++)
			step[k] = (uint8_t)(cases[i].time_s / 30 >> (56 - 8 * k));
		assert_int_equal(crypto_hmac_sha1(mac, STR("12345678901234567890"),
					 (struct str){(const char *)step, sizeof(step)}, &err),
			OK);
		const uint8_t *at = mac + (mac[SHA1_LEN - 1] & 15);
		uint32_t code = (uint32_t)(at[0] & 127) << 24 | (uint32_t)at[1] << 16 |
			(uint32_t)at[2] << 8 | at[3];
		assert_int_equal(code % 100000000, cases[i].want);
	}
}

/* RFC 4231, test cases 1 to 4, 6 and 7. */
static void
test_hmac__rfc4231(void **state)
{
	(void)state;
	uint8_t key[131], data[50], counted[25];
	memset(key, 0x0b, 20);
	check_hmac(key, 20, "Hi There", 8,
		"b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	check_hmac("Jefe", 4, "what do ya want for nothing?", 28,
		"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	check_hmac(key, 20, data, 50,
		"773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe");
	for (size_t i = 0; i < sizeof(counted); i++)
		counted[i] = (uint8_t)(i + 1);
	memset(data, 0xcd, sizeof(data));
	check_hmac(counted, sizeof(counted), data, 50,
		"82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b");
	check_hmac(key, 131, "Test Using Larger Than Block-Size Key - Hash Key First", 54,
		"60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	check_hmac(key, 131,
		"This is a test using a larger than block-size key and a larger than block-size "
		"data. The key needs to be hashed before being used by the HMAC algorithm.",
		152, "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2");
}

static void
test_hmac__empty_key(void **state)
{
	(void)state;
	check_hmac(
		NULL, 0, "", 0, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void *
hash_in_thread(void *arg)
{
	const struct crypto_hmac_key *key = arg;
	uint8_t mac[SHA256_LEN], first[SHA256_LEN];
	crypto_hmac(first, key, "shared", 6);
	for (int i = 0; i < 2000; i++) {
		crypto_sha256(mac, "x", 1);
		crypto_hmac(mac, key, "shared", 6);
		if (!crypto_equal(mac, first, sizeof(mac)))
			return arg;
	}
	return NULL;
}

static void
test_hmac__one_key_many_threads(void **state)
{
	(void)state;
	struct crypto_hmac_key *key;
	struct error err = {0};
	pthread_t threads[4];
	assert_int_equal(crypto_hmac_key_new(&key, (const uint8_t *)"k", 1, &err), OK);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(thread_start(&threads[i], "hash", hash_in_thread, key, &err), OK);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = key;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	crypto_hmac_key_free(&key);
}

/* McGrew and Viega's test case 16 (as NIST publishes it), opened. */
static void
test_seal__vector(void **state)
{
	(void)state;
	static const char key[] =
		"\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08"
		"\xfe\xff\xe9\x92\x86\x65\x73\x1c\x6d\x6a\x8f\x94\x67\x30\x83\x08";
	static const char aad[] = "\xfe\xed\xfa\xce\xde\xad\xbe\xef\xfe\xed\xfa\xce\xde\xad\xbe\xef"
				  "\xab\xad\xda\xd2";
	static const char sealed[] =
		"\xca\xfe\xba\xbe\xfa\xce\xdb\xad\xde\xca\xf8\x88"
		"\x52\x2d\xc1\xf0\x99\x56\x7d\x07\xf4\x7f\x37\xa3\x2a\x84\x42\x7d"
		"\x64\x3a\x8c\xdc\xbf\xe5\xc0\xc9\x75\x98\xa2\xbd\x25\x55\xd1\xaa"
		"\x8c\xb0\x8e\x48\x59\x0d\xbb\x3d\xa7\xb0\x8b\x10\x56\x82\x88\x38"
		"\xc5\xf6\x1e\x63\x93\xba\x7a\x0a\xbc\xc9\xf6\x62"
		"\x76\xfc\x6e\xce\x0f\x4e\x17\x68\xcd\xdf\x88\x53\xbb\x2d\x55\x1b";
	static const char plain[] =
		"\xd9\x31\x32\x25\xf8\x84\x06\xe5\xa5\x59\x09\xc5\xaf\xf5\x26\x9a"
		"\x86\xa7\xa9\x53\x15\x34\xf7\xda\x2e\x4c\x30\x3d\x8a\x31\x8a\x72"
		"\x1c\x3c\x0c\x95\x95\x68\x09\x53\x2f\xcf\x0e\x24\x49\xa6\xb5\x25"
		"\xb1\x6a\xed\xf5\xaa\x0d\xe6\x57\xba\x63\x7b\x39";
	struct buf out;
	struct error err = {0};
	buf_init(&out, 128);
	assert_int_equal(crypto_open(&out, (const uint8_t *)key,
				 (struct str){sealed, sizeof(sealed) - 1}, STR(aad), &err),
		OK);
	assert_int_equal(out.len, sizeof(plain) - 1);
	assert_memory_equal(out.ptr, plain, out.len);
	buf_clear(&out);
}

static void
check_unopenable(const uint8_t key[32], struct str sealed, struct str aad)
{
	struct error err = {0};
	struct buf out;
	buf_init(&out, 64);
	assert_int_equal(crypto_open(&out, key, sealed, aad, &err), ERR_CORRUPT);
	assert_int_equal(out.len, 0);
	buf_clear(&out);
}

static void
test_seal__round_trip_and_tamper(void **state)
{
	(void)state;
	uint8_t key[32] = {1}, other[32] = {2};
	struct error err = {0};
	struct buf sealed, again, out;
	struct str plain = STR("a private key"), aad = STR("keys|org|row");
	buf_init(&sealed, 64);
	buf_init(&again, 64);
	buf_init(&out, 64);
	assert_int_equal(crypto_seal(&sealed, key, plain, aad, &err), OK);
	assert_int_equal(sealed.len, plain.len + CRYPTO_SEAL_OVERHEAD);
	assert_int_equal(crypto_seal(&again, key, plain, aad, &err), OK);
	assert_memory_not_equal(sealed.ptr, again.ptr, sealed.len);
	struct str whole = buf_view(&sealed);
	buf_str(&out, STR("before "));
	assert_int_equal(crypto_open(&out, key, whole, aad, &err), OK);
	check_str(buf_view(&out), "before a private key");

	for (size_t i = 0; i < sealed.len * 8; i++) {
		sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << i % 8));
		check_unopenable(key, whole, aad);
		sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << i % 8));
	}
	for (size_t cut = 0; cut < sealed.len; cut++)
		check_unopenable(key, (struct str){whole.ptr, cut}, aad);
	check_unopenable(other, whole, aad);
	check_unopenable(key, whole, STR("x"));
	check_unopenable(key, whole, (struct str){0});
	buf_reset(&out);
	assert_int_equal(crypto_open(&out, key, whole, aad, &err), OK);
	check_str(buf_view(&out), "a private key");
	buf_clear(&sealed);
	buf_clear(&again);
	buf_clear(&out);
}

static void
test_seal__sizes(void **state)
{
	(void)state;
	uint8_t key[32] = {1};
	char space[CRYPTO_SEAL_OVERHEAD];
	struct str absent = {0};
	struct buf sealed, out;
	struct error err = {0};
	buf_init_fixed(&sealed, space, sizeof(space));
	assert_int_equal(crypto_seal(&sealed, key, STR("x"), absent, &err), ERR_TOO_LARGE);
	assert_int_equal(sealed.len, 0);
	buf_reset(&sealed);
	err = (struct error){0};
	assert_int_equal(crypto_seal(&sealed, key, absent, absent, &err), OK);
	assert_int_equal(sealed.len, CRYPTO_SEAL_OVERHEAD);
	buf_init(&out, 1);
	buf_char(&out, 'x');
	assert_int_equal(crypto_open(&out, key, buf_view(&sealed), absent, &err), OK);
	assert_int_equal(out.len, 1);
	buf_init(&sealed, 64);
	assert_int_equal(crypto_seal(&sealed, key, STR("x"), STR(""), &err), OK);
	assert_int_equal(crypto_open(&out, key, buf_view(&sealed), STR(""), &err), ERR_TOO_LARGE);
	buf_clear(&sealed);
	buf_clear(&out);
}

static void
test_equal__and_wipe(void **state)
{
	(void)state;
	char text[] = "secret";
	assert_true(crypto_equal("abc", "abc", 3));
	assert_false(crypto_equal("abc", "abd", 3));
	assert_true(crypto_equal("", "", 0));
	crypto_wipe(text, sizeof(text));
	assert_memory_equal(text, "\0\0\0\0\0\0\0", sizeof(text));
}

/* RFC 4648 section 10, without padding. */
static void
test_base64url__vectors(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"},
		{"foo", "Zm9v"}, {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"},
		{"\xfb\xff\xfe", "-__-"}};
	char text[16];
	uint8_t bytes[16];
	size_t len;
	for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
		size_t plain_len = strlen(pairs[i][0]);
		assert_int_equal(crypto_base64url(text, sizeof(text), pairs[i][0], plain_len),
			strlen(pairs[i][1]));
		assert_string_equal(text, pairs[i][1]);
		assert_true(
			crypto_base64url_decode(bytes, sizeof(bytes), &len, str_from(pairs[i][1])));
		assert_int_equal(len, plain_len);
		assert_memory_equal(bytes, pairs[i][0], len);
	}
}

static void
test_base64url__refuses(void **state)
{
	(void)state;
	static const char *const bad[] = {"A", "AAAAA", "Zg==", "Zm8=", "Zh", "Zm9", "Z+==", "Zm/v",
		"Zm9v ", " Zm9v", "Zm9v\n", "Zm.v", "\xc3\xa9", "____Z"};
	uint8_t bytes[16];
	size_t len;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (crypto_base64url_decode(bytes, sizeof(bytes), &len, str_from(bad[i])))
			fail_msg("accepted: %s", bad[i]);
	}
	assert_false(crypto_base64url_decode(bytes, sizeof(bytes), &len, (struct str){0}));
	assert_false(crypto_base64url_decode(bytes, 2, &len, STR("Zm9v")));
	assert_true(crypto_base64url_decode(bytes, 3, &len, STR("Zm9v")));
}

/* One spelling for each value, and each character at each place of a text of two to four. */
static void
test_base64url__each_character(void **state)
{
	(void)state;
	char text[5] = "", again[8];
	uint8_t bytes[4];
	size_t len;
	unsigned taken[5] = {0};
	for (size_t size = 2; size <= 4; size++) {
		for (size_t i = 0; i < size * 256; i++) {
			memset(text, 'A', size);
			text[i % size] = (char)(i / size);
			if (!crypto_base64url_decode(
				    bytes, sizeof(bytes), &len, (struct str){text, size}))
				continue;
			crypto_base64url(again, sizeof(again), bytes, len);
			assert_memory_equal(again, text, size);
			taken[size]++;
		}
	}
	/* The last of two stands for two bits, that of three for four. */
	assert_int_equal(taken[2], 64 + 4);
	assert_int_equal(taken[3], 2 * 64 + 16);
	assert_int_equal(taken[4], 4 * 64);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha512__vector),
		cmocka_unit_test(test_sha256__vectors),
		cmocka_unit_test(test_hmac_sha1__rfc2202),
		cmocka_unit_test(test_hmac_sha1__rfc6238),
		cmocka_unit_test(test_hmac__rfc4231),
		cmocka_unit_test(test_hmac__empty_key),
		cmocka_unit_test(test_hmac__one_key_many_threads),
		cmocka_unit_test(test_seal__vector),
		cmocka_unit_test(test_seal__round_trip_and_tamper),
		cmocka_unit_test(test_seal__sizes),
		cmocka_unit_test(test_equal__and_wipe),
		cmocka_unit_test(test_base64url__vectors),
		cmocka_unit_test(test_base64url__refuses),
		cmocka_unit_test(test_base64url__each_character),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
