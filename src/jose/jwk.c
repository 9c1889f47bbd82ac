#include "jose/jwk.h"

#include <stdlib.h>

#include "base/arena.h"
#include "crypto/crypto.h"

#define SET_BYTES_MAX ((size_t)64 * 1024)
#define SET_KEYS_MAX 32
#define SET_DEPTH_MAX 8
#define SET_MEMORY_MAX ((size_t)SET_KEYS_MAX * (JWK_KID_MAX + 16))

struct jwk_set {
	size_t count;
	size_t read, first_skipped; /* all of them; the place of one, from 1 */
	struct jwk keys[SET_KEYS_MAX];
	struct verify_key *owned[SET_KEYS_MAX]; /* by the same places */
	struct arena *arena; /* the ids */
};

static void
put_number(struct json_writer *w, const char *name, const uint8_t *bytes, size_t len)
{
	char text[(PUBLIC_KEY_FIRST_MAX * 4 + 2) / 3 + 1];
	crypto_base64url(text, sizeof(text), bytes, len);
	jw_z(w, name, text);
}

/* The required members. */
static void
put_required(struct json_writer *w, const struct public_key *key)
{
	switch (key->alg) {
	case SIGN_ALG_NONE:
		break;
	case SIGN_ES256:
		jw_z(w, "crv", "P-256");
		jw_z(w, "kty", "EC");
		put_number(w, "x", key->first, key->first_len);
		put_number(w, "y", key->second, key->second_len);
		break;
	case SIGN_RS256:
		put_number(w, "e", key->second, key->second_len);
		jw_z(w, "kty", "RSA");
		put_number(w, "n", key->first, key->first_len);
		break;
	case SIGN_EDDSA:
		jw_z(w, "crv", "Ed25519");
		jw_z(w, "kty", "OKP");
		put_number(w, "x", key->first, key->first_len);
		break;
	}
}

void
jwk_write(struct json_writer *w, const char *name, const struct public_key *key, struct str kid)
{
	jw_object(w, name);
	put_required(w, key);
	jw_z(w, "use", "sig");
	jw_z(w, "alg", sign_alg_name(key->alg));
	if (kid.ptr)
		jw_str(w, "kid", kid);
	jw_end_object(w);
}

static bool
has_any(const struct json *jwk, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (json_get(jwk, names[i]))
			return true;
	}
	return false;
}

static bool
shows_private(const struct json *jwk, struct str kty)
{
	static const char *const of_pairs[] = {"d", "p", "q", "dp", "dq", "qi", "oth"};
	static const char *const of_oct[] = {"k"};
	if (str_eq(kty, STR("oct")))
		return has_any(jwk, of_oct, ARRAY_LEN(of_oct));
	bool pair = str_eq(kty, STR("EC")) || str_eq(kty, STR("RSA")) || str_eq(kty, STR("OKP"));
	return pair && has_any(jwk, of_pairs, ARRAY_LEN(of_pairs));
}

static bool
read_number(uint8_t *out, size_t size, size_t *len, const struct json *jwk, const char *name)
{
	return crypto_base64url_decode(out, size, len, json_str(json_get(jwk, name)));
}

/* False when the type or the curve is none of ours, or a member is missing or no number. */
static bool
read_public(struct public_key *out, const struct json *jwk)
{
	struct str kty = json_str(json_get(jwk, "kty")), crv = json_str(json_get(jwk, "crv"));
	*out = (struct public_key){0};
	const char *first = "x", *second = NULL;
	if (str_eq(kty, STR("EC")) && str_eq(crv, STR("P-256"))) {
		out->alg = SIGN_ES256;
		second = "y";
	} else if (str_eq(kty, STR("RSA"))) {
		out->alg = SIGN_RS256;
		first = "n";
		second = "e";
	} else if (str_eq(kty, STR("OKP")) && str_eq(crv, STR("Ed25519"))) {
		out->alg = SIGN_EDDSA;
	} else {
		return false;
	}
	return read_number(out->first, sizeof(out->first), &out->first_len, jwk, first) &&
		(!second ||
			read_number(
				out->second, sizeof(out->second), &out->second_len, jwk, second));
}

static bool
may_verify(const struct json *jwk)
{
	const struct json *operations = json_get(jwk, "key_ops");
	if (!operations)
		return true;
	for (size_t i = 0; i < json_count(operations); i++) {
		if (str_eq(json_str(json_at(operations, i)), STR("verify")))
			return true;
	}
	return false;
}

