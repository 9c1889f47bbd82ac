#ifndef IAM_PROVIDERS_H
#define IAM_PROVIDERS_H

#include "iam/upkeep/seals.h"

/*
 * External OpenID providers of an organisation, by which its members sign in. What one says counts
 * in its organisation alone.
 */
struct provider {
	struct provider_id id;
	struct org_id org;
	struct str name, issuer, client_id;
	struct str sealed_secret; /* absent: a public client */
	enum state state; /* ACTIVE or SUSPENDED */
	struct str scopes; /* what is asked for, with one blank between; openid is */
	bool sign_up; /* whoever it lets in becomes a member */
	struct str domains; /* JSON: whose verified addresses may be linked to accounts */
	struct str groups_claim; /* "": it says nothing of groups */
	struct str rules; /* JSON, by iam/providers/rules.h */
	int64_t created_us, changed;
};

/* In any call, also in an event; `found` false when there is none. Reads only. */
enum status provider_find(struct provider *out, bool *found, struct call *call,
	struct provider_id id, struct error *err) MUST_USE;

/* Those that can be signed in by, by name: of an active organisation. Reads only. */
#define PROVIDERS_MAX 50
enum status provider_list_offered(
	struct provider **out, size_t *count, struct call *call, struct error *err) MUST_USE;
/* … and all of them, whatever their state. */
enum status provider_list_all(
	struct provider **out, size_t *count, struct call *call, struct error *err) MUST_USE;

/* The secret, into the arena, secret; absent of a public client. ERR_CORRUPT. */
enum status provider_open_secret(struct str *out, const struct provider *provider,
	const struct keyring *keyring, struct arena *arena, struct error *err) MUST_USE;
/* What its secret is sealed with. */
struct str provider_seal_name(struct seal_name *space, struct org_id org, struct provider_id id);

/* Whether a normalised address is of a domain that the organisation lets this provider link. */
bool provider_links(const struct provider *provider, struct str email_normal);

#endif
