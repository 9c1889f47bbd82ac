#include "iam/principals/api_keys.h"

#include "iam/access/grants.h"
#include "iam/access/role_names.h"

/* The roles that a key holds at the organisation are made the stated ones: what is missing is
 * given, what is too much is taken away. */
static enum status
is_stated(bool *stated, struct call *call, const struct grant *grant,
	const struct principal_draft *draft, struct error *err)
{
	*stated = false;
	for (size_t i = 0; i < draft->role_count && !*stated; i++) {
		const struct role_view *role;
		enum status rc =
			role_resolve(&role, call, draft->roles[i], draft->workspace, NULL, err);
		if (rc != OK)
			return rc;
		*stated = uuid_eq(role->id.id, grant->role.id);
	}
	return OK;
}

static enum status
take_unstated(struct call *call, const struct principal *key, const struct principal_draft *draft,
	struct error *err)
{
	const struct grant_filter filter = {.holder = key->id.id, .node = call->org->id.id};
	struct page page = {.limit = 200};
	struct grant *grants;
	size_t count;

	enum status rc;

	do {
		rc = grant_list(&grants, &count, call, &filter, &page, err);
		for (size_t i = 0; rc == OK && i < count; i++) {
			bool stated;
			rc = is_stated(&stated, call, &grants[i], draft, err);
			if (rc == OK && !stated)
				rc = grant_delete(call, grants[i].id, err);
		}
		page.after = page.last;
	} while (rc == OK && page.more);
	return rc;
}

static enum status
set_roles(struct call *call, const struct principal *key, const struct principal_draft *draft,
	struct error *err)
{
	enum status rc = OK;

	if (!draft->roles_stated)
		return OK;
	for (size_t i = 0; rc == OK && i < draft->role_count; i++) {
		struct grant grant;
		const struct grant_draft give = {.holder = key->id.id,
			.role = draft->roles[i],
			.node = node_org(call->org->id),
			.expires_us = NEVER};
		rc = grant_create(&grant, call, &give, err);
	}
	return rc == OK ? take_unstated(call, key, draft, err) : rc;
}

static bool
is_same(const struct principal *key, const struct api_key_draft *draft)
{
	return (!draft->description_stated ||
		       str_eq(key->description, draft->principal.description)) &&
		(!draft->expires_stated || key->expires_us == draft->principal.expires_us) &&
		(draft->state == STATE_NONE || key->state == draft->state);
}

static enum status
bring_to(struct principal *key, struct call *call, const struct api_key_draft *draft,
	struct error *err)
{
	const struct principal_update update = {.description = draft->description_stated
			? draft->principal.description
			: (struct str){NULL, 0},
		.state = draft->state,
		.expires_stated = draft->expires_stated,
		.expires_us = draft->principal.expires_us};
	enum status rc = OK;

	if (!is_same(key, draft))
		rc = call_require(call, IAM_API_KEYS_UPDATE, node_org(call->org->id), err);
	if (rc == OK && !is_same(key, draft))
		rc = principal_update(key, call, key->id, &update, err);
	return rc == OK ? set_roles(call, key, &draft->principal, err) : rc;
}

enum status
api_key_put(struct principal *out, struct issued_secret *secret, bool *created, struct call *call,
	const struct api_key_draft *draft, struct error *err)
{
	const struct principal_draft *principal = &draft->principal;
	bool found;

	*created = false;
	const struct principal_name name = {.kind = KIND_API_KEY, .label = principal->name};
	enum status rc = principal_find(out, &found, call, &name, err);
	if (rc != OK)
		return rc;
	*created = !found;
	if (!found)
		return principal_create(out, secret, call, principal, err);

	rc = principal_load(out, call, out->id, err);
	if (rc == ERR_NOT_FOUND) {
		error_clear(err);
		return error_set(err, ERR_CONFLICT, "principal-exists",
			"There is one of this kind with this name already.");
	}
	return rc == OK ? bring_to(out, call, draft, err) : rc;
}
