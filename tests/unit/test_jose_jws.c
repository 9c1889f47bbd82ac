/* Signatures in compact form: the RFC's examples, and every way to be no token. */
#include "check.h"

#include <stdio.h>

#include "jose_support.h"
#include "jose_vectors.h"

static struct {
	struct arena *arena;
	struct sign_key *key, *other; /* both ES256 */
	struct verify_key *public, *other_public;
	struct buf text;
} t;

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	t.arena = arena_new(1 << 20);
	buf_init(&t.text, 1 << 20);
	return t.arena && crypto_init(&err) == OK &&
			sign_key_generate(&t.key, SIGN_ES256, &err) == OK &&
			sign_key_generate(&t.other, SIGN_ES256, &err) == OK &&
			verify_key_new(&t.public, sign_key_public(t.key), &err) == OK &&
			verify_key_new(&t.other_public, sign_key_public(t.other), &err) == OK
		? 0
		: -1;
}

static int
stop(void **state)
{
	(void)state;
	verify_key_free(&t.public);
	verify_key_free(&t.other_public);
	sign_key_free(&t.key);
	sign_key_free(&t.other);
	arena_free(&t.arena);
	buf_clear(&t.text);
	return 0;
}

static int
forget(void **state)
{
	(void)state;
	arena_reset(t.arena);
	buf_reset(&t.text);
	return 0;
}

static struct jws
parse(struct str token)
{
	struct error err = {0};
	struct jws jws;
	assert_int_equal(jws_parse(&jws, t.arena, token, &err), OK);
	return jws;
}

static void
check_parse_refused(struct str token, const char *code)
{
	struct error err = {0};
	struct jws jws;
	assert_int_equal(jws_parse(&jws, t.arena, token, &err), ERR_UNAUTHENTICATED);
	assert_string_equal(err.code, code);
	assert_string_equal(err.text, "The token is not valid.");
}

static void
check_verify_refused(const struct jws *jws, const struct verify_key *key, const char *code)
{
	struct error err = {0};
	assert_int_equal(jws_verify(jws, key, &err), ERR_UNAUTHENTICATED);
	assert_string_equal(err.code, code);
	assert_string_equal(err.text, "The token is not valid.");
}

/* RFC 7515 appendixes A.2 and A.3, RFC 8037 appendix A.4: each by its key, and by no other. */
static void
test_jws__published(void **state)
{
	(void)state;
	static const struct {
		const char *key, *token;
		enum sign_alg alg;
	} examples[] = {{RFC7515_RS256_KEY, RFC7515_RS256_TOKEN, SIGN_RS256},
		{RFC7515_ES256_KEY, RFC7515_ES256_TOKEN, SIGN_ES256},
		{RFC8037_KEY, RFC8037_TOKEN, SIGN_EDDSA}};
	for (size_t i = 0; i < ARRAY_LEN(examples); i++) {
		struct jws jws = parse(str_from(examples[i].token));
		assert_int_equal(jws.alg, examples[i].alg);
		assert_null(jws.typ.ptr);
		assert_null(jws.kid.ptr);
		check_str(jws.payload,
			i < 2 ? "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n "
				"\"http://example.com/is_root\":true}"
			      : "Example of Ed25519 signing");
		for (size_t k = 0; k < ARRAY_LEN(examples); k++) {
			struct error err = {0};
			struct jwk_set *set = one_key(examples[k].key);
			const struct verify_key *key = jwk_set_at(set, 0)->key;
			if (k == i)
				assert_int_equal(jws_verify(&jws, key, &err), OK);
			else
				check_verify_refused(&jws, key, "jws-alg");
			jwk_set_free(&set);
		}
	}
}

