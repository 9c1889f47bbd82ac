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

static uint64_t
word_of(const struct permset *set, uint32_t i)
{
	return i < set->word_count ? set->words[i] : 0;
}

/* The first of the gift that is not in the set in which it has to be. */
static uint32_t
first_missing(
	const struct gift *gift, const struct permset *to_others, const struct permset *to_self)
{
	for (uint32_t i = 0; i < gift->permissions->word_count; i++) {
		uint64_t all = gift->exercised ? word_of(gift->exercised, i) : ~UINT64_C(0);
		uint64_t own = gift->to_self ? all : 0;
		uint64_t given = (own & word_of(to_self, i)) | (~own & word_of(to_others, i));
		uint64_t missing = gift->permissions->words[i] & ~given;
		if (missing)
			return i * 64 + (uint32_t)__builtin_ctzll(missing);
	}
	return PERMISSION_NONE;
}

/* The sets say what may be given; the single question says why not. */
enum status
guard_give(struct call *call, const struct gift *gift, struct error *err)
{
	struct terms terms = {.expires_us = gift->expires_us, .condition = gift->condition};
	uint64_t words[2][PERMISSION_LIMIT / 64];
	struct permset to_others = {words[0], ARRAY_LEN(words[0])};
	struct permset to_self = {words[1], ARRAY_LEN(words[1])};
	struct question question;
	struct answer answer;

	if (permset_is_empty(gift->permissions))
		return OK;
	enum status rc = call_question(&question, call, gift->node, err);
	if (rc != OK)
		return rc;
	policy_givable(&question, &terms, &to_others, &to_self);
	question.permission = first_missing(gift, &to_others, &to_self);
	if (question.permission == PERMISSION_NONE)
		return OK;
	terms.to_self = gift->to_self &&
		(!gift->exercised || permset_has(gift->exercised, question.permission));
	(void)policy_may_give(&question, &terms, &answer);
	return refuse(question.org, question.permission, answer.reason, err);
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

enum status
guard_read_terms(
	struct gift *gift, struct call *call, const struct query *q, int column, struct error *err)
{
	struct condition *condition;

	gift->expires_us = query_is_null(q, column + 1) ? NEVER : query_int(q, column + 1);
	gift->to_self = query_int(q, column + 2) != 0;
	if (query_is_null(q, column))
		return OK;
	enum status rc = condition_load(&condition, query_str(q, column), call->arena, err);
	if (rc == OK)
		gift->condition = condition;
	return rc;
}
