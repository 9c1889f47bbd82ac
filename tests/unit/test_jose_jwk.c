/* Public keys as JSON: published keys, what is written is read back, what is passed
 * over, what is refused. */
#include "check.h"

#include "jose_support.h"
#include "jose_vectors.h"

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	return crypto_init(&err) == OK ? 0 : -1;
}

static void
check_round_trip(const char *json, const char *kid, const char *want)
{
	struct buf out;
	struct json_writer w;
	struct jwk_set *set = one_key(json);
	const struct public_key *key = verify_key_public(jwk_set_at(set, 0)->key);
	buf_init(&out, 4096);
	jw_init(&w, &out);
	jwk_write(&w, NULL, key, str_from(kid));
	assert_false(out.failed);
	buf_char(&out, '\0');
	assert_string_equal(out.ptr, want);
	struct jwk_set *again = one_key(out.ptr);
	const struct jwk *read = jwk_set_at(again, 0);
	assert_memory_equal(verify_key_public(read->key), key, sizeof(*key));
	if (kid)
		check_str(read->kid, kid);
	else
		assert_null(read->kid.ptr);
	jwk_set_free(&set);
	jwk_set_free(&again);
	buf_clear(&out);
}

static void
test_jwk__what_is_written_is_read(void **state)
{
	(void)state;
	check_round_trip(RFC7515_ES256_KEY, "one",
		"{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" RFC7515_ES256_X
		"\",\"y\":\"" RFC7515_ES256_Y
		"\",\"use\":\"sig\",\"alg\":\"ES256\",\"kid\":\"one\"}");
	check_round_trip(RFC7515_RS256_KEY, "a \"quoted\" id",
		"{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" RFC7515_RS256_N
		"\",\"use\":\"sig\",\"alg\":\"RS256\",\"kid\":\"a \\\"quoted\\\" id\"}");
	check_round_trip(RFC8037_KEY, NULL,
		"{\"crv\":\"Ed25519\",\"kty\":\"OKP\",\"x\":\"" RFC8037_X
		"\",\"use\":\"sig\",\"alg\":\"EdDSA\"}");
}

#define EC_WITH(members)                                                                           \
	"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_ES256_X "\",\"y\":\"" RFC7515_ES256_Y \
	"\"" members "}"
#define RSA_WITH(members) "{\"kty\":\"RSA\",\"n\":\"" RFC7515_RS256_N "\"" members "}"
#define OKP_WITH(members) "{\"kty\":\"OKP\"" members "}"

static void
test_jwk_set__usable(void **state)
{
	(void)state;
	const char *const usable[] = {
		EC_WITH(""),
		EC_WITH(",\"use\":\"sig\",\"key_ops\":[\"verify\"],\"alg\":\"ES256\""),
		EC_WITH(",\"key_ops\":[\"sign\",\"verify\"]"),
		EC_WITH(",\"x5c\":[\"MIIB\"],\"x5t\":\"abc\",\"unknown\":{\"a\":[1]}"),
		RSA_WITH(",\"e\":\"AQAB\",\"alg\":\"RS256\""),
		RSA_WITH(",\"e\":\"Aw\""),
	};
	for (size_t i = 0; i < ARRAY_LEN(usable); i++) {
		struct jwk_set *set = one_key(usable[i]);
		assert_int_equal(jwk_set_first_skipped(set), 0);
		assert_null(jwk_set_at(set, 1));
		jwk_set_free(&set);
	}
}

