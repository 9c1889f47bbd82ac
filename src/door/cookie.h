#ifndef DOOR_COOKIE_H
#define DOOR_COOKIE_H

#include "http/server.h"
#include "model/ids.h"

/*
 * Cookies of browsers (RFC 6265), all of the kind "__Host-": for this host alone, over TLS or on
 * loopback, and for every path; none is readable by scripts, or sent with what another site starts
 * but a link.
 */
#define COOKIE_NAME_MAX 64

/* Its value; absent when there is none, or several of that name. */
struct str cookie_get(const struct http_request *r, const char *name);

/* Sets it until the browser ends; an absent value takes it away. The value is of the characters of
 * base64url, and full stops. */
void cookie_set(struct http_request *r, const char *name, struct str value);

/* The same for so many seconds, whether the browser ends or not. */
void cookie_keep(struct http_request *r, const char *name, struct str value, int life_s);

/* The one that holds the session with an issuer (nil: the installation's): there is one of each. */
struct str cookie_get_session(const struct http_request *r, struct workspace_id issuer);
void cookie_set_session(struct http_request *r, struct workspace_id issuer, struct str value);

/* The pure parts: of a header Cookie; the name. */
struct cookie_name {
	char text[COOKIE_NAME_MAX];
};
struct str cookie__find(struct str header, struct str name);
const char *cookie__of_session(struct cookie_name *space, struct workspace_id issuer);

#endif
