#ifndef MODEL_KINDS_H
#define MODEL_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "base/uuid.h"

/* The numbers below stand in the store: append only. */

enum principal_kind {
	KIND_NONE = 0,
	KIND_MEMBER,
	KIND_END_USER,
	KIND_SERVICE_ACCOUNT,
	KIND_API_KEY,
	KIND_APPLICATION, /* an OAuth2 client */
	KIND_GATEWAY,
	KIND_DEVICE,
	KIND_COUNT,
};

/* A set of kinds, bit 1 << kind. */
typedef uint32_t kind_mask; /* a scalar, hence a typedef */
#define KIND_BIT(kind) (UINT32_C(1) << (kind))
#define KIND_ALL (KIND_BIT(KIND_COUNT) - 2)

/* "member", "end_user", "service_account", "api_key", "application", "gateway", "device". */
const char *kind_name(enum principal_kind kind);
enum principal_kind kind_parse(struct str name); /* KIND_NONE when there is no such kind */

enum state {
	STATE_NONE = 0,
	STATE_ACTIVE = 1,
	STATE_SUSPENDED = 2,
	STATE_DELETED = 3, /* a tombstone */
	STATE_INVITED = 4, /* a member who has not accepted yet */
	STATE_REVOKED = 5, /* a credential */
};
const char *state_name(enum state state);
enum state state_parse(struct str name);

enum node_kind {
	NODE_NONE = 0,
	NODE_PLATFORM,
	NODE_ORG,
	NODE_WORKSPACE,
	NODE_RESOURCE_GROUP,
	NODE_RESOURCE,
};
/* "platform", "organisation", "workspace", "resource_group", "resource". */
const char *node_kind_name(enum node_kind kind);
enum node_kind node_kind_parse(struct str name);

/* A place where a role is given. The platform's id is nil. */
struct node {
	enum node_kind kind;
	struct uuid id;
};

enum permission_class { CLASS_NONE = 0, CLASS_READ, CLASS_WRITE, CLASS_DESTRUCTIVE };
const char *permission_class_name(enum permission_class c);
enum permission_class permission_class_parse(struct str name);

#endif
