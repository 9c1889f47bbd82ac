#ifndef IAM_SEALS_H
#define IAM_SEALS_H

#include "iam/call.h"

/*
 * What stands sealed in the store under a master key, and how that key is changed for a newer one.
 * A seal holds for its row alone: it names the table, and what the row is known by.
 */
struct seal_name {
	char bytes[128];
};
struct str seal_name(
	struct seal_name *space, const char *table, const struct str *keys, size_t count);
/* By the texts of their identifiers: as mails are, since their first day. */
struct str seal_name_texts(
	struct seal_name *space, const char *table, const struct str *keys, size_t count);
#define SEAL_NAME(space, table, ...)                                                               \
	seal_name(space, table, (const struct str[]){__VA_ARGS__},                                 \
		ARRAY_LEN(((const struct str[]){__VA_ARGS__})))
#define SEAL_KEY(uuid_) ((struct str){(const char *)(uuid_).bytes, sizeof((uuid_).bytes)})

/* After which row a step begins; zeroed: at the very first. */
#define SEAL_KEYS_MAX 3
struct seals_place {
	unsigned table;
	uint8_t keys[SEAL_KEYS_MAX][SHA256_LEN];
	size_t lens[SEAL_KEYS_MAX];
};
struct seals_step {
	struct seals_place next;
	bool over; /* that was the last step of a pass */
	int64_t found, sealed;
};

/*
 * One step of a pass over everything: of a few rows seals those anew that are under another master
 * key than the newest. What changed meanwhile was found and is not sealed, and what is made
 * meanwhile may be passed by: all is done once a whole pass has found nothing. Nothing is recorded,
 * as nothing changed for anybody. ERR_CORRUPT "seal-broken" when one cannot be opened: its key is
 * gone.
 */
enum status seals_rewrap(struct seals_step *out, const struct seals_place *from, struct call *call,
	struct error *err) MUST_USE;

/* How many hashes of secrets are under another pepper than the newest. A hash cannot be made anew
 * without its secret, so that pepper has to stay for as long as there are any. */
struct pepper_use {
	const char *what; /* a static text */
	int64_t count;
};
#define PEPPER_USES 6
enum status peppers_count(
	struct pepper_use out[PEPPER_USES], struct call *call, struct error *err) MUST_USE;

#endif
