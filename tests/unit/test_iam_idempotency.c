#include "iam_support.h"

#include "iam/idempotency.h"
#include "iam/rows.h"
#include "iam/upkeep/purge.h"

/* Answers that are kept: whose they are, for how long, and what is to be seen of them. */

#define SECRET "twk_not-to-be-found"

static const struct idempotency ONE = {.key_hash = {1}, .request = {1}};
static const struct idempotency OTHER = {.key_hash = {1}, .request = {2}};

struct keeping {
	const struct idempotency *id;
	int64_t later_us;
	unsigned status;
	struct str location, body;
};

static enum status
keep(struct call *call, void *arg, struct error *err)
{
	const struct keeping *k = arg;
	const struct kept_answer answer = {k->status, 7, 9, k->location, k->body};

	call->now_us += k->later_us;
	return idempotency_keep(call, k->id, &answer, err);
}

/* On the store's thread, where nothing can be asserted. */
static enum status
expect(bool holds, const char *what, struct error *err)
{
	return holds ? OK : error_set(err, ERR_INTERNAL, "unexpected", "%s", what);
}

/* Has to be there, as it was kept. */
static enum status
find(struct call *call, void *arg, struct error *err)
{
	const struct keeping *k = arg;
	struct kept_answer found;
	bool there;

	call->now_us += k->later_us;
	enum status rc = idempotency_find(&there, &found, call, k->id, err);
	if (rc == OK)
		rc = expect(there, "it is not there", err);
	if (rc == OK)
		rc = expect(found.status == k->status && found.etag == 7 && found.revision == 9,
			"other numbers", err);
	if (rc == OK)
		rc = expect(iam__same_text(found.location, k->location), "another location", err);
	return rc == OK ? expect(str_eq(found.body, k->body), "another body", err) : rc;
}

static enum status
find_none(struct call *call, void *arg, struct error *err)
{
	const struct keeping *k = arg;
	struct kept_answer found;
	bool there;

	call->now_us += k->later_us;
	enum status rc = idempotency_find(&there, &found, call, k->id, err);
	return rc == OK ? expect(!there, "it is there", err) : rc;
}

static void
test_idempotency__an_answer_comes_again(void **state)
{
	struct keeping full = {&ONE, 0, 201, STR("/somewhere"), STR("{\"a\":1}")};
	struct idempotency second = {.key_hash = {2}};
	struct keeping empty = {&second, 0, 204, {NULL, 0}, STR("")};

	house_run(*state, find_none, &full);
	house_run(*state, keep, &full);
	house_run(*state, keep, &empty);
	house_run(*state, find, &full);
	house_run(*state, find, &empty);
}

static void
test_idempotency__another_request_is_refused(void **state)
{
	struct house *h = *state;
	struct keeping first = {&ONE, 0, 201, {NULL, 0}, STR("{}")};
	struct keeping other = {&OTHER, 0, 201, {NULL, 0}, STR("{}")};

	house_run(h, keep, &first);
	house_refused(h, &h->owner, find, &other, "idempotency-key-reused");
}

static void
test_idempotency__it_is_the_callers_own(void **state)
{
	struct house *h = *state;
	struct keeping one = {&ONE, 0, 201, {NULL, 0}, STR("{}")};
	struct caller machine = house_machine(h, "machine", "owner");
	struct error err = {0};

	house_run(h, keep, &one);
	assert_int_equal(house_try(h, &machine, find_none, &one, &err), OK);
	assert_int_equal(house_try(h, &h->root, find_none, &one, &err), OK);
}

static void
test_idempotency__after_a_day_the_key_is_free(void **state)
{
	struct keeping first = {&ONE, 0, 201, {NULL, 0}, STR("{}")};
	struct keeping nearly = first, late = first, next = {&OTHER, 0, 202, STR("/b"), STR("[]")};

	nearly.later_us = IDEMPOTENCY_KEPT_US - 60 * US_PER_S;
	late.later_us = next.later_us = IDEMPOTENCY_KEPT_US;
	house_run(*state, keep, &first);
	house_run(*state, find, &nearly);
	house_run(*state, find_none, &late);
	house_run(*state, find_none, &next);
	house_run(*state, keep, &next);
	house_run(*state, find, &next);
}