static void
test_jws_sign__is_read_again(void **state)
{
	(void)state;
	struct error err = {0};
	buf_str(&t.text, STR("before "));
	assert_int_equal(jws_sign(&t.text, t.key, STR("at+jwt"), STR("a \"key\""),
				 STR("{\"sub\":\"me\"}"), &err),
		OK);
	assert_true(str_starts(buf_view(&t.text), STR("before ey")));
	struct jws jws = parse((struct str){t.text.ptr + 7, t.text.len - 7});
	assert_int_equal(jws.alg, SIGN_ES256);
	check_str(jws.typ, "at+jwt");
	check_str(jws.kid, "a \"key\"");
	check_str(jws.payload, "{\"sub\":\"me\"}");
	assert_int_equal(jws_verify(&jws, t.public, &err), OK);
	check_verify_refused(&jws, t.other_public, "signature-wrong");

	buf_reset(&t.text);
	struct str none = {0};
	assert_int_equal(jws_sign(&t.text, t.key, none, none, STR(""), &err), OK);
	jws = parse(buf_view(&t.text));
	assert_null(jws.typ.ptr);
	assert_null(jws.kid.ptr);
	assert_int_equal(jws.payload.len, 0);
	assert_int_equal(jws_verify(&jws, t.public, &err), OK);
}

static void
check_sign_refused(struct buf *out, struct str typ, struct str kid, struct str payload)
{
	struct error err = {0};
	size_t before = out->len;
	assert_int_equal(jws_sign(out, t.key, typ, kid, payload, &err), ERR_TOO_LARGE);
	assert_string_equal(err.code, "jws-too-large");
	assert_int_equal(out->len, before);
	buf_reset(out);
}

static void
test_jws_sign__bounds(void **state)
{
	(void)state;
	static char letters[JWS_TOKEN_MAX];
	char space[64];
	struct buf small;
	struct error err = {0};
	memset(letters, '"', sizeof(letters));
	struct str typ = {letters, JWS_TYP_MAX}, kid = {letters, JWS_KID_MAX}, none = {0};
	assert_int_equal(jws_sign(&t.text, t.key, typ, kid, STR("{}"), &err), OK);
	struct jws jws = parse(buf_view(&t.text));
	assert_int_equal(jws.typ.len, JWS_TYP_MAX);
	assert_int_equal(jws.kid.len, JWS_KID_MAX);
	buf_reset(&t.text);
	check_sign_refused(&t.text, (struct str){letters, JWS_TYP_MAX + 1}, none, STR("{}"));
	check_sign_refused(&t.text, none, (struct str){letters, JWS_KID_MAX + 1}, STR("{}"));
	check_sign_refused(&t.text, none, none, (struct str){letters, 12300});
	check_sign_refused(&t.text, none, none, (struct str){letters, sizeof(letters)});
	buf_init_fixed(&small, space, sizeof(space));
	check_sign_refused(&small, none, none, STR("{}"));
}

/* What verifies is what was signed, character by character. */
static void
test_jws__every_character_counts(void **state)
{
	(void)state;
	struct error err = {0};
	assert_int_equal(
		jws_sign(&t.text, t.key, STR("JWT"), STR("k"), STR("{\"a\":1}"), &err), OK);
	for (size_t i = 0; i < t.text.len; i++) {
		struct jws jws;
		struct error why = {0};
		char kept = t.text.ptr[i];
		t.text.ptr[i] = kept == 'A' ? 'B' : 'A';
		enum status rc = jws_parse(&jws, t.arena, buf_view(&t.text), &why);
		if (rc == OK)
			rc = jws_verify(&jws, t.public, &why);
		assert_int_equal(rc, ERR_UNAUTHENTICATED);
		t.text.ptr[i] = kept;
		assert_int_equal(
			jws_parse(&jws, t.arena, (struct str){t.text.ptr, i}, &why) == OK &&
				jws_verify(&jws, t.public, &why) == OK,
			false);
		arena_reset(t.arena);
	}
}

static void
test_jws_parse__malformed(void **state)
{
	(void)state;
	/* RFC 7516 has five parts; "e31" has bits left over. */
	const char *const malformed[] = {NULL, "", ".", "e30", "e30.e30", "e30.e30.e30.e30",
		"e30.e30.e30.e30.e30", "e30.e30.AAAA=", "e30=.e30.AAAA", "e30.e3/.AAAA",
		"e30.e31.AAAA", "e30.e30.A", " e30.e30.AAAA", "e30.e30.AAAA ", "e30.e30.AAAA\n"};
	for (size_t i = 0; i < ARRAY_LEN(malformed); i++)
		check_parse_refused(str_from(malformed[i]), "jws-malformed");
	check_parse_refused(STR(".."), "jws-header");
	check_parse_refused(STR("e30.e30."), "jws-alg");
}

