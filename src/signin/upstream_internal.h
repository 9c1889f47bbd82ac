#ifndef SIGNIN_UPSTREAM_INTERNAL_H
#define SIGNIN_UPSTREAM_INTERNAL_H

#include "jose/jwk.h"
#include "jose/jws.h"
#include "signin/upstream.h"
#include "json/json.h"

struct upstream_cache; /* owned: what providers published, by provider and address */

enum status upstream__cache_new(struct upstream_cache **out, struct error *err) MUST_USE;
void upstream__cache_free(struct upstream_cache **cache);

/* A task on its way, on its thread. */
struct upstream_run {
	struct upstream_task *task;
	struct upstream_cache *cache;
	const struct http_client_guard *guard;
	int64_t until_mono_us;
};

/* One request; its answer of status 200 and of JSON, into the arena of the task. Fails as a task
 * does. */
enum status upstream__ask(struct str *out, struct upstream_run *run,
	const struct http_client_request *request, struct error *err) MUST_USE;

/* What is published at an address: what is known of it, or asked for. `again`: what is known is not
 * good enough; false in *fresh when it was asked for again just now, and is answered as it is. */
enum status upstream__published(struct str *out, struct upstream_run *run, struct str url,
	bool again, bool *fresh, struct error *err) MUST_USE;

/* OpenID Connect Discovery 1.0 section 3, as far as it matters here. Its texts are in the arena. */
struct upstream_metadata {
	const char *authorization, *token, *userinfo, *jwks; /* addresses; userinfo may be NULL */
	bool basic; /* how our client proves itself: by header, or in the form */
	bool states_iss; /* RFC 9207 section 3 */
};
enum status upstream__discover(
	struct upstream_metadata *out, struct upstream_run *run, struct error *err) MUST_USE;

/* A key of the provider's, in a set that is the caller's to free. */
enum status upstream__find_key(const struct verify_key **out, struct jwk_set **set,
	struct upstream_run *run, const struct upstream_metadata *metadata, const struct jws *jws,
	struct error *err) MUST_USE;

/* Redeems the code and believes nothing. */
enum status upstream__exchange(struct upstream_run *run, const struct upstream_metadata *metadata,
	struct error *err) MUST_USE;

/* Names, address and groups, those that are not there yet. ERR_UNAUTHENTICATED when what is there
 * is malformed. */
enum status upstream__read_claims(struct identity_claims *out, bool *has_groups,
	const struct json *doc, const struct upstream_task *task, struct error *err) MUST_USE;

/* One public text for each kind; why is for the log. */
enum status upstream__untrusted(struct error *err, const char *why);
enum status upstream__refused(struct error *err, const char *why);
enum status upstream__unreachable(struct error *err, const char *why);

#endif
