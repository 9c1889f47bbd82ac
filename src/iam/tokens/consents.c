#include "iam/tokens/consents.h"

#include "iam/rows.h"
#include "iam/tokens/endings.h"
#include "iam/tokens/scopes_of_token.h"

static const struct sql CONSENT_SELECT = SQL("SELECT scope, given_us FROM consents"
					     " WHERE org = $1 AND principal = $2 AND client = $3");
static const struct sql CONSENT_PUT =
	SQL("INSERT INTO consents (org, principal, client, scope, given_us)"
	    " VALUES ($1, $2, $3, $4, $5)"
	    " ON CONFLICT (org, principal, client) DO UPDATE SET scope = $4, given_us = $5");
static const struct sql CONSENT_DELETE =
	SQL("DELETE FROM consents WHERE org = $1 AND principal = $2 AND client = $3");

/* Of every organisation that a person is in. */
static const struct sql CONSENTS_OF_PERSON =
	SQL("SELECT c.org, c.principal, c.client, c.scope, c.given_us, o.name, k.name"
	    " FROM principals m JOIN orgs o ON o.org = m.org"
	    " JOIN consents c ON c.org = m.org AND c.principal = m.principal"
	    " JOIN principals k ON k.org = $1 AND k.principal = c.client"
	    " WHERE m.person = $2 ORDER BY k.name, o.name, c.org, c.client LIMIT 100");
static const struct sql CONSENTS_OF_PRINCIPAL =
	SQL("SELECT c.org, c.principal, c.client, c.scope, c.given_us, '', k.name FROM consents c"
	    " JOIN principals k ON k.org = c.org AND k.principal = c.client"
	    " WHERE c.org = $1 AND c.principal = $2 ORDER BY k.name, c.client LIMIT 100");

/* The next of a list with blanks between; absent at the end. */
static struct str
next_scope(struct str *rest)
{
	struct str scope = {NULL, 0};

	while (rest->ptr && !scope.len)
		scope = str_cut(rest, ' ');
	return scope.len ? scope : (struct str){NULL, 0};
}

static void
consent_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct consent *consent = entity;

	jw_object(w, name);
	jw_uuid(w, "principal", consent->principal.id);
	jw_uuid(w, "client", consent->client.id);
	jw_str(w, "scope", consent->scope);
	jw_time(w, "given_at", consent->given_us);
	jw_end_object(w);
}

static enum status
query_consent(struct query *q, struct call *call, const struct sql *sql,
	struct principal_id principal, struct principal_id client, struct error *err)
{
	enum status rc = iam__query(q, call, sql, principal.id, err);
	if (rc == OK)
		query_bind_uuid(q, 3, client.id);
	return rc;
}

enum status
consent_find(struct consent *out, bool *found, struct call *call, struct principal_id principal,
	struct principal_id client, struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = query_consent(&q, call, &CONSENT_SELECT, principal, client, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found) {
		*out = (struct consent){.org = call->chain.org,
			.principal = principal,
			.client = client,
			.scope = iam__text(&q, 0, call),
			.given_us = query_int(&q, 1)};
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

enum status
consent_list(struct consent **out, size_t *count, struct call *call, struct session_owner owner,
	struct error *err)
{
	bool person = !uuid_is_nil(owner.person.id);
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct consent, CONSENTS_LISTED_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, person ? &CONSENTS_OF_PERSON : &CONSENTS_OF_PRINCIPAL,
		person ? owner.person.id : owner.principal.id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && *count < CONSENTS_LISTED_MAX)
		(*out)[(*count)++] = (struct consent){
			.org = {query_uuid(&q, 0)},
			.principal = {query_uuid(&q, 1)},
			.client = {query_uuid(&q, 2)},
			.scope = iam__text(&q, 3, call),
			.given_us = query_int(&q, 4),
			.org_name = iam__text(&q, 5, call),
			.client_name = iam__text(&q, 6, call),
		};
	query_end(&q);
	return rc;
}

static enum status
join(struct str *out, struct call *call, struct str before, struct str wanted, struct error *err)
{
	struct buf list;

	buf_init(&list, CONSENT_SCOPE_MAX);
	buf_str(&list, before);
	for (struct str one; (one = next_scope(&wanted)).ptr;) {
		if (scope_has(buf_view(&list), one))
			continue;
		if (list.len)
			buf_char(&list, ' ');
		buf_str(&list, one);
	}
	bool full = list.failed;
	*out = full ? NOTHING : arena_copy(call->arena, list.ptr ? buf_view(&list) : STR(""));
	buf_clear(&list);
	if (full)
		return error_set(err, ERR_LIMIT, "too-many-scopes",
			"One application cannot be allowed that many scopes.");
	return out->ptr ? OK : error_no_memory(err);
}

enum status
consent_give(struct call *call, struct principal_id principal, struct principal_id client,
	struct str scope, struct error *err)
{
	struct consent before;
	struct consent after = {.principal = principal, .client = client, .given_us = call->now_us};
	struct query q;
	bool found;

	enum status rc = consent_find(&before, &found, call, principal, client, err);
	if (rc == OK)
		rc = join(&after.scope, call, found ? before.scope : STR(""), scope, err);
	if (rc == OK)
		rc = iam__record(call, "consents.give", "client", client.id,
			VERSIONS(found ? call_json(call, consent_write, &before) : NOTHING,
				call_json(call, consent_write, &after)),
			err);
	if (rc == OK)
		rc = query_consent(&q, call, &CONSENT_PUT, principal, client, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 4, after.scope);
	query_bind_int(&q, 5, after.given_us);
	return query_run(&q, NULL, err);
}

enum status
consent_withdraw(struct call *call, struct principal_id principal, struct principal_id client,
	struct error *err)
{
	struct consent before;
	struct query q;
	bool found;

	enum status rc = consent_find(&before, &found, call, principal, client, err);
	if (rc != OK || !found)
		return rc;
	rc = iam__record(call, "consents.withdraw", "client", client.id,
		VERSIONS(call_json(call, consent_write, &before), NOTHING), err);
	if (rc == OK)
		rc = query_consent(&q, call, &CONSENT_DELETE, principal, client, err);
	if (rc == OK)
		rc = query_run(&q, NULL, err);
	return rc == OK ? endings_of_consent(call, principal, client, err) : rc;
}
