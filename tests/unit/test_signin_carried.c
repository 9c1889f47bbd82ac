/* What browsers bring back, when the library that opens it fails: no reader takes that for
 * another's or for none. */
#include "keyring_support.h"

#include <openssl/evp.h>

#include "signin/carried.h"
#include "signin/second_factor.h"
#include "signin/ticket.h"
#include "signin/upstream_visit.h"

#define NOW_US (INT64_C(1700000000) * US_PER_S)

static struct keyring *ring;
static struct arena *arena;
static bool fails;

/* Linked with -Wl,--wrap. */
int __real_EVP_DecryptInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
	const unsigned char *key, const unsigned char *iv, const OSSL_PARAM *params);
int __wrap_EVP_DecryptInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher,
	const unsigned char *key, const unsigned char *iv, const OSSL_PARAM *params);
int
__wrap_EVP_DecryptInit_ex2(EVP_CIPHER_CTX *ctx, const EVP_CIPHER *cipher, const unsigned char *key,
	const unsigned char *iv, const OSSL_PARAM *params)
{
	return fails ? 0 : __real_EVP_DecryptInit_ex2(ctx, cipher, key, iv, params);
}

static int
start(void **state)
{
	(void)state;
	ring = make_keyring();
	arena = arena_new((size_t)1024 * 1024);
	return arena ? 0 : -1;
}

static int
stop(void **state)
{
	(void)state;
	keyring_free(&ring);
	arena_free(&arena);
	return 0;
}

static struct str
carried(struct str plain, struct str aad)
{
	struct error err = {0};
	struct buf sealed;
	buf_init(&sealed, CARRIED_TEXT_MAX);
	assert_int_equal(keyring_seal(ring, &sealed, plain, aad, &err), OK);
	char *text = arena_alloc(arena, CARRIED_TEXT_MAX);
	assert_non_null(text);
	struct str out = {text, crypto_base64url(text, CARRIED_TEXT_MAX, sealed.ptr, sealed.len)};
	buf_clear(&sealed);
	return out;
}

static enum status
opened(bool *sound, struct str *plain, struct str text, size_t max)
{
	static char space[64];
	struct error err = {0};
	struct buf out;
	assert_true(max <= sizeof(space));
	buf_init_fixed(&out, space, max);
	enum status rc = carried_open(sound, &out, text, ring, STR("aad"), &err);
	assert_int_equal(rc, err.status);
	*plain = buf_view(&out);
	return rc;
}

static void
check_unsound(struct str text, size_t max)
{
	struct str plain;
	bool sound;
	assert_int_equal(opened(&sound, &plain, text, max), OK);
	assert_false(sound);
}

static void
test_carried__sound_or_not(void **state)
{
	(void)state;
	struct str text = carried(STR("twelve bytes"), STR("aad")), plain;
	bool sound;
	assert_int_equal(opened(&sound, &plain, text, 12), OK);
	assert_true(sound && str_eq(plain, STR("twelve bytes")));
	check_unsound(text, 11);
	check_unsound(carried(STR("twelve bytes"), STR("another")), 12);
	check_unsound((struct str){NULL, 0}, 12);
	check_unsound(STR("not base64url!"), 12);
	for (size_t i = 0; i < text.len; i++)
		check_unsound((struct str){text.ptr, i}, 12);
	char long_text[CARRIED_TEXT_MAX + 4];
	memset(long_text, 'A', sizeof(long_text));
	check_unsound((struct str){long_text, sizeof(long_text)}, 12);
}

static void
test_carried__a_failure_is_no_answer(void **state)
{
	(void)state;
	struct str plain, text = carried(STR("twelve bytes"), STR("aad"));
	bool sound;
	fails = true;
	assert_int_equal(opened(&sound, &plain, text, 12), ERR_INTERNAL);
	fails = false;
	assert_false(sound);
}

static void
test_carried__a_ticket_that_was_not_looked_at(void **state)
{
	(void)state;
	const struct ticket_source source = {.kind = TICKET_PAGE, .ring = ring, .now_us = NOW_US};
	struct ticket out, in = {.kind = TICKET_PAGE, .started_us = NOW_US};
	struct error err = {0};
	struct str text;
	assert_int_equal(ticket_seal(&text, &in, source.issuer, ring, arena, &err), OK);
	fails = true;
	enum status rc = ticket_open(&out, text, &source, arena, &err);
	fails = false;
	assert_int_equal(rc, ERR_INTERNAL);
}

static void
test_carried__a_first_factor_that_was_not_looked_at(void **state)
{
	(void)state;
	const struct first_factor_seal seal = {STR("browser"), ring, NOW_US, arena};
	struct first_factor out, in = {.person = {uuid_new()}, .methods = STR("pwd")};
	struct error err = {0};
	struct str text;
	bool found;
	assert_int_equal(first_factor_close(&text, &in, &seal, &err), OK);
	fails = true;
	enum status rc = first_factor_open(&out, &found, text, &seal, &err);
	fails = false;
	assert_int_equal(rc, ERR_INTERNAL);
	assert_false(found);
}

static void
test_carried__a_visit_that_was_not_looked_at(void **state)
{
	(void)state;
	struct upstream_visit out, in = {.started_us = NOW_US};
	char proof[UPSTREAM_PROOF_SIZE];
	struct error err = {0};
	struct str text;
	assert_int_equal(upstream_visit_seal(&text, &in, ring, arena, &err), OK);
	upstream_prove(proof, &in, UPSTREAM_STATE);
	const struct upstream_return back = {text, str_from(proof), NOW_US};
	assert_int_equal(upstream_visit_open(&out, &back, ring, arena, &err), OK);
	fails = true;
	enum status rc = upstream_visit_open(&out, &back, ring, arena, &err);
	fails = false;
	assert_int_equal(rc, ERR_INTERNAL);
}

static void
test_carried__a_challenge_that_was_not_looked_at(void **state)
{
	(void)state;
	const struct passkey_ceremony ceremony = {.purpose = PASSKEY_SIGN_IN,
		.base_url = STR("https://id.example"),
		.browser = STR("browser"),
		.ring = ring,
		.now_us = NOW_US,
		.arena = arena};
	struct error err = {0};
	struct str text;
	int64_t made_us;
	bool sound;
	assert_int_equal(passkey__challenge_new(&text, &ceremony, &err), OK);
	fails = true;
	enum status rc = passkey__challenge_open(&sound, &made_us, &ceremony, text, &err);
	fails = false;
	assert_int_equal(rc, ERR_INTERNAL);
	assert_false(sound);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_carried__sound_or_not),
		cmocka_unit_test(test_carried__a_failure_is_no_answer),
		cmocka_unit_test(test_carried__a_ticket_that_was_not_looked_at),
		cmocka_unit_test(test_carried__a_first_factor_that_was_not_looked_at),
		cmocka_unit_test(test_carried__a_visit_that_was_not_looked_at),
		cmocka_unit_test(test_carried__a_challenge_that_was_not_looked_at),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
