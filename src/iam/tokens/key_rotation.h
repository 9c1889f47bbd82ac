#ifndef IAM_KEY_ROTATION_H
#define IAM_KEY_ROTATION_H

#include "base/clock.h"
#include "iam/tokens/signing_keys.h"

/*
 * The life of the keys of an issuer, of each algorithm by itself: the next one is published well
 * before it signs, the one that signed is published as long as a token of it can live. By schedule,
 * or at once when somebody says so.
 */
#define DAY_US (INT64_C(86400) * US_PER_S)
#define KEY_SIGNS_US (90 * DAY_US)
#define KEY_ANNOUNCED_US (7 * DAY_US) /* before the one that signs retires */
#define KEY_PUBLISHED_US DAY_US /* at the least, before it signs by schedule */
#define KEY_KEPT_US (2 * DAY_US) /* after it retired: longer than an access token can live */

struct signing_key {
	struct uuid id; /* `kid` */
	enum sign_alg alg;
	enum key_state state;
	struct str public_key; /* a JWK */
	int64_t created_us, activated_us, retired_us; /* 0: not yet */
};
enum status signing_key_list(struct signing_key **out, size_t *count, struct call *call,
	struct workspace_id issuer, struct error *err) MUST_USE;

/*
 * At once: the key that signs retires, and the next one signs; where there is none, a new one. An
 * RSA key takes too long to make here: without a next one, none of them signs until the first who
 * needs one has it made. ERR_CONFLICT "no-signing-key"; ERR_LIMIT "too-many-keys".
 */
enum status signing_keys_rotate(struct call *call, struct workspace_id issuer, enum sign_alg alg,
	struct error *err) MUST_USE;

/* Withdraws a key that does not sign: what it signed is worth nothing from now on. ERR_NOT_FOUND
 * "signing-key-not-found"; ERR_CONFLICT "key-signs". */
enum status signing_key_withdraw(
	struct call *call, struct workspace_id issuer, struct uuid key, struct error *err) MUST_USE;

/* What the schedule asks for. Of every organisation; reads only. */
struct key_turn {
	struct org_id org;
	struct workspace_id issuer;
	enum sign_alg alg;
};
enum status signing_keys_due(struct key_turn *out, size_t *count, size_t max, struct tx *tx,
	int64_t now_us, struct error *err) MUST_USE;
/* Does what is due of it, in a call open in its organisation: announces `made` as the next one if
 * there is need of one, lets the next one sign, removes what has retired. */
enum status signing_keys_turn(struct call *call, const struct key_turn *turn,
	const struct signing_key_draft *made, struct error *err) MUST_USE;

void signing_key_write(struct json_writer *w, const char *name, const void *key);

#endif
