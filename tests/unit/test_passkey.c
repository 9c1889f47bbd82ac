/* Passkeys, with an authenticator made of keys of our own: what WebAuthn section 7 says of how its
 * answers are verified, each rule by breaking it. */
#include "keyring_support.h"

#include <string.h>

#include "crypto/sign.h"
#include "signin/cbor.h"
#include "signin/passkey.h"
#include "json/json.h"

#define NOW_US (INT64_C(1700000000) * US_PER_S)
#define BASE_URL "https://id.example:8443"

#define PRESENT 0x01
#define VERIFIED 0x04
#define COPYABLE 0x08
#define CREDENTIAL 0x40
#define EXTENSIONS 0x80

static struct keyring *ring;
static struct arena *arena;
static struct sign_key *keys[SIGN_ALG_COUNT];

static int
start(void **state)
{
	(void)state;
	struct error err = {0};
	ring = make_keyring();
	arena = arena_new((size_t)16 * 1024 * 1024);
	for (enum sign_alg alg = SIGN_ES256; alg < SIGN_ALG_COUNT; alg++) {
		if (sign_key_generate(&keys[alg], alg, &err) != OK)
			return -1;
	}
	return arena ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	for (enum sign_alg alg = SIGN_ES256; alg < SIGN_ALG_COUNT; alg++)
		sign_key_free(&keys[alg]);
	keyring_free(&ring);
	arena_free(&arena);
	return 0;
}

static const struct person_id ada = {{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}};

/* What an authenticator and a browser say; each test lies about one thing. */
struct said {
	enum sign_alg alg;
	const char *type, *origin, *party, *format, *credential;
	struct str challenge, handle;
	bool cross_origin, forged;
	struct str statement; /* absent: what the format has */
	struct str tail; /* of the authenticator's data, or of the object */
	uint8_t flags;
	uint32_t count;
};

static struct passkey_ceremony
ceremony_of(enum passkey_purpose purpose)
{
	return (struct passkey_ceremony){.purpose = purpose,
		.base_url = STR(BASE_URL),
		.browser = STR("browser"),
		.ring = ring,
		.now_us = NOW_US,
		.arena = arena};
}

static struct said
honest(const struct passkey_ceremony *ceremony, enum sign_alg alg)
{
	struct error err = {0};
	struct said out = {.alg = alg,
		.type = ceremony->purpose == PASSKEY_ADD ? "webauthn.create" : "webauthn.get",
		.origin = BASE_URL,
		.party = "id.example",
		.format = "none",
		.credential = "a credential",
		.flags = PRESENT | VERIFIED,
		.count = 7};
	if (ceremony->purpose == PASSKEY_ADD)
		out.flags |= CREDENTIAL;
	else
		out.handle = (struct str){(const char *)ada.id.bytes, 16};
	assert_int_equal(passkey__challenge_new(&out.challenge, ceremony, &err), OK);
	return out;
}

static void
put_head(struct buf *out, unsigned type, size_t count)
{
	if (count < 24) {
		buf_char(out, (char)(type << 5 | count));
		return;
	}
	buf_char(out, (char)(type << 5 | 25));
	buf_char(out, (char)(count >> 8));
	buf_char(out, (char)count);
}

static void
put(struct buf *out, unsigned type, struct str content)
{
	put_head(out, type, content.len);
	buf_str(out, content);
}

/* COSE (RFC 9053), in the order of CTAP2. */
static void
put_key(struct buf *out, enum sign_alg alg)
{
	const struct public_key *key = sign_key_public(keys[alg]);
	struct str first = {(const char *)key->first, key->first_len};
	struct str second = {(const char *)key->second, key->second_len};
	if (alg == SIGN_ES256) {
		buf_str(out, STR("\xa5\x01\x02\x03\x26\x20\x01\x21"));
		put(out, CBOR_BYTES, first);
		buf_str(out, STR("\x22"));
		put(out, CBOR_BYTES, second);
	} else if (alg == SIGN_EDDSA) {
		buf_str(out, STR("\xa4\x01\x01\x03\x27\x20\x06\x21"));
		put(out, CBOR_BYTES, first);
	} else {
		buf_str(out, STR("\xa4\x01\x03\x03\x39\x01\x00\x20"));
		put(out, CBOR_BYTES, first);
		buf_str(out, STR("\x21"));
		put(out, CBOR_BYTES, second);
	}
}

