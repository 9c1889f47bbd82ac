/* Signing keys: each algorithm there and back, what a public key may be, and wrong signatures. */
#include "check.h"

#include <pthread.h>

#include "base/thread.h"
#include "crypto/crypto.h"
#include "crypto/sign.h"
#include "jose_vectors.h"

static const enum sign_alg algs[] = {SIGN_ES256, SIGN_RS256, SIGN_EDDSA};

/* One key of each algorithm: making RSA's takes long. */
static struct sign_key *keys[SIGN_ALG_COUNT];
static struct verify_key *publics[SIGN_ALG_COUNT];

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	if (crypto_init(&err) != OK)
		return -1;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		enum sign_alg alg = algs[i];
		if (sign_key_generate(&keys[alg], alg, &err) != OK ||
			verify_key_new(&publics[alg], sign_key_public(keys[alg]), &err) != OK)
			return -1;
	}
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < SIGN_ALG_COUNT; i++) {
		sign_key_free(&keys[i]);
		verify_key_free(&publics[i]);
		verify_key_free(&publics[i]);
	}
	return 0;
}

static struct str
sign(uint8_t space[SIGNATURE_MAX], const struct sign_key *key, struct str message)
{
	struct error err = {0};
	size_t len = 0;
	assert_int_equal(sign_key_sign(space, &len, key, message, &err), OK);
	return (struct str){(const char *)space, len};
}

static void
check_refused(const struct verify_key *key, struct str message, struct str signature)
{
	struct error err = {0};
	assert_int_equal(verify_key_check(key, message, signature, &err), ERR_UNAUTHENTICATED);
	assert_string_equal(err.code, "signature-wrong");
}

static void
test_sign__names(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++)
		assert_int_equal(sign_alg_parse(str_from(sign_alg_name(algs[i]))), algs[i]);
	const char *const others[] = {"", "none", "HS256", "es256", "ES384", "ES256 ", "RS512"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		assert_int_equal(sign_alg_parse(str_from(others[i])), SIGN_ALG_NONE);
	assert_int_equal(sign_alg_parse((struct str){0}), SIGN_ALG_NONE);
}

static void
test_sign__round_trip(void **state)
{
	(void)state;
	static const size_t lens[SIGN_ALG_COUNT] = {
		[SIGN_ES256] = 64, [SIGN_RS256] = 256, [SIGN_EDDSA] = 64};
	struct error err = {0};
	uint8_t space[SIGNATURE_MAX];
	const struct str messages[] = {STR("a message"), STR(""), {0}};
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		enum sign_alg alg = algs[i];
		assert_int_equal(sign_key_public(keys[alg])->alg, alg);
		assert_memory_equal(verify_key_public(publics[alg]), sign_key_public(keys[alg]),
			sizeof(struct public_key));
		for (size_t k = 0; k < ARRAY_LEN(messages); k++) {
			struct str signature = sign(space, keys[alg], messages[k]);
			assert_int_equal(signature.len, lens[alg]);
			assert_int_equal(
				verify_key_check(publics[alg], messages[k], signature, &err), OK);
			check_refused(publics[alg], STR("another"), signature);
		}
	}
}

/* ECDSA draws a number each time, and its halves are now and then short. */
static void
test_sign__es256_is_always_64_bytes(void **state)
{
	(void)state;
	struct error err = {0};
	uint8_t space[SIGNATURE_MAX];
	bool short_half = false;
	for (int i = 0; i < 5000 && !short_half; i++) {
		struct str signature = sign(space, keys[SIGN_ES256], STR("again"));
		assert_int_equal(signature.len, 64);
		short_half = space[0] == 0 || space[32] == 0;
		if (short_half || i < 10)
			assert_int_equal(verify_key_check(publics[SIGN_ES256], STR("again"),
						 signature, &err),
				OK);
	}
	assert_true(short_half);
}