static void
check_header(const char *header, const char *code)
{
	forge(&t.text, t.key, str_from(header), STR("{}"));
	check_parse_refused(buf_view(&t.text), code);
}

static void
test_jws_parse__headers(void **state)
{
	(void)state;
	const char *const broken[] = {"", "[]", "null", "\"alg\"", "{", "{}x",
		"{\"alg\":\"ES256\",}", "{\"alg\":\"ES256\",\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"x\":1,\"x\":2}", "{\"alg\":null}", "{\"alg\":[\"ES256\"]}",
		"{\"alg\":\"ES256\",\"typ\":1}", "{\"alg\":\"ES256\",\"kid\":1}",
		"{\"alg\":\"ES256\",\"kid\":null}", "{\"alg\":\"ES256\",\"kid\":\"\"}",
		"{\"alg\":\"ES256\",\"crit\":[\"exp\"]}", "{\"alg\":\"ES256\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"cr\\u0069t\":[]}", "{\"alg\":\"ES256\",\"b64\":false}",
		"{\"alg\":\"ES256\",\"b64\":true}", "{\"alg\":\"ES256\",\"kid\":\"\xff\"}",
		"\xef\xbb\xbf{\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"x\":[[[[[[[[[[]]]]]]]]]]}"};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++)
		check_header(broken[i], "jws-header");
	const char *const others[] = {"{}", "{\"alg\":\"none\"}", "{\"alg\":\"None\"}",
		"{\"alg\":\"\"}", "{\"alg\":\"HS256\"}", "{\"alg\":\"ES384\"}",
		"{\"alg\":\"PS256\"}", "{\"alg\":\"es256\"}", "{\"alg\":\"ES256 \"}",
		"{\"ALG\":\"ES256\"}", "{\"alg\":\"RSA-OAEP\",\"enc\":\"A128GCM\"}"};
	for (size_t i = 0; i < ARRAY_LEN(others); i++)
		check_header(others[i], "jws-alg");
}

static void
test_jws_parse__long_kid_and_typ(void **state)
{
	(void)state;
	char header[512];
	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%0256d\"}", 1);
	forge(&t.text, t.key, str_from(header), STR("{}"));
	assert_int_equal(parse(buf_view(&t.text)).kid.len, JWS_KID_MAX);
	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"kid\":\"%0257d\"}", 1);
	check_header(header, "jws-header");
	snprintf(header, sizeof(header), "{\"alg\":\"ES256\",\"typ\":\"%0129d\"}", 1);
	check_header(header, "jws-header");
}

/* A header that brings its own key, or says where to find one, is as good as one that does not. */
static void
test_jws__embedded_keys_are_not_used(void **state)
{
	(void)state;
	struct error err = {0};
	struct buf header;
	struct json_writer w;
	buf_init(&header, 4096);
	jw_init(&w, &header);
	jw_object(&w, NULL);
	jw_z(&w, "alg", "ES256");
	jwk_write(&w, "jwk", sign_key_public(t.other), (struct str){0});
	jw_z(&w, "jku", "https://attacker.example/keys");
	jw_z(&w, "x5u", "https://attacker.example/chain");
	jw_raw(&w, "x5c", STR("[\"MIIB\"]"));
	jw_end_object(&w);
	assert_false(header.failed);
	forge(&t.text, t.other, buf_view(&header), STR("{}"));
	struct jws jws = parse(buf_view(&t.text));
	check_verify_refused(&jws, t.public, "signature-wrong");
	assert_int_equal(jws_verify(&jws, t.other_public, &err), OK);
	buf_clear(&header);
}

