#include "signin/client_keys.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/thread.h"
#include "crypto/crypto.h"
#include "jose/jwk.h"

#define ENTRIES 1024
#define TIMEOUT_MS 5000
#define ANSWER_MAX ((size_t)64 * 1024)
#define FRESH_LEAST_S 300
#define FRESH_MOST_S 86400
#define FRESH_UNSTATED_S 3600
#define AGAIN_US (30 * US_PER_S) /* how often one is fetched again for a key that it lacks */

/* Parsed keys, which whoever verifies holds as long as it takes. */
struct held {
	struct jwk_set *set; /* owned; NULL: nothing could be read there */
	_Atomic unsigned users;
};

struct entry {
	struct uuid org, client; /* nil: free */
	uint8_t digest[SHA256_LEN]; /* of the text, or of its address */
	struct held *held;
	int64_t fetched_us, fresh_until_us, again_us; /* of what was fetched; monotonic */
};

struct client_keys {
	struct http_client_guard guard;
	uint64_t seed;
	struct crew *crew;
	pthread_mutex_t mutex;
	struct entry entries[ENTRIES]; /* under the mutex */
};

static const struct crew_options CREW = {.name = "client-keys",
	.threads = 4,
	.threads_of_one = 2,
	.waiting = 128,
	.waiting_of_one = 32};

static void
let_go(struct held *held)
{
	if (!held || atomic_fetch_sub(&held->users, 1) > 1)
		return;
	jwk_set_free(&held->set);
	free(held);
}

static struct held *
hold(struct jwk_set *set)
{
	struct held *held = calloc(1, sizeof(*held));
	if (!held) {
		jwk_set_free(&set);
		return NULL;
	}
	held->set = set;
	atomic_store(&held->users, 1);
	return held;
}

static struct entry *
place_of(struct client_keys *keys, struct uuid org, struct uuid client)
{
	uint64_t hash = hash_uuid(client, hash_uuid(org, keys->seed));
	return &keys->entries[hash % ENTRIES];
}

static bool
is_of(const struct entry *e, struct uuid org, struct uuid client, const uint8_t *digest)
{
	return uuid_eq(e->org, org) && uuid_eq(e->client, client) &&
		memcmp(e->digest, digest, SHA256_LEN) == 0;
}

/* What is known for this text or address; the caller lets go of it. */
static struct held *
recall(struct client_keys *keys, const struct client_view *client, const uint8_t *digest,
	bool *stale, bool *again)
{
	struct held *held = NULL;
	mutex_lock(&keys->mutex);
	const struct entry *e = place_of(keys, client->org.id, client->id.id);
	bool known = is_of(e, client->org.id, client->id.id, digest);
	int64_t now_us = clock_mono_us();
	*stale = !known || now_us >= e->fresh_until_us;
	*again = !known || now_us >= e->again_us;
	if (known && e->held) {
		held = e->held;
		atomic_fetch_add(&held->users, 1);
	}
	mutex_unlock(&keys->mutex);
	return held;
}

/* Takes `held` over. */
static void
remember(struct client_keys *keys, const struct entry *what)
{
	mutex_lock(&keys->mutex);
	struct entry *e = place_of(keys, what->org, what->client);
	struct held *before = e->held;
	*e = *what;
	mutex_unlock(&keys->mutex);
	let_go(before);
}

static enum status
refuse(struct error *err)
{
	return error_set(err, ERR_UNAUTHENTICATED, "signature-wrong",
		"It was not signed by a key of this client.");
}

static enum status
not_known(struct error *err)
{
	return error_set(err, ERR_NOT_REACHED, "keys-unknown", "The keys are not known yet.");
}

static enum status
verify_with(const struct held *held, const struct jws *jws, bool *missing)
{
	struct error why = {0};
	const struct verify_key *key =
		held && held->set ? jwk_set_find(held->set, jws->alg, jws->kid) : NULL;
	*missing = key == NULL;
	return key ? jws_verify(jws, key, &why) : ERR_UNAUTHENTICATED;
}

static enum status
verify_stated(struct client_keys *keys, const struct client_view *client, const struct jws *jws,
	struct error *err)
{
	struct entry what = {.org = client->org.id, .client = client->id.id};
	struct jwk_set *set = NULL;
	struct error why = {0};
	bool stale, again, missing;
	crypto_sha256(what.digest, client->jwks.ptr, client->jwks.len);
	struct held *held = recall(keys, client, what.digest, &stale, &again);
	if (!held) {
		if (jwk_set_parse(&set, client->jwks, &why) == ERR_NO_MEMORY)
			return error_no_memory(err);
		held = hold(set);
		if (!held)
			return error_no_memory(err);
		atomic_fetch_add(&held->users, 1);
		what.held = held;
		what.fresh_until_us = INT64_MAX;
		remember(keys, &what);
	}
	enum status rc = verify_with(held, jws, &missing);
	let_go(held);
	return rc == OK ? OK : refuse(err);
}

static enum status
verify_published(struct client_keys *keys, const struct client_view *client, const struct jws *jws,
	struct error *err)
{
	uint8_t digest[SHA256_LEN];
	bool stale, again, missing;
	crypto_sha256(digest, client->jwks_uri.ptr, client->jwks_uri.len);
	struct held *held = recall(keys, client, digest, &stale, &again);
	if (stale) {
		let_go(held);
		return not_known(err);
	}
	enum status rc = verify_with(held, jws, &missing);
	let_go(held);
	if (rc == OK)
		return OK;
	/* A key that is not there may have been published since. */
	return missing && again ? not_known(err) : refuse(err);
}

