#ifndef IAM_IDEMPOTENCY_H
#define IAM_IDEMPOTENCY_H

#include "base/clock.h"
#include "iam/call.h"

/*
 * Changes that a caller may repeat: what was answered to the first is kept in its transaction, and
 * given to those that come with the same key, for a day. The changes of one organisation are
 * serial, so whoever repeats one that is under way waits for it and finds its answer. A refusal
 * changes nothing and is not kept.
 */
#define IDEMPOTENCY_KEPT_US (24 * 3600 * US_PER_S)

struct idempotency {
	uint8_t key_hash[SHA256_LEN]; /* of the key that the caller chose */
	uint8_t request[SHA256_LEN]; /* digest of all that was asked, and of what bounds who asks */
};

struct kept_answer {
	unsigned status; /* the door's number */
	int64_t etag, revision;
	struct str location; /* absent: none */
	struct str body; /* may hold a secret: kept sealed */
};

/* What the caller of this call was answered before. ERR_CONFLICT "idempotency-key-reused": the key
 * came with another request; "answer-lost": it was done, but the answer cannot be opened any more.
 * Any caller may ask: it is told what it was told. */
enum status idempotency_find(bool *found, struct kept_answer *out, struct call *call,
	const struct idempotency *id, struct error *err) MUST_USE;

/* Before call_close, or after it; in place of one that is too old. */
enum status idempotency_keep(struct call *call, const struct idempotency *id,
	const struct kept_answer *answer, struct error *err) MUST_USE;

#endif
