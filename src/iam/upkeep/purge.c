#include "iam/upkeep/purge.h"

#include "base/clock.h"
#include "iam/idempotency.h"

#define HOUR_US (3600 * US_PER_S)

/* Each of every organisation, by the index of their ends. */
#define PURGE(table, id, where, end)                                                               \
	SQL("DELETE FROM " table " WHERE (org, " id ") IN (SELECT org, " id " FROM " table         \
	    " WHERE " where end " < $1 ORDER BY " end " LIMIT 200)")
_Static_assert(PURGE_BATCH == 200, "as the statements have it");

/* What clients of the platform that were deleted have left, which is in every organisation. Each is
 * asked for by itself, whatever the engine makes of a join of so few with so many. */
#define HAS_LEFT(table) "(SELECT 1 FROM " table " t WHERE t.client = g.gone LIMIT 1)"
#define PURGE_OF_GONE(table, id)                                                                   \
	SQL("DELETE FROM " table " WHERE (org, " id ") IN (SELECT org, " id " FROM " table         \
	    " WHERE client IN (SELECT g.gone FROM gone_clients g WHERE g.since_us < $1"            \
	    "  AND " HAS_LEFT(table) " = 1) LIMIT 200)")
/* Longer than an exchange of a code that was begun before can take. */
#define GONE_KEPT_US HOUR_US

static const struct {
	struct sql sql;
	int64_t kept_us; /* after the end */
} PURGES[] = {
	{PURGE("sessions", "session", "", "expires_us"), 0},
	/* Whoever comes late is told that the link has expired. */
	{PURGE("links", "link", "", "expires_us"), 24 * HOUR_US},
	/* A second use still ends what the first gave. */
	{PURGE("codes", "code", "", "expires_us"), 24 * HOUR_US},
	{PURGE("families", "family", "", "expires_us"), 0},
	{PURGE("refusals", "refused", "", "until_us"), 0},
	{PURGE("logout_notices", "notice", "", "expires_us"), 0},
	{PURGE("mails", "mail", "state = 2 AND ", "next_us"), 0},
	{PURGE("mails", "mail", "state = 3 AND ", "next_us"), 0},
	{PURGE("idempotency", "principal, key_hash", "", "created_us"), IDEMPOTENCY_KEPT_US},
	{PURGE_OF_GONE("families", "family"), 0},
	{PURGE_OF_GONE("consents", "principal, client"), 0},
	{SQL("DELETE FROM gone_clients WHERE gone IN (SELECT g.gone FROM gone_clients g"
	     " WHERE g.since_us < $1 AND " HAS_LEFT(
		     "families") " IS NULL"
				 " AND " HAS_LEFT("consents") " IS NULL LIMIT 200)"),
		GONE_KEPT_US},
};

enum status
purge_run(struct purged *out, unsigned from, struct tx *tx, int64_t now_us, struct error *err)
{
	int64_t changed = 0, total = 0;
	enum status rc = OK;

	*out = (struct purged){.next = from};
	for (size_t i = 0; rc == OK && !out->more && i < ARRAY_LEN(PURGES); i++) {
		unsigned at = out->next % ARRAY_LEN(PURGES);
		struct query q;
		rc = query_begin(&q, tx, &PURGES[at].sql, err);
		if (rc != OK)
			break;
		query_bind_int(&q, 1, now_us - PURGES[at].kept_us);
		rc = query_run(&q, &changed, err);
		total += changed;
		out->more = total >= PURGE_BATCH;
		out->next = at + 1;
	}
	return rc;
}
