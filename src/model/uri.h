#ifndef MODEL_URI_H
#define MODEL_URI_H

#include "base/error.h"
#include "base/str.h"

/*
 * Addresses (RFC 3986) that are kept for later: pure checks, each ERR_INVALID "invalid-uri" with
 * `field` named in the text. At most URI_MAX_BYTES of ASCII, absolute, without a user's name and
 * without a fragment. Threads: any.
 */
#define URI_MAX_BYTES 2048

/*
 * Where a browser is sent back to (RFC 6749 section 3.1.2): https; http on a loopback address,
 * written 127.0.0.1 or [::1] (RFC 8252 section 7.3); where `native`, also a scheme of one's own,
 * which has a dot: com.example.app:/back (section 7.1). No '*': there are no patterns.
 */
enum status redirect_uri_check(
	struct str uri, bool native, const char *field, struct error *err) MUST_USE;

/* What the server itself will ask: https, or http on a loopback address. */
enum status endpoint_uri_check(struct str uri, const char *field, struct error *err) MUST_USE;

/* An OpenID issuer: the same without a query. */
enum status issuer_uri_check(struct str uri, const char *field, struct error *err) MUST_USE;

#endif
