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

/*
 * Seals a few rows anew that are under another master key than the newest: how many, 0 when none is
 * left. Rows that change meanwhile are left for the next time. Nothing is recorded, as nothing
 * changed for anybody. ERR_CORRUPT "seal-broken" when one cannot be opened: its key is gone.
 */
enum status seals_rewrap(int64_t *sealed, struct call *call, struct error *err) MUST_USE;

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