static void
put_data(struct buf *out, const struct said *a)
{
	uint8_t hash[SHA256_LEN];
	crypto_sha256(hash, a->party, strlen(a->party));
	buf_append(out, hash, sizeof(hash));
	buf_char(out, (char)a->flags);
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(out, (char)(a->count >> shift));
	if (a->flags & CREDENTIAL) {
		struct str name = str_from(a->credential);
		buf_append(out, (const char[16]){0}, 16);
		buf_char(out, (char)(name.len >> 8));
		buf_char(out, (char)name.len);
		buf_str(out, name);
		put_key(out, a->alg);
	}
	buf_str(out, a->tail);
}

/* ECDSA signatures are a SEQUENCE of two INTEGERs here. */
static void
put_integer(struct buf *out, const uint8_t *bytes)
{
	size_t skip = 0;
	while (skip < 31 && bytes[skip] == 0)
		skip++;
	bool sign = bytes[skip] & 0x80;
	buf_char(out, 2);
	buf_char(out, (char)(32 - skip + sign));
	if (sign)
		buf_char(out, 0);
	buf_append(out, bytes + skip, 32 - skip);
}

static void
put_signature(struct buf *out, const struct said *a, struct str data, struct str client_data)
{
	uint8_t raw[SIGNATURE_MAX], hash[SHA256_LEN];
	char space[4096];
	struct error err = {0};
	struct buf message, integers;
	size_t len;
	crypto_sha256(hash, client_data.ptr, client_data.len);
	buf_init_fixed(&message, space, sizeof(space));
	buf_str(&message, data);
	buf_append(&message, hash, sizeof(hash));
	assert_int_equal(sign_key_sign(raw, &len, keys[a->alg], buf_view(&message), &err), OK);
	raw[9] ^= a->forged;
	if (a->alg != SIGN_ES256) {
		buf_append(out, raw, len);
		return;
	}
	char der[80];
	buf_init_fixed(&integers, der, sizeof(der));
	put_integer(&integers, raw);
	put_integer(&integers, raw + 32);
	buf_char(out, 0x30);
	buf_char(out, (char)integers.len);
	buf_str(out, buf_view(&integers));
}

static void
put_statement(struct buf *out, const struct said *a, struct str data, struct str client_data)
{
	static const struct str alg_of[SIGN_ALG_COUNT] = {[SIGN_ES256] = {"\x26", 1},
		[SIGN_EDDSA] = {"\x27", 1},
		[SIGN_RS256] = {"\x39\x01\x00", 3}};
	char space[SIGNATURE_MAX];
	struct buf signature;
	if (a->statement.ptr) {
		buf_str(out, a->statement);
	} else if (strcmp(a->format, "packed") != 0) {
		put_head(out, CBOR_MAP, 0);
	} else {
		buf_init_fixed(&signature, space, sizeof(space));
		put_signature(&signature, a, data, client_data);
		put_head(out, CBOR_MAP, 2);
		put(out, CBOR_TEXT, STR("alg"));
		buf_str(out, alg_of[a->alg]);
		put(out, CBOR_TEXT, STR("sig"));
		put(out, CBOR_BYTES, buf_view(&signature));
	}
}

static void
put_member(struct buf *out, const char *name, struct str bytes)
{
	char text[8192];
	crypto_base64url(text, sizeof(text), bytes.ptr, bytes.len);
	buf_printf(out, ",\"%s\":\"%s\"", name, text);
}

