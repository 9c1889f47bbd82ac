#ifndef JOSE_JWK_H
#define JOSE_JWK_H

#include "base/error.h"
#include "base/str.h"
#include "crypto/sign.h"
#include "json/json.h"
#include "json/writer.h"

/* Public keys as JSON (RFC 7517, RFC 7518 section 6, RFC 8037 section 2). Threads: any. */

#define JWK_KID_MAX 256 /* bytes of a key's id */

/* Writes the key as an object: kty, its numbers, use "sig", alg, and kid unless absent. */
void jwk_write(
	struct json_writer *w, const char *name, const struct public_key *key, struct str kid);

/*
 * The keys of somebody else. Immutable.
 *
 * A set ("keys") or one key by itself, at most 64 KiB and 32 keys. Keys that verify nothing here
 * are passed over, as RFC 7517 section 5 has it: of another type, curve, algorithm or use, without
 * what they need, not as struct public_key says, or with an id that is empty or over JWK_KID_MAX.
 */
struct jwk_set; /* owned */

/* ERR_INVALID "jwk-malformed", and the codes of json_parse; "jwk-private" when a key of the set,
 * passed over or not, shows what is private or shared of it; ERR_LIMIT "jwk-too-many";
 * ERR_TOO_LARGE "json-too-large"; ERR_NO_MEMORY. */
enum status jwk_set_parse(struct jwk_set **out, struct str json, struct error *err) MUST_USE;
void jwk_set_free(struct jwk_set **set);

struct jwk {
	struct str kid; /* absent when it has none */
	const struct verify_key *key; /* has its algorithm */
};

/* Those that can verify, in the order of the set; borrowed from it. */
size_t jwk_set_count(const struct jwk_set *set);
const struct jwk *jwk_set_at(const struct jwk_set *set, size_t i);
/* No count, but a place in the set as it was stated: of the first key that was passed over, from 1;
 * 0: none was. */
size_t jwk_set_first_skipped(const struct jwk_set *set);

/* The first key of that id and algorithm. With an absent `kid`: the one key of that algorithm, when
 * there is no other. NULL when there is none; a new key may then have been published. */
const struct verify_key *jwk_set_find(const struct jwk_set *set, enum sign_alg alg, struct str kid);

#endif
