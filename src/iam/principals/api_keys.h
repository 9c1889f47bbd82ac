#ifndef IAM_API_KEYS_H
#define IAM_API_KEYS_H

#include "iam/principals/principals.h"

struct api_key_draft {
	struct principal_draft principal;
	bool description_stated, expires_stated;
	enum state state;
};

/*
 * Idempotent creation (C9): makes the key of that name when there is none, with a first secret;
 * otherwise brings description, expiry, state (STATE_NONE: stays) and roles to what is stated and
 * answers without one. Roles that are not stated stay; on creation they are the organisation's
 * default (C5). ERR_CONFLICT "principal-exists" for one that the caller may not see (C7).
 */
enum status api_key_put(struct principal *out, struct issued_secret *secret, bool *created,
	struct call *call, const struct api_key_draft *draft, struct error *err) MUST_USE;

#endif
