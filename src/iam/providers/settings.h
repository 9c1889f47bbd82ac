#ifndef IAM_PROVIDER_SETTINGS_H
#define IAM_PROVIDER_SETTINGS_H

#include "iam/providers/providers.h"
#include "iam/providers/rules.h"

/*
 * Setting up external OpenID providers. Whoever does it gives what it gives: its rules pass the
 * guard, and so does the default role where it lets people in. A provider that is believed about
 * the addresses of a domain can say that somebody is anybody there: whoever lets it must be
 * allowed to give everything. Turning one on again is like setting it up; turning it off, or
 * deleting it, ends what began with a sign-in by it.
 */
#define PROVIDERS_PER_ORG_MAX 32
#define PROVIDER_DOMAINS_MAX 32
#define PROVIDER_SCOPES_MAX 16
#define PROVIDER_SECRET_MAX 512

/* What is stated: the rest is as by default, or stays. */
enum provider_field {
	PROVIDER_NAME = 1 << 0,
	PROVIDER_ISSUER = 1 << 1, /* for good: subjects are the issuer's */
	PROVIDER_CLIENT_ID = 1 << 2,
	PROVIDER_CLIENT_SECRET = 1 << 3,
	PROVIDER_STATE = 1 << 4,
	PROVIDER_SCOPES = 1 << 5,
	PROVIDER_SIGN_UP = 1 << 6,
	PROVIDER_DOMAINS = 1 << 7,
	PROVIDER_GROUPS_CLAIM = 1 << 8,
	PROVIDER_RULES = 1 << 9,
};
struct provider_draft {
	unsigned stated; /* of enum provider_field */
	struct str name, issuer, client_id, groups_claim;
	struct str client_secret; /* secret; absent: none */
	enum state state;
	const struct str *scopes, *domains;
	size_t scope_count, domain_count;
	bool sign_up;
	const struct stated_rule {
		struct str group;
		struct str role; /* an identifier or a name */
		struct workspace_id workspace; /* nil: the organisation */
	} * rules;
	size_t rule_count;
	int64_t if_match;
};

/* ERR_INVALID "invalid-name", "invalid-uri", "invalid-provider"; ERR_NOT_FOUND for a role or a
 * workspace; ERR_CONFLICT "provider-name-taken", "provider-issuer-fixed",
 * "platform-has-no-providers"; ERR_LIMIT "too-many-providers"; ERR_FORBIDDEN "may-not-give". */
enum status provider_create(struct provider *out, struct call *call,
	const struct provider_draft *draft, struct error *err) MUST_USE;
enum status provider_update(struct provider *out, struct call *call, struct provider_id id,
	const struct provider_draft *draft, struct error *err) MUST_USE;
/* With what it knows of people, and what its rules gave. */
enum status provider_delete(
	struct call *call, struct provider_id id, int64_t if_match, struct error *err) MUST_USE;
/* ERR_NOT_FOUND "provider-not-found". */
enum status provider_load(
	struct provider *out, struct call *call, struct provider_id id, struct error *err) MUST_USE;
enum status provider_list(struct provider **out, size_t *count, struct call *call,
	struct page *page, struct error *err) MUST_USE;

/* Without its secret. */
void provider_write(struct json_writer *w, const char *name, const void *provider);

#endif
