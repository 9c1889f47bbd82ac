#ifndef JOSE_JWT_H
#define JOSE_JWT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/error.h"
#include "base/str.h"
#include "jose/jws.h"
#include "json/reader.h"
#include "json/writer.h"

/*
 * Claims of a JSON Web Token (RFC 7519 section 4.1), which are the payload of a struct jws.
 * Failures as there. Times are Unix time in microseconds; 0 says that there is none. Threads: any.
 */
#define JWT_AUD_MAX 16
#define JWT_DEPTH_MAX 8

/* A member of the claims as it came. */
struct jwt_member {
	struct str name; /* decoded */
	struct str json; /* well-formed; for jwt_str and the like, or json_parse */
};

struct jwt_claims {
	struct str iss, sub, jti; /* absent when there are none */
	struct str aud[JWT_AUD_MAX]; /* a single one is a list of one */
	size_t aud_count;
	int64_t exp_us, nbf_us, iat_us;
	/* All of them, those above as well; in the arena. Not written. */
	const struct jwt_member *members;
	size_t member_count;
};

/* Writes iss, sub, aud, exp, nbf, iat and jti, those that there are, into an open object: one
 * audience as a string, several as an array, times in whole seconds, rounded down. */
void jwt_claims_write(struct json_writer *w, const struct jwt_claims *claims);

/*
 * One JSON object of unique members, at most JSON_READER_MEMBERS_MAX of them and JWT_DEPTH_MAX
 * deep; iss, sub and jti are strings, aud a string or an array of at most JWT_AUD_MAX strings;
 * exp, nbf and iat are numbers from 0 to the year 9999, fractions allowed. Everything lies in the
 * payload and in the arena. ERR_UNAUTHENTICATED "jwt-malformed"; ERR_NO_MEMORY.
 */
enum status jwt_claims_parse(struct jwt_claims *out, struct arena *arena, struct str payload,
	struct error *err) MUST_USE;

/* Other claims by name. */
struct str jwt_get(const struct jwt_claims *claims, struct str name); /* JSON; absent if missing */
/* Absent unless it is a string; also when the arena is full, which is refused like a missing one.
 */
struct str jwt_get_str(const struct jwt_claims *claims, struct arena *arena, struct str name);
/* False unless it is an integer within int64_t. */
bool jwt_get_int(const struct jwt_claims *claims, struct str name, int64_t *out);

bool jwt_has_aud(const struct jwt_claims *claims, struct str aud);

/* What a token has to be. Absent values are not met by absent claims: they are refused. */
struct jwt_expect {
	struct str typ; /* by jws_typ_is; absent: any, and none */
	struct str iss;
	const struct str *aud; /* one of these is among the token's */
	size_t aud_count;
	int64_t now_us;
	int64_t leeway_s; /* by how much clocks may differ */
};

/*
 * In this order: ERR_UNAUTHENTICATED "jwt-typ", "jwt-issuer", "jwt-audience", "jwt-no-expiry",
 * "jwt-expired" (now is at exp or later), "jwt-not-yet-valid" (now is before nbf). Proves nothing
 * about the signature.
 */
enum status jwt_check(const struct jwt_claims *claims, struct str typ,
	const struct jwt_expect *expect, struct error *err) MUST_USE;

#endif
