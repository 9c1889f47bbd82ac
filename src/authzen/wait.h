#ifndef AUTHZEN_WAIT_H
#define AUTHZEN_WAIT_H

#include "authzen/authzen.h"

/* Suspends the request until what was missed is loaded, or answers 503. The request's state is
 * this module's. */
void wait_for(struct http_request *r, const struct authzen *door, const struct misses *misses);

/* After a suspension, whether the loading failed: then the request has been answered. */
bool wait_failed(struct http_request *r) MUST_USE;

#endif