/* The JSON that the script sends. */
static struct str
say(const struct said *a)
{
	char spaces[4][4096];
	struct buf client, data, more, json;
	for (size_t i = 0; i < 3; i++)
		buf_init_fixed(i == 0 ? &client : i == 1 ? &data : &more, spaces[i], 4096);
	buf_printf(&client, "{\"type\":\"%s\",\"challenge\":\"%.*s\",\"origin\":\"%s\"", a->type,
		STR_ARG(a->challenge), a->origin);
	buf_printf(&client, ",\"crossOrigin\":%s,\"other_keys_can_be_added_here\":\"do not\"}",
		a->cross_origin ? "true" : "false");
	put_data(&data, a);
	buf_init(&json, PASSKEY_ANSWER_MAX);
	buf_printf(&json, "{\"id\":\"-\",\"type\":\"public-key\"");
	put_member(&json, "rawId", str_from(a->credential));
	buf_printf(&json, ",\"response\":{\"transports\":[\"internal\"]");
	put_member(&json, "clientDataJSON", buf_view(&client));
	if (strcmp(a->type, "webauthn.create") == 0) {
		put_head(&more, CBOR_MAP, 3);
		put(&more, CBOR_TEXT, STR("fmt"));
		put(&more, CBOR_TEXT, str_from(a->format));
		put(&more, CBOR_TEXT, STR("attStmt"));
		put_statement(&more, a, buf_view(&data), buf_view(&client));
		put(&more, CBOR_TEXT, STR("authData"));
		put(&more, CBOR_BYTES, buf_view(&data));
		put_member(&json, "attestationObject", buf_view(&more));
	} else {
		put_signature(&more, a, buf_view(&data), buf_view(&client));
		put_member(&json, "authenticatorData", buf_view(&data));
		put_member(&json, "signature", buf_view(&more));
		if (a->handle.ptr)
			put_member(&json, "userHandle", a->handle);
	}
	buf_printf(&json, "}}");
	assert_false(json.failed || client.failed || data.failed || more.failed);
	struct str out = arena_copy(arena, buf_view(&json));
	buf_clear(&json);
	return out;
}

static enum status
add(struct passkey_key *out, const struct passkey_ceremony *ceremony, const struct said *a,
	struct error *err)
{
	struct passkey_answer answer;
	*err = (struct error){0};
	enum status rc = passkey_read(&answer, ceremony, say(a), err);
	return rc == OK ? passkey_verify_new(out, ceremony, &answer, err) : rc;
}

static struct passkey
added(enum sign_alg alg)
{
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_ADD);
	struct said a = honest(&ceremony, alg);
	struct passkey passkey = {.person = ada};
	struct error err;
	if (add(&passkey.key, &ceremony, &a, &err) != OK)
		fail_msg("%s: %s", err.code, err.detail);
	return passkey;
}

static enum status
use(struct passkey_proof *out, const struct passkey_ceremony *ceremony, const struct said *a,
	const struct passkey *passkey, struct error *err)
{
	struct passkey_answer answer;
	*err = (struct error){0};
	enum status rc = passkey_read(&answer, ceremony, say(a), err);
	return rc == OK ? passkey_verify(out, ceremony, &answer, passkey, err) : rc;
}

/* Refused for that reason and for no other. */
static void
check_refused(enum status rc, const struct error *err, const char *detail)
{
	if (rc != ERR_UNAUTHENTICATED || strcmp(err->detail, detail) != 0)
		fail_msg("%d: %s, not %s", rc, err->detail, detail);
	assert_string_equal(err->code, "passkey-refused");
}

static void
test_passkey__webauthn_7_1_each_algorithm(void **state)
{
	(void)state;
	static const struct {
		enum sign_alg alg;
		int number;
		size_t len;
	} cases[] = {{SIGN_ES256, -7, 64}, {SIGN_EDDSA, -8, 32}, {SIGN_RS256, -257, 259}};
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_ADD);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct passkey_key key;
		struct error err;
		struct said a = honest(&ceremony, cases[i].alg);
		assert_int_equal(add(&key, &ceremony, &a, &err), OK);
		assert_int_equal(key.algorithm, cases[i].number);
		assert_int_equal(key.public_key.len, cases[i].len);
		assert_int_equal(key.sign_count, 7);
		check_str(key.credential_id, "a credential");
		a.format = "packed";
		assert_int_equal(add(&key, &ceremony, &a, &err), OK);
		a.forged = true;
		check_refused(add(&key, &ceremony, &a, &err), &err, "FIDO_ERR_INVALID_SIG");
	}
}

