#ifndef IAM_TOKEN_H
#define IAM_TOKEN_H

#include "policy/decide.h"
#include "store/store.h"

/*
 * What an access token of ours says (RFC 9068 section 2.2, and what bounded revocation needs).
 * Whoever makes one of these has proved the signature. A token of a workspace's issuer belongs to
 * that workspace; one of the installation's to a member's organisation.
 */
struct token {
	struct org_id org; /* of the principal */
	struct workspace_id workspace; /* whose issuer made it; nil: the installation's */
	struct principal_id principal; /* `sub` */
	struct org_id client_org;
	struct principal_id client; /* `client_id` */
	struct person_id person; /* of a member; nil otherwise */
	struct uuid id; /* `jti` */
	struct uuid family; /* `sid`; nil: of client credentials */
	int64_t generation, client_generation, person_generation;
	int64_t issued_us, expires_us;
	struct str scope; /* names with blanks between; absent or empty: none */
	struct str resource; /* in the audience beside ours; absent: none */
};

/* The scope that stands for all that its holder may do. Of the installation's issuer alone. */
#define SCOPE_ALL STR("iam:*")

/*
 * Whether the token holds now, by rows: not expired or refused, its generations not passed, its
 * client, person and workspace active. `generation` is that of its principal now, whose state the
 * caller looks at.
 */
enum status token_prove(bool *holds, struct tx *tx, const struct token *token, int64_t generation,
	int64_t now_us, struct error *err) MUST_USE;

/* What the scope lets through: names that stand for nothing let nothing through. */
enum status token_bounds_load(const struct token_bounds **out, const struct token *token,
	const struct org_view *org, struct arena *arena, struct error *err) MUST_USE;

#endif
