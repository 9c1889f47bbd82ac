#ifndef AUTHZEN_WAIT_H
#define AUTHZEN_WAIT_H

#include "authzen/authzen.h"

/* Suspends the request until what was missed is loaded, or answers 503. The request's state is
 * this module's. */
void authzen__wait(struct http_request *r, const struct authzen *door, const struct misses *misses);

/* Suspends the request until all that is committed by now is known here, or answers 503. Of a
 * directory that is shared alone. */
void authzen__wait_for_news(struct http_request *r, const struct authzen *door);
/* Whether the request waited for news, and has them. */
bool authzen__caught_up(struct http_request *r);

/* After a suspension, whether the loading failed: then the request has been answered. */
bool authzen__wait_failed(struct http_request *r) MUST_USE;

#endif