static void
test_passkey__webauthn_7_1_refusals(void **state)
{
	(void)state;
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_ADD);
	const struct said good = honest(&ceremony, SIGN_ES256);
	struct passkey_key key;
	struct error err;
	struct said a = good;
	a.type = "webauthn.create ";
	check_refused(add(&key, &ceremony, &a, &err), &err, "another type");
	a = good, a.origin = "https://id.example";
	check_refused(add(&key, &ceremony, &a, &err), &err, "another origin");
	a = good, a.origin = BASE_URL "/";
	check_refused(add(&key, &ceremony, &a, &err), &err, "another origin");
	a = good, a.cross_origin = true;
	check_refused(add(&key, &ceremony, &a, &err), &err, "in a frame of another origin");
	a = good, a.party = "evil.example";
	check_refused(add(&key, &ceremony, &a, &err), &err, "another relying party");
	a = good, a.flags = VERIFIED | CREDENTIAL;
	check_refused(add(&key, &ceremony, &a, &err), &err, "nobody was there");
	a = good, a.flags = PRESENT;
	check_refused(add(&key, &ceremony, &a, &err), &err, "no attestation object");
	a = good, a.statement = STR("\xa1\x61x\x01");
	check_refused(add(&key, &ceremony, &a, &err), &err, "a statement of no format");
	a = good, a.format = "fido-u2f", a.statement = STR("\xa0");
	check_refused(add(&key, &ceremony, &a, &err), &err, "another format of attestation");
	a = good, a.tail = STR("x");
	check_refused(add(&key, &ceremony, &a, &err), &err, "no attestation object");
	/* User verification is not needed to add one. */
	a = good, a.flags = PRESENT | CREDENTIAL;
	assert_int_equal(add(&key, &ceremony, &a, &err), OK);
}

static void
test_passkey__webauthn_7_1_keys_that_are_none(void **state)
{
	(void)state;
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_ADD);
	struct passkey_answer answer;
	struct passkey_key key;
	struct error err = {0};
	struct said a = honest(&ceremony, SIGN_ES256);
	assert_int_equal(passkey_read(&answer, &ceremony, say(&a), &err), OK);
	char *bytes = (char *)(uintptr_t)answer.attestation.ptr;
	bytes[answer.attestation.len - 1] ^= 1; /* of y */
	check_refused(passkey_verify_new(&key, &ceremony, &answer, &err), &err, "an unusable key");
	/* The algorithm of one kind of key with another. */
	char *alg = memmem(bytes, answer.attestation.len, "\xa5\x01\x02\x03\x26", 5);
	assert_non_null(alg);
	alg[4] = 0x27;
	err = (struct error){0};
	check_refused(passkey_verify_new(&key, &ceremony, &answer, &err), &err,
		"no credential, or of another algorithm");
}

static void
test_passkey__webauthn_7_2_each_algorithm(void **state)
{
	(void)state;
	struct passkey_ceremony alone = ceremony_of(PASSKEY_SIGN_IN);
	struct passkey_ceremony second = ceremony_of(PASSKEY_SECOND);
	for (enum sign_alg alg = SIGN_ES256; alg < SIGN_ALG_COUNT; alg++) {
		struct passkey passkey = added(alg);
		struct passkey_proof proof;
		struct error err;
		struct said a = honest(&alone, alg);
		a.flags |= COPYABLE;
		assert_int_equal(use(&proof, &alone, &a, &passkey, &err), OK);
		assert_true(proof.verified && proof.copyable);
		assert_int_equal(proof.answered.sign_count, 7);
		assert_int_equal(proof.answered.challenged_us, NOW_US);
		a.forged = true;
		check_refused(
			use(&proof, &alone, &a, &passkey, &err), &err, "FIDO_ERR_INVALID_SIG");

		a = honest(&second, alg);
		a.handle = (struct str){NULL, 0};
		a.flags = PRESENT;
		a.count = UINT32_MAX;
		assert_int_equal(use(&proof, &second, &a, &passkey, &err), OK);
		assert_false(proof.verified || proof.copyable);
		assert_true(proof.answered.sign_count == UINT32_MAX);
	}
}

