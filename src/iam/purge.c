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

/* Clients of the platform that were deleted: what they have left is in every organisation. */
#define GONE_BATCH 16
/* Longer than an exchange of a code that was begun before can take. */
#define GONE_KEPT_US HOUR_US
static const struct sql GONE_CLIENTS = SQL("SELECT gone, since_us FROM gone_clients LIMIT 16");
static const struct sql GONE_SETTLED = SQL("DELETE FROM gone_clients WHERE gone = $1");
static const struct sql PURGES_OF_GONE[] = {
	/* Of every organisation, as the next. */
	SQL("DELETE FROM families WHERE (org, family) IN"
	    " (SELECT org, family FROM families WHERE client = $1 LIMIT 200)"),
	SQL("DELETE FROM consents WHERE (org, principal, client) IN"
	    " (SELECT org, principal, client FROM consents WHERE client = $1 LIMIT 200)"),
};

struct gone {
	struct uuid client;
	int64_t since_us;
};

static enum status
run_of(int64_t *changed, struct tx *tx, const struct sql *sql, struct uuid client,
	struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, client);
	return query_run(&q, changed, err);
}

static enum status
purge_of_gone(bool *more, struct tx *tx, const struct gone *gone, int64_t now_us, struct error *err)
{
	int64_t changed = 0, total = 0;
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < ARRAY_LEN(PURGES_OF_GONE); i++) {
		rc = run_of(&changed, tx, &PURGES_OF_GONE[i], gone->client, err);
		*more = *more || changed == PURGE_BATCH;
		total += changed;
	}
	if (rc == OK && total == 0 && gone->since_us + GONE_KEPT_US < now_us)
		rc = run_of(NULL, tx, &GONE_SETTLED, gone->client, err);
	return rc;
}

static enum status
purge_gone(bool *more, struct tx *tx, int64_t now_us, struct error *err)
{
	struct gone list[GONE_BATCH];
	size_t count = 0;
	struct query q;

	enum status rc = query_begin(&q, tx, &GONE_CLIENTS, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && count < GONE_BATCH)
		list[count++] = (struct gone){query_uuid(&q, 0), query_int(&q, 1)};
	query_end(&q);
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = purge_of_gone(more, tx, &list[i], now_us, err);
	return rc;
}

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
	return rc == OK ? purge_gone(more, tx, now_us, err) : rc;
}
