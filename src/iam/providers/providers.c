#include "iam/providers/providers.h"

#include "iam/rows.h"
#include "json/json.h"

#define PROVIDER_COLUMNS                                                                           \
	" v.provider, v.org, v.name, v.issuer, v.client_id, v.client_secret, v.state, v.scopes,"   \
	" v.sign_up, v.domains, v.groups_claim, v.rules, v.created_us, v.changed "

static const struct sql PROVIDER_SELECT =
	SQL("SELECT" PROVIDER_COLUMNS "FROM providers v JOIN orgs o ON o.org = v.org"
	    " WHERE v.org = $1 AND v.provider = $2 AND o.state = 1");
static const struct sql PROVIDER_OFFERED =
	SQL("SELECT" PROVIDER_COLUMNS "FROM providers v JOIN orgs o ON o.org = v.org"
	    " WHERE v.org = $1 AND v.state = 1 AND o.state = 1 ORDER BY v.name LIMIT 50");
static const struct sql PROVIDER_ALL = SQL("SELECT" PROVIDER_COLUMNS "FROM providers v"
					   " WHERE v.org = $1 ORDER BY v.name LIMIT 50");

static struct str
copy_bytes(struct query *q, int column, struct call *call)
{
	return query_is_null(q, column) ? NOTHING : arena_copy(call->arena, query_bytes(q, column));
}

static void
provider_read(struct provider *out, struct query *q, struct call *call)
{
	*out = (struct provider){
		.id = {query_uuid(q, 0)},
		.org = {query_uuid(q, 1)},
		.name = iam__text(q, 2, call),
		.issuer = iam__text(q, 3, call),
		.client_id = iam__text(q, 4, call),
		.sealed_secret = copy_bytes(q, 5, call),
		.state = (enum state)query_int(q, 6),
		.scopes = iam__text(q, 7, call),
		.sign_up = query_int(q, 8) != 0,
		.domains = iam__text(q, 9, call),
		.groups_claim = iam__text(q, 10, call),
		.rules = iam__text(q, 11, call),
		.created_us = query_int(q, 12),
		.changed = query_int(q, 13),
	};
}

enum status
provider_find(struct provider *out, bool *found, struct call *call, struct provider_id id,
	struct error *err)
{
	struct query q;

	*found = false;
	enum status rc = iam__query(&q, call, &PROVIDER_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 2, id.id);
	rc = query_next(&q, err);
	if (rc == OK && q.row) {
		provider_read(out, &q, call);
		*found = true;
		rc = query_next(&q, err);
	}
	query_end(&q);
	return rc;
}

static enum status
list(struct provider **out, size_t *count, struct call *call, const struct sql *sql,
	struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_new_array(call->arena, struct provider, PROVIDERS_MAX);
	if (!*out)
		return error_no_memory(err);
	enum status rc = iam__query(&q, call, sql, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row && *count < PROVIDERS_MAX)
		provider_read(&(*out)[(*count)++], &q, call);
	query_end(&q);
	return rc;
}

enum status
provider_list_offered(struct provider **out, size_t *count, struct call *call, struct error *err)
{
	return list(out, count, call, &PROVIDER_OFFERED, err);
}

enum status
provider_list_all(struct provider **out, size_t *count, struct call *call, struct error *err)
{
	return list(out, count, call, &PROVIDER_ALL, err);
}

struct str
provider_seal_name(struct seal_name *space, struct org_id org, struct provider_id id)
{
	return SEAL_NAME(space, "providers", SEAL_KEY(org.id), SEAL_KEY(id.id));
}

enum status
provider_open_secret(struct str *out, const struct provider *provider,
	const struct keyring *keyring, struct arena *arena, struct error *err)
{
	struct seal_name space;
	struct buf plain;

	*out = NOTHING;
	if (!provider->sealed_secret.ptr)
		return OK;
	char *bytes = arena_alloc(arena, provider->sealed_secret.len + 1);
	if (!bytes)
		return error_no_memory(err);
	buf_init_fixed(&plain, bytes, provider->sealed_secret.len);
	enum status rc = keyring_open(keyring, &plain, provider->sealed_secret,
		provider_seal_name(&space, provider->org, provider->id), err);
	if (rc == OK)
		*out = buf_view(&plain);
	return rc;
}

bool
provider_links(const struct provider *provider, struct str email_normal)
{
	struct error ignored = {0};
	struct json *domains = NULL;
	struct str domain = email_normal;
	bool links = false;

	(void)str_cut(&domain, '@');
	if (json_parse(&domains, provider->domains, JSON_LIMITS_DEFAULT, &ignored) != OK)
		return false;
	for (size_t i = 0; i < json_count(domains); i++)
		links = links || str_eq_nocase(json_str(json_at(domains, i)), domain);
	json_free(&domains);
	return links;
}