static void
test_sign__every_bit_counts(void **state)
{
	(void)state;
	uint8_t space[SIGNATURE_MAX];
	struct str message = STR("a message");
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		const struct verify_key *key = publics[algs[i]];
		struct str signature = sign(space, keys[algs[i]], message);
		for (size_t bit = 0; bit < 8 * signature.len; bit += 7) {
			space[bit / 8] ^= (uint8_t)(1 << bit % 8);
			check_refused(key, message, signature);
			space[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		check_refused(key, message, (struct str){signature.ptr, signature.len - 1});
		check_refused(key, message, (struct str){signature.ptr, 0});
		check_refused(key, message, (struct str){0});
		for (size_t k = 0; k < ARRAY_LEN(algs); k++) {
			if (k != i)
				check_refused(publics[algs[k]], message, signature);
		}
		memset(space, 0, sizeof(space));
		check_refused(key, message, signature);
		memset(space, 0xff, sizeof(space));
		check_refused(key, message, signature);
	}
}

static void
test_sign__export_and_load(void **state)
{
	(void)state;
	struct error err = {0};
	uint8_t space[SIGNATURE_MAX];
	char der[SIGN_KEY_PRIVATE_MAX];
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		enum sign_alg alg = algs[i];
		struct sign_key *again = NULL;
		struct buf out;
		buf_init_fixed(&out, der, sizeof(der));
		assert_int_equal(sign_key_export(&out, keys[alg], &err), OK);
		assert_int_equal(sign_key_load(&again, alg, buf_view(&out), &err), OK);
		struct str signature = sign(space, again, STR("kept"));
		assert_int_equal(verify_key_check(publics[alg], STR("kept"), signature, &err), OK);
		sign_key_free(&again);

		for (size_t k = 0; k < ARRAY_LEN(algs); k++) {
			if (k == i)
				continue;
			struct error why = {0};
			assert_int_equal(
				sign_key_load(&again, algs[k], buf_view(&out), &why), ERR_CORRUPT);
			assert_string_equal(why.code, "key-broken");
			assert_null(again);
		}
		struct error cut = {0}, full = {0};
		assert_int_equal(sign_key_load(&again, alg, (struct str){der, out.len - 1}, &cut),
			ERR_CORRUPT);
		out.len++; /* one byte that does not belong to it */
		cut = (struct error){0};
		assert_int_equal(sign_key_load(&again, alg, buf_view(&out), &cut), ERR_CORRUPT);
		buf_init_fixed(&out, der, 40);
		assert_int_equal(sign_key_export(&out, keys[alg], &full), ERR_TOO_LARGE);
	}
	struct sign_key *none = NULL;
	struct error why = {0};
	assert_int_equal(sign_key_load(&none, SIGN_ES256, STR(""), &why), ERR_CORRUPT);
	assert_int_equal(sign_key_load(&none, SIGN_ES256, (struct str){0}, &why), ERR_CORRUPT);
}

/* A key of secp256k1, whose numbers are as long as those of P-256. */
static void
test_sign__load_of_another_curve(void **state)
{
	(void)state;
	struct str text =
		STR("MIGEAgEAMBAGByqGSM49AgEGBSuBBAAKBG0wawIBAQQg_A2tcnT_i7Glnhx41aY7sypjfIVY"
		    "WM4rip1qCuauRyihRANCAASkSDLe66Y4-IXG6N1i-vKpzQvxhSjJAGbve7344QLsiA3UYvq1"
		    "5ldmHQMl2ERvLLzffYVnXAvhXCsOprSkoVYw");
	uint8_t der[256];
	size_t len = 0;
	struct error err = {0};
	struct sign_key *key = NULL;
	assert_true(crypto_base64url_decode(der, sizeof(der), &len, text));
	assert_int_equal(
		sign_key_load(&key, SIGN_ES256, (struct str){(const char *)der, len}, &err),
		ERR_CORRUPT);
	assert_string_equal(err.code, "key-broken");
	assert_null(key);
}

