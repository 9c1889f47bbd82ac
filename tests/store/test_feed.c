#include "support.h"

#include <stdio.h>
#include <unistd.h>

/* How a process follows what others change: by the feed, by comparing, and by starting anew. */

static const struct sql ORG_INSERT =
	SQL("INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission,"
	    " next_role, created_us, changed) VALUES ($1, 'o', 1, 1, 0, $2, 1, 1, 1, 1)"
	    " ON CONFLICT (org) DO UPDATE SET revision = orgs.revision + 1 RETURNING revision");
static const struct sql RECORD_INSERT =
	SQL("INSERT INTO records (org, revision, part, time_us, actor, actor_kind, actor_org,"
	    " address, action, subject_kind, subject, digest, hash) VALUES"
	    " ($1, $2, 0, 1, $1, 1, $1, '', '', '', '', $3, $3)");

#define HASH_LEN 32

/* A change of an organisation, its first one included. */
struct change {
	struct store_job job; /* first */
	struct uuid org, incarnation;
	int64_t revision;
};

static enum status
insert_org(struct change *c, struct tx *tx, const uint8_t hash[HASH_LEN], struct error *err)
{
	struct query q;
	enum status rc = query_begin(&q, tx, &ORG_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, c->org);
	query_bind_bytes(&q, 2, hash, HASH_LEN);
	rc = query_next(&q, err);
	c->revision = rc == OK && q.row ? query_int(&q, 0) : 0;
	query_end(&q);
	return rc;
}

static enum status
change_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct change *c = (struct change *)job;
	struct uuid chance[2] = {uuid_new(), uuid_new()};
	uint8_t hash[HASH_LEN];
	struct query q;
	memcpy(hash, chance, sizeof(hash));
	c->incarnation = tx_incarnation(tx);
	enum status rc = insert_org(c, tx, hash, err);
	if (rc == OK)
		rc = query_begin(&q, tx, &RECORD_INSERT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, c->org);
	query_bind_int(&q, 2, c->revision);
	query_bind_bytes(&q, 3, hash, sizeof(hash));
	tx_touch(tx, c->org, c->revision, 7, c->org);
	return query_run(&q, NULL, err);
}

static struct change
change(struct store *store, struct uuid org)
{
	struct error err = {0};
	struct change c = {.job = {.run = change_run}, .org = org};
	c.job.shard = org;
	if (store_change_wait(store, &c.job, &err) != OK)
		fail_msg("%s: %s (%s)", err.code, err.text, err.detail);
	return c;
}

/* Follows one organisation. */
struct follower {
	pthread_mutex_t mutex;
	pthread_cond_t heard;
	struct uuid org, incarnation;
	int64_t revision, marked; /* of the organisation, as it was told */
	unsigned touched, compared, forgotten, settled; /* how often */
	bool holds; /* touched waits until it is false */
};

static void
on_touched(void *context, const struct touched *touched, size_t count)
{
	struct follower *f = context;
	mutex_lock(&f->mutex);
	for (size_t i = 0; i < count; i++) {
		if (uuid_eq(touched[i].org, f->org))
			f->revision = touched[i].revision;
	}
	f->touched++;
	pthread_cond_broadcast(&f->heard);
	while (f->holds)
		cond_wait(&f->heard, &f->mutex);
	mutex_unlock(&f->mutex);
}

static void
on_mark(void *context)
{
	struct follower *f = context;
	mutex_lock(&f->mutex);
	f->marked = f->revision;
	mutex_unlock(&f->mutex);
}

static void
on_forget(void *context)
{
	struct follower *f = context;
	mutex_lock(&f->mutex);
	f->forgotten++;
	f->revision = f->marked = 0;
	mutex_unlock(&f->mutex);
}

static bool
on_compare(void *context, struct uuid org, int64_t revision)
{
	struct follower *f = context;
	mutex_lock(&f->mutex);
	bool ours = uuid_eq(org, f->org);
	bool reached = !ours || revision >= f->marked;
	if (ours)
		f->revision = revision;
	f->compared += ours;
	mutex_unlock(&f->mutex);
	return reached;
}