static void
test_passkey__webauthn_7_2_refusals(void **state)
{
	(void)state;
	struct passkey_ceremony alone = ceremony_of(PASSKEY_SIGN_IN);
	struct passkey_ceremony second = ceremony_of(PASSKEY_SECOND);
	const struct said good = honest(&alone, SIGN_ES256);
	struct passkey passkey = added(SIGN_ES256), other = added(SIGN_EDDSA);
	struct passkey_proof proof;
	struct error err;
	struct said a = good;
	a.type = "webauthn.create";
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "another type");
	a = good, a.origin = "http://id.example:8443";
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "another origin");
	a = good, a.cross_origin = true;
	check_refused(
		use(&proof, &alone, &a, &passkey, &err), &err, "in a frame of another origin");
	a = good, a.party = "id.example:8443";
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "FIDO_ERR_INVALID_PARAM");
	a = good, a.flags = VERIFIED;
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "FIDO_ERR_INVALID_PARAM");
	a = good, a.flags = PRESENT;
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "FIDO_ERR_INVALID_PARAM");
	a = good, a.credential = "another";
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "another credential or owner");
	a = good, a.handle = STR("0123456789abcdef");
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "another credential or owner");
	a = good, a.handle = (struct str){NULL, 0};
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "another credential or owner");
	a = good, a.tail = STR("x");
	check_refused(use(&proof, &alone, &a, &passkey, &err), &err, "no assertion");
	check_refused(use(&proof, &alone, &good, &other, &err), &err, "FIDO_ERR_INVALID_SIG");
	/* A challenge for one purpose answers no other. */
	check_refused(use(&proof, &second, &good, &passkey, &err), &err, "another challenge");
}

static bool
challenge_opens(int64_t *made_us, const struct passkey_ceremony *ceremony, struct str text)
{
	struct error err = {0};
	bool sound;
	assert_int_equal(passkey__challenge_open(&sound, made_us, ceremony, text, &err), OK);
	return sound;
}

static void
test_passkey__challenges(void **state)
{
	(void)state;
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_SIGN_IN);
	struct error err = {0};
	struct str one, two;
	int64_t made_us;
	assert_int_equal(passkey__challenge_new(&one, &ceremony, &err), OK);
	assert_int_equal(passkey__challenge_new(&two, &ceremony, &err), OK);
	assert_false(str_eq(one, two));
	ceremony.now_us = NOW_US + PASSKEY_CHALLENGE_LIFE_US - 1;
	assert_true(challenge_opens(&made_us, &ceremony, one));
	assert_int_equal(made_us, NOW_US);
	ceremony.now_us++;
	assert_false(challenge_opens(&made_us, &ceremony, one));
	ceremony.now_us = NOW_US - 1;
	assert_false(challenge_opens(&made_us, &ceremony, one));
	ceremony.now_us = NOW_US;
	ceremony.browser = STR("browser2");
	assert_false(challenge_opens(&made_us, &ceremony, one));
	ceremony = ceremony_of(PASSKEY_ADD);
	assert_false(challenge_opens(&made_us, &ceremony, one));
	ceremony = ceremony_of(PASSKEY_SIGN_IN);
	for (size_t i = 0; i < one.len; i++) {
		char changed[256];
		memcpy(changed, one.ptr, one.len);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		assert_false(challenge_opens(&made_us, &ceremony, (struct str){changed, one.len}));
		assert_false(challenge_opens(&made_us, &ceremony, (struct str){one.ptr, i}));
	}
	assert_false(challenge_opens(&made_us, &ceremony, (struct str){NULL, 0}));
}

