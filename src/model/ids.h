#ifndef MODEL_IDS_H
#define MODEL_IDS_H

#include "base/uuid.h"

/* One type for each kind of identifier, so that a swap does not compile. */
/* clang-format off */
struct org_id { struct uuid id; };
struct workspace_id { struct uuid id; };
struct person_id { struct uuid id; };
struct principal_id { struct uuid id; };
struct credential_id { struct uuid id; };
struct group_id { struct uuid id; };
struct role_id { struct uuid id; };
struct grant_id { struct uuid id; };
struct guardrail_id { struct uuid id; };
struct rgroup_id { struct uuid id; }; /* a resource group */
struct resource_id { struct uuid id; };
struct session_id { struct uuid id; }; /* of a browser */
struct family_id { struct uuid id; }; /* of refresh tokens */
struct link_id { struct uuid id; };
struct mail_id { struct uuid id; };
struct passkey_id { struct uuid id; };
struct provider_id { struct uuid id; }; /* of identities, from outside */
/* clang-format on */

/* The platform is the organisation whose identifier is nil. */
#define PLATFORM ((struct org_id){{{0}}})

static inline bool
org_is_platform(struct org_id org)
{
	return uuid_is_nil(org.id);
}

#endif