/* The public key as an HMAC secret, and tokens that nobody signed. */
static void
test_jws__algorithm_confusion(void **state)
{
	(void)state;
	struct error err = {0};
	struct crypto_hmac_key *hmac = NULL;
	uint8_t mac[SHA256_LEN];
	const struct public_key *public = sign_key_public(t.key);
	put_encoded(&t.text, STR("{\"alg\":\"HS256\"}"));
	buf_str(&t.text, STR(".e30"));
	assert_int_equal(crypto_hmac_key_new(&hmac, public->first, public->first_len, &err), OK);
	crypto_hmac(mac, hmac, t.text.ptr, t.text.len);
	crypto_hmac_key_free(&hmac);
	buf_char(&t.text, '.');
	put_encoded(&t.text, (struct str){(const char *)mac, sizeof(mac)});
	check_parse_refused(buf_view(&t.text), "jws-alg");
	check_parse_refused(STR("eyJhbGciOiJub25lIn0.e30."), "jws-alg");

	forge(&t.text, t.key, STR("{\"alg\":\"RS256\"}"), STR("{}"));
	struct jws jws = parse(buf_view(&t.text));
	check_verify_refused(&jws, t.public, "jws-alg");
	jws.alg = SIGN_ALG_NONE;
	check_verify_refused(&jws, t.public, "jws-alg");

	buf_reset(&t.text); /* ES256 by nobody, by zeros, and in DER */
	put_encoded(&t.text, STR("{\"alg\":\"ES256\"}"));
	buf_str(&t.text, STR(".e30."));
	jws = parse(buf_view(&t.text));
	check_verify_refused(&jws, t.public, "signature-wrong");
	for (int i = 0; i < 86; i++)
		buf_char(&t.text, 'A');
	jws = parse(buf_view(&t.text));
	assert_int_equal(jws.signature.len, 64);
	check_verify_refused(&jws, t.public, "signature-wrong");
}

static void
test_jws_parse__bounds(void **state)
{
	(void)state;
	struct error err = {0};
	struct jws jws;
	static char letters[12000];
	memset(letters, ' ', sizeof(letters));
	forge(&t.text, t.key, STR("{\"alg\":\"ES256\"}"), (struct str){letters, 12000});
	jws = parse(buf_view(&t.text));
	assert_int_equal(jws_verify(&jws, t.public, &err), OK);
	while (t.text.len <= JWS_TOKEN_MAX)
		buf_char(&t.text, 'A');
	check_parse_refused(buf_view(&t.text), "jws-too-large");

	struct arena *small = arena_new(32);
	assert_non_null(small);
	assert_int_equal(jws_parse(&jws, small, STR(RFC7515_ES256_TOKEN), &err), ERR_NO_MEMORY);
	arena_free(&small);
}

/* RFC 7515 section 4.1.9 */
static void
test_jws_typ_is__media_types(void **state)
{
	(void)state;
	struct str wanted = STR("at+jwt");
	assert_true(jws_typ_is(STR("at+jwt"), wanted));
	assert_true(jws_typ_is(STR("AT+JWT"), wanted));
	assert_true(jws_typ_is(STR("application/at+jwt"), wanted));
	assert_true(jws_typ_is(STR("Application/At+Jwt"), wanted));
	assert_false(jws_typ_is(STR("text/at+jwt"), wanted));
	assert_false(jws_typ_is(STR("application/application/at+jwt"), wanted));
	assert_false(jws_typ_is(STR("application/"), wanted));
	assert_false(jws_typ_is(STR("JWT"), wanted));
	assert_false(jws_typ_is(STR(""), wanted));
	assert_false(jws_typ_is((struct str){0}, wanted));
	assert_false(jws_typ_is((struct str){0}, (struct str){0}));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_jws__published, forget),
		cmocka_unit_test_setup(test_jws_sign__is_read_again, forget),
		cmocka_unit_test_setup(test_jws_sign__bounds, forget),
		cmocka_unit_test_setup(test_jws__every_character_counts, forget),
		cmocka_unit_test_setup(test_jws_parse__malformed, forget),
		cmocka_unit_test_setup(test_jws_parse__headers, forget),
		cmocka_unit_test_setup(test_jws_parse__long_kid_and_typ, forget),
		cmocka_unit_test_setup(test_jws__embedded_keys_are_not_used, forget),
		cmocka_unit_test_setup(test_jws__algorithm_confusion, forget),
		cmocka_unit_test_setup(test_jws_parse__bounds, forget),
		cmocka_unit_test_setup(test_jws_typ_is__media_types, forget),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
