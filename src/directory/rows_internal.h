#ifndef DIRECTORY_ROWS_INTERNAL_H
#define DIRECTORY_ROWS_INTERNAL_H

#include "directory/rows.h"

/* What the rows_*.c share. */

/* A role's number is an index: far more than an organisation ever makes. */
#define ROLE_NUMBER_LIMIT (UINT32_C(1) << 20)

/* A set while it grows; permission numbers only. */
struct wide_set {
	uint64_t words[PERMISSION_LIMIT / 64];
};

static inline void
wide_add(struct wide_set *set, uint32_t permission)
{
	ASSERT(permission < PERMISSION_LIMIT);
	set->words[permission >> 6] |= UINT64_C(1) << (permission & 63);
}

static inline bool
wide_has(const struct wide_set *set, uint32_t permission)
{
	return set->words[permission >> 6] >> (permission & 63) & 1;
}

/* The same members in exactly as many words as they need. */
enum status rows__narrow(struct permset *out, const struct wide_set *set, struct arena *arena,
	struct error *err) MUST_USE;
/* Every permission of `name`, of any workspace: for what forbids above the workspaces. */
void rows__add_everywhere(struct wide_set *set, const struct org_view *org, struct str name);

/* ERR_CORRUPT; `what` goes into the detail. */
enum status rows__corrupt(struct error *err, const char *what);
enum status rows__state(
	enum state *out, const struct query *q, int column, struct error *err) MUST_USE;
int64_t rows__expiry(const struct query *q, int column); /* NEVER for NULL */
/* NULL for NULL; one that no longer compiles becomes CONDITION_BROKEN and is logged. */
enum status rows__condition(const struct condition **out, const struct query *q, int column,
	struct arena *arena, struct error *err) MUST_USE;

/* Room for one more item in an array that doubles. */
enum status rows__grow(void **items, uint32_t count, uint32_t *cap, size_t size,
	struct arena *arena, struct error *err) MUST_USE;
/* Column 0 of all rows of a query that has been bound; more than `max` is ERR_CORRUPT. Ends it. */
struct uuid_list {
	struct uuid *items;
	uint32_t count;
};
enum status rows__uuids(struct uuid_list *out, struct query *q, uint32_t max, struct arena *arena,
	struct error *err) MUST_USE;

/* The parts of a skeleton, in this order: each needs those before it. */
enum status rows__load_permissions(
	struct org_view *org, struct tx *tx, struct arena *arena, struct error *err) MUST_USE;
enum status rows__load_roles(
	struct org_view *org, struct tx *tx, struct arena *arena, struct error *err) MUST_USE;
enum status rows__load_guardrails(
	struct org_view *org, struct tx *tx, struct arena *arena, struct error *err) MUST_USE;

/* The grants of a holder. */
struct holder {
	enum { HOLDER_PRINCIPAL = 0, HOLDER_GROUP = 1 } kind;
	struct uuid id;
	struct workspace_id workspace; /* where it belongs, or nil */
};
struct holder_grants {
	struct grants grants;
	bool has_names; /* some are of a single permission */
};
enum status rows__load_grants(struct holder_grants *out, struct tx *tx, const struct org_view *org,
	const struct holder *holder, struct arena *arena, struct error *err) MUST_USE;

#endif
