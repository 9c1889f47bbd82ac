#include "iam/purge.h"

#include "base/clock.h"

#define HOUR_US (3600 * US_PER_S)

/* Each of every organisation, by the index of their ends. */
#define PURGE(table, id, where, end)                                                               \
	SQL("DELETE FROM " table " WHERE (org, " id ") IN (SELECT org, " id " FROM " table         \
	    " WHERE " where end " < $1 ORDER BY " end " LIMIT 200)")
_Static_assert(PURGE_BATCH == 200, "as the statements have it");

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
};

enum status
purge_run(bool *more, struct tx *tx, int64_t now_us, struct error *err)
{
	enum status rc = OK;

	*more = false;
	for (size_t i = 0; rc == OK && i < ARRAY_LEN(PURGES); i++) {
		struct query q;
		int64_t changed = 0;
		rc = query_begin(&q, tx, &PURGES[i].sql, err);
		if (rc != OK)
			break;
		query_bind_int(&q, 1, now_us - PURGES[i].kept_us);
		rc = query_run(&q, &changed, err);
		*more = *more || changed == PURGE_BATCH;
	}
	return rc;
}
