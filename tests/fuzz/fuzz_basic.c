/* How a client proves itself by the header "Basic", and which scopes and verifiers it brings: any
 * bytes are read without harm, and what is accepted keeps its promises. */

#include "crypto/crypto.h"
#include "fuzz.h"
#include "iam/tokens/codes.h"
#include "iam/tokens/scopes_of_token.h"
#include "oauth/client_auth.h"

static void
check_text(struct str s, size_t most)
{
	require(s.ptr && s.len <= most && str_is_utf8(s) && strlen(s.ptr) == s.len);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new((size_t)1024 * 1024);
	struct str text = {(const char *)data, size}, id = {0}, secret = {0};
	struct error err = {0};
	require(arena != NULL && crypto_init(&err) == OK);
	if (oauth__basic_parse(&id, &secret, text, arena)) {
		require(size > 6);
		check_text(id, size);
		check_text(secret, size);
	}
	if (scope_is_well_formed(text))
		require(scope_covers(text, text));
	(void)code_verifier_fits(text, STR("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"));
	arena_free(&arena);
	return 0;
}
