#include "iam/tokens/families.h"

#include "iam/rows.h"
#include "iam/tokens/endings.h"

#define FAMILY_COLUMNS                                                                             \
	" f.family, f.workspace, f.principal, p.kind, p.name, p.email, f.client, c.name, f.scope," \
	" f.created_us, f.used_us, f.expires_us, f.ends_us"
/* A client that is gone has taken along what it had, though of the platform's the rows stay until
 * they are purged; a person who has another generation has left what began before. */
#define FAMILY_FROM                                                                                \
	" FROM families f JOIN principals p ON p.org = f.org AND p.principal = f.principal"        \
	" JOIN principals c ON c.org = f.client_org AND c.principal = f.client"                    \
	" LEFT JOIN persons n ON n.person = f.person"                                              \
	" WHERE f.org = $1 AND (f.person IS NULL OR n.generation = f.person_generation)"
#define FAMILY_PAGE                                                                                \
	" AND f.workspace = $6 AND f.family > $2 AND p.name >= $3 AND p.name < $4"                 \
	" AND f.expires_us > $9 ORDER BY f.family LIMIT $5"

/* The statement whose index leaves the fewest to look at. */
static const struct sql FAMILY_LIST =
	SQL("SELECT" FAMILY_COLUMNS FAMILY_FROM
	    " AND (f.principal = $7) IS NULL AND (f.client = $8) IS NULL" FAMILY_PAGE);
static const struct sql FAMILY_LIST_OF_PRINCIPAL =
	SQL("SELECT" FAMILY_COLUMNS FAMILY_FROM
	    " AND f.principal = $7 AND (f.client = $8 OR $8 IS NULL)" FAMILY_PAGE);
static const struct sql FAMILY_LIST_OF_CLIENT =
	SQL("SELECT" FAMILY_COLUMNS FAMILY_FROM
	    " AND (f.principal = $7) IS NULL AND f.client = $8" FAMILY_PAGE);
static const struct sql FAMILY_SELECT =
	SQL("SELECT" FAMILY_COLUMNS FAMILY_FROM
	    " AND f.workspace = $3 AND f.family = $2 AND f.expires_us > $4");

static enum status
family_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct family *family = element;

	(void)err;
	*family = (struct family){
		.id = {query_uuid(q, 0)},
		.workspace = {query_uuid(q, 1)},
		.principal = {query_uuid(q, 2)},
		.kind = (enum principal_kind)query_int(q, 3),
		.name = iam__text(q, 4, call),
		.email = iam__text(q, 5, call),
		.client = {query_uuid(q, 6)},
		.client_name = iam__text(q, 7, call),
		.scope = iam__text(q, 8, call),
		.created_us = query_int(q, 9),
		.used_us = query_int(q, 10),
		.expires_us = query_int(q, 11),
		.ends_us = query_int(q, 12),
	};
	return OK;
}

static void
write_scopes(struct json_writer *w, const char *name, struct str scope)
{
	struct str rest = scope;

	jw_array(w, name);
	while (rest.len) {
		struct str one = str_cut(&rest, ' ');
		if (one.len)
			jw_str(w, NULL, one);
	}
	jw_end_array(w);
}

void
family_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct family *family = entity;

	jw_object(w, name);
	jw_uuid(w, "id", family->id.id);
	jw_uuid(w, "workspace", family->workspace.id);
	jw_object(w, "principal");
	jw_uuid(w, "id", family->principal.id);
	jw_z(w, "kind", kind_name(family->kind));
	jw_str(w, "name", family->name);
	jw_str(w, "email", family->email);
	jw_end_object(w);
	jw_object(w, "client");
	jw_uuid(w, "id", family->client.id);
	jw_str(w, "name", family->client_name);
	jw_end_object(w);
	write_scopes(w, "scopes", family->scope);
	jw_time(w, "created_at", family->created_us);
	jw_time(w, "last_used_at", family->used_us);
	jw_time(w, "expires_at", family->expires_us);
	jw_time(w, "ends_at", family->ends_us);
	jw_end_object(w);
}

struct listed {
	const struct family_filter *filter;
	int64_t now_us;
};

static void
bind_filter(struct query *q, const void *opaque)
{
	const struct listed *listed = opaque;

	query_bind_uuid(q, 6, listed->filter->workspace.id);
	query_bind_uuid_or_null(q, 7, listed->filter->principal.id);
	query_bind_uuid_or_null(q, 8, listed->filter->client.id);
	query_bind_int(q, 9, listed->now_us);
}

enum status
family_list(struct family **out, size_t *count, struct call *call,
	const struct family_filter *filter, struct page *page, struct error *err)
{
	const struct listed listed = {filter, call->now_us};
	struct listing listing = {.sql = &FAMILY_LIST,
		.size = sizeof(struct family),
		.read = family_read,
		.bind = bind_filter,
		.filter = &listed};

	if (!uuid_is_nil(filter->principal.id))
		listing.sql = &FAMILY_LIST_OF_PRINCIPAL;
	else if (!uuid_is_nil(filter->client.id))
		listing.sql = &FAMILY_LIST_OF_CLIENT;
	return iam__list((void **)out, count, call, page, &listing, err);
}

static enum status
load(struct family *out, struct call *call, struct workspace_id workspace, struct family_id id,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &FAMILY_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, workspace.id);
	query_bind_int(&q, 4, call->now_us);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(
			err, ERR_NOT_FOUND, "session-not-found", "There is no such session.");
	if (rc == OK)
		rc = family_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
family_end(struct call *call, struct workspace_id workspace, struct family_id id, struct error *err)
{
	struct family before;

	enum status rc = load(&before, call, workspace, id, err);
	if (rc == OK)
		rc = iam__record(call, "sessions.delete", "session", id.id,
			VERSIONS(call_json(call, family_write, &before), NOTHING), err);
	if (rc != OK)
		return rc;
	return endings_of_family(
		call, id, !uuid_eq(call->caller.principal.id, before.client.id), err);
}
