#ifndef IAM_SCOPES_OF_TOKEN_H
#define IAM_SCOPES_OF_TOKEN_H

#include "iam/token.h"

/*
 * Which scopes a token gets: names of permissions that its holder may exercise now, at the
 * workspace or organisation that it is for. Pure; from views or from rows.
 */
struct scope_holder {
	struct question question; /* who, and where; its permission is ours to set */
	struct workspace_id
		workspace; /* whose scopes there are beside the common ones; nil: none */
	bool first_party; /* may ask for SCOPE_ALL */
};

/* Those of OpenID Connect that there are. */
#define OPENID_SCOPES_COUNT 4
extern const struct str OPENID_SCOPES[OPENID_SCOPES_COUNT];

/* Room for what fits into a token. */
#define SCOPES_MAX ((size_t)8 * 1024)

/*
 * Of a client by itself (MISSION E8): what was requested, or else all single permissions given to
 * it. ERR_INVALID "invalid_scope": not one of those it may exercise; ERR_TOO_LARGE the same code:
 * more than fits, ask for fewer. Appends names with blanks between.
 */
enum status scopes_of_client(struct buf *out, const struct scope_holder *holder,
	struct str requested, struct error *err) MUST_USE;

/*
 * Of a user: of what was requested what he may exercise, or else, when none of ours is requested,
 * of all single permissions given to him; before it, of the scopes of OpenID Connect (openid,
 * profile, email, offline_access) those requested. What he lacks is left out.
 */
enum status scopes_of_user(struct buf *out, const struct scope_holder *holder, struct str requested,
	struct error *err) MUST_USE;

/* Whether a name stands in a list with blanks between. */
bool scope_has(struct str scope, struct str name);
/* Whether every name of `part` stands in `whole`. */
bool scope_covers(struct str whole, struct str part);
/* Whether it is of the form of RFC 6749 section 3.3: names of printable ASCII without '"' and '\',
 * one blank between each two, within SCOPES_MAX. */
bool scope_is_well_formed(struct str scope);

#endif