static void
test_passkey__parties(void **state)
{
	(void)state;
	static const struct {
		const char *base_url, *id, *origin;
	} cases[] = {
		{"https://id.example", "id.example", "https://id.example"},
		{"https://ID.Example:443", "id.example", "https://id.example"},
		{"http://localhost:80", "localhost", "http://localhost"},
		{"http://localhost:8080", "localhost", "http://localhost:8080"},
		{"https://id.example:80", "id.example", "https://id.example:80"},
		{"http://127.0.0.1:8080", NULL, NULL},
		{"http://[::1]:8080", NULL, NULL},
		{"https://", NULL, NULL},
		{"ftp://id.example", NULL, NULL},
		{"", NULL, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct passkey__party party;
		struct str url = str_from(cases[i].base_url);
		assert_int_equal(passkey__party(&party, url), cases[i].id != NULL);
		assert_int_equal(passkey_available(url), cases[i].id != NULL);
		if (cases[i].id) {
			assert_string_equal(party.id, cases[i].id);
			assert_string_equal(party.origin, cases[i].origin);
		}
	}
}

static const struct json *
parsed(struct json **doc, struct str text)
{
	struct error err = {0};
	assert_int_equal(json_parse(doc, text, JSON_LIMITS_DEFAULT, &err), OK);
	return *doc;
}

static void
test_passkey__options(void **state)
{
	(void)state;
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_SIGN_IN);
	struct passkey known = added(SIGN_ES256);
	struct error err = {0};
	struct str text;
	struct json *doc = NULL;
	int64_t made_us;
	assert_int_equal(passkey_request(&text, &ceremony, NULL, 0, &err), OK);
	const struct json *options = parsed(&doc, text);
	check_str(json_str(json_get(options, "rpId")), "id.example");
	check_str(json_str(json_get(options, "userVerification")), "required");
	assert_int_equal(json_count(json_get(options, "allowCredentials")), 0);
	assert_true(challenge_opens(&made_us, &ceremony, json_str(json_get(options, "challenge"))));
	json_free(&doc);

	ceremony = ceremony_of(PASSKEY_SECOND);
	assert_int_equal(passkey_request(&text, &ceremony, &known, 1, &err), OK);
	options = parsed(&doc, text);
	check_str(json_str(json_get(options, "userVerification")), "preferred");
	check_str(json_str(json_get(json_at(json_get(options, "allowCredentials"), 0), "id")),
		"YSBjcmVkZW50aWFs");
	json_free(&doc);

	struct passkey_owner owner = {ada, STR("ada@example.org"), STR("Ada \"L\""), STR("House")};
	ceremony = ceremony_of(PASSKEY_ADD);
	assert_int_equal(passkey_creation(&text, &ceremony, &owner, &known, 1, &err), OK);
	options = parsed(&doc, text);
	check_str(json_str(json_get(json_get(options, "user"), "id")), "AQIDBAUGBwgJCgsMDQ4PEA");
	check_str(json_str(json_get(json_get(options, "user"), "displayName")), "Ada \"L\"");
	check_str(json_str(json_get(options, "attestation")), "none");
	assert_int_equal(json_count(json_get(options, "pubKeyCredParams")), 3);
	assert_int_equal(json_count(json_get(options, "excludeCredentials")), 1);
	json_free(&doc);

	ceremony.base_url = STR("http://127.0.0.1");
	assert_int_equal(passkey_creation(&text, &ceremony, &owner, &known, 1, &err), OK);
	check_str(text, "");
}

