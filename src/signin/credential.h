#ifndef SIGNIN_CREDENTIAL_H
#define SIGNIN_CREDENTIAL_H

#include "crypto/secret.h"
#include "directory/directory.h"
#include "iam/call.h"

/*
 * Who calls, by "Authorization: Bearer <secret>" (RFC 6750 section 2.1). The secret has to be that
 * of an active credential of an active principal, neither of them expired, in an active workspace
 * and organisation.
 *
 * Every failure is the same ERR_UNAUTHENTICATED, whatever the reason. While something has still to
 * be loaded, `misses` (empty before) names it, the answer is ERR_UNAUTHENTICATED as well, and `err`
 * is left empty: load, then ask again.
 *
 * An absent `header` is refused; so is one that came several times, which its user passes as
 * absent. Inside directory_enter/leave. No lock, no allocation. Threads: any.
 */
enum status signin_bearer(struct caller *out, struct directory *d, const struct keyring *k,
	struct str header, int64_t now_us, struct misses *misses, struct error *err) MUST_USE;

/*
 * The credential that a secret for calling proves, whatever its state and expiry, and whoever it
 * belongs to; NULL when it proves none, or while a miss is noted. For one that is asked about
 * rather than called with. Inside directory_enter/leave. No lock, no allocation. Threads: any.
 */
const struct credential_view *signin_secret(
	struct directory *d, const struct keyring *k, struct str secret, struct misses *misses);

#endif
