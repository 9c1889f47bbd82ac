#include "signin/passkey.h"

#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>
#include <string.h>

#include "crypto/sign.h"
#include "signin/cbor.h"

/* Authenticator data (section 6.1): the hash of the party, flags, a counter, then of a new
 * credential 16 bytes of the authenticator's model, the length of its name, name and key. */
#define FLAGS_AT 32
#define NAME_LEN_AT 53
#define NAME_AT 55
#define FLAG_PRESENT 0x01
#define FLAG_VERIFIED 0x04
#define FLAG_COPYABLE 0x08
#define FLAG_CREDENTIAL 0x40
#define ASSERTION_DATA_MAX 512

static const int algorithms[] = {COSE_ES256, COSE_EDDSA, COSE_RS256};

static const unsigned char *
bytes_of(struct str s)
{
	return (const unsigned char *)s.ptr;
}

/* What the library did not take. What it could not do is ours. */
static enum status
failed(int code, struct error *err)
{
	if (code == FIDO_OK)
		return OK;
	if (code == FIDO_ERR_INTERNAL)
		return error_no_memory(err);
	return passkey__refuse(err, fido_strerr(code));
}

/* The parts of an attestation object (section 6.5.4), known to be bounded. */
struct attestation {
	struct str format, statement, data;
};

/* Behind the name follow only the key and, where there are any, extensions. */
static bool
is_credential_data(struct str data)
{
	struct cbor_item item;
	if (data.len < NAME_AT || !((uint8_t)data.ptr[FLAGS_AT] & FLAG_CREDENTIAL))
		return false;
	size_t name =
		(size_t)((uint8_t)data.ptr[NAME_LEN_AT] << 8 | (uint8_t)data.ptr[NAME_LEN_AT + 1]);
	if (name == 0 || name > PASSKEY_CREDENTIAL_MAX || name > data.len - NAME_AT)
		return false;
	struct str rest = {data.ptr + NAME_AT + name, data.len - NAME_AT - name};
	if (!cbor_cut(&item, &rest) || item.type != CBOR_MAP)
		return false;
	return rest.len == 0 || (cbor_cut(&item, &rest) && item.type == CBOR_MAP && rest.len == 0);
}

static bool
take_apart(struct attestation *out, struct str object)
{
	struct cbor_item map, format, statement, data;
	if (!object.ptr || !cbor_cut(&map, &object) || object.len != 0 ||
		!cbor_map_get(&format, &map, STR("fmt")) || format.type != CBOR_TEXT ||
		!cbor_map_get(&statement, &map, STR("attStmt")) || statement.type != CBOR_MAP ||
		!cbor_map_get(&data, &map, STR("authData")) || data.type != CBOR_BYTES)
		return false;
	*out = (struct attestation){format.content, statement.whole, data.content};
	return is_credential_data(data.content);
}

/* The library wants to know the algorithm before it reads the key that names it. */
static fido_cred_t *
read_credential(struct str data)
{
	for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
		fido_cred_t *cred = fido_cred_new();
		if (cred && fido_cred_set_type(cred, algorithms[i]) == FIDO_OK &&
			fido_cred_set_authdata_raw(cred, bytes_of(data), data.len) == FIDO_OK)
			return cred;
		fido_cred_free(&cred);
	}
	return NULL;
}

static bool
is_of_party(struct str data, const struct passkey__party *party)
{
	uint8_t hash[SHA256_LEN];
	crypto_sha256(hash, party->id, strlen(party->id));
	return crypto_equal(hash, data.ptr, sizeof(hash));
}

/* Nothing is asked of the authenticator's maker: there is no attestation (section 8.7), or one by
 * the key itself (section 8.2). */
