#include "crypto/password.h"

#include <argon2.h>

#include "base/random.h"
#include "crypto/crypto.h"

#define MEMORY_KIB 19456
#define PASSES 2
#define LANES 1
#define SALT_LEN 16
#define TAG_LEN 32
#define FORM "$argon2id$v=19$"
#define TODAY FORM "m=19456,t=2,p=1$"

#define MEMORY_KIB_MIN 8
#define MEMORY_KIB_MAX 65536
#define PASSES_MAX 10

/* Salt and tag are random bytes. */
const char password_of_nobody[] =
	TODAY "CkSzOIFt4CUkRy2Urq+PxA$pQlr4JAvVRRB54hZ5+1Yrjg1mJeeTN9mfjBL+6YruyM";

static enum status
failed(struct error *err, int code)
{
	if (code == ARGON2_MEMORY_ALLOCATION_ERROR)
		return error_no_memory(err);
	error_set(err, ERR_CORRUPT, "password-hash-broken", "A stored password cannot be read.");
	return error_detail(err, "%s", argon2_error_message(code));
}

enum status
password_hash(char out[PASSWORD_PHC_MAX], struct str password, struct error *err)
{
	uint8_t salt[SALT_LEN];
	if (password.len > PASSWORD_MAX)
		return error_set(err, ERR_INVALID, "password-too-long",
			"A password has at most %d bytes.", PASSWORD_MAX);
	random_bytes(salt, sizeof(salt));
	int code = argon2id_hash_encoded(PASSES, MEMORY_KIB, LANES, password.ptr, password.len,
		salt, sizeof(salt), TAG_LEN, out, PASSWORD_PHC_MAX);
	if (code == ARGON2_OK)
		return OK;
	crypto_wipe(out, PASSWORD_PHC_MAX);
	return failed(err, code);
}

/* Cuts "<name>=<number><end>" off. */
static bool
cut_number(struct str *rest, struct str name, char end, uint64_t *out)
{
	if (!str_starts(*rest, name))
		return false;
	*rest = (struct str){rest->ptr + name.len, rest->len - name.len};
	return str_to_u64(str_cut(rest, end), out) && rest->ptr;
}

/* Before the library sees it: it would take as much memory and time as the text says. */
static bool
is_bounded(struct str phc)
{
	uint64_t memory, passes, lanes;
	if (phc.len >= PASSWORD_PHC_MAX || !str_starts(phc, STR(FORM)))
		return false;
	struct str rest = {phc.ptr + sizeof(FORM) - 1, phc.len - (sizeof(FORM) - 1)};
	return cut_number(&rest, STR("m="), ',', &memory) && memory >= MEMORY_KIB_MIN &&
		memory <= MEMORY_KIB_MAX && cut_number(&rest, STR("t="), ',', &passes) &&
		passes >= 1 && passes <= PASSES_MAX && cut_number(&rest, STR("p="), '$', &lanes) &&
		lanes == LANES;
}

enum status
password_verify(bool *match, const char *phc, struct str password, struct error *err)
{
	*match = false;
	if (!is_bounded(str_from(phc)))
		return failed(err, ARGON2_DECODING_FAIL);
	if (password.len > PASSWORD_MAX)
		return OK;
	int code = argon2id_verify(phc, password.ptr, password.len);
	if (code != ARGON2_OK && code != ARGON2_VERIFY_MISMATCH)
		return failed(err, code);
	*match = code == ARGON2_OK;
	return OK;
}

bool
password_needs_rehash(const char *phc)
{
	struct str text = str_from(phc);
	return !str_starts(text, STR(TODAY)) || text.len != sizeof(password_of_nobody) - 1;
}
