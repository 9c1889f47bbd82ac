#ifndef API_CLIENTS_H
#define API_CLIENTS_H

#include "api/api.h"
#include "iam/principals/clients.h"

/* What the body says of a client, new or changed; in the arena of the call. ERR_NO_MEMORY,
 * ERR_TOO_LARGE "jwks-too-large". */
enum status client_decode(const struct client_draft **out, const struct operation_call *op,
	struct error *err) MUST_USE;

#endif
