#ifndef SERVER_INTERNAL_H
#define SERVER_INTERNAL_H

#include <stdatomic.h>

#include "api/dispatch.h"
#include "authzen/authzen.h"
#include "http/server.h"
#include "oauth/backchannel.h"
#include "oauth/oauth.h"
#include "pages/pages.h"
#include "server/installation.h"
#include "server/people.h"

struct mailer;
struct worker;

enum phase {
	PHASE_STARTING = 0, /* it listens, and does not know yet under which address */
	PHASE_SERVING,
	PHASE_ENDING, /* what was begun is finished, what comes is refused */
};

/* Everything that runs, in the order of its start. */
struct server {
	struct config *config;
	struct installation installation;
	struct api *api;
	struct oauth *oauth;
	struct backchannel *backchannel;
	struct signin signin;
	struct authzen authzen;
	struct people people;
	struct pages *pages;
	struct worker *worker;
	struct mailer *mailer;
	struct http_server *_Atomic http; /* NULL for the first moments of its own start */
	_Atomic int phase; /* enum phase */
	int64_t started_us;
};

#endif