/* RFC 8037 appendix A.4 from the private key of A.1, as PKCS#8 (RFC 8410 section 7). */
static void
test_sign__rfc8037(void **state)
{
	(void)state;
	uint8_t der[48] = {0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
	uint8_t space[SIGNATURE_MAX], x[32], wanted[64];
	size_t len = 0;
	struct error err = {0};
	struct sign_key *key = NULL;
	struct str token = STR(RFC8037_TOKEN), rest = token;
	assert_true(crypto_base64url_decode(der + 16, 32, &len, STR(RFC8037_D)));
	assert_true(crypto_base64url_decode(x, sizeof(x), &len, STR(RFC8037_X)));
	assert_int_equal(
		sign_key_load(&key, SIGN_EDDSA, (struct str){(const char *)der, sizeof(der)}, &err),
		OK);
	assert_memory_equal(sign_key_public(key)->first, x, sizeof(x));
	str_cut(&rest, '.');
	str_cut(&rest, '.');
	assert_true(crypto_base64url_decode(wanted, sizeof(wanted), &len, rest));
	struct str signature = sign(space, key, (struct str){token.ptr, token.len - rest.len - 1});
	assert_int_equal(signature.len, sizeof(wanted));
	assert_memory_equal(space, wanted, sizeof(wanted));
	sign_key_free(&key);
}

static void
check_invalid(const struct public_key *key)
{
	struct error err = {0};
	struct verify_key *made = NULL;
	assert_int_equal(verify_key_new(&made, key, &err), ERR_INVALID);
	assert_string_equal(err.code, "key-invalid");
	assert_null(made);
}

static void
check_valid(const struct public_key *key)
{
	struct error err = {0};
	struct verify_key *made = NULL;
	assert_int_equal(verify_key_new(&made, key, &err), OK);
	verify_key_free(&made);
}

static void
test_public_key__p256(void **state)
{
	(void)state;
	const struct public_key good = *sign_key_public(keys[SIGN_ES256]);
	struct public_key bad = good;
	check_valid(&good);
	bad.second[31] ^= 1; /* beside the curve */
	check_invalid(&bad);
	bad = good;
	memset(bad.first, 0xff, 32); /* beyond the field */
	check_invalid(&bad);
	memset(bad.first, 0, 32);
	memset(bad.second, 0, 32);
	check_invalid(&bad);
	bad = good;
	bad.first_len = 31;
	check_invalid(&bad);
	bad = good;
	bad.second_len = 31;
	check_invalid(&bad);
	bad.second_len = 0;
	check_invalid(&bad);
	bad = good;
	bad.alg = SIGN_ALG_NONE;
	check_invalid(&bad);
	bad.alg = SIGN_RS256;
	check_invalid(&bad);
	bad.alg = SIGN_EDDSA;
	check_invalid(&bad);
}

static void
set_exponent(struct public_key *key, const char *bytes, size_t len)
{
	memset(key->second, 0, sizeof(key->second));
	memcpy(key->second, bytes, len);
	key->second_len = len;
}

static void
test_public_key__rsa_exponents(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		bool valid;
	} cases[] = {
		{"\x01\x00\x01", 3, true},
		{"\x03", 1, true},
		{"\xff\xff\xff\xff", 4, true},
		{"", 0, false},
		{"\x01", 1, false},
		{"\x02", 1, false},
		{"\x01\x00\x00", 3, false},
		{"\x00\x01\x00\x01", 4, false},
		{"\x01\x00\x00\x00\x01", 5, false},
		{"\x01\x00\x00\x00\x00\x00\x00\x00\x01", 9, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct public_key key = *sign_key_public(keys[SIGN_RS256]);
		set_exponent(&key, cases[i].bytes, cases[i].len);
		if (cases[i].valid)
			check_valid(&key);
		else
			check_invalid(&key);
	}
}

static void
test_public_key__rsa_moduli(void **state)
{
	(void)state;
	static const struct {
		size_t len;
		uint8_t first, last;
		bool valid;
	} cases[] = {
		{256, 0x80, 1, true}, {257, 0x01, 1, true}, {512, 0xff, 1, true},
		{256, 0x7f, 1, false}, /* 2047 bits */
		{255, 0xff, 1, false}, {128, 0xff, 1, false}, {1, 0xff, 1, false},
		{0, 0xff, 1, false}, {257, 0x00, 1, false}, /* a leading zero */
		{256, 0x80, 2, false}, /* even */
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct public_key key = {.alg = SIGN_RS256, .first_len = cases[i].len};
		memset(key.first, 0x5a, sizeof(key.first));
		key.first[0] = cases[i].first;
		if (cases[i].len > 1)
			key.first[cases[i].len - 1] = cases[i].last;
		set_exponent(&key, "\x01\x00\x01", 3);
		if (cases[i].valid)
			check_valid(&key);
		else
			check_invalid(&key);
	}
}

static void
test_public_key__ed25519(void **state)
{
	(void)state;
	const struct public_key good = *sign_key_public(keys[SIGN_EDDSA]);
	struct public_key bad = good;
	check_valid(&good);
	bad.first_len = 31;
	check_invalid(&bad);
	bad.first_len = 33;
	check_invalid(&bad);
	bad = good;
	bad.second_len = 1;
	check_invalid(&bad);

	/* What is no point verifies nothing. */
	struct error err = {0};
	struct verify_key *key = NULL;
	uint8_t space[SIGNATURE_MAX];
	bad = good;
	memset(bad.first, 0xff, 32);
	assert_int_equal(verify_key_new(&key, &bad, &err), OK);
	check_refused(key, STR("m"), sign(space, keys[SIGN_EDDSA], STR("m")));
	verify_key_free(&key);
}

#define THREADS 4

static void *
sign_and_verify(void *arg)
{
	uint8_t space[SIGNATURE_MAX];
	size_t len = 0;
	struct error err = {0};
	int *good = arg;
	for (int i = 0; i < 60; i++) {
		enum sign_alg alg = algs[i % (int)ARRAY_LEN(algs)];
		if (sign_key_sign(space, &len, keys[alg], STR("shared"), &err) == OK &&
			verify_key_check(publics[alg], STR("shared"),
				(struct str){(const char *)space, len}, &err) == OK)
			(*good)++;
	}
	return NULL;
}

static void
test_sign__one_key_in_many_threads(void **state)
{
	(void)state;
	pthread_t threads[THREADS];
	int good[THREADS] = {0};
	struct error err = {0};
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			thread_start(&threads[i], "sign", sign_and_verify, &good[i], &err), OK);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(good[i], 60);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sign__names),
		cmocka_unit_test(test_sign__round_trip),
		cmocka_unit_test(test_sign__es256_is_always_64_bytes),
		cmocka_unit_test(test_sign__every_bit_counts),
		cmocka_unit_test(test_sign__export_and_load),
		cmocka_unit_test(test_sign__load_of_another_curve),
		cmocka_unit_test(test_sign__rfc8037),
		cmocka_unit_test(test_public_key__p256),
		cmocka_unit_test(test_public_key__rsa_exponents),
		cmocka_unit_test(test_public_key__rsa_moduli),
		cmocka_unit_test(test_public_key__ed25519),
		cmocka_unit_test(test_sign__one_key_in_many_threads),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
