#ifndef AUTHZEN_RESOLVE_H
#define AUTHZEN_RESOLVE_H

#include "authzen/judge.h"
#include "policy/lookup.h"

/*
 * Names of a request to views. Whatever is not of the caller's organisation is unknown.
 *
 * A resource is "organisation", "workspace" or "resource_group" with its identifier, or one of
 * another type in the workspace of the path, of resource.properties.workspace, or that the caller
 * belongs to; without any, one of the organisation's own. An operator's organisation is "platform"
 * with the identifier "platform".
 */
void resolve__target(struct target *out, struct judge *j, const struct access_request *request);

/* Has fetched, while the target is looked for, what the look-up of the subject will wait for. */
void resolve__expect(struct judge *j, const struct access_request *request);

/* A subject is a kind of principal with its identifier, or a "token" with a secret or an
 * access token for its identifier, which is then judged as the credential. `*proved` is false for a
 * token that proves nothing in this organisation. ERR_NO_MEMORY, ERR_INTERNAL: a token was not
 * looked at. */
enum status resolve__subject(struct ruling *out, bool *proved, struct judge *j,
	const struct access_request *request, struct error *err) MUST_USE;

#endif
