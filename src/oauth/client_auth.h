#ifndef OAUTH_CLIENT_AUTH_H
#define OAUTH_CLIENT_AUTH_H

#include "oauth/exchange.h"

/* Which client calls, found anew in each run. */
struct client {
	const struct client_view *view;
	const struct principal_view *principal;
	bool proved; /* false: a public client, which anybody may claim to be */
};

/*
 * Who the client is (RFC 6749 section 2.3), by exactly one of: the header "Basic", the parameter
 * client_secret, a client_assertion (RFC 7523 section 2.2); or the parameter client_id alone of a
 * public client. It has to be an active client of this issuer that authenticates in this way.
 * After oauth__find_issuer and oauth__read_form. ERR_INVALID "invalid_request": none, or more than
 * one method; "invalid_client", with one text for every other reason.
 */
enum status oauth__client(struct client *out, struct exchange *x, struct error *err) MUST_USE;

/* The token after "Bearer" in the header (RFC 6750 section 2.1); absent when there is none, or
 * another scheme. */
struct str oauth__bearer(const struct exchange *x);

/* RFC 6749 section 2.3.1: the halves of "Basic …", decoded. False unless it is well-formed. */
bool oauth__basic_parse(
	struct str *id, struct str *secret, struct str header, struct arena *arena) MUST_USE;

/* client_assertion and client_assertion_type were sent: the view of the client that signed.
 * "invalid_client". */
enum status oauth__assertion(
	const struct client_view **out, struct exchange *x, struct error *err) MUST_USE;
enum status oauth__invalid_client(struct error *err);
const struct client_view *oauth__find_client(struct exchange *x, struct str id);

#endif
