#ifndef SIGNIN_PASSKEY_H
#define SIGNIN_PASSKEY_H

#include "base/arena.h"
#include "base/clock.h"
#include "crypto/secret.h"
#include "iam/people/passkeys.h"
#include "iam/people/persons.h"

/*
 * The ceremonies of passkeys (WebAuthn level 3), of the installation alone: options go into a page,
 * the browser's script answers, and the answer is verified here with libfido2. Nothing is kept in
 * between: the challenge is sealed to its purpose and browser, and lives for five minutes; that it
 * is answered once is passkey_use's (iam/people/passkeys.h). Threads: any.
 */
#define PASSKEY_CHALLENGE_LIFE_US (5 * 60 * US_PER_S)
#define PASSKEY_ANSWER_MAX ((size_t)24 * 1024)

/* Within challenges that are out: append only. */
enum passkey_purpose {
	PASSKEY_SIGN_IN = 1, /* alone: the user is verified by the authenticator */
	PASSKEY_SECOND = 2, /* beside a password */
	PASSKEY_ADD = 3,
};

struct passkey_ceremony {
	enum passkey_purpose purpose;
	struct str base_url; /* the installation's: its host is the relying party */
	struct str browser; /* what only this browser knows */
	const struct keyring *ring;
	int64_t now_us;
	struct arena *arena;
};

/* Whether there can be passkeys: browsers have none for addresses that are numbers. */
bool passkey_available(struct str base_url);

/* For navigator.credentials.get (section 5.5), as JSON in the arena. `known`: who is asked to sign
 * in, if that is settled; none otherwise. ERR_NO_MEMORY. */
enum status passkey_request(struct str *options, const struct passkey_ceremony *ceremony,
	const struct passkey *known, size_t count, struct error *err) MUST_USE;

/* For navigator.credentials.create (section 5.4). `brand`: whose page it is; `known`: what is not
 * to be added again. ERR_NO_MEMORY. */
struct passkey_owner {
	struct person_id person;
	struct str email, name, brand;
};
enum status passkey_creation(struct str *options, const struct passkey_ceremony *ceremony,
	const struct passkey_owner *owner, const struct passkey *known, size_t count,
	struct error *err) MUST_USE;

/*
 * What the script sent, taken apart, its client data checked for type, challenge and origin. In the
 * arena. One ERR_UNAUTHENTICATED "passkey-refused" for every reason, which is in the detail;
 * ERR_NO_MEMORY.
 */
struct passkey_answer {
	struct str credential_id, client_data;
	struct str attestation; /* of one that is added */
	struct str authenticator_data, signature, user_handle; /* of one that is used */
	int64_t challenged_us;
};
enum status passkey_read(struct passkey_answer *out, const struct passkey_ceremony *ceremony,
	struct str text, struct error *err) MUST_USE;

/*
 * Section 7.1: the key of a new passkey: ES256, EdDSA or RS256, unattested or attested by itself.
 * What it borrows lies in the arena. Errors as above.
 */
enum status passkey_verify_new(struct passkey_key *out, const struct passkey_ceremony *ceremony,
	const struct passkey_answer *answer, struct error *err) MUST_USE;

/*
 * Section 7.2: whether the answer is one of this passkey, which has the credential named. The user
 * was there, and when it is to prove alone, was verified. Errors as above.
 */
struct passkey_proof {
	struct passkey_answered answered; /* for passkey_use */
	bool verified; /* the user, by the authenticator */
	bool copyable; /* may be on several devices */
};
enum status passkey_verify(struct passkey_proof *out, const struct passkey_ceremony *ceremony,
	const struct passkey_answer *answer, const struct passkey *passkey,
	struct error *err) MUST_USE;

/* The relying party: its identifier, and the origin of its pages. */
#define PASSKEY_PARTY_MAX 256
struct passkey__party {
	char id[PASSKEY_PARTY_MAX], origin[PASSKEY_PARTY_MAX];
};
bool passkey__party(struct passkey__party *out, struct str base_url) MUST_USE;

/* The challenge as base64url, and when one was made; not sound: it is none, of another purpose
 * or browser, or past its life. ERR_INTERNAL. */
enum status passkey__challenge_new(
	struct str *out, const struct passkey_ceremony *ceremony, struct error *err) MUST_USE;
enum status passkey__challenge_open(bool *sound, int64_t *made_us,
	const struct passkey_ceremony *ceremony, struct str text, struct error *err) MUST_USE;

/* ERR_UNAUTHENTICATED, with the reason for the log. */
enum status passkey__refuse(struct error *err, const char *reason);

#endif
