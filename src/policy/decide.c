#include "policy/decide.h"

#include "model/catalogue.h"
#include "policy/lookup.h"
#include "policy/scan.h"

static enum reason
subject_state(const struct question *question, int64_t now_us)
{
	const struct principal_view *principal = question->subject.principal;
	const struct credential_view *credential = question->subject.credential;

	if (!principal || !uuid_eq(principal->org.id, question->org->id.id))
		return REASON_SUBJECT_UNKNOWN;
	if (principal->state != STATE_ACTIVE)
		return REASON_SUBJECT_INACTIVE;
	if (now_us >= principal->expires_us)
		return REASON_SUBJECT_EXPIRED;
	if (!credential)
		return REASON_GRANTED;
	if (credential->state != STATE_ACTIVE ||
		!uuid_eq(credential->principal.id, principal->id.id))
		return REASON_CREDENTIAL_INACTIVE;
	if (now_us >= credential->expires_us)
		return REASON_CREDENTIAL_EXPIRED;
	return REASON_GRANTED;
}

static enum reason
resource_state(const struct target *target)
{
	const struct resource_view *resource = target->resource;

	if (!target->type)
		return REASON_RESOURCE_TYPE_UNKNOWN;
	if (!resource)
		return target->type->registered || !target->workspace ? REASON_RESOURCE_UNKNOWN
								      : REASON_GRANTED;
	if (resource->state != STATE_ACTIVE)
		return REASON_RESOURCE_INACTIVE;
	if (!target->workspace)
		return uuid_is_nil(resource->workspace.id) ? REASON_GRANTED
							   : REASON_RESOURCE_UNKNOWN;
	if (uuid_is_nil(resource->workspace.id))
		return resource_is_enabled_in(resource, target->workspace->id)
			? REASON_GRANTED
			: REASON_RESOURCE_NOT_ENABLED;
	return uuid_eq(resource->workspace.id, target->workspace->id.id) ? REASON_GRANTED
									 : REASON_RESOURCE_UNKNOWN;
}

static enum reason
target_state(const struct question *question)
{
	const struct target *target = &question->target;

	if (question->org->state != STATE_ACTIVE)
		return REASON_NODE_INACTIVE;
	if (target->workspace && target->workspace->state != STATE_ACTIVE)
		return REASON_NODE_INACTIVE;
	switch (target->kind) {
	case TARGET_ORG:
		return REASON_GRANTED;
	case TARGET_WORKSPACE:
		return target->workspace ? REASON_GRANTED : REASON_RESOURCE_UNKNOWN;
	case TARGET_RESOURCE_GROUP:
		return target->rgroup ? REASON_GRANTED : REASON_RESOURCE_UNKNOWN;
	case TARGET_RESOURCE:
		return resource_state(target);
	case TARGET_UNKNOWN:
		break;
	}
	return REASON_RESOURCE_UNKNOWN;
}

enum reason
policy__state(const struct question *question)
{
	enum reason reason = subject_state(question, question->attributes.now_us);

	return reason == REASON_GRANTED ? target_state(question) : reason;
}

static bool
reaches_group(const struct principal_view *principal, struct rgroup_id group)
{
	for (uint32_t i = 0; i < principal->reach_count; i++) {
		if (uuid_eq(principal->reach[i].id, group.id))
			return true;
	}
	return false;
}

/* Both lists are sorted: one walk finds a group that they share. */
static bool
shares_group(const struct principal_view *principal, const struct resource_view *resource)
{
	uint32_t a = 0, b = 0;

	while (a < principal->reach_count && b < resource->group_count) {
		int order = uuid_compare(principal->reach[a].id, resource->groups[b].id);
		if (order == 0)
			return true;
		if (order < 0)
			a++;
		else
			b++;
	}
	return false;
}

static bool
within_reach(const struct principal_view *principal, const struct target *target)
{
	if (!principal->confined)
		return true;
	if (target->kind == TARGET_RESOURCE_GROUP)
		return reaches_group(principal, target->rgroup->id);
	if (target->kind != TARGET_RESOURCE || !target->resource)
		return false;
	return uuid_eq(target->resource->id.id, principal->self.id) ||
		shares_group(principal, target->resource);
}

bool
policy__rail_applies(
	const struct question *question, const struct path *path, const struct guardrail_view *rail)
{
	if (!(rail->kinds & KIND_BIT(question->subject.principal->kind)))
		return false;
	if (rail->node.kind != NODE_PLATFORM && !policy__path_has(path, rail->node.id))
		return false;
	return !rail->condition || condition_holds(rail->condition, &question->attributes, true);
}