static void
on_settle(void *context, struct uuid incarnation)
{
	struct follower *f = context;
	mutex_lock(&f->mutex);
	f->incarnation = incarnation;
	f->settled++;
	pthread_cond_broadcast(&f->heard);
	mutex_unlock(&f->mutex);
}

static void
follow(struct store *store, struct follower *f)
{
	struct error err = {0};
	*f = (struct follower){.org = uuid_new()};
	mutex_init(&f->mutex);
	cond_init(&f->heard);
	const struct store_follower who = {
		f, on_touched, on_mark, on_forget, on_compare, on_settle};
	assert_int_equal(store_follow(store, &who, &err), OK);
	assert_int_equal(f->settled, 1);
}

/* Until it is known that the organisation is at this revision. */
static void
wait_revision(struct follower *f, int64_t revision)
{
	mutex_lock(&f->mutex);
	while (f->revision != revision)
		cond_wait(&f->heard, &f->mutex);
	mutex_unlock(&f->mutex);
}

static struct follower
wait_settled(struct follower *f, unsigned times)
{
	mutex_lock(&f->mutex);
	while (f->settled < times)
		cond_wait(&f->heard, &f->mutex);
	struct follower now = *f;
	mutex_unlock(&f->mutex);
	return now;
}

static void
caught_up(struct store_job *job, enum status status, const struct error *err)
{
	struct adding *waiting = (struct adding *)job;
	(void)err;
	waiting->status = status;
	counter_add(waiting->answered, 1);
}

/* Until all that is committed by now is known. */
static void
catch_up(struct store *store)
{
	struct counter answered;
	struct error err = {0};
	counter_init(&answered);
	struct adding waiting = {.job = {.done = caught_up}, .answered = &answered};
	assert_int_equal(store_catch_up(store, &waiting.job, &err), OK);
	counter_wait(&answered, 1);
	assert_int_equal(waiting.status, OK);
	counter_clear(&answered);
}

/* Another process on the same database. */
static struct store *
open_other(const struct fixture *f)
{
	struct fixture other = {.options = f->options};
	return fixture_open(&other);
}

static void
cut(const struct fixture *f)
{
	database_run(f->url,
		"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
		"WHERE application_name LIKE 'thingward%' AND datname = current_database()");
}

static void
test_feed__one_hears_of_what_another_changes(void **state)
{
	struct fixture *f = *state;
	static struct follower follower; /* of a store that outlives the test */
	struct store *other = open_other(f);
	follow(f->store, &follower);
	for (int64_t i = 1; i <= 5; i++) {
		struct change c = change(other, follower.org);
		assert_int_equal(c.revision, i);
		wait_revision(&follower, i);
	}
	assert_int_equal(follower.forgotten, 1);
	assert_int_equal(follower.settled, 1);
	store_close(&other);
}

static void
test_feed__after_a_cut_it_compares(void **state)
{
	struct fixture *f = *state;
	static struct follower follower; /* of a store that outlives the test */
	struct store *other = open_other(f);
	follow(f->store, &follower);
	struct change c = change(f->store, follower.org);
	assert_true(uuid_eq(c.incarnation, follower.incarnation));
	wait_revision(&follower, 1);
	cut(f);
	wait_settled(&follower, 2);
	change(other, follower.org);
	wait_revision(&follower, 2);
	assert_int_equal(follower.forgotten, 1);
	assert_true(uuid_eq(c.incarnation, follower.incarnation));
	store_close(&other);
}

