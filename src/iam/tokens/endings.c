#include "iam/tokens/endings.h"

#include "iam/rows.h"
#include "iam/tokens/logout_notices.h"
#include "iam/tokens/refusals.h"

/* What ends together. Unless a generation says that its access tokens have ended, each family is
 * refused by its identifier. */
struct ending {
	struct sql codes; /* without text: none */
	struct sql notices;
	struct sql families, refusals; /* without text: by a generation */
	struct sql erasure;
};

/* Of what: each statement's second parameter. Its last: by which client alone, or but for which
 * session; nil: there is none. */
struct ended {
	struct uuid id, last;
};

/* A family is told of once: so its notice has its identifier. */
#define NOTICES                                                                                    \
	"INSERT INTO logout_notices (org, notice, workspace, client, principal, family,"           \
	" attempts, next_us, expires_us) SELECT client_org, family, workspace, client, principal," \
	" family, 0, $3, $4 FROM families"
#define WANTS_TO_BE_TOLD                                                                           \
	" AND EXISTS (SELECT 1 FROM clients c WHERE c.org = families.client_org"                   \
	"  AND c.client = families.client AND c.backchannel_uri IS NOT NULL)"                      \
	" ON CONFLICT (org, notice) DO NOTHING"
#define REFUSALS                                                                                   \
	"INSERT INTO refusals (org, refused, until_us) SELECT org, family, $3 FROM families"
#define KEEP_LONGER                                                                                \
	" ON CONFLICT (org, refused) DO UPDATE SET until_us = excluded.until_us"                   \
	" WHERE refusals.org = excluded.org AND refusals.until_us < excluded.until_us"

#define NOTICES_BY(column) SQL(NOTICES " WHERE org = $1 AND " column " = $2" WANTS_TO_BE_TOLD)
#define REFUSED_BY(column)                                                                         \
	.families = SQL("SELECT family FROM families WHERE org = $1 AND " column " = $2"),         \
	.refusals = SQL(REFUSALS " WHERE org = $1 AND " column " = $2" KEEP_LONGER)
#define CODES_BY(column) SQL("DELETE FROM codes WHERE org = $1 AND " column " = $2")
#define ERASURE_BY(column) SQL("DELETE FROM families WHERE org = $1 AND " column " = $2")

/* But those of offline access, which is had while the user is away: their clients are told. */
#define SESSION_ALONE                                                                              \
	" AND replace(' ' || scope || ' ', ' offline_access ', '') = ' ' || scope || ' '"
#define OF_SESSION_ALONE "session = $2" SESSION_ALONE
static const struct ending OF_SESSION = {
	.codes = CODES_BY("session"),
	.notices = NOTICES_BY("session"),
	.families = SQL("SELECT family FROM families WHERE org = $1 AND " OF_SESSION_ALONE),
	.refusals = SQL(REFUSALS " WHERE org = $1 AND " OF_SESSION_ALONE KEEP_LONGER),
	.erasure = SQL("DELETE FROM families WHERE org = $1 AND " OF_SESSION_ALONE),
};
#define OF_OTHERS(kept) "principal = $2 AND session <> " kept
static const struct ending OF_OTHER_SESSIONS = {
	.codes = SQL("DELETE FROM codes WHERE org = $1 AND " OF_OTHERS("$3")),
	.notices = SQL(NOTICES " WHERE org = $1 AND " OF_OTHERS("$5") WANTS_TO_BE_TOLD),
	.families = SQL(
		"SELECT family FROM families WHERE org = $1 AND " OF_OTHERS("$3") SESSION_ALONE),
	.refusals = SQL(REFUSALS " WHERE org = $1 AND " OF_OTHERS("$4") SESSION_ALONE KEEP_LONGER),
	.erasure = SQL("DELETE FROM families WHERE org = $1 AND " OF_OTHERS("$3") SESSION_ALONE),
};
static const struct ending OF_PROVIDER = {
	.codes = CODES_BY("provider"),
	.notices = NOTICES_BY("provider"),
	REFUSED_BY("provider"),
	.erasure = ERASURE_BY("provider"),
};
static const struct ending OF_FAMILY = {
	.notices = NOTICES_BY("family"),
	REFUSED_BY("family"),
	.erasure = ERASURE_BY("family"),
};
#define OF_GIVEN(client) "principal = $2 AND client = " client
static const struct ending OF_CONSENT = {
	.codes = SQL("DELETE FROM codes WHERE org = $1 AND " OF_GIVEN("$3")),
	.notices = SQL(NOTICES " WHERE org = $1 AND " OF_GIVEN("$5") WANTS_TO_BE_TOLD),
	.families = SQL("SELECT family FROM families WHERE org = $1 AND " OF_GIVEN("$3")),
	.refusals = SQL(REFUSALS " WHERE org = $1 AND " OF_GIVEN("$4") KEEP_LONGER),
	.erasure = SQL("DELETE FROM families WHERE org = $1 AND " OF_GIVEN("$3")),
};
static const struct ending OF_PRINCIPAL = {
	.codes = CODES_BY("principal"),
	.notices = NOTICES_BY("principal"),
	.erasure = ERASURE_BY("principal"),
};
static const struct ending OF_CLIENT = {
	.codes = CODES_BY("client"),
	.erasure = ERASURE_BY("client"),
};
#define MEMBERS_OF_PERSON                                                                          \
	" WHERE client_org = $1 AND (org, principal) IN"                                           \
	" (SELECT org, principal FROM principals WHERE person = $2)"
