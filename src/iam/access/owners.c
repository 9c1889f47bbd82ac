#include "iam/access/owners.h"

#include "iam/rows.h"

/* From the few grants of role number 0 to their holders, own or through a group; never from the
 * fleet of principals. kind 1: member; state 1: active. Counts somebody twice who holds it twice.
 */
static const struct sql OWNERS =
	SQL("SELECT COUNT(*), COUNT(CASE WHEN g.expires_us IS NULL AND p.expires_us IS NULL"
	    "  THEN 1 END) FROM roles r"
	    " JOIN grants g ON g.org = r.org AND g.role = r.role AND g.node = r.org"
	    " LEFT JOIN group_members m ON m.org = g.org AND m.grp = g.holder"
	    " JOIN principals p ON p.org = g.org AND p.principal = COALESCE(m.principal, g.holder)"
	    " WHERE r.org = $1 AND r.number = 0 AND g.condition IS NULL"
	    " AND (g.expires_us IS NULL OR g.expires_us > $2)"
	    " AND p.state = 1 AND (p.expires_us IS NULL OR p.expires_us > $2)"
	    " AND p.confined = 0 AND p.ceiling IS NULL"
	    " AND (p.kind = 1 OR EXISTS (SELECT 1 FROM credentials c WHERE c.org = p.org"
	    "  AND c.principal = p.principal AND c.state = 1"
	    "  AND (c.expires_us IS NULL OR c.expires_us > $2)))");

enum status
owners_count(struct owners *out, struct call *call, struct error *err)
{
	struct query q;

	*out = (struct owners){0};
	enum status rc = iam__query(&q, call, &OWNERS, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, call->now_us);
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = (struct owners){query_int(&q, 0), query_int(&q, 1)};
	query_end(&q);
	return rc;
}

enum status
owners_check_left(struct call *call, struct owners before, struct error *err)
{
	struct owners left;

	enum status rc = owners_count(&left, call, err);
	bool none = left.live == 0 && before.live > 0;
	bool all_end = left.lasting == 0 && before.lasting > 0;
	if (rc != OK || !(none || all_end))
		return rc;
	if (org_is_platform(call->chain.org))
		return error_set(err, ERR_CONFLICT, "last-operator",
			"This would leave the platform without an operator: make another one "
			"first.");
	return error_set(err, ERR_CONFLICT, "last-owner",
		"This would leave the organisation without an owner: make another one first.");
}
