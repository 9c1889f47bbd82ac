#ifndef IAM_ENDINGS_H
#define IAM_ENDINGS_H

#include "iam/principals/principals.h"

/*
 * The end of what people have: sessions of browsers, codes, refresh tokens with their access
 * tokens; and who is to be told of it (iam/tokens/logout_notices.h). Whoever ends any of that goes
 * this way, as part of a change that is recorded by itself. What ends because its time is over is
 * told to nobody.
 *
 * Rows go in the order in which they are made, so that what is being made meanwhile is met as well.
 */

/* Everything that was given in a session of a browser, in the call's organisation, but offline
 * access (OpenID Connect Core section 11). */
enum status endings_of_session(
	struct call *call, struct session_id session, struct error *err) MUST_USE;

/* The same of each session of a principal but the one that is kept. */
enum status endings_of_other_sessions(struct call *call, struct principal_id principal,
	struct session_id kept, struct error *err) MUST_USE;

/* Everything that a person has, in every organisation: in a call that is open on the platform, and
 * has raised the person's generation. One session (nil: none) is kept, not what was given in it. */
enum status endings_of_person(struct call *call, struct person_id person, struct session_id kept,
	struct error *err) MUST_USE;

/* Of a principal whose generation has grown, or that goes: what it has as a user, and what users
 * have with it as a client, which is not told that it is gone itself. */
enum status endings_of_principal(
	struct call *call, const struct principal *principal, struct error *err) MUST_USE;

/* Everything that began with a sign-in by an external provider. */
enum status endings_of_provider(
	struct call *call, struct provider_id provider, struct error *err) MUST_USE;

/* What a user gave one client, which has to ask anew. */
enum status endings_of_consent(struct call *call, struct principal_id principal,
	struct principal_id client, struct error *err) MUST_USE;

/* One family (iam/tokens/families.h), access tokens included. */
enum status endings_of_family(
	struct call *call, struct family_id family, bool tells, struct error *err) MUST_USE;

#endif