static const struct ending OF_PERSON = {
	/* Of every organisation, as those that follow. */
	.codes = SQL("DELETE FROM codes" MEMBERS_OF_PERSON),
	/* Of every organisation. */
	.notices = SQL(NOTICES MEMBERS_OF_PERSON WANTS_TO_BE_TOLD),
	/* Of every organisation. */
	.erasure = SQL("DELETE FROM families" MEMBERS_OF_PERSON),
};

static const struct sql SESSIONS_OF_END_USER =
	SQL("DELETE FROM sessions WHERE org = $1 AND principal = $2");
static const struct sql SESSIONS_OF_PERSON =
	SQL("DELETE FROM sessions WHERE org = $1 AND person = $2 AND session <> $3");
/* With the installation ($3), for this organisation alone. */
static const struct sql SESSIONS_OF_MEMBER =
	SQL("DELETE FROM sessions WHERE org = $3 AND only_org = $1 AND person = $2");
static const struct sql SESSIONS_OF_PROVIDER =
	SQL("DELETE FROM sessions WHERE org = $3 AND only_org = $1 AND provider = $2");

/* `last_at`: where the last stands, if there is one. */
static enum status
begin(struct query *q, struct call *call, const struct sql *sql, const struct ended *of,
	int last_at, struct error *err)
{
	enum status rc = iam__query(q, call, sql, of->id, err);
	if (rc == OK && !uuid_is_nil(of->last))
		query_bind_uuid(q, last_at, of->last);
	return rc;
}

static enum status
erase(struct call *call, const struct sql *sql, const struct ended *of, struct error *err)
{
	struct query q;

	if (!sql->text)
		return OK;
	enum status rc = begin(&q, call, sql, of, 3, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

static enum status
queue_notices(
	struct call *call, const struct ending *ending, const struct ended *of, struct error *err)
{
	struct query q;

	if (!ending->notices.text)
		return OK;
	enum status rc = begin(&q, call, &ending->notices, of, 5, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, call->now_us);
	query_bind_int(&q, 4, call->now_us + LOGOUT_NOTICE_LIFE_US);
	return query_run(&q, NULL, err);
}

static enum status
touch_refused(
	struct call *call, const struct ending *ending, const struct ended *of, struct error *err)
{
	struct query q;

	enum status rc = begin(&q, call, &ending->families, of, 3, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		call_touch(call, VIEW_REFUSAL, query_uuid(&q, 0));
	query_end(&q);
	call_touch(call, VIEW_REFUSALS, call->chain.org.id);
	return rc;
}

static enum status
refuse(struct call *call, const struct ending *ending, const struct ended *of, struct error *err)
{
	struct query q;

	if (!ending->refusals.text)
		return OK;
	enum status rc = touch_refused(call, ending, of, err);
	if (rc == OK)
		rc = begin(&q, call, &ending->refusals, of, 4, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 3, refusal_end_us(call));
	return query_run(&q, NULL, err);
}

static enum status
end_of(struct call *call, const struct ending *ending, const struct ended *of, struct error *err)
{
	enum status rc = erase(call, &ending->codes, of, err);
	if (rc == OK)
		rc = queue_notices(call, ending, of, err);
	if (rc == OK)
		rc = refuse(call, ending, of, err);
	return rc == OK ? erase(call, &ending->erasure, of, err) : rc;
}

static enum status
end(struct call *call, const struct ending *ending, struct uuid id, struct error *err)
{
	const struct ended of = {.id = id};

	return end_of(call, ending, &of, err);
}

static enum status
end_sessions(struct call *call, const struct sql *sql, struct uuid id, struct uuid third,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, sql, id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, id);
	query_bind_uuid(&q, 3, third);
	return query_run(&q, NULL, err);
}

enum status
endings_of_session(struct call *call, struct session_id session, struct error *err)
{
	return end(call, &OF_SESSION, session.id, err);
}

enum status
endings_of_other_sessions(
	struct call *call, struct principal_id principal, struct session_id kept, struct error *err)
{
	const struct ended of = {principal.id, kept.id};

	return end_of(call, &OF_OTHER_SESSIONS, &of, err);
}

enum status
endings_of_person(
	struct call *call, struct person_id person, struct session_id kept, struct error *err)
{
	ASSERT(org_is_platform(call->chain.org));
	enum status rc = end_sessions(call, &SESSIONS_OF_PERSON, person.id, kept.id, err);
	return rc == OK ? end(call, &OF_PERSON, person.id, err) : rc;
}

enum status
endings_of_principal(struct call *call, const struct principal *principal, struct error *err)
{
	enum status rc = OK;

	if (principal->kind == KIND_END_USER)
		rc = iam__run(call, &SESSIONS_OF_END_USER, principal->id.id, err);
	if (principal->kind == KIND_MEMBER)
		rc = end_sessions(
			call, &SESSIONS_OF_MEMBER, principal->person.id, PLATFORM.id, err);
	if (rc == OK)
		rc = end(call, &OF_PRINCIPAL, principal->id.id, err);
	if (rc == OK && principal->client)
		rc = end(call, &OF_CLIENT, principal->id.id, err);
	return rc;
}

enum status
endings_of_provider(struct call *call, struct provider_id provider, struct error *err)
{
	enum status rc = end_sessions(call, &SESSIONS_OF_PROVIDER, provider.id, PLATFORM.id, err);
	return rc == OK ? end(call, &OF_PROVIDER, provider.id, err) : rc;
}

enum status
endings_of_consent(struct call *call, struct principal_id principal, struct principal_id client,
	struct error *err)
{
	const struct ended of = {principal.id, client.id};

	return end_of(call, &OF_CONSENT, &of, err);
}

enum status
endings_of_family(struct call *call, struct family_id family, bool tells, struct error *err)
{
	struct ending ending = OF_FAMILY;

	if (!tells)
		ending.notices.text = NULL;
	return end(call, &ending, family.id, err);
}
