#ifndef SIGNIN_CREDENTIAL_H
#define SIGNIN_CREDENTIAL_H

#include "crypto/secret.h"
#include "directory/directory.h"
#include "iam/call.h"

struct session_uses;

/* What proving needs: the server's, for its life. */
struct signin {
	struct directory *directory;
	const struct keyring *keyring;
	struct str base_url; /* the installation's issuer: no '/' at its end */
	struct session_uses *uses; /* of browsers' sessions; NULL: not noted */
};

/* What is to be proved: the header of a request, or a secret or token by itself. */
struct proof {
	struct str text;
	int64_t now_us;
	struct arena *arena; /* where what was proved is kept */
};

/*
 * Who calls, by "Authorization: Bearer <secret or token>" (RFC 6750 section 2.1). A secret has to
 * be that of an active credential of an active principal, neither of them expired, in an active
 * workspace and organisation; a token has to hold (signin_token), and is then named by the caller.
 *
 * Every failure is the same ERR_UNAUTHENTICATED, whatever the reason. While something has still to
 * be loaded, `misses` (empty before) names it, the answer is ERR_UNAUTHENTICATED as well, and `err`
 * is left empty: load, then ask again.
 *
 * An absent header is refused; so is one that came several times, which its user passes as
 * absent. Inside directory_enter/leave. No lock. Threads: any.
 */
enum status signin_bearer(struct caller *out, const struct signin *signin,
	const struct proof *proof, struct misses *misses, struct error *err) MUST_USE;

/*
 * The credential that a secret for calling proves, whatever its state and expiry, and whoever it
 * belongs to; NULL when it proves none, or while a miss is noted. For one that is asked about
 * rather than called with. Inside directory_enter/leave. No lock, no allocation. Threads: any.
 */
const struct credential_view *signin_secret(
	const struct signin *signin, struct str secret, struct misses *misses);

/* The organisation's and the principal's views when both can be used now, and its workspace as
 * well; NULL otherwise, or while a miss is noted. */
const struct principal_view *signin__principal(const struct signin *signin, struct org_id org,
	struct principal_id id, int64_t now_us, struct misses *misses);

/* One text for every reason. */
enum status signin__refuse(struct error *err);

#endif
