#ifndef IAM_CHAIN_H
#define IAM_CHAIN_H

#include "iam/call.h"

/* Locks the row of an organisation for a change, or only reads it. ERR_NOT_FOUND. Whoever needs two
 * locks an organisation's before the platform's; the row of one that is being made is nobody else's
 * yet. */
enum status chain_open(
	struct chain *chain, struct tx *tx, struct org_id org, struct error *err) MUST_USE;

/* Writes revision, skeleton, numbers and head back, if anything was recorded. */
enum status chain_close(struct chain *chain, struct tx *tx, struct error *err) MUST_USE;

/* The revision that this call's records carry: one more than what was found. */
int64_t chain_revision(const struct chain *chain);

/*
 * What the hash of a record covers, in a fixed form, so that a chain can be proved from the rows
 * alone: the previous hash, then every field with its length before it, then the digest of the
 * body.
 */
struct record_facts {
	struct org_id org;
	int64_t revision, part, time_us;
	struct uuid actor, actor_org, credential;
	int64_t actor_kind;
	struct str address, action, subject_kind, subject;
};
#define RECORD_SALT_LEN 16
void record_digest(uint8_t out[SHA256_LEN], const uint8_t salt[RECORD_SALT_LEN], struct str body);
void record_hash(uint8_t out[SHA256_LEN], const uint8_t previous[SHA256_LEN],
	const struct record_facts *facts, const uint8_t digest[SHA256_LEN]);

#endif
