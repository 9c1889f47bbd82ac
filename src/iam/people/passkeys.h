#ifndef IAM_PASSKEYS_H
#define IAM_PASSKEYS_H

#include "iam/call.h"

/* Passkeys of persons (WebAuthn level 3): what is kept of them. What proves one is
 * signin/passkey.h's. */
#define PASSKEYS_MAX 20 /* of one person */
#define PASSKEY_CREDENTIAL_MAX 1023 /* bytes; section 7.1 */
#define PASSKEY_PUBLIC_MAX 259

/* As WebAuthn has it: the number of its algorithm in COSE, and ES256's x and y, EdDSA's x, or
 * RS256's n (256 bytes) and e (3). */
struct passkey_key {
	struct str credential_id;
	int32_t algorithm;
	struct str public_key;
	uint32_t sign_count;
};

struct passkey {
	struct passkey_id id;
	struct person_id person;
	struct passkey_key key;
	struct str name;
	int64_t created_us, used_us; /* 0: never */
};

/* Oldest first. In any call. */
enum status passkey_list(struct passkey **out, size_t *count, struct call *call,
	struct person_id person, struct error *err) MUST_USE;
/* By its credential, whoever it belongs to, if that person is active. In any call. */
enum status passkey_find(struct passkey *out, bool *found, struct call *call,
	struct str credential_id, struct error *err) MUST_USE;

/* ERR_INVALID "invalid-name"; ERR_LIMIT "too-many-passkeys"; ERR_CONFLICT "passkey-exists". In a
 * call that is open on the platform, as the next two. */
enum status passkey_add(struct passkey *out, struct call *call, struct person_id person,
	const struct passkey_key *key, struct str name, struct error *err) MUST_USE;
/* ERR_NOT_FOUND "passkey-not-found". */
enum status passkey_rename(struct call *call, struct person_id person, struct passkey_id id,
	struct str name, struct error *err) MUST_USE;
/* … ERR_CONFLICT "password-too-short-alone" as well. */
enum status passkey_remove(struct call *call, struct person_id person, struct passkey_id id,
	struct error *err) MUST_USE;

/*
 * Notes that a passkey has answered a challenge. Not accepted when it was used since the challenge
 * was made, so that no answer is taken twice; nor when its counter did not move on, which means
 * that it was copied (section 6.1.1): that is recorded in a change of its own. In an event.
 */
struct passkey_answered {
	uint32_t sign_count;
	int64_t challenged_us;
};
enum status passkey_use(bool *accepted, struct call *call, const struct passkey *passkey,
	const struct passkey_answered *answered, struct error *err) MUST_USE;

#endif
