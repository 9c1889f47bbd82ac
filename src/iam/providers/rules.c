#include "iam/providers/rules.h"

#include "iam/access/role_names.h"
#include "iam/rows.h"
#include "policy/lookup.h"
#include "json/json.h"

#define GROUP_NAME_MAX 256

static const struct sql ROLE_CONFINES =
	SQL("SELECT confines FROM roles WHERE org = $1 AND role = $2");

struct node
provider_rule_node(const struct provider_rule *rule, struct org_id org)
{
	return uuid_is_nil(rule->workspace.id) ? node_org(org) : node_workspace(rule->workspace);
}

static bool
read_rule(struct provider_rule *out, const struct json *entry, struct arena *arena)
{
	struct str group = json_str(json_get(entry, "group"));
	const struct json *workspace = json_get(entry, "workspace");
	bool everywhere = !workspace || json_type(workspace) == JSON_NULL;

	*out = (struct provider_rule){.group = arena_copy(arena, group)};
	return out->group.ptr && group.len > 0 && group.len <= GROUP_NAME_MAX &&
		uuid_parse(json_str(json_get(entry, "role")), &out->role.id) &&
		(everywhere || uuid_parse(json_str(workspace), &out->workspace.id));
}

enum status
provider_rules_read(struct provider_rule **out, size_t *count, struct str text, struct arena *arena,
	struct error *err)
{
	struct json *doc = NULL;

	*count = 0;
	enum status rc = json_parse(&doc, text, JSON_LIMITS_DEFAULT, err);
	if (rc != OK)
		return rc;
	size_t all = json_count(doc);
	bool sound = json_type(doc) == JSON_ARRAY && all <= PROVIDER_RULES_MAX;
	*out = arena_new_array(arena, struct provider_rule, sound ? all : 0);
	sound = sound && *out;
	while (sound && *count < all) {
		sound = read_rule(&(*out)[*count], json_at(doc, *count), arena);
		++*count;
	}
	json_free(&doc);
	if (!sound)
		return error_set(err, ERR_INVALID, "provider-rules-invalid",
			"Rules are at most %d of {\"group\", \"role\", \"workspace\"}, the last "
			"two "
			"by their identifiers.",
			PROVIDER_RULES_MAX);
	return OK;
}

static enum status
check_role(struct call *call, const struct provider_rule *rule, const struct role_view *role,
	struct error *err)
{
	int64_t confines;

	if (!(role->kinds & KIND_BIT(KIND_MEMBER)))
		return error_set(err, ERR_CONFLICT, "role-not-for-kind",
			"The role \"%.*s\" is not for members.", STR_ARG(role->name));
	if (!uuid_is_nil(role->workspace.id) && !uuid_eq(role->workspace.id, rule->workspace.id))
		return error_set(err, ERR_CONFLICT, "role-of-other-workspace",
			"This role belongs to another workspace and can be given only there.");
	enum status rc = iam__count(&confines, call, &ROLE_CONFINES, role->id.id, err);
	if (rc == OK && (role->ceiling || confines))
		rc = error_set(err, ERR_CONFLICT, "role-not-for-rules",
			"A role that bears a ceiling, or confines, is given to each member by "
			"itself: taking it away by a rule could widen what somebody may do.");
	return rc;
}

static enum status
guard_rule(struct call *call, const struct provider_rule *rule, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];
	const struct role_view *role;
	struct permset set;

	uuid_format(text, rule->role.id);
	enum status rc = role_resolve(&role, call, str_from(text), rule->workspace, NULL, err);
	if (rc == OK)
		rc = check_role(call, rule, role, err);
	if (rc == OK)
		rc = guard_role_set(&set, call, role, err);
	if (rc != OK)
		return rc;
	const struct gift gift = {.node = provider_rule_node(rule, call->chain.org),
		.permissions = &set,
		.expires_us = NEVER,
		.to_self = call->caller.kind == KIND_MEMBER,
		.exercised = &role->exercises};
	return guard_give(call, &gift, err);
}

enum status
provider_rules_guard(
	struct call *call, const struct provider_rule *rules, size_t count, struct error *err)
{
	enum status rc = OK;

	for (size_t i = 0; rc == OK && i < count; i++)
		rc = guard_rule(call, &rules[i], err);
	return rc;
}

static enum status
guard_gain_of(struct call *call, const struct provider *provider, struct role_id role,
	const struct gift *gain, struct error *err)
{
	struct provider_rule *rules;
	size_t count;

	enum status rc = provider_rules_read(&rules, &count, provider->rules, call->arena, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		struct error gone = {0};
		struct target target;
		struct gift gift = *gain;
		if (!uuid_eq(rules[i].role.id, role.id))
			continue;
		gift.node = provider_rule_node(&rules[i], call->chain.org);
		if (call_target(&target, call, gift.node, &gone) == OK)
			rc = guard_give(call, &gift, err);
		else if (gone.status != ERR_NOT_FOUND)
			rc = (*err = gone).status;
	}
	return rc;
}

enum status
provider_rules_guard_gain(
	struct call *call, struct role_id role, const struct gift *gain, struct error *err)
{
	struct provider *providers;
	size_t count;

	enum status rc = provider_list_all(&providers, &count, call, err);
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = guard_gain_of(call, &providers[i], role, gain, err);
	return rc;
}
