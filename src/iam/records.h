#ifndef IAM_RECORDS_H
#define IAM_RECORDS_H

#include "iam/call.h"

/* Change records: what was done in an organisation, in the order in which it was done. */
struct record {
	int64_t revision, part, time_us;
	struct org_id actor_org; /* nil: the platform */
	struct principal_id actor; /* nil: whoever holds the store itself */
	enum principal_kind actor_kind;
	struct credential_id credential;
	struct str address, action, subject_kind, subject;
	struct str before, after; /* JSON objects; absent: nothing, or erased */
	uint8_t hash[SHA256_LEN];
};

struct record_filter {
	struct principal_id actor; /* nil: any */
	struct str action; /* absent: any; with a '.' at its end: all that begin with it */
	struct str subject; /* absent: any; an identifier as the record has it */
	int64_t since_us, until_us; /* 0: no bound; since is included, until is not */
};

/* Newest first, before (revision, part); a revision of 0 begins at the newest. A page looks at
 * RECORDS_EXAMINED_MAX records at most, so it may hold few and still say `more`. */
#define RECORDS_EXAMINED_MAX 10000
struct record_page {
	int64_t before_revision, before_part;
	uint32_t limit;
	/* Set by the use case: where to go on. */
	bool more;
	int64_t last_revision, last_part;
};
enum status record_list(struct record **out, size_t *count, struct call *call,
	const struct record_filter *filter, struct record_page *page, struct error *err) MUST_USE;

/* The newest, for whoever keeps heads elsewhere to prove later that nothing was taken back. */
struct record_head {
	int64_t revision;
	uint8_t hash[SHA256_LEN];
};
void record_head(struct record_head *out, const struct call *call);

void record_write(struct json_writer *w, const char *name, const void *record);
void record_head_write(struct json_writer *w, const char *name, const void *head);

#endif
