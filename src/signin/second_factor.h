#ifndef SIGNIN_SECOND_FACTOR_H
#define SIGNIN_SECOND_FACTOR_H

#include "signin/passkey.h"

/*
 * Signing in in two steps. What the first one proved goes with the browser, in a cookie of its own,
 * sealed to it; there is no session until the second has been proved. Of persons alone. Threads:
 * any; what takes a call, inside a job.
 */
#define FIRST_FACTOR_COOKIE "__Host-thingward-first"
#define FIRST_FACTOR_LIFE_US (10 * 60 * US_PER_S)
#define FIRST_FACTOR_TEXT_MAX 512

struct first_factor {
	struct person_id person;
	int64_t generation; /* of the person: a new password takes it back */
	struct org_id only_org; /* as of a session */
	struct uuid provider;
	struct str methods;
	int64_t auth_us; /* when */
};

struct first_factor_seal {
	struct str browser; /* what only this browser knows */
	const struct keyring *ring;
	int64_t now_us;
	struct arena *arena;
};
/* The value of the cookie. ERR_NO_MEMORY. */
enum status first_factor_close(struct str *out, const struct first_factor *first,
	const struct first_factor_seal *seal, struct error *err) MUST_USE;
/* `*found` is false when it is none of this browser's, or was sealed FIRST_FACTOR_LIFE_US ago.
 * ERR_INTERNAL, ERR_NO_MEMORY. */
enum status first_factor_open(struct first_factor *out, bool *found, struct str text,
	const struct first_factor_seal *seal, struct error *err) MUST_USE;

/* The second step: one of the three. */
struct second_factor {
	struct str code; /* of an authenticator app */
	struct str recovery_code;
	const struct passkey_ceremony *ceremony; /* PASSKEY_SECOND … */
	const struct passkey_answer *passkey; /* … as it was read; or NULL */
};
/* By what it was proved (signin/acr.h); absent: it was not. In an event. */
enum status second_factor_prove(struct str *method, struct call *call, struct person_id person,
	const struct second_factor *second, struct error *err) MUST_USE;

/* Who a passkey proves by itself (PASSKEY_SIGN_IN), and by what; a nil person: nobody. In an event.
 */
struct passkey_holder {
	struct person_id person;
	struct str method;
};
enum status passkey_prove(struct passkey_holder *out, struct call *call,
	const struct passkey_ceremony *ceremony, const struct passkey_answer *answer,
	struct error *err) MUST_USE;

/* Methods of a session, with one more, and that they are two factors. ERR_NO_MEMORY. */
enum status methods_with_second(struct str *out, struct str methods, struct str method,
	struct arena *arena, struct error *err) MUST_USE;

#endif
