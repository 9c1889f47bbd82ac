#include "iam/tokens/profiles.h"

#include "iam/rows.h"

static const struct sql PROFILE_SELECT =
	SQL("SELECT p.kind, p.name, p.email, n.email, n.verified_us, n.name FROM principals p"
	    " LEFT JOIN persons n ON n.person = p.person WHERE p.org = $1 AND p.principal = $2");

/* A person has one name, whatever he is called where he is a member. An end-user can only have
 * signed in by an address that he proved to have. */
static void
read_profile(struct profile *out, struct query *q, struct call *call)
{
	bool member = query_int(q, 0) == KIND_MEMBER;

	*out = (struct profile){
		.name = iam__text(q, member && query_str(q, 5).len ? 5 : 1, call),
		.email = iam__text(q, member ? 3 : 2, call),
		.email_verified = !member || !query_is_null(q, 4),
	};
}

enum status
profile_load(struct profile *out, bool *found, struct call *call, struct principal_id principal,
	struct error *err)
{
	struct query q;

	*out = (struct profile){0};
	*found = false;
	enum status rc = iam__query(&q, call, &PROFILE_SELECT, principal.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		read_profile(out, &q, call);
		*found = true;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}
