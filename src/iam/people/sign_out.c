#include "iam/people/sign_out.h"

#include "iam/people/persons.h"
#include "iam/rows.h"
#include "iam/tokens/endings.h"

/* What goes: a session, or all others of whom it is. */
struct going {
	const struct session *session;
	bool others;
};

/* A principal whom what was given there was given to. */
struct given_to {
	struct org_id org;
	struct principal_id principal;
};

/* Of every organisation that a person is in, in the order in which they are locked. */
#define GIVEN_TO(where)                                                                            \
	SQL("SELECT p.org, p.principal FROM principals p WHERE p.person = $1 AND (EXISTS"          \
	    " (SELECT 1 FROM families t WHERE t.org = p.org AND " where ") OR EXISTS"              \
	    " (SELECT 1 FROM codes t WHERE t.org = p.org AND " where                               \
	    "  AND t.used_us IS NULL)) ORDER BY p.org LIMIT 200")
static const struct sql GIVEN_IN_SESSION = GIVEN_TO("t.session = $2");
static const struct sql GIVEN_IN_OTHERS = GIVEN_TO("t.principal = p.principal AND t.session <> $2");

static struct actor
actor_of(const struct session *session)
{
	if (!uuid_is_nil(session->person.id))
		return (struct actor){.id = session->person.id};
	return (struct actor){session->org, session->principal.id, KIND_END_USER};
}

static enum status
end_given(struct call *call, struct going going, struct principal_id principal, struct error *err)
{
	return going.others ? endings_of_other_sessions(call, principal, going.session->id, err)
			    : endings_of_session(call, going.session->id, err);
}

static enum status
end_sessions(struct call *call, struct tx *tx, struct going going, struct error *err)
{
	const struct session *session = going.session;
	const struct actor actor = actor_of(session);
	const struct session_owner owner = {session->person, session->principal};

	enum status rc = call_open_as(call, tx, session->org, &actor, err);
	if (rc == OK)
		rc = going.others ? session_end_others(call, owner, session->id, err)
				  : session_end(call, owner, session->id, err);
	if (rc == OK && !uuid_is_nil(owner.principal.id))
		rc = end_given(call, going, owner.principal, err);
	return rc == OK ? call_close(call, err) : rc;
}

/* A person's session is the installation's; what was given in it is of organisations. */
static enum status
end_in_org(struct call *call, struct tx *tx, struct going going, const struct given_to *to,
	struct error *err)
{
	const struct actor actor = actor_of(going.session);
	const char *action = going.others ? "sessions.end_others" : "sessions.end";

	enum status rc = call_open_as(call, tx, to->org, &actor, err);
	if (rc == OK)
		rc = iam__record(call, action, "session", going.session->id.id,
			VERSIONS(NOTHING, NOTHING), err);
	if (rc == OK)
		rc = end_given(call, going, to->principal, err);
	return rc == OK ? call_close(call, err) : rc;
}

static enum status
list_given(
	struct given_to *out, size_t *count, struct tx *tx, struct going going, struct error *err)
{
	const struct session *session = going.session;
	struct query q;

	*count = 0;
	if (uuid_is_nil(session->person.id))
		return OK;
	enum status rc =
		query_begin(&q, tx, going.others ? &GIVEN_IN_OTHERS : &GIVEN_IN_SESSION, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, session->person.id);
	query_bind_uuid(&q, 2, session->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < MEMBERSHIPS_MAX)
		out[(*count)++] = (struct given_to){{query_uuid(&q, 0)}, {query_uuid(&q, 1)}};
	query_end(&q);
	return rc;
}

static enum status
end_all(struct call *call, struct tx *tx, struct going going, struct error *err)
{
	const struct call closed = *call;
	struct given_to given[MEMBERSHIPS_MAX];
	size_t count;

	enum status rc = end_sessions(call, tx, going, err);
	if (rc == OK)
		rc = list_given(given, &count, tx, going, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		*call = closed;
		rc = end_in_org(call, tx, going, &given[i], err);
	}
	*call = closed;
	return rc;
}

enum status
sign_out(struct call *call, struct tx *tx, const struct session *session, struct error *err)
{
	return end_all(call, tx, (struct going){session, false}, err);
}

enum status
sign_out_others(struct call *call, struct tx *tx, const struct session *kept, struct error *err)
{
	return end_all(call, tx, (struct going){kept, true}, err);
}
