#ifndef SERVER_HEALTH_H
#define SERVER_HEALTH_H

#include "server/internal.h"

/* /healthz: the process runs. /readyz: the store can be read, and the server is not about to end;
 * otherwise 503. /metrics: figures in the text form of Prometheus. Threads: serving. */
bool health_serves(struct str path);
void health_handle(struct server *server, struct http_request *r);

#endif
