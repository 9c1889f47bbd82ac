/* Lists of scopes, and the verifiers of PKCE: what is well-formed, and what goes with what. */
#include "check.h"

#include "crypto/crypto.h"
#include "iam/tokens/codes.h"
#include "iam/tokens/scopes_of_token.h"

static void
test_scopes__well_formed(void **state)
{
	(void)state;
	static const char *const good[] = {"a", "openid profile", "iam:*", "x:y z:w", "!#[]~"};
	static const char *const bad[] = {
		"", " ", " a", "a ", "a  b", "a\tb", "a\"b", "a\\b", "\xc3\xa9", "a\nb"};
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(scope_is_well_formed(str_from(good[i])));
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(scope_is_well_formed(str_from(bad[i])));
	assert_false(scope_is_well_formed((struct str){0}));
	static char large[SCOPES_MAX + 1];
	memset(large, 'x', sizeof(large));
	assert_true(scope_is_well_formed((struct str){large, SCOPES_MAX}));
	assert_false(scope_is_well_formed((struct str){large, SCOPES_MAX + 1}));
}

static void
test_scopes__has_and_covers(void **state)
{
	(void)state;
	struct str scope = STR("openid ingest:write iam:*");
	assert_true(scope_has(scope, STR("openid")));
	assert_true(scope_has(scope, STR("iam:*")));
	assert_false(scope_has(scope, STR("ingest")));
	assert_false(scope_has(scope, STR("penid")));
	assert_false(scope_has(scope, (struct str){0}));
	assert_false(scope_has((struct str){0}, STR("openid")));
	assert_true(scope_covers(scope, STR("iam:* openid")));
	assert_true(scope_covers(scope, STR("")));
	assert_true(scope_covers(scope, (struct str){0}));
	assert_false(scope_covers(scope, STR("openid other")));
	assert_false(scope_covers(STR(""), STR("openid")));
}

/* RFC 7636, appendix B. */
static void
test_codes__verifier(void **state)
{
	(void)state;
	struct error err = {0};
	struct str verifier = STR("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	struct str challenge = STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
	assert_int_equal(crypto_init(&err), OK);
	assert_true(code_verifier_fits(verifier, challenge));
	assert_false(code_verifier_fits(challenge, verifier));
	assert_false(code_verifier_fits(verifier, (struct str){challenge.ptr, challenge.len - 1}));
	assert_false(code_verifier_fits(verifier, (struct str){0}));
	assert_false(code_verifier_fits((struct str){0}, challenge));
	assert_false(code_verifier_fits((struct str){verifier.ptr, 42}, challenge));
	/* "plain", which we do not do, would take this. */
	assert_false(code_verifier_fits(verifier, verifier));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scopes__well_formed),
		cmocka_unit_test(test_scopes__has_and_covers),
		cmocka_unit_test(test_codes__verifier),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