/* Whether it says of itself that it is for these signatures, or says nothing. */
static bool
is_usable(const struct json *jwk, enum sign_alg alg)
{
	const struct json *use = json_get(jwk, "use"), *own_alg = json_get(jwk, "alg");
	const struct json *kid = json_get(jwk, "kid");
	struct str id = json_str(kid);
	return (!use || str_eq(json_str(use), STR("sig"))) &&
		(!own_alg || sign_alg_parse(json_str(own_alg)) == alg) &&
		(!kid || (id.len > 0 && id.len <= JWK_KID_MAX)) && may_verify(jwk);
}

static enum status
add_key(struct jwk_set *set, const struct json *jwk, struct error *err)
{
	struct public_key public;
	struct verify_key *key = NULL;
	struct error why = {0};
	if (json_type(jwk) != JSON_OBJECT)
		return error_set(err, ERR_INVALID, "jwk-malformed",
			"A key of the key set is not a JSON object.");
	if (shows_private(jwk, json_str(json_get(jwk, "kty"))))
		return error_set(err, ERR_INVALID, "jwk-private",
			"The key set shows a private or shared key. Replace that key, and publish "
			"only what is public of the new one.");
	bool usable = read_public(&public, jwk) && is_usable(jwk, public.alg);
	enum status rc = usable ? verify_key_new(&key, &public, &why) : ERR_INVALID;
	set->read++;
	if (rc == ERR_INVALID) {
		set->first_skipped = set->first_skipped ? set->first_skipped : set->read;
		return OK;
	}
	if (rc != OK) {
		*err = why;
		return rc;
	}
	struct str kid = json_str(json_get(jwk, "kid"));
	set->owned[set->count] = key;
	set->keys[set->count] = (struct jwk){arena_copy(set->arena, kid), key};
	bool copied = !kid.ptr || set->keys[set->count].kid.ptr;
	set->count++;
	return copied ? OK : error_no_memory(err);
}

static enum status
add_keys(struct jwk_set *set, const struct json *doc, struct error *err)
{
	const struct json *keys = json_get(doc, "keys");
	if (json_type(doc) == JSON_OBJECT && !keys && json_get(doc, "kty"))
		return add_key(set, doc, err);
	if (json_type(keys) != JSON_ARRAY)
		return error_set(err, ERR_INVALID, "jwk-malformed",
			"A key set is a JSON object with an array of keys in \"keys\".");
	if (json_count(keys) > SET_KEYS_MAX)
		return error_set(err, ERR_LIMIT, "jwk-too-many", "A key set has at most %d keys.",
			SET_KEYS_MAX);
	enum status rc = OK;
	for (size_t i = 0; rc == OK && i < json_count(keys); i++)
		rc = add_key(set, json_at(keys, i), err);
	return rc;
}

static enum status
read_set(struct jwk_set **out, const struct json *doc, struct error *err)
{
	*out = NULL;
	struct jwk_set *set = calloc(1, sizeof(*set));
	if (!set)
		return error_no_memory(err);
	set->arena = arena_new(SET_MEMORY_MAX);
	enum status rc = set->arena ? add_keys(set, doc, err) : error_no_memory(err);
	if (rc != OK)
		jwk_set_free(&set);
	*out = set;
	return rc;
}

enum status
jwk_set_parse(struct jwk_set **out, struct str json, struct error *err)
{
	struct json_limits limits = {SET_BYTES_MAX, SET_DEPTH_MAX, SET_BYTES_MAX};
	struct json *doc = NULL;
	*out = NULL;
	enum status rc = json_parse(&doc, json, limits, err);
	if (rc == OK)
		rc = read_set(out, doc, err);
	json_free(&doc);
	return rc;
}

void
jwk_set_free(struct jwk_set **set)
{
	if (!*set)
		return;
	for (size_t i = 0; i < (*set)->count; i++)
		verify_key_free(&(*set)->owned[i]);
	arena_free(&(*set)->arena);
	free(*set);
	*set = NULL;
}

size_t
jwk_set_count(const struct jwk_set *set)
{
	return set->count;
}

const struct jwk *
jwk_set_at(const struct jwk_set *set, size_t i)
{
	return i < set->count ? &set->keys[i] : NULL;
}

size_t
jwk_set_first_skipped(const struct jwk_set *set)
{
	return set->first_skipped;
}

const struct verify_key *
jwk_set_find(const struct jwk_set *set, enum sign_alg alg, struct str kid)
{
	const struct verify_key *only = NULL;
	for (size_t i = 0; i < set->count; i++) {
		const struct jwk *jwk = &set->keys[i];
		if (verify_key_public(jwk->key)->alg != alg)
			continue;
		if (str_eq(jwk->kid, kid))
			return jwk->key;
		if (!kid.ptr && only)
			return NULL;
		only = jwk->key;
	}
	return kid.ptr ? NULL : only;
}
