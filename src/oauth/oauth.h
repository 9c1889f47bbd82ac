#ifndef OAUTH_OAUTH_H
#define OAUTH_OAUTH_H

#include "http/client.h"
#include "http/server.h"
#include "signin/credential.h"
#include "store/store.h"

/*
 * The authorization server: OAuth 2 and OpenID Connect. The installation is an issuer at its base
 * URL, and each workspace one at /w/{workspace} below it. Below either:
 *
 *	GET  /.well-known/openid-configuration, /.well-known/oauth-authorization-server   metadata
 *	GET  /jwks                                                  keys (RFC 7517)
 *	POST /token, /introspect, /revoke                           RFC 6749, 7662, 7009
 *	GET, POST /userinfo                                         OpenID Connect Core
 *	GET, POST /authorize, GET /authorize/resume                 authorization (authorize.h)
 *	GET, POST /logout, GET /logout/resume, /logout/done         signing out (logout.c)
 *
 * Metadata are told as well where RFC 8414 section 3.1 puts them, between the host and the path of
 * the issuer; those of the management API (RFC 9728) at /.well-known/oauth-protected-resource.
 */
struct oauth;

/* Borrowed: they outlive it. */
struct oauth_options {
	struct store *store;
	const struct signin *signin; /* filled in before the first request */
	struct http_client_guard guard; /* where clients may publish their keys */
};

/* Start-up only. Owned; free it after the server has stopped. */
enum status oauth_new(
	struct oauth **out, const struct oauth_options *options, struct error *err) MUST_USE;
void oauth_free(struct oauth **door);

/* Where a path leads in this door; false: it is of another. */
struct oauth_route {
	const struct endpoint *endpoint;
	struct workspace_id workspace; /* whose issuer it is; nil: the installation's */
};
bool oauth_find(struct oauth_route *out, struct str path);

/* Handles one exchange, called again after each suspension. Uses the request's state. Threads:
 * serving. */
void oauth_handle(struct oauth *door, struct http_request *r, const struct oauth_route *route);

#endif
