#ifndef SERVER_WORKER_H
#define SERVER_WORKER_H

#include "server/internal.h"

/* The one thread for what nobody waits for: writes down which credentials and sessions were used,
 * removes what has ended, and logs figures at level debug. */
struct worker;

/* Owned. Start-up. */
enum status worker_start(struct worker **out, struct server *server, struct error *err) MUST_USE;
/* Writes down what is left, waits for the thread to end, and frees. */
void worker_stop(struct worker **worker);

#endif