static enum status
verify_statement(fido_cred_t *cred, const struct attestation *parts,
	const struct passkey__party *party, struct str client_data, struct error *err)
{
	if (!is_of_party(parts->data, party))
		return passkey__refuse(err, "another relying party");
	if (!(fido_cred_flags(cred) & FLAG_PRESENT))
		return passkey__refuse(err, "nobody was there");
	if (str_eq(parts->format, STR("none")))
		return str_eq(parts->statement, STR("\xa0"))
			? OK
			: passkey__refuse(err, "a statement of no format");
	if (!str_eq(parts->format, STR("packed")))
		return passkey__refuse(err, "another format of attestation");
	int code = fido_cred_set_fmt(cred, "packed");
	if (code == FIDO_OK)
		code = fido_cred_set_attstmt(
			cred, bytes_of(parts->statement), parts->statement.len);
	if (code == FIDO_OK)
		code = fido_cred_set_rp(cred, party->id, NULL);
	if (code == FIDO_OK)
		code = fido_cred_set_clientdata(cred, bytes_of(client_data), client_data.len);
	if (code == FIDO_OK)
		code = fido_cred_verify_self(cred);
	return failed(code, err);
}

/* A point that is none of the curve would show only at the first sign-in. */
static enum status
check_key(const struct passkey_key *key, struct error *err)
{
	struct public_key public = {.alg = SIGN_ALG_NONE};
	struct verify_key *usable = NULL;
	struct error why = {0};

	if (key->algorithm == COSE_ES256 && key->public_key.len == 64) {
		public.alg = SIGN_ES256;
		public.first_len = public.second_len = 32;
	} else if (key->algorithm == COSE_EDDSA && key->public_key.len == 32) {
		public.alg = SIGN_EDDSA;
		public.first_len = 32;
	} else if (key->algorithm == COSE_RS256 && key->public_key.len == PASSKEY_PUBLIC_MAX) {
		public.alg = SIGN_RS256;
		public.first_len = 256;
		public.second_len = 3;
	} else {
		return passkey__refuse(err, "a key of another length");
	}
	memcpy(public.first, key->public_key.ptr, public.first_len);
	memcpy(public.second, key->public_key.ptr + public.first_len, public.second_len);
	enum status rc = verify_key_new(&usable, &public, &why);
	verify_key_free(&usable);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	return rc == OK ? OK : passkey__refuse(err, "an unusable key");
}

static enum status
copy_key(struct passkey_key *out, const fido_cred_t *cred, struct arena *arena, struct error *err)
{
	struct str id = {(const char *)fido_cred_id_ptr(cred), fido_cred_id_len(cred)};
	struct str key = {(const char *)fido_cred_pubkey_ptr(cred), fido_cred_pubkey_len(cred)};

	*out = (struct passkey_key){.credential_id = arena_copy(arena, id),
		.algorithm = fido_cred_type(cred),
		.public_key = arena_copy(arena, key),
		.sign_count = fido_cred_sigcount(cred)};
	if (!out->credential_id.ptr || !out->public_key.ptr)
		return error_no_memory(err);
	return check_key(out, err);
}

enum status
passkey_verify_new(struct passkey_key *out, const struct passkey_ceremony *ceremony,
	const struct passkey_answer *answer, struct error *err)
{
	struct attestation parts;
	struct passkey__party party;

	ASSERT(ceremony->purpose == PASSKEY_ADD);
	fido_init(0);
	if (!passkey__party(&party, ceremony->base_url) || !take_apart(&parts, answer->attestation))
		return passkey__refuse(err, "no attestation object");
	fido_cred_t *cred = read_credential(parts.data);
	if (!cred)
		return passkey__refuse(err, "no credential, or of another algorithm");
	enum status rc = verify_statement(cred, &parts, &party, answer->client_data, err);
	if (rc == OK)
		rc = copy_key(out, cred, ceremony->arena, err);
	if (rc == OK && !str_eq(out->credential_id, answer->credential_id))
		rc = passkey__refuse(err, "another credential than the one named");
	fido_cred_free(&cred);
	return rc;
}

/* The library's form of a key, by its algorithm. */
struct fido_key {
	es256_pk_t *es256;
	eddsa_pk_t *eddsa;
	rs256_pk_t *rs256;
};

