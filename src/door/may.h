#ifndef DOOR_MAY_H
#define DOOR_MAY_H

#include "http/server.h"
#include "policy/decide.h"

/*
 * Whether who sent the request is allowed what `question` asks, its conditions judged with what the
 * server itself knows of the request: "context.address". `question` carries no attributes. Inside a
 * section of the directory. Threads: worker.
 */
bool door_may(const struct question *question, const struct http_request *r);

/* That attribute, for questions that carry more. */
struct attribute door_address(const struct http_request *r);

#endif
