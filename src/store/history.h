#ifndef STORE_HISTORY_H
#define STORE_HISTORY_H

#include "crypto/crypto.h"
#include "store/internal.h"

/*
 * Which history of changes a store tells. A store that was restored, or that failed over, may have
 * lost its newest changes, and gives their revisions to others. So it counts on under another
 * incarnation, which whoever notices begins: docs/decisions/0014-incarnations.md.
 */
struct history {
	int64_t number; /* 0: none was begun yet */
	struct uuid incarnation;
	char identity[DRIVER_IDENTITY_MAX]; /* of the database that told it; "" of a file */
};

/* The newest. */
enum status history__load(struct history *out, struct tx *tx, struct error *err) MUST_USE;
/* Begins the one after `number`, unless somebody else just did: load it afterwards. */
enum status history__begin(
	struct tx *tx, int64_t number, const char *identity, struct error *err) MUST_USE;

/* A change that was seen: where it is missing, something was lost. */
struct witness {
	struct uuid org;
	int64_t revision; /* 0: none */
	uint8_t hash[SHA256_LEN]; /* of its last record … */
	bool has_hash; /* … if that is known */
};

/* The newest change that the feed knows of; left alone when it knows of none. */
enum status witness__load(struct witness *out, struct tx *tx, struct error *err) MUST_USE;
/* True also where there is no witness. */
enum status witness__holds(
	bool *out, const struct witness *witness, struct tx *tx, struct error *err) MUST_USE;

/* Of a store that one process serves: finds out beside it whether it is the one that was served
 * last. Before any thread runs; `c` writes. */
enum status history__settle(struct store *store, struct connection *c, struct error *err) MUST_USE;
/* … and notes the newest change there. */
void history__note(const struct store *store, struct uuid org, int64_t revision);

#endif
