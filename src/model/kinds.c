#include "model/kinds.h"

#include "base/macros.h"

/* Each table is indexed by its enumeration; an entry without a name is never matched. */
static const char *const kinds[] = {
	[KIND_MEMBER] = "member",
	[KIND_END_USER] = "end_user",
	[KIND_SERVICE_ACCOUNT] = "service_account",
	[KIND_API_KEY] = "api_key",
	[KIND_APPLICATION] = "application",
	[KIND_GATEWAY] = "gateway",
	[KIND_DEVICE] = "device",
};

static const char *const states[] = {
	[STATE_ACTIVE] = "active",
	[STATE_SUSPENDED] = "suspended",
	[STATE_DELETED] = "deleted",
	[STATE_INVITED] = "invited",
	[STATE_REVOKED] = "revoked",
};

static const char *const node_kinds[] = {
	[NODE_PLATFORM] = "platform",
	[NODE_ORG] = "organisation",
	[NODE_WORKSPACE] = "workspace",
	[NODE_RESOURCE_GROUP] = "resource_group",
	[NODE_RESOURCE] = "resource",
};

static const char *const classes[] = {
	[CLASS_READ] = "read",
	[CLASS_WRITE] = "write",
	[CLASS_DESTRUCTIVE] = "destructive",
};

_Static_assert(ARRAY_LEN(kinds) == KIND_COUNT, "every kind has a name");

static const char *
name_at(const char *const *names, size_t count, size_t i)
{
	return i < count && names[i] ? names[i] : "none";
}

static size_t
index_of(const char *const *names, size_t count, struct str name)
{
	for (size_t i = 1; i < count; i++) {
		if (str_eq(str_from(names[i]), name))
			return i;
	}
	return 0;
}

const char *
kind_name(enum principal_kind kind)
{
	return name_at(kinds, ARRAY_LEN(kinds), kind);
}

enum principal_kind
kind_parse(struct str name)
{
	return (enum principal_kind)index_of(kinds, ARRAY_LEN(kinds), name);
}

const char *
state_name(enum state state)
{
	return name_at(states, ARRAY_LEN(states), state);
}

enum state
state_parse(struct str name)
{
	return (enum state)index_of(states, ARRAY_LEN(states), name);
}

const char *
node_kind_name(enum node_kind kind)
{
	return name_at(node_kinds, ARRAY_LEN(node_kinds), kind);
}

enum node_kind
node_kind_parse(struct str name)
{
	return (enum node_kind)index_of(node_kinds, ARRAY_LEN(node_kinds), name);
}

const char *
permission_class_name(enum permission_class c)
{
	return name_at(classes, ARRAY_LEN(classes), c);
}

enum permission_class
permission_class_parse(struct str name)
{
	return (enum permission_class)index_of(classes, ARRAY_LEN(classes), name);
}
