#ifndef IAM_VERIFY_H
#define IAM_VERIFY_H

#include "crypto/crypto.h"
#include "model/ids.h"
#include "store/store.h"

/*
 * Proves a store from its rows alone: that no change record was altered, taken out or cut off, and
 * that what refers to something finds it. Reads in order and keeps nothing, whatever the size. A
 * finding is part of the report, never an error.
 */
struct chain_report {
	struct org_id org;
	int64_t records; /* that hold */
	int64_t erased; /* of these, without their content any more */
	int64_t revision; /* that the organisation names as its newest */
	const char *broken; /* NULL: it holds; otherwise what is wrong, a static text */
	int64_t broken_revision, broken_part; /* where it first is */
};

/* Recomputes every hash of one organisation. ERR_NOT_FOUND. */
enum status chain_verify(
	struct chain_report *out, struct tx *tx, struct org_id org, struct error *err) MUST_USE;

/* One rule about the rows of every organisation, and how many break it. */
struct invariant_report {
	const char *rule; /* in plain words, static */
	int64_t violations;
	const char *remedy; /* what to do about a row, static; NULL: nothing but a backup helps */
	struct uuid org,
		first; /* with a remedy: the first of these rows; an account is in no org */
};

struct store_verify_listener {
	void (*chain)(void *context, const struct chain_report *report);
	void (*invariant)(void *context, const struct invariant_report *report);
	void *context;
};

/* Everything: each organisation's chain, then each rule; both sound and broken ones are told.
 * `*sound` is false when anything was found. */
enum status store_verify(bool *sound, struct tx *tx, const struct store_verify_listener *listener,
	struct error *err) MUST_USE;

#endif
