#ifndef POLICY_VIEWS_H
#define POLICY_VIEWS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "model/ceiling.h"
#include "model/condition.h"
#include "model/ids.h"
#include "model/kinds.h"
#include "model/permset.h"

/*
 * What a decision is made from: immutable, one for each object, each replaced by itself. They hold
 * identifiers and numbers of one another, never pointers. `directory` makes and keeps them; `iam`
 * makes them from rows inside a change.
 */

#define GROUPS_PER_PRINCIPAL_MAX 128
#define RGROUPS_PER_RESOURCE_MAX 64
#define RGROUPS_PER_REACH_MAX 256 /* as the contract has it */
#define OFFERS_PER_RESOURCE_MAX 65536 /* workspaces that a global resource is offered to */
#define GRANTS_PER_HOLDER_MAX 1024
#define ROLES_PER_ORG_MAX 4096
#define NEVER INT64_MAX
#define ROLE_NONE UINT32_MAX

struct grant_entry {
	struct uuid node;
	int64_t expires_us; /* NEVER, or the first microsecond it no longer holds */
	const struct condition *condition; /* NULL: none */
	struct grant_id id;
	uint32_t role; /* a role's number, or ROLE_NONE: then a single permission */
	uint32_t permission; /* its number; PERMISSION_NONE when no permission has the name */
};

/* Sorted by node (uuid_compare). */
struct grants {
	const struct grant_entry *entries;
	uint32_t count;
};

struct role_view {
	struct role_id id;
	struct workspace_id workspace; /* nil: of the whole organisation */
	struct str name;
	kind_mask kinds;
	bool system;
	struct permset exercises;
	struct permset gives;
	const struct ceiling *ceiling; /* NULL: bears none */
};

struct guardrail_view {
	struct guardrail_id id;
	struct str name;
	struct node node; /* NODE_PLATFORM: everywhere */
	kind_mask kinds;
	struct permset denies;
	const struct condition *condition;
};

struct permission_view {
	struct str name;
	struct workspace_id workspace; /* nil unless it is a scope of a workspace */
	uint32_t number;
	uint32_t alias; /* the built-in permission that this is another name of, or PERMISSION_NONE
			 */
	enum permission_class class;
	bool machine; /* an operation reserved for machines */
};

struct resource_type_view {
	struct str name;
	bool registered; /* an unknown one is refused; otherwise a bare name will do */
};

/* The skeleton of an organisation. */
struct org_view {
	struct org_id id;
	enum state state;
	int64_t revision; /* of the snapshot it was made from */
	int64_t skeleton; /* revision at which any of this last changed */
	int64_t names_since; /* revision at which the list of permissions last changed */
	uint32_t permission_end; /* every number in use is below */
	const struct role_view **roles; /* by number; NULL where there is none */
	uint32_t role_end;
	const struct guardrail_view *guardrails;
	uint32_t guardrail_count;
	struct permset guarded; /* what any guardrail denies */
	/* Own permissions by name and workspace: open addressing, NULL where empty. */
	const struct permission_view **names;
	uint32_t names_mask;
	const struct permission_view *
		*permissions; /* by number - PERMISSION_OWN_FIRST; may be NULL */
	const struct resource_type_view *types; /* sorted by name */
	uint32_t type_count;
	/* By kind: the ceiling that holds while a principal has no ceiling-bearing role. */
	const struct ceiling *default_ceilings[KIND_COUNT];
	uint32_t default_roles[KIND_COUNT]; /* numbers, or ROLE_NONE */
};

struct workspace_view {
	struct org_id org;
	struct workspace_id id;
	enum state state;
};

struct rgroup_view {
	struct org_id org;
	struct workspace_id workspace;
	struct rgroup_id id;
};

struct group_view {
	struct org_id org;
	struct group_id id;
	struct grants grants;
	bool has_names; /* some grant is a single permission: made against `names_at` */
	int64_t names_at; /* skeleton revision its names were resolved at */
};

struct principal_view {
	struct org_id org;
	struct principal_id id;
	enum principal_kind kind;
	enum state state;
	bool confined;
	bool has_names; /* a ceiling, or a grant of a single permission */
	struct workspace_id workspace; /* nil: of the whole organisation */
	struct resource_id self; /* the resource that it is itself (gateway, device), or nil */
	int64_t expires_us;
	int64_t generation;
	int64_t names_at;
	const struct ceiling *ceiling; /* of its own, or NULL */
	struct grants grants;
	const struct group_id *groups;
	uint32_t group_count;
	const struct rgroup_id *reach; /* sorted */
	uint32_t reach_count;
};

struct credential_view {
	struct org_id org;
	struct credential_id id;
	struct principal_id principal;
	enum state state;
	int64_t expires_us;
	uint8_t hash[32];
	int pepper;
};

struct resource_view {
	struct org_id org;
	struct workspace_id workspace; /* nil: a global resource */
	struct resource_id id;
	struct str type;
	struct str name; /* its id in the API: unique by (workspace, type) */
	enum state state;
	const struct rgroup_id *groups; /* sorted */
	uint32_t group_count;
	const struct workspace_id *enabled_in; /* of a global one: sorted */
	uint32_t enabled_count;
};

#endif