/* RFC 7517 section 5 */
static void
test_jwk_set__passed_over(void **state)
{
	(void)state;
	const char *const unusable[] = {
		"{}",
		"{\"kty\":\"AKP\",\"alg\":\"ML-DSA-44\",\"pub\":\"AAAA\",\"d\":\"of another "
		"kind\"}",
		"{\"kty\":\"ec\",\"crv\":\"P-256\",\"x\":\"" RFC7515_ES256_X
		"\",\"y\":\"" RFC7515_ES256_Y "\"}",
		"{\"kty\":[\"EC\"]}",
		"{\"kty\":\"EC\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-384\",\"x\":\"AA\",\"y\":\"AA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_ES256_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_ES256_X
		"\",\"y\":\"" RFC7515_ES256_X "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"" RFC7515_ES256_X
		"=\",\"y\":\"" RFC7515_ES256_Y "\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":1,\"y\":2}",
		EC_WITH(",\"use\":\"enc\""),
		EC_WITH(",\"use\":null"),
		EC_WITH(",\"alg\":\"ES384\""),
		EC_WITH(",\"alg\":\"RS256\""),
		EC_WITH(",\"alg\":\"none\""),
		EC_WITH(",\"key_ops\":[\"encrypt\"]"),
		EC_WITH(",\"key_ops\":[]"),
		EC_WITH(",\"key_ops\":\"verify\""),
		EC_WITH(",\"kid\":\"\""),
		EC_WITH(",\"kid\":7"),
		RSA_WITH(""),
		RSA_WITH(",\"e\":\"AA\""),
		RSA_WITH(",\"e\":\"AQ\""),
		RSA_WITH(",\"e\":\"AQAA\""),
		RSA_WITH(",\"e\":\"AAEAAQ\""),
		RSA_WITH(",\"e\":\"AQAB\",\"alg\":\"RS512\""),
		RSA_WITH(",\"e\":\"AQAB\",\"alg\":\"RSA-OAEP\""),
		"{\"kty\":\"RSA\",\"n\":\"ofgW\",\"e\":\"AQAB\"}",
		"{\"kty\":\"RSA\",\"n\":\"\",\"e\":\"\"}",
		OKP_WITH(",\"crv\":\"Ed25519\""),
		OKP_WITH(",\"crv\":\"Ed25519\",\"x\":\"AA\""),
		OKP_WITH(",\"crv\":\"Ed448\",\"x\":\"" RFC8037_X "\""),
		OKP_WITH(",\"crv\":\"X25519\",\"x\":\"" RFC8037_X "\""),
	};
	struct buf text;
	buf_init(&text, 1 << 16);
	for (size_t i = 0; i < ARRAY_LEN(unusable); i++) {
		struct error err = {0};
		struct jwk_set *set = NULL;
		buf_reset(&text);
		buf_printf(&text, "{\"keys\":[%s," RFC8037_KEY "]}", unusable[i]);
		assert_int_equal(jwk_set_parse(&set, buf_view(&text), &err), OK);
		assert_int_equal(jwk_set_count(set), 1);
		assert_int_equal(jwk_set_first_skipped(set), 1);
		assert_int_equal(verify_key_public(jwk_set_at(set, 0)->key)->alg, SIGN_EDDSA);
		jwk_set_free(&set);
	}
	buf_clear(&text);
}

static void
check_refused(struct str json, enum status status, const char *code)
{
	struct error err = {0};
	struct jwk_set *set = NULL;
	assert_int_equal(jwk_set_parse(&set, json, &err), status);
	assert_string_equal(err.code, code);
	assert_null(set);
}

static void
test_jwk_set__private_keys(void **state)
{
	(void)state;
	const char *const exposed[] = {
		EC_WITH(",\"d\":\"AAAA\""),
		EC_WITH(",\"d\":null"),
		"{\"keys\":[" RFC8037_KEY "," EC_WITH(",\"d\":\"AAAA\"") "]}",
		"{\"keys\":[" RSA_WITH(",\"use\":\"enc\",\"e\":\"AQAB\",\"p\":\"AAAA\"") "]}",
		RSA_WITH(",\"e\":\"AQAB\",\"oth\":[]"),
		OKP_WITH(",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X "\",\"d\":\"" RFC8037_D "\""),
		OKP_WITH(",\"crv\":\"X25519\",\"x\":\"" RFC8037_X "\",\"d\":\"" RFC8037_D "\""),
		"{\"kty\":\"oct\",\"k\":\"AAAA\"}",
	};
	for (size_t i = 0; i < ARRAY_LEN(exposed); i++)
		check_refused(str_from(exposed[i]), ERR_INVALID, "jwk-private");
}

static void
test_jwk_set__malformed(void **state)
{
	(void)state;
	const char *const malformed[] = {"[]", "{}", "{\"keys\":{}}", "{\"keys\":null}",
		"{\"keys\":[1]}", "{\"keys\":[" RFC8037_KEY ",[]]}", "{\"Keys\":[]}"};
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		check_refused(str_from(malformed[i]), ERR_INVALID, "jwk-malformed");
	check_refused(STR(""), ERR_INVALID, "malformed-json");
	check_refused(STR("{\"keys\":[],\"keys\":[]}"), ERR_INVALID, "malformed-json");
	check_refused(STR(EC_WITH(",\"kty\":\"EC\"")), ERR_INVALID, "malformed-json");
}