static enum status
expect_sealed(struct tx *tx, void *arg, struct error *err)
{
	/* Of every organisation. */
	static const struct sql ALL = SQL("SELECT answer FROM idempotency");
	struct query q;

	(void)arg;
	enum status rc = query_begin(&q, tx, &ALL, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc != OK)
		return rc;
	struct str answer = query_bytes(&q, 0);
	rc = expect(answer.len == sizeof(SECRET) - 1 + KEYRING_SEAL_OVERHEAD &&
			!memmem(answer.ptr, answer.len, SECRET, 4),
		"it is not sealed", err);
	query_end(&q);
	return rc;
}

static void
test_idempotency__a_row_is_sealed_to_its_place(void **state)
{
	struct house *h = *state;
	struct keeping one = {&ONE, 0, 201, {NULL, 0}, STR(SECRET)};
	struct idempotency moved = {.key_hash = {3}, .request = {1}};
	struct keeping there = {&moved, 0, 201, {NULL, 0}, STR(SECRET)};

	house_run(h, keep, &one);
	house_read(h, expect_sealed, NULL);
	house_run(h, keep, &there);
	house_tamper(h,
		"UPDATE idempotency SET answer = (SELECT answer FROM idempotency WHERE"
		" substr(key_hash, 1, 1) = X'01') WHERE substr(key_hash, 1, 1) = X'03'");
	house_run(h, find, &one);
	house_refused(h, &h->owner, find, &there, "answer-lost");
}

static enum status
keep_many(struct call *call, void *arg, struct error *err)
{
	const int *count = arg;
	enum status rc = OK;

	for (int i = 0; i < *count && rc == OK; i++) {
		const struct idempotency id = {
			.key_hash = {(uint8_t)i, (uint8_t)(i >> 8), (uint8_t)*count}};
		const struct kept_answer answer = {.status = 204, .body = STR("")};
		rc = idempotency_keep(call, &id, &answer, err);
	}
	return rc;
}

static enum status
purge(struct call *call, void *arg, struct error *err)
{
	int64_t now_us = *(const int64_t *)arg;
	struct purged done;
	enum status rc = OK;

	for (unsigned from = 0; rc == OK && (from == 0 || done.more); from = done.next)
		rc = purge_run(&done, from, call->tx, now_us, err);
	return rc;
}

static enum status
count_rows(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql COUNT = SQL("SELECT COUNT(*) FROM idempotency");
	struct query q;

	enum status rc = query_begin(&q, tx, &COUNT, err);
	if (rc == OK)
		rc = query_next(&q, err);
	*(int64_t *)arg = rc == OK ? query_int(&q, 0) : -1;
	query_end(&q);
	return rc;
}

static int64_t
left_at(struct house *h, int64_t now_us)
{
	int64_t count;

	house_run(h, purge, &now_us);
	house_read(h, count_rows, &count);
	return count;
}

static void
test_idempotency__what_is_old_goes(void **state)
{
	int many = 2 * PURGE_BATCH + 20, few = 3;
	int64_t now_us = clock_now_us();

	house_run(*state, keep_many, &many);
	assert_int_equal(left_at(*state, now_us), many);
	house_tamper(*state, "UPDATE idempotency SET created_us = 5");
	house_run(*state, keep_many, &few);
	assert_int_equal(left_at(*state, IDEMPOTENCY_KEPT_US + 5), many + few);
	assert_int_equal(left_at(*state, now_us), few);
}

#define CASE(name)                                                                                 \
	cmocka_unit_test_setup_teardown(test_idempotency__##name, house_set_up, house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(an_answer_comes_again),
		CASE(another_request_is_refused),
		CASE(it_is_the_callers_own),
		CASE(after_a_day_the_key_is_free),
		CASE(a_row_is_sealed_to_its_place),
		CASE(what_is_old_goes),
	};
	return cmocka_run_group_tests_name("idempotency", tests, NULL, NULL);
}
