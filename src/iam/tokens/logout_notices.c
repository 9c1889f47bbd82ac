#include "iam/tokens/logout_notices.h"

#include "iam/rows.h"

#define FIRST_RETRY_S 5

/* Of every organisation. */
static const struct sql NOTICE_ANY_DUE =
	SQL("SELECT 1 FROM logout_notices WHERE next_us <= $1 LIMIT 1");
/* Of every organisation. */
static const struct sql NOTICES_DUE =
	SQL("SELECT org, notice, workspace, client, principal, family, attempts, next_us"
	    " FROM logout_notices WHERE next_us <= $1 ORDER BY next_us LIMIT $2");
static const struct sql NOTICE_LEASE =
	SQL("UPDATE logout_notices SET attempts = attempts + 1, next_us = $4"
	    " WHERE org = $1 AND notice = $2 AND next_us = $3");
static const struct sql NOTICE_RETRY =
	SQL("UPDATE logout_notices SET next_us = $3 WHERE org = $1 AND notice = $2");
static const struct sql NOTICE_GIVE_BACK =
	SQL("UPDATE logout_notices SET attempts = attempts - 1, next_us = $4"
	    " WHERE org = $1 AND notice = $2 AND attempts = $3");
static const struct sql NOTICES_PUT_OFF =
	SQL("UPDATE logout_notices SET next_us = $3 WHERE org = $1 AND next_us <= $2");
static const struct sql NOTICE_DELETE =
	SQL("DELETE FROM logout_notices WHERE org = $1 AND notice = $2");

enum status
logout_notices_due(bool *due, struct tx *tx, int64_t now_us, struct error *err)
{
	return iam__find_due(due, tx, &NOTICE_ANY_DUE, now_us, err);
}

static enum status
list_due(struct logout_notice *out, int64_t *next_us, size_t *count, struct call *call, size_t max,
	struct error *err)
{
	struct query q;

	*count = 0;
	enum status rc = query_begin(&q, call->tx, &NOTICES_DUE, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, call->now_us);
	query_bind_int(&q, 2, (int64_t)max);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < max) {
		next_us[*count] = query_int(&q, 7);
		out[(*count)++] = (struct logout_notice){
			.org = {query_uuid(&q, 0)},
			.id = query_uuid(&q, 1),
			.workspace = {query_uuid(&q, 2)},
			.client = {query_uuid(&q, 3)},
			.principal = {query_uuid(&q, 4)},
			.family = {query_uuid(&q, 5)},
			.attempts = query_int(&q, 6) + 1,
		};
	}
	query_end(&q);
	return rc;
}

static enum status
lease(bool *taken, struct call *call, const struct logout_notice *notice, int64_t next_us,
	int64_t until_us, struct error *err)
{
	struct query q;
	int64_t changed = 0;

	enum status rc = query_begin(&q, call->tx, &NOTICE_LEASE, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, notice->org.id);
	query_bind_uuid(&q, 2, notice->id);
	query_bind_int(&q, 3, next_us);
	query_bind_int(&q, 4, until_us);
	rc = query_run(&q, &changed, err);
	*taken = changed == 1;
	return rc;
}

enum status
logout_notices_take(struct logout_notice *out, size_t *count, struct call *call, size_t max,
	int64_t lease_s, struct error *err)
{
	size_t due = 0;
	int64_t *next_us = arena_new_array(call->arena, int64_t, max);

	*count = 0;
	if (!next_us)
		return error_no_memory(err);
	enum status rc = list_due(out, next_us, &due, call, max, err);
	for (size_t i = 0; rc == OK && i < due; i++) {
		const struct logout_notice notice = out[i];
		bool taken;
		rc = lease(
			&taken, call, &notice, next_us[i], call->now_us + lease_s * US_PER_S, err);
		if (rc == OK && taken)
			out[(*count)++] = notice;
	}
	return rc;
}

enum status
logout_notice_settle(
	struct call *call, const struct logout_notice *notice, bool over, struct error *err)
{
	struct query q;
	bool ends = over || notice->attempts >= LOGOUT_NOTICE_ATTEMPTS_MAX;
	int64_t wait_s = FIRST_RETRY_S;

	for (int64_t i = 1; i < notice->attempts; i++)
		wait_s *= 4;
	enum status rc = query_begin(&q, call->tx, ends ? &NOTICE_DELETE : &NOTICE_RETRY, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, notice->org.id);
	query_bind_uuid(&q, 2, notice->id);
	if (!ends)
		query_bind_int(&q, 3, call->now_us + wait_s * US_PER_S);
	return query_run(&q, NULL, err);
}

enum status
logout_notice_give_back(struct call *call, const struct logout_notice *notice, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &NOTICE_GIVE_BACK, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, notice->org.id);
	query_bind_uuid(&q, 2, notice->id);
	query_bind_int(&q, 3, notice->attempts);
	query_bind_int(&q, 4, call->now_us);
	return query_run(&q, NULL, err);
}

enum status
logout_notices_put_off(struct call *call, struct org_id org, struct error *err)
{
	struct query q;

	enum status rc = query_begin(&q, call->tx, &NOTICES_PUT_OFF, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, org.id);
	query_bind_int(&q, 2, call->now_us);
	query_bind_int(&q, 3, call->now_us + FIRST_RETRY_S * US_PER_S);
	return query_run(&q, NULL, err);
}
