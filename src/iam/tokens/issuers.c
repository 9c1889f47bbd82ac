#include "iam/tokens/issuers.h"

#include "iam/rows.h"

/* Of every organisation: the address of an issuer names the workspace alone. */
static const struct sql ISSUER =
	SQL("SELECT i.org, w.name, o.name, w.state, o.state FROM issuers i"
	    " JOIN workspaces w ON w.org = i.org AND w.workspace = i.workspace"
	    " JOIN orgs o ON o.org = i.org WHERE i.workspace = $1");
static const struct sql DESCRIPTION =
	SQL("SELECT description FROM permissions WHERE org = $1 AND name = $2"
	    " AND (workspace = $3 OR workspace = $4) AND removed = 0 ORDER BY workspace DESC");

enum status
issuer_find(struct issuer *out, bool *found, struct call *call, struct workspace_id workspace,
	struct error *err)
{
	struct query q;

	*out = (struct issuer){.workspace = workspace};
	*found = false;
	enum status rc = query_begin(&q, call->tx, &ISSUER, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, workspace.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		out->org.id = query_uuid(&q, 0);
		out->name = iam__text(&q, 1, call);
		out->org_name = iam__text(&q, 2, call);
		*found = query_int(&q, 3) != STATE_DELETED && query_int(&q, 4) != STATE_DELETED;
		out->active = query_int(&q, 3) == STATE_ACTIVE && query_int(&q, 4) == STATE_ACTIVE;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

/* OpenID Connect Core section 5.4, and what stands for everything. */
static struct str
standard_description(struct str name)
{
	static const struct {
		struct str name, description;
	} known[] = {
		{{"openid", 6}, {"Know who you are", 16}},
		{{"profile", 7}, {"See your name", 13}},
		{{"email", 5}, {"See your e-mail address", 23}},
		{{"offline_access", 14}, {"Stay connected while you are away", 33}},
		{{"iam:*", 5}, {"Do all that you may do", 22}},
	};

	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		if (str_eq(name, known[i].name))
			return known[i].description;
	}
	const struct catalogue_entry *entry = catalogue_find(name);
	return entry ? str_from(entry->description) : NOTHING;
}

enum status
scope_describe(struct str *out, struct call *call, struct workspace_id workspace, struct str name,
	struct error *err)
{
	struct query q;

	*out = standard_description(name);
	if (out->ptr)
		return OK;
	*out = name;
	enum status rc = iam__query(&q, call, &DESCRIPTION, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, name);
	query_bind_uuid(&q, 3, workspace.id);
	query_bind_uuid(&q, 4, (struct uuid){{0}});
	rc = query_next(&q, err);
	if (rc == OK && q.row && query_str(&q, 0).len)
		*out = iam__text(&q, 0, call);
	query_end(&q);
	return rc;
}
