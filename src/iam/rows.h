#ifndef IAM_ROWS_H
#define IAM_ROWS_H

#include "iam/call.h"

/* What the use cases share in reading and writing rows. */

/* A statement whose first parameters are the organisation and, unless nil, one identifier. */
enum status iam__query(struct query *q, struct call *call, const struct sql *sql, struct uuid id,
	struct error *err) MUST_USE;

/* The same, run to its end. */
enum status iam__run(
	struct call *call, const struct sql *sql, struct uuid id, struct error *err) MUST_USE;

/* Touches each view that such a statement names in its first column. */
enum status iam__touch_all(struct call *call, enum view_kind kind, const struct sql *sql,
	struct uuid id, struct error *err) MUST_USE;

/* Whether a statement about every organisation, which takes the time alone, finds anything. */
enum status iam__find_due(bool *due, struct tx *tx, const struct sql *sql, int64_t now_us,
	struct error *err) MUST_USE;

/*
 * A page of rows: the statement takes the organisation, the identifier after which to start, a
 * range of names [low, high) for the search, and the limit; the first column is the identifier.
 * `read` fills one element. Further parameters are bound by `bind` (may be NULL) from 6 on.
 */
struct listing {
	const struct sql *sql;
	size_t size; /* of one element */
	enum status (*read)(void *element, struct query *q, struct call *call, struct error *err);
	void (*bind)(struct query *q, const void *filter);
	const void *filter;
};
enum status iam__list(void **out, size_t *count, struct call *call, struct page *page,
	const struct listing *listing, struct error *err) MUST_USE;

/* "name >= $3 AND name < $4" means "begins with": the bounds for a prefix; without one, all. */
#define SEARCH_ALL_HIGH "\xF4\x8F\xBF\xBF\xF4\x8F\xBF\xBF"

/* Of a text column: into call->arena; ERR_NO_MEMORY latches in the query. */
struct str iam__text(struct query *q, int column, struct call *call);

/* ERR_INVALID "expiry-passed" unless it lies ahead; NEVER does. */
enum status iam__check_expiry(
	const struct call *call, int64_t expires_us, struct error *err) MUST_USE;

/* Of texts that may be absent: two absent ones are the same. */
bool iam__same_text(struct str a, struct str b);

/* A unique constraint, told in the words of the thing. Passes everything else on. */
enum status iam__taken(enum status rc, const char *code, const char *text, struct error *err);

/* A count of the first column. */
enum status iam__count(int64_t *out, struct call *call, const struct sql *sql, struct uuid id,
	struct error *err) MUST_USE;

/* Records one change with an identifier as its subject: what it was and what it has become, as
 * JSON objects; NOTHING for what was or is not there. */
struct versions {
	struct str before, after;
};
#define VERSIONS(before_, after_) ((struct versions){(before_), (after_)})
enum status iam__record(struct call *call, const char *action, const char *kind, struct uuid id,
	struct versions versions, struct error *err) MUST_USE;

/* An organisation's identifier as the API shows it: "platform" for the nil one. */
void iam__write_org(struct json_writer *w, const char *name, struct org_id org);

void iam__write_node(struct json_writer *w, const char *name, struct node node);
void iam__write_kinds(struct json_writer *w, const char *name, kind_mask kinds);

#define NOTHING ((struct str){NULL, 0})

#endif
