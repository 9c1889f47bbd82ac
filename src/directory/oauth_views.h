#ifndef DIRECTORY_OAUTH_VIEWS_H
#define DIRECTORY_OAUTH_VIEWS_H

#include <stdatomic.h>

#include "crypto/sign.h"
#include "model/ids.h"
#include "model/kinds.h"

/*
 * What the authorization server and the proof of its tokens need: immutable views like those of
 * policy/views.h, and kept in the same way. The installation is the issuer whose organisation and
 * workspace are nil.
 */

/* Of which organisation a workspace is, whatever its state. Found by the workspace alone. */
struct issuer_view {
	struct org_id org;
	struct workspace_id workspace;
};

/* The numbers below stand in the store: append only. */
enum key_state {
	KEY_NONE = 0,
	KEY_NEXT = 1, /* published, signs later */
	KEY_SIGNS = 2,
	KEY_RETIRED = 3, /* published as long as a token of it can live */
};

/* The one thing in a view that changes: its private key as whoever first signs with it opens it
 * (signin/signer.h). It goes when the view goes, so that no key is kept longer than published. */
struct opened_key {
	struct sign_key *_Atomic key; /* NULL until then */
};

struct signing_key_view {
	struct uuid id; /* its text is the `kid` */
	enum sign_alg algorithm;
	enum key_state state;
	int64_t retired_us; /* 0 until then */
	struct str public_key; /* a JWK, JSON text */
	struct str private_key; /* PKCS #8, sealed under the master key */
	struct opened_key *opened; /* NULL in a view that is not the directory's */
};

/* All keys of an issuer that are published; none until the first was needed. */
#define KEYS_PER_ISSUER_MAX 16
struct keys_view {
	struct org_id org;
	struct workspace_id workspace;
	const struct signing_key_view *keys;
	uint32_t count;
};

/* The numbers below stand in the store: append only. */
enum client_type {
	CLIENT_NONE = 0,
	CLIENT_PUBLIC = 1, /* authorization code with PKCE, without a secret */
	CLIENT_CONFIDENTIAL = 2, /* authorization code, with a secret */
	CLIENT_MACHINE = 3, /* client credentials */
};
enum client_auth_method {
	CLIENT_AUTH_NONE = 0,
	CLIENT_AUTH_SECRET = 1, /* client_secret_basic or client_secret_post */
	CLIENT_AUTH_PRIVATE_KEY_JWT = 2,
};

#define CLIENT_URIS_MAX 32
struct str_list {
	const struct str *items;
	uint32_t count;
};

/* An application's settings as a client of OAuth 2; whether it is active says its principal. */
struct client_view {
	struct org_id org;
	struct principal_id id;
	struct workspace_id workspace; /* nil: of the installation */
	struct str name;
	enum client_type type;
	enum client_auth_method auth_method;
	struct str_list redirect_uris, logout_uris;
	bool require_pkce;
	bool first_party;
	int32_t access_ttl_s, refresh_idle_s, refresh_ttl_s;
	enum sign_alg id_token_algorithm;
	struct str jwks, jwks_uri, backchannel_uri; /* absent: none */
};

/* A family of tokens, or a single one, that is refused until it would have ended by itself. */
struct refusal_view {
	int64_t until_us;
};

/* The end of an organisation's last refusal: past it there is nothing to look up. */
struct refusals_view {
	int64_t latest_us; /* 0: there is none */
};

/* What is stamped onto what an end-user submits: his metadata of this key. */
#define CONTEXT_KEY STR("ingest_context")
struct context_view {
	struct str json;
};

/* An account, as far as a token of it depends on it. */
struct person_view {
	struct person_id id;
	enum state state;
	int64_t generation;
};

#endif
