#include "iam/guard.h"

#include <stdio.h>

#include "policy/lookup.h"

static enum status
refuse(const struct org_view *org, uint32_t permission, enum reason reason, struct error *err)
{
	struct str name = org_permission_name(org, permission);

	enum status rc = error_set(err, ERR_FORBIDDEN, "may-not-give",
		"You may not give %.*s here on these terms (%s).", STR_ARG(name),
		reason_code(reason));
	snprintf(err->permission, sizeof(err->permission), "%.*s", STR_ARG(name));
	return rc;
}

enum status
guard_give(struct call *call, const struct gift *gift, struct error *err)
{
	struct terms terms = {.expires_us = gift->expires_us, .condition = gift->condition};
	struct question question;
	struct answer answer;

	enum status rc = call_question(&question, call, gift->node, err);
	if (rc != OK)
		return rc;
	for (uint32_t p = permset_next(gift->permissions, 0); p != PERMISSION_NONE;
		p = permset_next(gift->permissions, p + 1)) {
		question.permission = p;
		terms.to_self =
			gift->to_self && (!gift->exercised || permset_has(gift->exercised, p));
		if (policy_may_give(&question, &terms, &answer) != DECISION_ALLOW)
			return refuse(question.org, p, answer.reason, err);
	}
	return OK;
}

enum status
guard_role_set(
	struct permset *out, struct call *call, const struct role_view *role, struct error *err)
{
	if (!permset_init(out, call->arena, call->org->permission_end))
		return error_no_memory(err);
	permset_unite(out, &role->exercises);
	permset_unite(out, &role->gives);
	return OK;
}

static enum status
entry_set(
	struct permset *out, struct call *call, const struct grant_entry *entry, struct error *err)
{
	const struct role_view *role = org_role_at(call->org, entry->role);

	if (role)
		return guard_role_set(out, call, role, err);
	if (!permset_init(out, call->arena, call->org->permission_end))
		return error_no_memory(err);
	if (entry->role == ROLE_NONE && entry->permission != PERMISSION_NONE)
		permset_add(out, entry->permission);
	return OK;
}

enum status
guard_give_grants(struct call *call, const struct grants *grants, bool to_self, struct error *err)
{
	enum status rc = OK;

	for (uint32_t i = 0; i < grants->count && rc == OK; i++) {
		const struct grant_entry *entry = &grants->entries[i];
		struct permset set;
		const struct role_view *role = org_role_at(call->org, entry->role);
		struct gift gift = {.permissions = &set,
			.exercised = role ? &role->exercises : NULL,
			.expires_us = entry->expires_us,
			.condition = entry->condition,
			.to_self = to_self};

		if (call->now_us >= entry->expires_us)
			continue;
		rc = call_find_node(&gift.node, call, entry->node, err);
		if (rc == OK && gift.node.kind == NODE_NONE)
			continue;
		if (rc == OK)
			rc = entry_set(&set, call, entry, err);
		if (rc == OK)
			rc = guard_give(call, &gift, err);
	}
	return rc;
}
