#include "base/clock.h"
#include "jose/jwt.h"
#include "oauth/client_auth.h"
#include "signin/client_keys.h"
#include "signin/replays.h"

/*
 * RFC 7523: a client proves itself by a token that it has signed about itself, for this server,
 * for a short while, and once.
 */
#define ASSERTION_TYPE STR("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
#define LIFE_MAX_US (600 * US_PER_S)
#define LEEWAY_S 60
#define JTI_MAX 256
#define FETCHES_MAX 2

struct assertion {
	struct jws jws;
	struct jwt_claims claims;
};

/* Section 3. Nothing is proved yet. */
static bool
is_in_order(const struct assertion *a, struct exchange *x, struct error *why)
{
	const struct jwt_claims *claims = &a->claims;
	struct str endpoint = arena_printf(http_arena(x->http), "%.*s/token", STR_ARG(x->issuer));
	const struct str audience[] = {x->issuer, endpoint};
	const struct jwt_expect expect = {.iss = claims->sub,
		.aud = audience,
		.aud_count = ARRAY_LEN(audience),
		.now_us = x->now_us,
		.leeway_s = LEEWAY_S};
	struct str stated = oauth__parameter(x, "client_id");

	return endpoint.ptr && jwt_check(claims, a->jws.typ, &expect, why) == OK &&
		claims->exp_us <= x->now_us + LIFE_MAX_US + LEEWAY_S * US_PER_S &&
		claims->iat_us <= x->now_us + LEEWAY_S * US_PER_S && claims->jti.len > 0 &&
		claims->jti.len <= JTI_MAX && (!stated.ptr || str_eq(stated, claims->sub));
}

static enum status
read_assertion(struct assertion *a, struct exchange *x, struct error *err)
{
	struct str text = oauth__parameter(x, "client_assertion");
	struct error why = {0};

	if (!str_eq(oauth__parameter(x, "client_assertion_type"), ASSERTION_TYPE))
		return oauth__invalid_client(err);
	enum status rc = jws_parse(&a->jws, http_arena(x->http), text, &why);
	if (rc == OK)
		rc = jwt_claims_parse(&a->claims, http_arena(x->http), a->jws.payload, &why);
	if (rc == ERR_NO_MEMORY)
		return error_no_memory(err);
	return rc == OK && is_in_order(a, x, &why) ? OK : oauth__invalid_client(err);
}

/* A fetch of the keys that a client publishes. */
struct errand {
	struct client_keys_fetch fetch; /* first */
	struct exchange *exchange;
	struct wait *wait;
	struct client_view client; /* as far as fetching needs it */
};

static void
fetched(struct client_keys_fetch *fetch)
{
	wait_over(((struct errand *)(void *)fetch)->wait, OK, NULL);
}

static enum status
start_fetch(void *context, struct wait *w, struct error *err)
{
	struct errand *errand = context;
	errand->wait = w;
	errand->fetch.done = fetched;
	return client_keys_fetch(
		errand->exchange->door->client_keys, &errand->fetch, &errand->client, err);
}

static enum status
fetch_keys(struct exchange *x, const struct client_view *client, struct error *err)
{
	struct errand *errand = arena_new_one(http_arena(x->http), struct errand);

	if (x->fetches++ >= FETCHES_MAX)
		return oauth__invalid_client(err);
	if (!errand)
		return error_no_memory(err);
	errand->exchange = x;
	errand->client.org = client->org;
	errand->client.id = client->id;
	errand->client.jwks_uri = arena_copy(http_arena(x->http), client->jwks_uri);
	if (!errand->client.jwks_uri.ptr)
		return error_no_memory(err);
	return oauth__want_errand(x, &(struct wait_errand){start_fetch, errand}, err);
}

/* The signature, and that it is the first time. A request that is run again has done that. */
static enum status
prove(struct exchange *x, const struct client_view *client, const struct assertion *a,
	struct error *err)
{
	struct error why = {0};

	if (x->asserted)
		return OK;
	enum status rc = client_keys_verify(x->door->client_keys, client, &a->jws, &why);
	if (rc == ERR_NOT_REACHED)
		return fetch_keys(x, client, err);
	if (rc == OK)
		rc = replays_add(x->door->assertions,
			&(struct replay){client->org, client->id, a->claims.jti,
				a->claims.exp_us + LEEWAY_S * US_PER_S},
			x->now_us, &why);
	x->asserted = rc == OK;
	if (rc == ERR_UNAUTHENTICATED)
		return oauth__invalid_client(err);
	if (rc != OK)
		*err = why;
	return rc;
}

enum status
oauth__assertion(const struct client_view **out, struct exchange *x, struct error *err)
{
	struct assertion a;

	*out = NULL;
	enum status rc = read_assertion(&a, x, err);
	if (rc != OK)
		return rc;
	const struct client_view *client = oauth__find_client(x, a.claims.sub);
	if (!client || client->auth_method != CLIENT_AUTH_PRIVATE_KEY_JWT)
		return oauth__invalid_client(err);
	rc = prove(x, client, &a, err);
	if (rc == OK)
		*out = client;
	return rc;
}