/* Rows of the feed go; whoever did not ask while they were there compares as well. */
static void
test_feed__away_for_long_it_compares(void **state)
{
	struct fixture *f = *state;
	static struct follower follower; /* of a store that outlives the test */
	f->options.feed_keep_us = 100000;
	fixture_open(f);
	struct store *other = open_other(f);
	struct follower purges;
	follow(f->store, &follower);
	follow(other, &purges);
	follower.holds = true;
	change(other, follower.org);
	wait_revision(&follower, 1);
	/* Now it is held, and does not ask. */
	change(other, follower.org);
	change(other, follower.org);
	while (database_run(f->url, "SELECT count(*) FROM feed") > 0)
		usleep(5000);
	mutex_lock(&follower.mutex);
	follower.holds = false;
	pthread_cond_broadcast(&follower.heard);
	mutex_unlock(&follower.mutex);
	wait_revision(&follower, 3);
	assert_true(follower.compared > 0);
	assert_int_equal(follower.forgotten, 1);
	store_close(&other);
}

/* What was seen is not there any more. */
static void
lose(struct fixture *f, const char *how)
{
	static struct follower follower; /* of a store that outlives the test */
	struct store *other = open_other(f);
	struct follower beside;
	follow(f->store, &follower);
	follow(other, &beside);
	change(f->store, follower.org);
	struct change before = change(f->store, follower.org);
	wait_revision(&follower, 2);
	catch_up(f->store); /* it has been witnessed */
	database_run(f->url, how);
	cut(f);
	struct follower now = wait_settled(&follower, 2);
	assert_int_equal(now.forgotten, 2);
	assert_false(uuid_eq(now.incarnation, before.incarnation));
	struct change after = change(f->store, uuid_new());
	assert_true(uuid_eq(after.incarnation, now.incarnation));
	/* The other one learns of it, whether it has noticed or not. */
	mutex_lock(&beside.mutex);
	while (!uuid_eq(beside.incarnation, now.incarnation))
		cond_wait(&beside.heard, &beside.mutex);
	mutex_unlock(&beside.mutex);
	assert_int_equal(database_run(f->url, "SELECT count(*) FROM incarnations"), 2);
	store_close(&other);
}

static void
test_feed__a_lost_record_is_noticed(void **state)
{
	lose(*state,
		"DELETE FROM records WHERE (org, revision) IN "
		"(SELECT org, max(revision) FROM records GROUP BY org)");
}

static void
test_feed__a_record_of_another_hash_is_noticed(void **state)
{
	lose(*state, "UPDATE records SET hash = sha256(hash)");
}

static void
test_feed__a_revision_that_went_back_is_noticed(void **state)
{
	lose(*state, "UPDATE orgs SET revision = 1 WHERE revision = 2");
}

static void
test_feed__another_database_is_noticed(void **state)
{
	lose(*state, "UPDATE incarnations SET identity = 'another'");
}

/* All of those who notice together begin one. */
static void
test_feed__many_notice_at_once(void **state)
{
	struct fixture *f = *state;
	enum { NODES = 6 };
	struct store *stores[NODES];
	struct follower followers[NODES];
	for (unsigned i = 0; i < NODES; i++) {
		stores[i] = open_other(f);
		follow(stores[i], &followers[i]);
	}
	assert_int_equal(database_run(f->url, "SELECT count(*) FROM incarnations"), 1);
	database_run(f->url, "UPDATE incarnations SET identity = 'another'");
	cut(f);
	for (unsigned i = 0; i < NODES; i++) {
		struct follower now = wait_settled(&followers[i], 2);
		assert_true(uuid_eq(now.incarnation, followers[0].incarnation));
	}
	assert_int_equal(database_run(f->url, "SELECT count(*) FROM incarnations"), 2);
	for (unsigned i = 0; i < NODES; i++)
		store_close(&stores[i]);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)
#define CLOSED(name) cmocka_unit_test_setup_teardown(name, fixture_set_up_closed, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_feed__one_hears_of_what_another_changes),
		CASE(test_feed__after_a_cut_it_compares),
		CLOSED(test_feed__away_for_long_it_compares),
		CASE(test_feed__a_lost_record_is_noticed),
		CASE(test_feed__a_record_of_another_hash_is_noticed),
		CASE(test_feed__a_revision_that_went_back_is_noticed),
		CASE(test_feed__another_database_is_noticed),
		CASE(test_feed__many_notice_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
