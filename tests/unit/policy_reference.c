#include "policy_reference.h"

/* How a permission is looked for: exercised, or among what may be given; on which terms. */
struct ref_search {
	const struct ref_question *q;
	const struct ref_principal *principal;
	const char *permission;
	bool gives;
	const struct ref_terms *terms; /* NULL: any */
};

/* Grants of the principal and its groups, on the path, that mean something to its kind. */
struct ref_held {
	const struct ref_grant *items[REF_GRANTS_MAX * (REF_GROUPS + 1)];
	int count;
};

static bool
same(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

bool
ref_names_have(const struct ref_names *names, const char *name)
{
	for (int i = 0; i < names->count; i++) {
		if (same(names->items[i], name))
			return true;
	}
	return false;
}

const struct ref_principal *
ref_principal_find(const struct ref_org *org, const char *name)
{
	for (int i = 0; i < org->principal_count; i++) {
		if (same(org->principals[i].name, name))
			return &org->principals[i];
	}
	return NULL;
}

const struct ref_group *
ref_group_find(const struct ref_org *org, const char *name)
{
	for (int i = 0; i < org->group_count; i++) {
		if (same(org->groups[i].name, name))
			return &org->groups[i];
	}
	return NULL;
}

const struct ref_role *
ref_role_find(const struct ref_org *org, const char *name)
{
	for (int i = 0; i < org->role_count; i++) {
		if (same(org->roles[i].name, name))
			return &org->roles[i];
	}
	return NULL;
}

const struct ref_permission *
ref_permission_find(const struct ref_org *org, const char *name)
{
	for (int i = 0; i < org->permission_count; i++) {
		if (same(org->permissions[i].name, name))
			return &org->permissions[i];
	}
	return NULL;
}

const struct ref_resource *
ref_resource_find(const struct ref_question *q)
{
	for (int i = 0; i < q->org->resource_count; i++) {
		const struct ref_resource *r = &q->org->resources[i];
		if (same(r->name, q->resource) && same(r->type, q->type) &&
			(!r->workspace || same(r->workspace, q->workspace)))
			return r;
	}
	return NULL;
}

static const struct ref_type *
find_type(const struct ref_question *q)
{
	for (int i = 0; i < q->org->type_count; i++) {
		if (same(q->org->types[i].name, q->type))
			return &q->org->types[i];
	}
	return NULL;
}

static const struct ref_workspace *
find_workspace(const struct ref_question *q)
{
	for (int i = 0; i < q->org->workspace_count; i++) {
		if (same(q->org->workspaces[i].name, q->workspace))
			return &q->org->workspaces[i];
	}
	return NULL;
}

static const struct ref_attribute *
find_attribute(const struct ref_question *q, const char *path)
{
	for (int i = 0; i < q->attribute_count; i++) {
		if (same(q->attributes[i].path, path))
			return &q->attributes[i];
	}
	return NULL;
}

static bool
comparison_holds(
	const struct ref_comparison *comparison, const struct ref_question *q, bool if_missing)
{
	const struct ref_attribute *attribute = find_attribute(q, comparison->path);

	if (comparison->operator== REF_EXISTS)
		return attribute != NULL;
	if (!attribute || !attribute->value)
		return if_missing;
	return same(attribute->value, comparison->value) == (comparison->operator== REF_EQ);
}

bool
ref_condition_holds(
	const struct ref_condition *condition, const struct ref_question *q, bool if_missing)
{
	for (int i = 0; i < condition->count; i++) {
		if (!comparison_holds(&condition->items[i], q, if_missing))
			return false;
	}
	return true;
}

static bool
condition_has(const struct ref_condition *condition, const struct ref_comparison *wanted)
{
	for (int i = 0; i < condition->count; i++) {
		const struct ref_comparison *c = &condition->items[i];
		if (same(c->path, wanted->path) &&
			c->operator== wanted->operator&&(
				c->operator== REF_EXISTS || same(c->value, wanted->value)))
			return true;
	}
	return false;
}

/* "What one has under a condition or until a date can be given only under the same." */
static bool
meets_terms(const struct ref_grant *grant, const struct ref_terms *terms)
{
	if (!terms)
		return true;
	if (grant->expires_us < terms->expires_us)
		return false;
	for (int i = 0; i < grant->condition.count; i++) {
		if (!condition_has(&terms->condition, &grant->condition.items[i]))
			return false;
	}
	return true;
}

static bool
is_on_path(const struct ref_question *q, const char *node)
{
	if (same(node, REF_ORG) || same(node, q->workspace))
		return true;
	if (q->kind == TARGET_RESOURCE_GROUP)
		return same(node, q->rgroup);
	if (q->kind != TARGET_RESOURCE)
		return false;

	const struct ref_resource *resource = ref_resource_find(q);
	return resource && (same(node, resource->name) || ref_names_have(&resource->groups, node));
}

/* 1. It, its credential and every node above r are active and not expired. */
static enum reason
check_subject(const struct ref_question *q)
{
	const struct ref_principal *principal = ref_principal_find(q->org, q->principal);
	const struct ref_credential *credential = &q->credential;

	if (!principal)
		return REASON_SUBJECT_UNKNOWN;
	if (principal->state != STATE_ACTIVE)
		return REASON_SUBJECT_INACTIVE;
	if (principal->expires_us <= q->now_us)
		return REASON_SUBJECT_EXPIRED;
	if (!credential->principal)
		return REASON_GRANTED;
	if (credential->state != STATE_ACTIVE || !same(credential->principal, q->principal))
		return REASON_CREDENTIAL_INACTIVE;
	if (credential->expires_us <= q->now_us)
		return REASON_CREDENTIAL_EXPIRED;
	return REASON_GRANTED;
}

static enum reason
check_target(const struct ref_question *q)
{
	if (q->org->state != STATE_ACTIVE)
		return REASON_NODE_INACTIVE;
	if (q->workspace && find_workspace(q)->state != STATE_ACTIVE)
		return REASON_NODE_INACTIVE;
	if (q->kind != TARGET_RESOURCE)
		return REASON_GRANTED;

	const struct ref_type *type = find_type(q);
	const struct ref_resource *resource = ref_resource_find(q);
	if (!type)
		return REASON_RESOURCE_TYPE_UNKNOWN;
	if (!resource) /* a bare name in its workspace */
		return type->registered || !q->workspace ? REASON_RESOURCE_UNKNOWN : REASON_GRANTED;
	if (resource->state != STATE_ACTIVE)
		return REASON_RESOURCE_INACTIVE;
	if (!resource->workspace && q->workspace &&
		!ref_names_have(&resource->enabled_in, q->workspace))
		return REASON_RESOURCE_NOT_ENABLED;
	return REASON_GRANTED;
}

static enum reason
check_state(const struct ref_question *q)
{
	enum reason reason = check_subject(q);
	return reason == REASON_GRANTED ? check_target(q) : reason;
}

static void
hold(struct ref_held *held, const struct ref_search *search, const struct ref_grants *grants)
{
	const struct ref_question *q = search->q;

	for (int i = 0; i < grants->count; i++) {
		const struct ref_grant *grant = &grants->items[i];
		if (!is_on_path(q, grant->node))
			continue;
		if (grant->role) {
			const struct ref_role *role = ref_role_find(q->org, grant->role);
			if (!role || !role->kinds.has[search->principal->kind])
				continue;
		}
		held->items[held->count++] = grant;
	}
}

static void
hold_all(struct ref_held *held, const struct ref_search *search)
{
	held->count = 0;
	hold(held, search, &search->principal->grants);
	for (int i = 0; i < search->principal->groups.count; i++) {
		const struct ref_group *group =
			ref_group_find(search->q->org, search->principal->groups.items[i]);
		if (group)
			hold(held, search, &group->grants);
	}
}

static bool
carries(const struct ref_grant *grant, const struct ref_search *search)
{
	if (!grant->role)
		return same(grant->permission, search->permission);

	const struct ref_role *role = ref_role_find(search->q->org, grant->role);
	return ref_names_have(search->gives ? &role->gives : &role->exercises, search->permission);
}

/* 2. A grant of its own or of one of its groups, not expired, whose condition holds, carries p. */
static enum reason
check_grant(const struct ref_search *search, const struct ref_held *held)
{
	bool expired = false, unmet = false;

	for (int i = 0; i < held->count; i++) {
		const struct ref_grant *grant = held->items[i];
		if (!carries(grant, search))
			continue;
		if (grant->expires_us <= search->q->now_us)
			expired = true;
		else if (!ref_condition_holds(&grant->condition, search->q, false))
			unmet = true;
		else if (meets_terms(grant, search->terms))
			return REASON_GRANTED;
	}
	if (unmet)
		return REASON_CONDITION_NOT_MET;
	return expired ? REASON_GRANT_EXPIRED : REASON_NO_GRANT;
}

/* 3. r lies within its reach (an empty reach reaches only itself). */
static bool
is_within_reach(const struct ref_search *search)
{
	const struct ref_question *q = search->q;
	const struct ref_principal *principal = search->principal;

	if (!principal->confined)
		return true;
	if (q->kind == TARGET_RESOURCE_GROUP)
		return ref_names_have(&principal->reach, q->rgroup);

	const struct ref_resource *resource =
		q->kind == TARGET_RESOURCE ? ref_resource_find(q) : NULL;
	if (!resource)
		return false;
	if (same(principal->self, resource->name))
		return true;
	for (int i = 0; i < resource->groups.count; i++) {
		if (ref_names_have(&principal->reach, resource->groups.items[i]))
			return true;
	}
	return false;
}

/* 4. None on the path denies p to it. */
static bool
is_guarded(const struct ref_search *search)
{
	for (int i = 0; i < search->q->org->guardrail_count; i++) {
		const struct ref_guardrail *rail = &search->q->org->guardrails[i];
		if ((same(rail->node, REF_PLATFORM) || is_on_path(search->q, rail->node)) &&
			rail->kinds.has[search->principal->kind] &&
			ref_names_have(&rail->denies, search->permission) &&
			ref_condition_holds(&rail->condition, search->q, true))
			return true;
	}
	return false;
}

static bool
ceiling_has(const struct ref_ceiling *ceiling, const char *permission)
{
	return ref_names_have(&ceiling->names, permission) != ceiling->except;
}

/* What the ceilings of the roles that count on these terms say, or the default one without any. */
static bool
is_below_roles(
	const struct ref_search *search, const struct ref_held *held, const struct ref_terms *terms)
{
	const struct ref_org *org = search->q->org;
	const struct ref_ceiling *fallback = &org->default_ceilings[search->principal->kind];
	bool bears = false, allows = false;

	for (int i = 0; i < held->count; i++) {
		const struct ref_grant *grant = held->items[i];
		const struct ref_role *role = ref_role_find(org, grant->role);
		if (!role || !role->ceiling.present || !same(grant->node, REF_ORG))
			continue;
		if (grant->expires_us <= search->q->now_us ||
			!ref_condition_holds(&grant->condition, search->q, false) ||
			!meets_terms(grant, terms))
			continue;
		bears = true;
		if (ceiling_has(&role->ceiling, search->permission))
			allows = true;
	}
	if (bears)
		return allows;
	return !fallback->present || ceiling_has(fallback, search->permission);
}

/* 5. Its ceiling, if it has one, contains p: now, and for as long as the terms last. */
static bool
is_below_ceiling(const struct ref_search *search, const struct ref_held *held)
{
	const struct ref_ceiling *own = &search->principal->ceiling;

	if (own->present && !ceiling_has(own, search->permission))
		return false;
	return is_below_roles(search, held, NULL) && is_below_roles(search, held, search->terms);
}

/* 6. The node that the credential was issued for contains r. */
static bool
is_within_issued(const struct ref_search *search)
{
	const struct ref_token *token = &search->q->token;

	if (token->present && token->workspace && !same(token->workspace, search->q->workspace))
		return false;
	return !search->principal->workspace ||
		same(search->principal->workspace, search->q->workspace);
}

/* 6. The credential in use (a token's scopes) contains p. */
static bool
is_in_token(const struct ref_search *search)
{
	const struct ref_token *token = &search->q->token;

	return !token->present || token->all || ref_names_have(&token->names, search->permission);
}

static enum reason
check_rest(const struct ref_search *search, bool guarded)
{
	struct ref_held held;

	if (!ref_permission_find(search->q->org, search->permission))
		return REASON_PERMISSION_UNKNOWN;
	hold_all(&held, search);
	enum reason reason = check_grant(search, &held);
	if (reason != REASON_GRANTED)
		return reason;
	if (!is_within_reach(search))
		return REASON_OUT_OF_REACH;
	if (guarded && is_guarded(search))
		return REASON_GUARDRAIL;
	if (!is_below_ceiling(search, &held))
		return REASON_CEILING;
	if (!is_in_token(search))
		return REASON_CREDENTIAL_LACKS_PERMISSION;
	return is_within_issued(search) ? REASON_GRANTED : REASON_CREDENTIAL_OTHER_NODE;
}

enum reason
ref_decide(const struct ref_question *q)
{
	enum reason reason = check_state(q);
	if (reason != REASON_GRANTED)
		return reason;

	struct ref_search search = {.q = q,
		.principal = ref_principal_find(q->org, q->principal),
		.permission = q->permission};
	return check_rest(&search, true);
}

/* Whether the subject exercises `permission` at the target on these terms. */
static bool
exercises(const struct ref_question *q, const char *permission, const struct ref_terms *terms)
{
	struct ref_search search = {.q = q,
		.principal = ref_principal_find(q->org, q->principal),
		.permission = permission,
		.terms = terms};
	return check_rest(&search, true) == REASON_GRANTED;
}

bool
ref_may_give(const struct ref_question *q, const struct ref_terms *terms)
{
	const struct ref_permission *permission = ref_permission_find(q->org, q->permission);

	if (check_state(q) != REASON_GRANTED || !permission)
		return false;

	struct ref_search gift = {.q = q,
		.principal = ref_principal_find(q->org, q->principal),
		.permission = q->permission,
		.gives = true,
		.terms = terms};
	bool may = check_rest(&gift, false) == REASON_GRANTED;
	if (!may && same(permission->workspace, q->workspace))
		may = exercises(q, "iam:scopes:give", terms);
	if (terms->to_self || strncmp(q->permission, "iam:", 4) == 0)
		may = may && exercises(q, q->permission, terms);
	return may;
}
