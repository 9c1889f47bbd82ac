#include "iam_support.h"

#include "base/clock.h"
#include "iam/upkeep/purge.h"

/* How much a job of the purge takes, and that everything has its turn. What there is to purge is
 * put into the store as it lies there after its end. */

#define NUMBERS(last)                                                                              \
	"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " #last ") "
#define GONE(count, client)                                                                        \
	NUMBERS(count) "INSERT INTO gone_clients (gone, since_us) SELECT " client ", i FROM n"
/* Of one user each, in an organisation that is not there any more. */
#define CONSENTS(count, client)                                                                    \
	NUMBERS(count)                                                                             \
	"INSERT INTO consents (org, principal, client, scope, given_us)"                           \
	" SELECT zeroblob(16), randomblob(16), " client ", 'a', 1 FROM n"
#define THE_LAST "X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF'"

static const int64_t NOW_US = 5000000000000000;

static enum status
purge(struct call *call, void *arg, struct error *err)
{
	struct purged *done = arg;

	return purge_run(done, done->next, call->tx, NOW_US, err);
}

struct rows {
	int64_t refusals, notices, consents, gone;
};

static enum status
count_rows(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql COUNT = SQL("SELECT (SELECT COUNT(*) FROM refusals),"
					    " (SELECT COUNT(*) FROM logout_notices),"
					    " (SELECT COUNT(*) FROM consents),"
					    " (SELECT COUNT(*) FROM gone_clients)");
	struct rows *rows = arg;
	struct query q;

	enum status rc = query_begin(&q, tx, &COUNT, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK)
		*rows = (struct rows){
			query_int(&q, 0), query_int(&q, 1), query_int(&q, 2), query_int(&q, 3)};
	query_end(&q);
	return rc;
}

static struct rows
rows_now(struct house *h)
{
	struct rows rows;

	house_read(h, count_rows, &rows);
	return rows;
}

static void
test_purge__a_job_is_small_and_each_kind_has_its_turn(void **state)
{
	struct house *h = *state;
	struct purged done = {.more = true};
	struct rows before, after;

	house_tamper(h,
		NUMBERS(700) "INSERT INTO refusals (org, refused, until_us)"
			     " SELECT zeroblob(16), randomblob(16), 1 FROM n");
	house_tamper(h,
		NUMBERS(150) "INSERT INTO logout_notices (org, notice, workspace, client,"
			     " principal, family, attempts, next_us, expires_us)"
			     " SELECT zeroblob(16), randomblob(16), zeroblob(16), zeroblob(16),"
			     " zeroblob(16), zeroblob(16), 0, 1, 1 FROM n");
	house_tamper(h, CONSENTS(150, THE_LAST));
	house_tamper(h, GONE(1, THE_LAST));
	before = rows_now(h);
	assert_int_equal(before.refusals + before.notices + before.consents, 1000);
	for (int jobs = 0; done.more; jobs++) {
		house_run(h, purge, &done);
		after = rows_now(h);
		assert_true(before.refusals + before.notices + before.consents - after.refusals -
				after.notices - after.consents <
			2 * PURGE_BATCH);
		/* They do not wait for the last of the refusals. */
		if (jobs == 1)
			assert_true(after.notices == 0 && after.consents == 0 && after.refusals);
		assert_true(jobs < 10);
		before = after;
	}
	assert_int_equal(after.refusals, 0);
}

static void
test_purge__clients_that_left_nothing_do_not_stand_in_the_way(void **state)
{
	struct house *h = *state;
	struct purged done = {.more = true};

	/* They come first: by their identifiers, by when they went, and by when they were put in.
	 */
	house_tamper(h, GONE(300, "CAST(printf('%016d', i) AS BLOB)"));
	house_tamper(h, GONE(1, THE_LAST));
	house_tamper(h, CONSENTS(450, THE_LAST));
	house_tamper(h, "UPDATE gone_clients SET since_us = 4999999999999999");
	while (done.more)
		house_run(h, purge, &done);
	const struct rows rows = rows_now(h);
	assert_int_equal(rows.consents, 0);
	/* That they are gone is known for an hour. */
	assert_int_equal(rows.gone, 301);
	house_tamper(h, "UPDATE gone_clients SET since_us = 1");
	house_run(h, purge, &done);
	house_run(h, purge, &done);
	assert_int_equal(rows_now(h).gone, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, house_set_up, house_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_purge__a_job_is_small_and_each_kind_has_its_turn),
		TEST(test_purge__clients_that_left_nothing_do_not_stand_in_the_way),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