static void
test_jwk_set__bounds(void **state)
{
	(void)state;
	struct error err = {0};
	struct jwk_set *set = NULL;
	struct buf text;
	buf_init(&text, 1 << 20);
	for (int count = 32; count <= 33; count++) {
		buf_reset(&text);
		buf_str(&text, STR("{\"keys\":["));
		for (int i = 0; i < count; i++) {
			buf_str(&text, i > 0 ? STR(",") : STR(""));
			buf_printf(&text,
				"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":\"" RFC8037_X
				"\",\"kid\":\"%0256d\"}",
				i);
		}
		buf_str(&text, STR("]}"));
		if (count > 32) {
			check_refused(buf_view(&text), ERR_LIMIT, "jwk-too-many");
			continue;
		}
		assert_int_equal(jwk_set_parse(&set, buf_view(&text), &err), OK);
		assert_int_equal(jwk_set_count(set), 32);
		assert_int_equal(jwk_set_at(set, 31)->kid.len, JWK_KID_MAX);
		jwk_set_free(&set);
	}
	buf_reset(&text);
	buf_printf(&text, EC_WITH(",\"kid\":\"%0257d\""), 1);
	assert_int_equal(jwk_set_parse(&set, buf_view(&text), &err), OK);
	assert_int_equal(jwk_set_first_skipped(set), 1);
	jwk_set_free(&set);

	buf_reset(&text);
	buf_str(&text, STR("{\"keys\":[]}"));
	while (text.len < 64 * 1024)
		buf_char(&text, ' ');
	assert_int_equal(jwk_set_parse(&set, buf_view(&text), &err), OK);
	assert_int_equal(jwk_set_count(set), 0);
	jwk_set_free(&set);
	buf_char(&text, ' ');
	check_refused(buf_view(&text), ERR_TOO_LARGE, "json-too-large");
	buf_clear(&text);
}

#define EC_ONE EC_WITH(",\"kid\":\"one\"")
#define EC_PLAIN EC_WITH("")
#define RSA_ONE RSA_WITH(",\"e\":\"AQAB\",\"kid\":\"one\"")
#define RSA_TWO RSA_WITH(",\"e\":\"Aw\",\"kid\":\"two\"")

static void
test_jwk_set__find(void **state)
{
	(void)state;
	struct error err = {0};
	struct jwk_set *set = NULL;
	assert_int_equal(jwk_set_parse(&set,
				 STR("{\"keys\":[" EC_ONE "," EC_PLAIN "," RSA_ONE "," RSA_TWO
				     "," RFC8037_KEY "]}"),
				 &err),
		OK);
	assert_int_equal(jwk_set_count(set), 5);
	const struct verify_key *keys[5];
	for (size_t i = 0; i < 5; i++)
		keys[i] = jwk_set_at(set, i)->key;
	struct str none = {0};
	assert_ptr_equal(jwk_set_find(set, SIGN_ES256, STR("one")), keys[0]);
	assert_ptr_equal(jwk_set_find(set, SIGN_RS256, STR("one")), keys[2]);
	assert_ptr_equal(jwk_set_find(set, SIGN_RS256, STR("two")), keys[3]);
	assert_null(jwk_set_find(set, SIGN_ES256, STR("two")));
	assert_null(jwk_set_find(set, SIGN_EDDSA, STR("one")));
	assert_null(jwk_set_find(set, SIGN_EDDSA, STR("")));
	assert_null(jwk_set_find(set, SIGN_ES256, none)); /* there are two */
	assert_null(jwk_set_find(set, SIGN_RS256, none));
	assert_ptr_equal(jwk_set_find(set, SIGN_EDDSA, none), keys[4]);
	assert_null(jwk_set_find(set, SIGN_ALG_NONE, none));
	jwk_set_free(&set);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_jwk__what_is_written_is_read),
		cmocka_unit_test(test_jwk_set__usable),
		cmocka_unit_test(test_jwk_set__passed_over),
		cmocka_unit_test(test_jwk_set__private_keys),
		cmocka_unit_test(test_jwk_set__malformed),
		cmocka_unit_test(test_jwk_set__bounds),
		cmocka_unit_test(test_jwk_set__find),
	};
	return cmocka_run_group_tests(tests, start, NULL);
}
