#ifndef SERVER_PEOPLE_H
#define SERVER_PEOPLE_H

#include "config/config.h"
#include "pages/pages.h"

/* What signing people in needs beside the store: all in memory, each with its own threads and
 * locks. */
struct people {
	struct password_pool *pool;
	struct throttle *throttle;
	struct link_desk *links;
	struct session_uses *uses;
	struct upstream *upstream;
};

/* Start-up. people_close also after a failure; once the store is closed. */
enum status people_open(struct people *out, struct store *store, const struct config *config,
	struct error *err) MUST_USE;
void people_close(struct people *people);

struct session_lives people_session_lives(const struct config *config);

#endif
