#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include <stdatomic.h>

#include "api/dispatch.h"
#include "http/server.h"
#include "server/installation.h"

struct worker;

/* Everything that runs, in the order of its start. */
struct server {
	struct config *config;
	struct installation installation;
	struct api *api;
	struct worker *worker;
	struct http_server *_Atomic http; /* NULL for the first moments of its own start */
	_Atomic bool stopping; /* new requests are refused */
	int64_t started_us;
};

#endif
