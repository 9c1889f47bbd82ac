#ifndef IAM_CLIENTS_H
#define IAM_CLIENTS_H

#include "iam/principals/principals.h"

/*
 * An application as a client of OAuth 2: the settings that stand beside its principal, are made,
 * changed and deleted with it, and are in its change records. A client belongs to a workspace, or
 * to the platform, whose clients are those of the installation's own issuer.
 */
#define CLIENT_ACCESS_TTL_S 600
#define CLIENT_ACCESS_TTL_MAX_S 86400
#define CLIENT_REFRESH_IDLE_S (14 * 86400)
#define CLIENT_REFRESH_TTL_S (90 * 86400)
#define CLIENT_JWKS_MAX ((size_t)16 * 1024)

/* What is stated of a client: the rest is as by default, or stays. */
enum client_field {
	CLIENT_TYPE = 1 << 0,
	CLIENT_AUTH_METHOD = 1 << 1,
	CLIENT_REDIRECT_URIS = 1 << 2,
	CLIENT_LOGOUT_URIS = 1 << 3,
	CLIENT_REQUIRE_PKCE = 1 << 4,
	CLIENT_FIRST_PARTY = 1 << 5,
	CLIENT_ACCESS_TTL = 1 << 6,
	CLIENT_REFRESH_IDLE = 1 << 7,
	CLIENT_REFRESH_TTL = 1 << 8,
	CLIENT_ID_TOKEN_ALGORITHM = 1 << 9,
	CLIENT_JWKS = 1 << 10,
	CLIENT_JWKS_URI = 1 << 11,
	CLIENT_BACKCHANNEL_URI = 1 << 12,
};
struct client_draft {
	unsigned stated; /* of enum client_field */
	struct client_view client;
};

/* "authorization_code_pkce", "authorization_code", "client_credentials". */
enum client_type client_type_parse(struct str name); /* CLIENT_NONE of any other text */
/* "none", "client_secret_basic" (client_secret_post as well), "private_key_jwt". */
enum client_auth_method client_auth_method_parse(struct str name); /* NONE of any other text */

/* The kinds of secret that it is given: a public client, and one that signs, have none. */
bool client_has_secret(const struct client_view *client);

/*
 * What a new client is, of what is stated (NULL: nothing), or what one becomes; in call->arena.
 * ERR_INVALID with the code of what does not fit: "redirect-uri-missing", "redirect-uri-unused",
 * "invalid-uri", "auth-method-unfit", "pkce-required", "jwks-missing", "jwks-unused",
 * "jwks-useless", those of jwk_set_parse, "lifetime-unfit"; ERR_CONFLICT "client-type-fixed",
 * "first-party-elsewhere", "client-needs-workspace".
 */
enum status client__make(const struct client_view **out, struct call *call,
	const struct principal *principal, const struct client_draft *draft,
	struct error *err) MUST_USE;
/* Whether both are proved by the same. */
bool client__same_proof(const struct client_view *a, const struct client_view *b);
enum status client__change(const struct client_view **out, struct call *call,
	const struct client_view *before, const struct client_draft *draft,
	struct error *err) MUST_USE;

/* Its row, new or changed. */
enum status client__write(
	struct call *call, const struct principal *principal, struct error *err) MUST_USE;

/* An application as a client: its principal's members, and those of its settings. */
void client_write(struct json_writer *w, const char *name, const void *principal);

#endif
