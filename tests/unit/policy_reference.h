#ifndef POLICY_REFERENCE_H
#define POLICY_REFERENCE_H

#include "policy/decide.h"

/*
 * MISSION's "The decision" and "Giving" once more, slowly and obviously: names instead of numbers,
 * lists instead of sets, one loop for each sentence. It shares the words of src/policy (kinds,
 * states, reasons) and none of its code. Names are literals, unique within an organisation and at
 * most 15 bytes; the organisation itself is the node "org", the platform "platform".
 */
#define REF_LIST_MAX 16
#define REF_GRANTS_MAX 48
#define REF_ORG "org"
#define REF_PLATFORM "platform"

struct ref_names {
	const char *items[REF_LIST_MAX];
	int count;
};

struct ref_kinds {
	bool has[KIND_COUNT];
};

/* A conjunction; none of its comparisons: holds. */
struct ref_comparison {
	const char *path;
	enum { REF_EQ, REF_NE, REF_EXISTS } operator;
	const char *value; /* NULL for REF_EXISTS, which asks that it does */
};
struct ref_condition {
	struct ref_comparison items[2];
	int count;
};

struct ref_attribute {
	const char *path;
	const char *value; /* NULL: a number, which no comparison here expects */
};

struct ref_ceiling {
	bool present;
	bool except; /* all but the names, instead of the names alone */
	struct ref_names names;
};

struct ref_grant {
	const char *node;
	const char *role; /* or NULL, then: */
	const char *permission;
	int64_t expires_us;
	struct ref_condition condition;
};
struct ref_grants {
	struct ref_grant items[REF_GRANTS_MAX];
	int count;
};

struct ref_permission {
	const char *name;
	const char *workspace; /* of a scope, or NULL */
};

struct ref_role {
	const char *name;
	struct ref_kinds kinds;
	struct ref_names exercises, gives;
	struct ref_ceiling ceiling;
};

struct ref_guardrail {
	const char *name;
	const char *node;
	struct ref_kinds kinds;
	struct ref_names denies;
	struct ref_condition condition;
};

struct ref_workspace {
	const char *name;
	enum state state;
};

struct ref_rgroup {
	const char *name;
	const char *workspace;
};

struct ref_type {
	const char *name;
	bool registered;
};

struct ref_resource {
	const char *name;
	const char *type;
	const char *workspace; /* NULL: global */
	enum state state;
	struct ref_names groups;
	struct ref_names enabled_in;
};

struct ref_group {
	const char *name;
	struct ref_grants grants;
};

struct ref_principal {
	const char *name;
	enum principal_kind kind;
	enum state state;
	int64_t expires_us;
	const char *workspace; /* NULL: of the whole organisation */
	const char *self; /* the resource that it is, or NULL */
	bool confined;
	struct ref_names reach;
	struct ref_ceiling ceiling;
	struct ref_grants grants;
	struct ref_names groups; /* one that is not in the organisation is gone */
};

#define REF_WORKSPACES 3
#define REF_RGROUPS 5
#define REF_TYPES 4
#define REF_RESOURCES 9
#define REF_ROLES 8
#define REF_GROUPS 4
#define REF_PRINCIPALS 8
#define REF_GUARDRAILS 6

struct ref_org {
	enum state state;
	struct ref_permission permissions[REF_LIST_MAX];
	int permission_count;
	struct ref_type types[REF_TYPES];
	int type_count;
	struct ref_workspace workspaces[REF_WORKSPACES];
	int workspace_count;
	struct ref_rgroup rgroups[REF_RGROUPS];
	int rgroup_count;
	struct ref_resource resources[REF_RESOURCES];
	int resource_count;
	struct ref_role roles[REF_ROLES];
	int role_count;
	struct ref_group groups[REF_GROUPS];
	int group_count;
	struct ref_principal principals[REF_PRINCIPALS];
	int principal_count;
	struct ref_guardrail guardrails[REF_GUARDRAILS];
	int guardrail_count;
	struct ref_ceiling default_ceilings[KIND_COUNT];
};

struct ref_credential {
	const char *principal; /* NULL: no credential */
	enum state state;
	int64_t expires_us;
};

/* What a token lets through. */
struct ref_token {
	bool present;
	const char *workspace; /* NULL: anywhere */
	bool all;
	struct ref_names names;
};

#define REF_ATTRIBUTES 2
struct ref_question {
	const struct ref_org *org;
	const char *principal;
	struct ref_credential credential;
	struct ref_token token;
	enum target_kind kind;
	const char *workspace; /* NULL: the organisation */
	const char *rgroup; /* of a TARGET_RESOURCE_GROUP */
	const char *resource, *type; /* of a TARGET_RESOURCE */
	const char *permission;
	struct ref_attribute attributes[REF_ATTRIBUTES];
	int attribute_count;
	int64_t now_us;
};

struct ref_terms {
	int64_t expires_us;
	struct ref_condition condition;
	bool to_self;
};

/* REASON_GRANTED, or the first condition that fails. */
enum reason ref_decide(const struct ref_question *q);
bool ref_may_give(const struct ref_question *q, const struct ref_terms *terms);

bool ref_names_have(const struct ref_names *names, const char *name);
const struct ref_principal *ref_principal_find(const struct ref_org *org, const char *name);
const struct ref_group *ref_group_find(const struct ref_org *org, const char *name);
const struct ref_role *ref_role_find(const struct ref_org *org, const char *name);
const struct ref_permission *ref_permission_find(const struct ref_org *org, const char *name);
/* The one that the question is about; NULL when none is registered under that name there. */
const struct ref_resource *ref_resource_find(const struct ref_question *q);
bool ref_condition_holds(
	const struct ref_condition *condition, const struct ref_question *q, bool if_missing);

#endif
