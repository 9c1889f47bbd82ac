#ifndef JOSE_JWS_H
#define JOSE_JWS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "crypto/sign.h"

/*
 * JSON Web Signature in compact form (RFC 7515 section 7.1) with the algorithms of enum sign_alg.
 * What refuses a token is ERR_UNAUTHENTICATED with one public text for all reasons; the code names
 * the reason and is for the log, and for tests. Threads: any.
 */
#define JWS_TOKEN_MAX ((size_t)16 * 1024)
#define JWS_TYP_MAX 128
#define JWS_KID_MAX 256

/* Appends <header>.<payload>.<signature>; the header is alg, and typ and kid unless absent. After a
 * failure `out` is as before, or failed. ERR_TOO_LARGE "jws-too-large": it does not fit there, or
 * `typ` or `kid` is over its limit. */
enum status jws_sign(struct buf *out, const struct sign_key *key, struct str typ, struct str kid,
	struct str payload, struct error *err) MUST_USE;

/* A token taken apart. Nothing in it is proven before jws_verify. */
struct jws {
	enum sign_alg alg; /* as the header says */
	struct str typ, kid; /* absent when the header has none */
	struct str payload; /* decoded */
	struct str signed_text; /* header and payload as they came */
	struct str signature; /* decoded */
};

/*
 * Strict: at most JWS_TOKEN_MAX bytes, exactly three parts, each base64url without padding or bits
 * left over; a header that is one JSON object of unique members, with an `alg` of enum sign_alg
 * ("none" and HMAC are none of them) and, if present, `typ` and `kid` as strings within their
 * limits, kid not empty. `crit` and `b64` are refused: no extension is understood. Whatever points
 * to a key (jwk, jku, x5c, x5u …) is never looked at. Parts lie in the token and in the arena.
 *
 * ERR_UNAUTHENTICATED: "jws-malformed", "jws-too-large", "jws-header" (not as above), "jws-alg";
 * ERR_NO_MEMORY.
 */
enum status jws_parse(
	struct jws *out, struct arena *arena, struct str token, struct error *err) MUST_USE;

/* By this key, whose algorithm has to be the header's. ERR_UNAUTHENTICATED "jws-alg" or
 * "signature-wrong". */
enum status jws_verify(
	const struct jws *jws, const struct verify_key *key, struct error *err) MUST_USE;

/* Whether a header's `typ` is that media type, by RFC 7515 section 4.1.9: "at+jwt" and
 * "application/at+jwt" are one, in any case. False when absent. */
bool jws_typ_is(struct str typ, struct str wanted);

#endif