static const struct guardrail_view *
denying_guardrail(const struct question *question, const struct path *path, uint32_t permission)
{
	const struct org_view *org = question->org;

	if (!permset_has(&org->guarded, permission))
		return NULL;
	for (uint32_t i = 0; i < org->guardrail_count; i++) {
		const struct guardrail_view *rail = &org->guardrails[i];
		if (permset_has(&rail->denies, permission) &&
			policy__rail_applies(question, path, rail))
			return rail;
	}
	return NULL;
}

static bool
below_ceiling(const struct scan *scan)
{
	const struct principal_view *principal = scan->question->subject.principal;
	const struct ceiling *fallback = scan->question->org->default_ceilings[principal->kind];

	if (principal->ceiling && !ceiling_allows(principal->ceiling, scan->permission))
		return false;
	bool otherwise = !fallback || ceiling_allows(fallback, scan->permission);
	return (scan->now.borne ? scan->now.allows : otherwise) &&
		(scan->lasting.borne ? scan->lasting.allows : otherwise);
}

static bool
is_within(const struct question *question, struct workspace_id bound)
{
	const struct workspace_view *workspace = question->target.workspace;

	return uuid_is_nil(bound.id) || (workspace && uuid_eq(workspace->id.id, bound.id));
}

/* A principal of one workspace can be used there and nowhere else, and so can a token. */
static bool
within_issued_node(const struct question *question)
{
	const struct token_bounds *bounds = question->subject.bounds;

	return is_within(question, question->subject.principal->workspace) &&
		(!bounds || is_within(question, bounds->workspace));
}

static bool
below_token(const struct question *question, uint32_t permission)
{
	const struct token_bounds *bounds = question->subject.bounds;

	return !bounds || !bounds->permissions || permset_has(bounds->permissions, permission);
}

bool
policy__within(const struct question *question)
{
	return within_reach(question->subject.principal, &question->target) &&
		within_issued_node(question);
}

/* Conditions 2 to 6, the state being known to hold; `scan` says what is asked for. */
static enum reason
holds(struct scan *scan, bool guarded, struct answer *answer)
{
	const struct question *question = scan->question;

	if (scan->permission == PERMISSION_NONE)
		return REASON_PERMISSION_UNKNOWN;
	policy__scan(scan);
	answer->grant = scan->grant;
	answer->group = scan->group;
	if (scan->reason != REASON_GRANTED)
		return scan->reason;
	if (!within_reach(question->subject.principal, &question->target))
		return REASON_OUT_OF_REACH;
	if (guarded) {
		answer->guardrail = denying_guardrail(question, scan->path, scan->permission);
		if (answer->guardrail)
			return REASON_GUARDRAIL;
	}
	if (!below_ceiling(scan))
		return REASON_CEILING;
	if (!below_token(question, scan->permission))
		return REASON_CREDENTIAL_LACKS_PERMISSION;
	return within_issued_node(question) ? REASON_GRANTED : REASON_CREDENTIAL_OTHER_NODE;
}

static enum decision
answer_set(struct answer *answer, enum reason reason)
{
	answer->reason = reason;
	answer->decision = reason == REASON_GRANTED ? DECISION_ALLOW : DECISION_DENY;
	return answer->decision;
}

enum decision
policy_decide(const struct question *question, struct answer *answer)
{
	*answer = (struct answer){0};
	enum reason reason = policy__state(question);
	if (reason != REASON_GRANTED)
		return answer_set(answer, reason);

	struct path path;
	policy__path(&path, question);
	struct scan scan = {
		.question = question, .path = &path, .permission = question->permission};
	return answer_set(answer, holds(&scan, true, answer));
}

/* The scopes of a workspace are given by whoever gives scopes there, held or not. */
static bool
is_scope_at(const struct question *question)
{
	const struct permission_view *own = org_permission_at(question->org, question->permission);

	return own && !uuid_is_nil(own->workspace.id) && question->target.workspace &&
		uuid_eq(own->workspace.id, question->target.workspace->id.id);
}

enum decision
policy_may_give(const struct question *question, const struct terms *terms, struct answer *answer)
{
	*answer = (struct answer){0};
	enum reason reason = policy__state(question);
	if (reason != REASON_GRANTED)
		return answer_set(answer, reason);

	struct path path;
	policy__path(&path, question);
	struct scan scan = {.question = question,
		.path = &path,
		.terms = terms,
		.permission = question->permission};
	bool exercised = terms->to_self || question->permission < PERMISSION_OWN_FIRST;

	scan.gives = true;
	reason = holds(&scan, false, answer);
	if (reason != REASON_GRANTED && is_scope_at(question)) {
		struct scan scopes = {.question = question,
			.path = &path,
			.terms = terms,
			.permission = IAM_SCOPES_GIVE};
		reason = holds(&scopes, true, answer);
	}
	if (reason == REASON_GRANTED && exercised) {
		struct scan own = {.question = question,
			.path = &path,
			.terms = terms,
			.permission = question->permission};
		reason = holds(&own, true, answer);
	}
	return answer_set(answer, reason);
}
