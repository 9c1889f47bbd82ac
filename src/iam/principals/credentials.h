#ifndef IAM_CREDENTIALS_H
#define IAM_CREDENTIALS_H

#include "iam/call.h"

/* Secrets of machines. Each is shown once, stored hashed, and ends by itself or by revocation
 * without touching its siblings. */
#define CREDENTIALS_PER_PRINCIPAL_MAX 16
#define ROTATION_REMINDER_DAYS 90

struct credential {
	struct credential_id id;
	struct principal_id principal;
	struct str name;
	enum state state; /* ACTIVE or REVOKED */
	int64_t expires_us; /* NEVER */
	int64_t last_used_us; /* 0: never; to the minute */
	struct principal_id created_by;
	int64_t created_us;
	bool rotation_due; /* older than ROTATION_REMINDER_DAYS */
};

struct issued_secret {
	struct credential credential;
	struct secret_text text; /* secret; "" when none was issued */
};

struct credential_draft {
	struct str name;
	int64_t expires_us; /* NEVER */
	bool retire_others; /* the other live ones end after so many seconds */
	int64_t retire_others_after_s;
};

/* Issues one for a principal whose kind has secrets. The caller must be allowed to give all that
 * the principal carries, unless it is its own. ERR_CONFLICT "kind-has-no-secret", ERR_LIMIT. */
enum status credential_issue(struct issued_secret *out, struct call *call,
	struct principal_id principal, const struct credential_draft *draft,
	struct error *err) MUST_USE;
enum status credential_list(struct credential **out, size_t *count, struct call *call,
	struct principal_id principal, struct error *err) MUST_USE;
/* Revoking twice changes nothing. */
enum status credential_revoke(struct call *call, struct principal_id principal,
	struct credential_id id, struct error *err) MUST_USE;

/* The part of principal_create: no guard, the caller has passed it. */
enum status credential__insert(struct issued_secret *out, struct call *call,
	struct principal_id principal, enum principal_kind kind,
	const struct credential_draft *draft, struct error *err) MUST_USE;

/* Writes last uses, in a batch, without a revision. */
enum status credential_note_uses(
	struct tx *tx, const struct credential_use *uses, size_t count, struct error *err) MUST_USE;

void credential_write(struct json_writer *w, const char *name, const void *credential);

#endif