enum status
client_keys_verify(struct client_keys *keys, const struct client_view *client,
	const struct jws *jws, struct error *err)
{
	if (client->jwks.ptr)
		return verify_stated(keys, client, jws, err);
	return client->jwks_uri.ptr ? verify_published(keys, client, jws, err) : refuse(err);
}

static int64_t
fresh_for_us(int64_t stated_s)
{
	int64_t s = stated_s < 0 ? FRESH_UNSTATED_S : stated_s;
	return (s < FRESH_LEAST_S ? FRESH_LEAST_S : s > FRESH_MOST_S ? FRESH_MOST_S : s) * US_PER_S;
}

/* Nothing (NULL) when it cannot be had: asked for again after a while. */
static struct jwk_set *
download(struct client_keys *keys, const struct client_keys_fetch *fetch, int64_t *fresh_us)
{
	const struct http_client_request request = {.method = "GET",
		.url = fetch->url,
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX,
		.guard = &keys->guard};
	struct http_client_answer answer = {0};
	struct jwk_set *set = NULL;
	struct error why = {0};
	enum status rc = http_client_run(&answer, &request, &why);
	if (rc == OK && answer.status != 200)
		rc = error_set(
			&why, ERR_BUSY, "keys-not-there", "It answers with %ld.", answer.status);
	if (rc == OK)
		rc = jwk_set_parse(&set, buf_view(&answer.body), &why);
	*fresh_us = rc == OK ? fresh_for_us(answer.max_age_s) : AGAIN_US;
	http_client_answer_clear(&answer);
	if (rc != OK)
		log_event(LOG_WARN, "client-keys-not-fetched", LOG_U("client", fetch->client.id),
			LOG_Z("url", fetch->url), LOG_Z("why", why.text));
	return set;
}

/* Many may have asked before the first of them was answered. */
static bool
is_fetched(struct client_keys *keys, const struct client_keys_fetch *fetch, const uint8_t *digest)
{
	mutex_lock(&keys->mutex);
	const struct entry *e = place_of(keys, fetch->org.id, fetch->client.id);
	bool fetched = is_of(e, fetch->org.id, fetch->client.id, digest) &&
		e->fetched_us > fetch->asked_us;
	mutex_unlock(&keys->mutex);
	return fetched;
}

static struct client_keys_fetch *
fetch_of(struct crew_task *task)
{
	return (struct client_keys_fetch *)(void *)((char *)task -
		offsetof(struct client_keys_fetch, task));
}

static void
fetch_one(struct crew_task *task)
{
	struct client_keys_fetch *fetch = fetch_of(task);
	struct client_keys *keys = fetch->keys;
	struct entry what = {.org = fetch->org.id, .client = fetch->client.id};
	int64_t fresh_us;

	crypto_sha256(what.digest, fetch->url, strlen(fetch->url));
	if (!is_fetched(keys, fetch, what.digest)) {
		struct jwk_set *set = download(keys, fetch, &fresh_us);
		what.held = hold(set);
		what.fetched_us = clock_mono_us();
		what.fresh_until_us = what.fetched_us + fresh_us;
		what.again_us = what.fetched_us + AGAIN_US;
		if (what.held)
			remember(keys, &what);
	}
	fetch->done(fetch);
}

static void
leave(struct crew_task *task)
{
	struct client_keys_fetch *fetch = fetch_of(task);

	fetch->done(fetch);
}

enum status
client_keys_fetch(struct client_keys *keys, struct client_keys_fetch *fetch,
	const struct client_view *client, struct error *err)
{
	if (client->jwks_uri.len >= sizeof(fetch->url))
		return error_set(err, ERR_TOO_LARGE, "url-invalid", "The address is too long.");
	memcpy(fetch->url, client->jwks_uri.ptr, client->jwks_uri.len);
	fetch->url[client->jwks_uri.len] = '\0';
	fetch->org = client->org;
	fetch->client = client->id;
	fetch->keys = keys;
	fetch->asked_us = clock_mono_us();
	fetch->task = (struct crew_task){.run = fetch_one, .leave = leave, .party = client->org.id};
	return crew_take(keys->crew, &fetch->task)
		? OK
		: error_set(err, ERR_BUSY, "overloaded", "Too many keys are fetched; try again.");
}

enum status
client_keys_new(struct client_keys **out, const struct http_client_guard *guard, struct error *err)
{
	*out = NULL;
	struct client_keys *keys = calloc(1, sizeof(*keys));
	if (!keys)
		return error_no_memory(err);
	keys->guard = *guard;
	keys->seed = hash_seed();
	mutex_init(&keys->mutex);
	enum status rc = crew_new(&keys->crew, &CREW, err);
	if (rc != OK)
		client_keys_free(&keys);
	*out = keys;
	return rc;
}

void
client_keys_free(struct client_keys **keys)
{
	struct client_keys *k = *keys;
	if (!k)
		return;
	crew_free(&k->crew);
	for (size_t i = 0; i < ENTRIES; i++)
		let_go(k->entries[i].held);
	pthread_mutex_destroy(&k->mutex);
	free(k);
	*keys = NULL;
}
