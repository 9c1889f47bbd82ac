#include "signin/throttle.h"

#include <stdlib.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/thread.h"

#define SETS 4096 /* a power of two */
#define WAYS 4

struct rule {
	uint32_t free; /* so many without waiting */
	int64_t first_us, most_us; /* the first wait, and the longest */
	int64_t forget_us; /* without any try */
};

static const struct rule ACCOUNT = {5, US_PER_S, 60 * US_PER_S, 3600 * US_PER_S};
static const struct rule BROWSER = {10, US_PER_S, 60 * US_PER_S, 3600 * US_PER_S};
/* Whoever shares an address with many is not to wait for them. */
static const struct rule ADDRESS = {60, US_PER_S, 30 * US_PER_S, 900 * US_PER_S};
static const struct rule MAIL_ADDRESS = {30, US_PER_S, 60 * US_PER_S, 900 * US_PER_S};
/* The store bounds them as well, for all nodes together. */
static const struct rule MAIL_ACCOUNT = {10, US_PER_S, 60 * US_PER_S, 3600 * US_PER_S};

struct counter {
	uint64_t key; /* 0: free */
	int64_t last_us;
	uint32_t count;
};

struct throttle {
	pthread_mutex_t mutex;
	struct counter counters[SETS][WAYS];
};

enum status
throttle_new(struct throttle **out, struct error *err)
{
	*out = calloc(1, sizeof(**out));
	if (!*out)
		return error_no_memory(err);
	mutex_init(&(*out)->mutex);
	return OK;
}

void
throttle_free(struct throttle **throttle)
{
	if (!*throttle)
		return;
	pthread_mutex_destroy(&(*throttle)->mutex);
	free(*throttle);
	*throttle = NULL;
}

static uint64_t
key_of(const struct try *try, const char *what, struct str text)
{
	uint64_t key = hash_bytes(what, strlen(what), hash_seed());

	key = hash_uuid(try->issuer.id, key ^ (uint64_t)try->kind);
	key = hash_bytes(text.ptr, text.len, key);
	return key ? key : 1;
}

/* Addresses that one customer of a network has are one. */
static uint64_t
address_key(const struct try *try)
{
	struct address address;

	if (!address_parse(try->address, &address))
		return key_of(try, "address", try->address);
	size_t len = address.len == 16 ? 8 : address.len;
	return key_of(try, "address", (struct str){(const char *)address.bytes, len});
}

/* The counter of a key, taken from what matters least when there is none; under the mutex. */
static struct counter *
counter_at(struct throttle *t, uint64_t key, const struct rule *rule, int64_t now_us)
{
	struct counter *set = t->counters[(key >> 32) & (SETS - 1)], *least = &set[0];

	for (size_t i = 0; i < WAYS; i++) {
		struct counter *c = &set[i];
		if (c->key == key) {
			if (now_us - c->last_us > rule->forget_us)
				c->count = 0;
			return c;
		}
		bool less = c->count < least->count ||
			(c->count == least->count && c->last_us < least->last_us);
		least = less ? c : least;
	}
	*least = (struct counter){.key = key, .last_us = now_us};
	return least;
}

static int64_t
wait_of(const struct counter *c, const struct rule *rule, int64_t now_us)
{
	int64_t wait_us = rule->first_us;

	if (c->count < rule->free)
		return 0;
	for (uint32_t i = rule->free; i < c->count && wait_us < rule->most_us; i++)
		wait_us *= 2;
	if (wait_us > rule->most_us)
		wait_us = rule->most_us;
	int64_t left_us = c->last_us + wait_us - now_us;
	return left_us > 0 ? left_us : 0;
}

/* What one try is counted by. */
struct measure {
	uint64_t key;
	const struct rule *rule;
};
#define MEASURES 2

static size_t
measures_of(struct measure out[MEASURES], const struct try *try)
{
	bool mail = try->kind == TRY_MAIL;
	size_t count = 0;

	if (try->browser.ptr) {
		out[0] = (struct measure){key_of(try, "browser", try->browser), &BROWSER};
		return 1;
	}
	if (try->account.ptr)
		out[count++] = (struct measure){
			key_of(try, "account", try->account), mail ? &MAIL_ACCOUNT : &ACCOUNT};
	out[count++] = (struct measure){address_key(try), mail ? &MAIL_ADDRESS : &ADDRESS};
	return count;
}

int64_t
throttle_try(struct throttle *t, const struct try *try)
{
	struct measure measures[MEASURES];
	size_t count = measures_of(measures, try);
	int64_t wait_us = 0;

	mutex_lock(&t->mutex);
	for (size_t i = 0; i < count; i++) {
		struct counter *c = counter_at(t, measures[i].key, measures[i].rule, try->now_us);
		int64_t one_us = wait_of(c, measures[i].rule, try->now_us);
		wait_us = one_us > wait_us ? one_us : wait_us;
	}
	for (size_t i = 0; i < count && wait_us == 0; i++) {
		struct counter *c = counter_at(t, measures[i].key, measures[i].rule, try->now_us);
		c->count += c->count < UINT32_MAX;
		c->last_us = try->now_us;
	}
	mutex_unlock(&t->mutex);
	return wait_us;
}

void
throttle_succeeded(struct throttle *t, const struct try *try)
{
	struct measure measures[MEASURES];
	size_t count = measures_of(measures, try);

	mutex_lock(&t->mutex);
	for (size_t i = 0; i < count; i++) {
		struct counter *c = counter_at(t, measures[i].key, measures[i].rule, try->now_us);
		/* An address keeps what it has tried at others: it has its own try back. */
		bool shared = measures[i].rule == &ADDRESS || measures[i].rule == &MAIL_ADDRESS;
		c->count = shared && c->count > 0 ? c->count - 1 : 0;
	}
	mutex_unlock(&t->mutex);
}