static void
test_passkey__what_is_no_answer(void **state)
{
	(void)state;
	static const char *const bad[] = {"", "x", "{}", "[]", "{\"type\":\"public-key\"}",
		"{\"type\":\"password\",\"rawId\":\"AA\",\"response\":{\"clientDataJSON\":\"e30\"}"
		"}",
		"{\"type\":\"public-key\",\"rawId\":\"A\",\"response\":{\"clientDataJSON\":\"e30\"}"
		"}",
		"{\"type\":\"public-key\",\"rawId\":7,\"response\":{\"clientDataJSON\":\"e30\"}}",
		"{\"type\":\"public-key\",\"rawId\":\"AA\",\"response\":{\"clientDataJSON\":"
		"\"e30\"}}",
		"{\"type\":\"public-key\",\"rawId\":\"AA\",\"response\":{\"clientDataJSON\":\"e3\"}"
		"}"};
	struct passkey_ceremony ceremony = ceremony_of(PASSKEY_SIGN_IN);
	struct passkey_answer answer;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct error err = {0};
		assert_int_equal(passkey_read(&answer, &ceremony, str_from(bad[i]), &err),
			ERR_UNAUTHENTICATED);
	}
	/* The longest name of a credential, and one that is longer. */
	char name[PASSKEY_CREDENTIAL_MAX + 2];
	struct error err = {0};
	struct said a = honest(&ceremony, SIGN_ES256);
	memset(name, 'c', sizeof(name));
	name[PASSKEY_CREDENTIAL_MAX] = '\0';
	a.credential = name;
	assert_int_equal(passkey_read(&answer, &ceremony, say(&a), &err), OK);
	assert_int_equal(answer.credential_id.len, PASSKEY_CREDENTIAL_MAX);
	name[PASSKEY_CREDENTIAL_MAX] = 'c';
	name[PASSKEY_CREDENTIAL_MAX + 1] = '\0';
	check_refused(
		passkey_read(&answer, &ceremony, say(&a), &err), &err, "no answer of a credential");
}

static void
test_cbor__bounds(void **state)
{
	(void)state;
	static const struct str good[] = {{"\x17", 1}, {"\x18\xff", 2}, {"\x39\x01\x00", 3},
		{"\x43"
		 "abc",
			4},
		{"\x80", 1}, {"\xa1\x01\x81\xf6", 4}, {"\x81\x81\x81\x81\x01", 5}};
	static const struct str bad[] = {{"", 0}, {"\x18", 1}, {"\x1b\0\0", 3},
		{"\x44"
		 "abc",
			4},
		{"\x9f\x01\xff", 3},
		{"\x5f\x41"
		 "a\xff",
			4},
		{"\xc0\x01", 2}, {"\x1c", 1}, {"\x81", 1}, {"\xa1\x01", 2},
		{"\x9b\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10},
		{"\xbb\x80\0\0\0\0\0\0\0\x01", 10}, {"\x61\xff", 2},
		{"\x81\x81\x81\x81\x81\x01", 6}};
	struct cbor_item item;
	for (size_t i = 0; i < ARRAY_LEN(good); i++) {
		struct str rest = good[i];
		assert_true(cbor_cut(&item, &rest));
		assert_true(rest.len == 0 && item.whole.len == good[i].len);
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct str rest = bad[i];
		if (cbor_cut(&item, &rest))
			fail_msg("taken: %zu", i);
	}
	struct str map = STR("\xa3\x61"
			     "a\x01\x61"
			     "b\x02\x61"
			     "a\x03");
	struct cbor_item value;
	assert_true(cbor_cut(&item, &map));
	assert_true(cbor_map_get(&value, &item, STR("b")) && value.count == 2);
	assert_false(cbor_map_get(&value, &item, STR("a")));
	assert_false(cbor_map_get(&value, &item, STR("c")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passkey__webauthn_7_1_each_algorithm),
		cmocka_unit_test(test_passkey__webauthn_7_1_refusals),
		cmocka_unit_test(test_passkey__webauthn_7_1_keys_that_are_none),
		cmocka_unit_test(test_passkey__webauthn_7_2_each_algorithm),
		cmocka_unit_test(test_passkey__webauthn_7_2_refusals),
		cmocka_unit_test(test_passkey__challenges),
		cmocka_unit_test(test_passkey__parties),
		cmocka_unit_test(test_passkey__options),
		cmocka_unit_test(test_passkey__what_is_no_answer),
		cmocka_unit_test(test_cbor__bounds),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