static int
verify_with(const fido_assert_t *assertion, const struct passkey_key *key)
{
	const void *bytes = key->public_key.ptr;
	size_t len = key->public_key.len;
	struct fido_key out = {0};
	int code = FIDO_ERR_INTERNAL;

	if (key->algorithm == COSE_ES256 && (out.es256 = es256_pk_new())) {
		code = es256_pk_from_ptr(out.es256, bytes, len);
		if (code == FIDO_OK)
			code = fido_assert_verify(assertion, 0, COSE_ES256, out.es256);
	} else if (key->algorithm == COSE_EDDSA && (out.eddsa = eddsa_pk_new())) {
		code = eddsa_pk_from_ptr(out.eddsa, bytes, len);
		if (code == FIDO_OK)
			code = fido_assert_verify(assertion, 0, COSE_EDDSA, out.eddsa);
	} else if (key->algorithm == COSE_RS256 && (out.rs256 = rs256_pk_new())) {
		code = rs256_pk_from_ptr(out.rs256, bytes, len);
		if (code == FIDO_OK)
			code = fido_assert_verify(assertion, 0, COSE_RS256, out.rs256);
	}
	es256_pk_free(&out.es256);
	eddsa_pk_free(&out.eddsa);
	rs256_pk_free(&out.rs256);
	return code;
}

static int
fill_assertion(fido_assert_t *assertion, const struct passkey__party *party, bool alone,
	const struct passkey_answer *answer)
{
	struct str data = answer->authenticator_data, signature = answer->signature;
	int code = fido_assert_set_rp(assertion, party->id);
	if (code == FIDO_OK)
		code = fido_assert_set_clientdata(
			assertion, bytes_of(answer->client_data), answer->client_data.len);
	if (code == FIDO_OK)
		code = fido_assert_set_count(assertion, 1);
	if (code == FIDO_OK)
		code = fido_assert_set_authdata_raw(assertion, 0, bytes_of(data), data.len);
	if (code == FIDO_OK)
		code = fido_assert_set_sig(assertion, 0, bytes_of(signature), signature.len);
	if (code == FIDO_OK)
		code = fido_assert_set_up(assertion, FIDO_OPT_TRUE);
	if (code == FIDO_OK)
		code = fido_assert_set_uv(assertion, alone ? FIDO_OPT_TRUE : FIDO_OPT_OMIT);
	return code;
}

/* The counter is the last of what every assertion has; extensions may follow. */
static bool
is_assertion_data(struct str data)
{
	struct cbor_item item;
	size_t least = FLAGS_AT + 1 + 4;
	if (!data.ptr || data.len < least || data.len > ASSERTION_DATA_MAX)
		return false;
	struct str rest = {data.ptr + least, data.len - least};
	return rest.len == 0 || (cbor_cut(&item, &rest) && item.type == CBOR_MAP && rest.len == 0);
}

/* Who the authenticator says it is: it has to say so when nothing else does. */
static bool
is_of_owner(const struct passkey_answer *answer, const struct passkey *passkey, bool alone)
{
	struct str owner = {(const char *)passkey->person.id.bytes, sizeof(struct uuid)};
	return answer->user_handle.ptr ? str_eq(answer->user_handle, owner) : !alone;
}

enum status
passkey_verify(struct passkey_proof *out, const struct passkey_ceremony *ceremony,
	const struct passkey_answer *answer, const struct passkey *passkey, struct error *err)
{
	bool alone = ceremony->purpose == PASSKEY_SIGN_IN;
	struct passkey__party party;

	ASSERT(ceremony->purpose != PASSKEY_ADD);
	*out = (struct passkey_proof){0};
	fido_init(0);
	if (!passkey__party(&party, ceremony->base_url) ||
		!is_assertion_data(answer->authenticator_data) || !answer->signature.len)
		return passkey__refuse(err, "no assertion");
	if (!str_eq(answer->credential_id, passkey->key.credential_id) ||
		!is_of_owner(answer, passkey, alone))
		return passkey__refuse(err, "another credential or owner");
	fido_assert_t *assertion = fido_assert_new();
	if (!assertion)
		return error_no_memory(err);
	int code = fill_assertion(assertion, &party, alone, answer);
	if (code == FIDO_OK)
		code = verify_with(assertion, &passkey->key);
	if (code == FIDO_OK)
		*out = (struct passkey_proof){
			.answered = {fido_assert_sigcount(assertion, 0), answer->challenged_us},
			.verified = fido_assert_flags(assertion, 0) & FLAG_VERIFIED,
			.copyable = fido_assert_flags(assertion, 0) & FLAG_COPYABLE};
	fido_assert_free(&assertion);
	return failed(code, err);
}
