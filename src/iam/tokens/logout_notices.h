#ifndef IAM_LOGOUT_NOTICES_H
#define IAM_LOGOUT_NOTICES_H

#include "base/clock.h"
#include "iam/tokens/families.h"

/*
 * Clients that have asked to be told when a session ends (OpenID Connect Back-Channel Logout): who
 * is still to be told stands in the store, from the change that ended it on (iam/tokens/endings.h).
 * Any node takes what is due, under a lease, and tells it at least once.
 */
#define LOGOUT_NOTICE_ATTEMPTS_MAX 5
#define LOGOUT_NOTICE_LIFE_US (3600 * US_PER_S)

struct logout_notice {
	struct uuid id;
	struct org_id org; /* of the issuer, and of the client */
	struct workspace_id workspace; /* the issuer; nil: the installation */
	struct principal_id client;
	struct principal_id principal; /* `sub` */
	struct family_id family; /* `sid` */
	int64_t attempts; /* this one included */
};

/* Takes up to `max` that are due, of every organisation: nobody else gets them for `lease_s`. An
 * event; the call's organisation does not matter. */
enum status logout_notices_take(struct logout_notice *out, size_t *count, struct call *call,
	size_t max, int64_t lease_s, struct error *err) MUST_USE;
/* Whether there is anything to take. Reads only. */
enum status logout_notices_due(
	bool *due, struct tx *tx, int64_t now_us, struct error *err) MUST_USE;

/* It is over: the client was told, or is not to be. Otherwise it is tried again later, until it was
 * tried often enough. */
enum status logout_notice_settle(struct call *call, const struct logout_notice *notice, bool over,
	struct error *err) MUST_USE;
/* One that was taken and not tried is as it was before, and due. */
enum status logout_notice_give_back(
	struct call *call, const struct logout_notice *notice, struct error *err) MUST_USE;
/* What is due of an organisation is due a little later: others come first. */
enum status logout_notices_put_off(
	struct call *call, struct org_id org, struct error *err) MUST_USE;

#endif
