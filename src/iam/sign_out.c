#include "iam/sign_out.h"

#include "iam/endings.h"
#include "iam/persons.h"
#include "iam/rows.h"

/* Of every organisation that a person is in, in the order in which they are locked. */
static const struct sql ORGS_OF_SESSION =
	SQL("SELECT DISTINCT p.org FROM principals p WHERE p.person = $1 AND (EXISTS"
	    " (SELECT 1 FROM families f WHERE f.org = p.org AND f.session = $2) OR EXISTS"
	    " (SELECT 1 FROM codes c WHERE c.org = p.org AND c.session = $2"
	    "  AND c.used_us IS NULL)) ORDER BY p.org LIMIT 200");

static struct actor
actor_of(const struct session *session)
{
	if (!uuid_is_nil(session->person.id))
		return (struct actor){.id = session->person.id};
	return (struct actor){session->org, session->principal.id, KIND_END_USER};
}

static enum status
end_session(struct call *call, struct tx *tx, const struct session *session, struct error *err)
{
	const struct actor actor = actor_of(session);
	const struct session_owner owner = {session->person, session->principal};

	enum status rc = call_open_as(call, tx, session->org, &actor, err);
	if (rc == OK)
		rc = session_end(call, owner, session->id, err);
	if (rc == OK)
		rc = endings_of_session(call, session->id, err);
	return rc == OK ? call_close(call, err) : rc;
}

/* A person's session is the installation's; what was given in it is of organisations. */
static enum status
end_in_org(struct call *call, struct tx *tx, const struct session *session, struct org_id org,
	struct error *err)
{
	const struct actor actor = actor_of(session);

	enum status rc = call_open_as(call, tx, org, &actor, err);
	if (rc == OK)
		rc = iam__record(call, "sessions.end", "session", session->id.id,
			VERSIONS(NOTHING, NOTHING), err);
	if (rc == OK)
		rc = endings_of_session(call, session->id, err);
	return rc == OK ? call_close(call, err) : rc;
}

static enum status
list_orgs(struct org_id *out, size_t *count, struct tx *tx, const struct session *session,
	struct error *err)
{
	struct query q;

	*count = 0;
	if (uuid_is_nil(session->person.id))
		return OK;
	enum status rc = query_begin(&q, tx, &ORGS_OF_SESSION, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, session->person.id);
	query_bind_uuid(&q, 2, session->id.id);
	while ((rc = query_next(&q, err)) == OK && q.row && *count < MEMBERSHIPS_MAX)
		out[(*count)++].id = query_uuid(&q, 0);
	query_end(&q);
	return rc;
}

enum status
sign_out(struct call *call, struct tx *tx, const struct session *session, struct error *err)
{
	const struct call closed = *call;
	struct org_id orgs[MEMBERSHIPS_MAX];
	size_t count;

	enum status rc = end_session(call, tx, session, err);
	if (rc == OK)
		rc = list_orgs(orgs, &count, tx, session, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		*call = closed;
		rc = end_in_org(call, tx, session, orgs[i], err);
	}
	*call = closed;
	return rc;
}
