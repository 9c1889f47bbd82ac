#include "support.h"

#include <stdio.h>
#include <stdlib.h>

/* Jobs, transactions and statements: what every engine must do alike. */

#define MANY 100

static void
submit(struct store *store, struct adding *a)
{
	struct error err = {0};
	assert_int_equal(store_change(store, &a->job, &err), OK);
}

/* What the commit hook was told. */
struct told {
	unsigned calls;
	size_t count;
	size_t with_kind_all;
	struct touched last;
};

static void
tell(void *context, struct uuid incarnation, const struct touched *touched, size_t count)
{
	struct told *told = context;
	(void)incarnation;
	told->calls++;
	told->count += count;
	for (size_t i = 0; i < count; i++)
		told->with_kind_all += touched[i].kind == -1;
	told->last = touched[count - 1];
}

/* The writer is held inside a job of its own until `go`. */
struct held {
	struct adding job;
	struct counter entered, go, answered;
};

static void
hold_writer(struct held *h, struct store *store)
{
	counter_init(&h->entered);
	counter_init(&h->go);
	counter_init(&h->answered);
	adding_init(&h->job, &h->answered, "held@example.com");
	h->job.entered = &h->entered;
	h->job.hold = &h->go;
	submit(store, &h->job);
	counter_wait(&h->entered, 1);
}

static void
let_go(struct held *h)
{
	counter_add(&h->go, 1);
	counter_wait(&h->answered, 1);
	counter_clear(&h->entered);
	counter_clear(&h->go);
	counter_clear(&h->answered);
}

static void
prepare_many(struct adding *many, struct counter *answered)
{
	for (unsigned i = 0; i < MANY; i++) {
		char email[32];
		snprintf(email, sizeof(email), "p%u@example.com", i);
		adding_init(&many[i], answered, email);
		many[i].touches = 1;
	}
}

static void
test_jobs__waiting_ones_share_a_commit(void **state)
{
	struct fixture *f = *state;
	struct held held;
	struct adding many[MANY];
	struct counter answered;
	struct told told = {0};
	counter_init(&answered);
	store_on_commit(f->store, tell, &told);
	prepare_many(many, &answered);
	hold_writer(&held, f->store);
	for (unsigned i = 0; i < MANY; i++)
		submit(f->store, &many[i]);
	assert_int_equal(counter_value(&answered), 0);
	let_go(&held);
	counter_wait(&answered, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(many[i].status, OK);
		assert_int_equal(many[i].answers, 1);
		assert_int_equal(many[i].runs, 1);
	}
	assert_int_equal(count_persons(f->store), MANY + 1);
	assert_int_equal(told.count, MANY);
	/* A slow machine may split them by the time a batch may take. */
	assert_true(told.calls < MANY);
	counter_clear(&answered);
}

static void
test_jobs__a_failing_one_harms_no_other(void **state)
{
	struct fixture *f = *state;
	struct held held;
	struct adding many[MANY];
	struct counter answered;
	struct told told = {0};
	counter_init(&answered);
	store_on_commit(f->store, tell, &told);
	prepare_many(many, &answered);
	for (unsigned i = 0; i < MANY; i += 3)
		many[i].fails_with = ERR_FORBIDDEN;
	hold_writer(&held, f->store);
	for (unsigned i = 0; i < MANY; i++)
		submit(f->store, &many[i]);
	let_go(&held);
	counter_wait(&answered, MANY);
	unsigned good = 0;
	for (unsigned i = 0; i < MANY; i++) {
		bool wanted = i % 3 != 0;
		good += wanted;
		assert_int_equal(many[i].status, wanted ? OK : ERR_FORBIDDEN);
		assert_string_equal(many[i].code, wanted ? "" : "wanted");
		assert_int_equal(person_is_there(f->store, many[i].person), wanted);
	}
	assert_int_equal(told.count, good);
	counter_clear(&answered);
}

struct submitting {
	pthread_t thread;
	struct store *store;
	struct adding jobs[MANY];
	struct counter answered;
};

static void *
submitting_main(void *arg)
{
	struct submitting *s = arg;
	for (unsigned i = 0; i < MANY; i++) {
		struct error err = {0};
		if (store_change(s->store, &s->jobs[i].job, &err) != OK)
			return s;
		if (i % 8 == 7)
			counter_wait(&s->answered, i + 1);
	}
	counter_wait(&s->answered, MANY);
	return NULL;
}

static void
test_jobs__many_threads_submit(void **state)
{
	struct fixture *f = *state;
	enum { THREADS = 8 };
	struct submitting *all = calloc(THREADS, sizeof(*all));
	struct told told = {0};
	assert_non_null(all);
	store_on_commit(f->store, tell, &told);
	for (unsigned t = 0; t < THREADS; t++) {
		struct error err = {0};
		all[t].store = f->store;
		counter_init(&all[t].answered);
		for (unsigned i = 0; i < MANY; i++) {
			char email[32];
			snprintf(email, sizeof(email), "t%u.%u@example.com", t, i);
			adding_init(&all[t].jobs[i], &all[t].answered, email);
			all[t].jobs[i].touches = 2;
		}
		assert_int_equal(
			thread_start(&all[t].thread, "submit", submitting_main, &all[t], &err), OK);
	}
	for (unsigned t = 0; t < THREADS; t++) {
		void *failed = NULL;
		pthread_join(all[t].thread, &failed);
		assert_null(failed);
		for (unsigned i = 0; i < MANY; i++) {
			assert_int_equal(all[t].jobs[i].status, OK);
			assert_int_equal(all[t].jobs[i].answers, 1);
		}
		counter_clear(&all[t].answered);
	}
	assert_int_equal(count_persons(f->store), THREADS * MANY);
	assert_int_equal(told.count, THREADS * MANY * 2);
	free(all);
}

struct looking {
	struct adding adding; /* first */
	struct store *store;
	bool seen;
};

/* On the writer's thread, at the moment of the answer: another connection sees the row. */
static void
looking_done(struct store_job *job, enum status status, const struct error *err)
{
	struct looking *l = (struct looking *)job;
	(void)err;
	l->adding.status = status;
	l->seen = person_is_there(l->store, l->adding.person);
	counter_add(l->adding.answered, 1);
}

static void
test_jobs__no_answer_before_the_commit(void **state)
{
	struct fixture *f = *state;
	struct counter answered, entered, go;
	struct looking l = {.store = f->store};
	counter_init(&answered);
	counter_init(&entered);
	counter_init(&go);
	adding_init(&l.adding, &answered, "look@example.com");
	l.adding.job.done = looking_done;
	l.adding.entered = &entered;
	l.adding.hold = &go;
	submit(f->store, &l.adding);
	counter_wait(&entered, 1);
	assert_false(person_is_there(f->store, l.adding.person));
	counter_add(&go, 1);
	counter_wait(&answered, 1);
	assert_int_equal(l.adding.status, OK);
	assert_true(l.seen);
	counter_clear(&answered);
	counter_clear(&entered);
	counter_clear(&go);
}

static void
test_jobs__a_full_queue_refuses(void **state)
{
	struct fixture *f = *state;
	struct held held;
	struct adding some[4];
	struct counter answered;
	struct error err = {0};
	f->options.queue_max = 3;
	fixture_open(f);
	counter_init(&answered);
	hold_writer(&held, f->store);
	for (unsigned i = 0; i < 4; i++) {
		char email[32];
		snprintf(email, sizeof(email), "q%u@example.com", i);
		adding_init(&some[i], &answered, email);
	}
	for (unsigned i = 0; i < 3; i++)
		submit(f->store, &some[i]);
	assert_int_equal(store_change(f->store, &some[3].job, &err), ERR_BUSY);
	assert_string_equal(err.code, "overloaded");
	let_go(&held);
	counter_wait(&answered, 3);
	assert_int_equal(some[3].answers, 0);
	assert_int_equal(some[3].runs, 0);
	submit(f->store, &some[3]);
	counter_wait(&answered, 4);
	assert_int_equal(count_persons(f->store), 5);
	counter_clear(&answered);
}

static void *
close_main(void *arg)
{
	struct fixture *f = arg;
	store_close(&f->store);
	return NULL;
}

static void
test_jobs__closing_answers_those_that_wait(void **state)
{
	struct fixture *f = *state;
	struct store *store = f->store;
	struct held held;
	struct adding many[MANY], late;
	struct counter answered;
	struct error err = {0};
	pthread_t closer;
	counter_init(&answered);
	prepare_many(many, &answered);
	hold_writer(&held, store);
	for (unsigned i = 0; i < MANY; i++)
		submit(store, &many[i]);
	assert_int_equal(thread_start(&closer, "close", close_main, f, &err), OK);
	/* The store is closing once it refuses for another reason than a full queue. */
	unsigned taken = 0;
	struct adding *tries = calloc(900, sizeof(*tries));
	assert_non_null(tries);
	for (; taken < 900; taken++) {
		adding_init(&tries[taken], &answered, "try@example.com");
		tries[taken].fails_with = ERR_FORBIDDEN;
		if (store_change(store, &tries[taken].job, &err) != OK)
			break;
		sched_yield();
	}
	let_go(&held);
	pthread_join(closer, NULL);
	assert_int_equal(held.job.status, OK);
	assert_int_equal(counter_value(&answered), MANY + taken);
	for (unsigned i = 0; i < MANY; i++) {
		assert_int_equal(many[i].answers, 1);
		assert_true(many[i].status == OK || many[i].status == ERR_BUSY);
	}
	fixture_open(f);
	for (unsigned i = 0; i < MANY; i++)
		assert_int_equal(person_is_there(f->store, many[i].person), many[i].status == OK);
	adding_init(&late, NULL, "late@example.com");
	assert_int_equal(store_change_wait(f->store, &late.job, &err), OK);
	free(tries);
	counter_clear(&answered);
}

static void
test_jobs__a_unique_value_conflicts(void **state)
{
	struct fixture *f = *state;
	struct adding one, two, three;
	struct error err = {0};
	adding_init(&one, NULL, "same@example.com");
	adding_init(&two, NULL, "same@example.com");
	adding_init(&three, NULL, "other@example.com");
	three.person = one.person;
	assert_int_equal(store_change_wait(f->store, &one.job, &err), OK);
	assert_int_equal(store_change_wait(f->store, &two.job, &err), ERR_CONFLICT);
	assert_string_equal(err.code, "already-exists");
	error_clear(&err);
	assert_int_equal(store_change_wait(f->store, &three.job, &err), ERR_CONFLICT);
	assert_int_equal(count_persons(f->store), 1);
}

/* A job that goes on after a failed statement as if nothing had happened. */
static enum status
forgiving_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct adding *a = (struct adding *)job;
	struct error ignored = {0};
	enum status first = adding_run(job, tx, &ignored);
	snprintf(a->email, sizeof(a->email), "free@example.com");
	a->person = uuid_new();
	error_clear(&ignored);
	enum status second = adding_run(job, tx, &ignored);
	a->runs = first == ERR_CONFLICT && second == ERR_CONFLICT ? 100 : 0;
	(void)err;
	return OK;
}

static void
test_jobs__a_failed_statement_dooms_the_job(void **state)
{
	struct fixture *f = *state;
	struct adding one, two;
	struct error err = {0};
	adding_init(&one, NULL, "same@example.com");
	adding_init(&two, NULL, "same@example.com");
	two.job.run = forgiving_run;
	assert_int_equal(store_change_wait(f->store, &one.job, &err), OK);
	assert_int_equal(store_change_wait(f->store, &two.job, &err), ERR_CONFLICT);
	assert_int_equal(two.runs, 100);
	assert_int_equal(count_persons(f->store), 1);
}

static void
test_jobs__touching_much_collapses(void **state)
{
	struct fixture *f = *state;
	struct adding exact, more;
	struct error err = {0};
	struct told told = {0};
	store_on_commit(f->store, tell, &told);
	adding_init(&exact, NULL, "exact@example.com");
	exact.touches = 1024;
	assert_int_equal(store_change_wait(f->store, &exact.job, &err), OK);
	assert_int_equal(told.count, 1024);
	assert_int_equal(told.with_kind_all, 0);
	told = (struct told){0};
	adding_init(&more, NULL, "more@example.com");
	more.touches = 3000;
	assert_int_equal(store_change_wait(f->store, &more.job, &err), OK);
	assert_int_equal(told.count, 1);
	assert_int_equal(told.with_kind_all, 1);
	assert_true(uuid_eq(told.last.org, more.person));
	assert_int_equal(told.last.revision, 3000);
}

static const struct sql EMAILS = SQL("SELECT email FROM persons ORDER BY email");
static const struct sql EMAILS_FROM = SQL(
	"SELECT email, person FROM persons WHERE created_us >= $2 AND email > $1 ORDER BY email");

struct snapshot {
	struct store_job job; /* first */
	struct fixture *f;
	unsigned before, after;
};

static enum status
count_emails(unsigned *out, struct tx *tx, struct error *err)
{
	struct query q;
	*out = 0;
	enum status rc = query_begin(&q, tx, &EMAILS, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		(*out)++;
	query_end(&q);
	query_end(&q);
	return rc;
}

static enum status
snapshot_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct snapshot *s = (struct snapshot *)job;
	struct adding during;
	enum status rc = count_emails(&s->before, tx, err);
	if (rc != OK)
		return rc;
	adding_init(&during, NULL, "during@example.com");
	rc = store_change_wait(s->f->store, &during.job, err);
	if (rc != OK)
		return rc;
	return count_emails(&s->after, tx, err);
}

static void
test_jobs__a_reading_job_sees_one_moment(void **state)
{
	struct fixture *f = *state;
	struct adding first;
	struct error err = {0};
	struct snapshot s = {.job = {.run = snapshot_run}, .f = f};
	adding_init(&first, NULL, "first@example.com");
	assert_int_equal(store_change_wait(f->store, &first.job, &err), OK);
	assert_int_equal(store_read_wait(f->store, &s.job, &err), OK);
	assert_int_equal(s.before, 1);
	assert_int_equal(s.after, 1);
	assert_int_equal(count_persons(f->store), 2);
}

struct nested {
	struct store_job job; /* first */
	unsigned pairs;
	bool copied;
};

/* A statement used inside itself; places bound in another order than they appear. */
static enum status
nested_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct nested *n = (struct nested *)job;
	struct query outer, inner;
	struct arena *arena = arena_new(4096);
	ASSERT(arena);
	enum status rc = query_begin(&outer, tx, &EMAILS, err);
	while (rc == OK && (rc = query_next(&outer, err)) == OK && outer.row) {
		struct str email = query_str_copy(&outer, 0, arena);
		rc = query_begin(&inner, tx, &EMAILS, err);
		while (rc == OK && (rc = query_next(&inner, err)) == OK && inner.row)
			n->pairs++;
		query_end(&inner);
		n->copied = str_eq(email, query_str(&outer, 0));
		rc = rc == OK ? query_begin(&inner, tx, &EMAILS_FROM, err) : rc;
		if (rc != OK)
			break;
		query_bind_int(&inner, 2, 0);
		query_bind_str(&inner, 1, email);
		while ((rc = query_next(&inner, err)) == OK && inner.row)
			n->pairs += 100;
		query_end(&inner);
	}
	query_end(&outer);
	arena_free(&arena);
	return rc;
}

static void
test_jobs__a_statement_may_be_used_inside_itself(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct nested n = {.job = {.run = nested_run}};
	for (unsigned i = 0; i < 3; i++) {
		struct adding a;
		char email[32];
		snprintf(email, sizeof(email), "n%u@example.com", i);
		adding_init(&a, NULL, email);
		assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	}
	assert_int_equal(store_read_wait(f->store, &n.job, &err), OK);
	assert_int_equal(n.pairs, 9 + 300);
	assert_true(n.copied);
}

/* The engine may want to know of what type a place is. */
static const struct sql SELECT_VALUES =
	SQL("SELECT CASE one WHEN 1 THEN $1 ELSE incarnation END,"
	    " CASE one WHEN 1 THEN $2 ELSE incarnation END, CAST($3 AS BIGINT), CAST($4 AS BIGINT),"
	    " CAST($5 AS TEXT), CAST($6 AS TEXT), CASE one WHEN 1 THEN $7 ELSE incarnation END,"
	    " CAST($8 AS TEXT) FROM installation WHERE one = 1");
static const struct sql BIND_FAR = SQL("SELECT one FROM installation WHERE one = $1");

static enum status
values_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct query q;
	struct uuid id = uuid_new();
	(void)job;
	enum status rc = query_begin(&q, tx, &SELECT_VALUES, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, id);
	query_bind_uuid_or_null(&q, 2, (struct uuid){{0}});
	query_bind_int(&q, 3, INT64_MIN);
	query_bind_int_or_null(&q, 4, 0);
	query_bind_str(&q, 5, (struct str){"", 0});
	query_bind_str(&q, 6, (struct str){NULL, 0});
	query_bind_bytes(&q, 7, "a\0b", 3);
	rc = query_next(&q, err);
	if (rc != OK)
		return rc;
	ASSERT(q.row && uuid_eq(query_uuid(&q, 0), id));
	ASSERT(query_is_null(&q, 1) && uuid_is_nil(query_uuid(&q, 1)));
	ASSERT(query_int(&q, 2) == INT64_MIN && !query_is_null(&q, 2));
	ASSERT(query_is_null(&q, 3) && query_int(&q, 3) == 0);
	ASSERT(query_str(&q, 4).ptr && query_str(&q, 4).len == 0);
	ASSERT(query_is_null(&q, 5) && !query_str(&q, 5).ptr);
	ASSERT(str_eq(query_bytes(&q, 6), (struct str){"a\0b", 3}));
	ASSERT(query_is_null(&q, 7));
	rc = query_next(&q, err);
	ASSERT(rc != OK || !q.row);
	rc = query_begin(&q, tx, &SELECT_VALUES, err);
	if (rc == OK)
		rc = query_next(&q, err);
	/* What an earlier use bound is forgotten. */
	ASSERT(rc != OK || (q.row && query_is_null(&q, 0) && query_is_null(&q, 2)));
	query_end(&q);
	return rc;
}

static enum status
bind_far_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct query q;
	(void)job;
	enum status rc = query_begin(&q, tx, &BIND_FAR, err);
	query_bind_int(&q, 2, 1);
	query_bind_int(&q, 1, 1);
	return rc == OK ? query_next(&q, err) : rc;
}

static void
test_query__values_come_back(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct store_job values = {.run = values_run};
	struct store_job far = {.run = bind_far_run};
	struct adding a;
	adding_init(&a, NULL, "one@example.com");
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	run_change(f->store,
		"INSERT INTO installation (one, incarnation, created_us) "
		"SELECT 1, person, 2 FROM persons");
	assert_int_equal(store_read_wait(f->store, &values, &err), OK);
	assert_int_equal(store_read_wait(f->store, &far, &err), ERR_INTERNAL);
}

/* Forgets to end its query. */
static enum status
leaving_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct query q;
	(void)job;
	enum status rc = query_begin(&q, tx, &EMAILS, err);
	return rc == OK ? query_next(&q, err) : rc;
}

static void
test_query__one_left_open_harms_nobody(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	struct store_job leaving = {.run = leaving_run};
	for (unsigned i = 0; i < 3; i++) {
		struct adding a;
		char email[32];
		snprintf(email, sizeof(email), "l%u@example.com", i);
		adding_init(&a, NULL, email);
		assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
		assert_int_equal(store_change_wait(f->store, &leaving, &err), OK);
		assert_int_equal(store_read_wait(f->store, &leaving, &err), OK);
		assert_int_equal(count_persons(f->store), i + 1);
	}
}

struct corrupt {
	struct store_job job; /* first */
	struct uuid id;
};

static const struct sql BAD_ID = SQL("SELECT email FROM persons");

static enum status
bad_id_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct corrupt *c = (struct corrupt *)job;
	struct query q;
	enum status rc = query_begin(&q, tx, &BAD_ID, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK && q.row)
		c->id = query_uuid(&q, 0);
	query_end(&q);
	return rc;
}

static void
test_query__an_identifier_of_another_length_is_corrupt(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	struct error err = {0};
	struct corrupt c = {.job = {.run = bad_id_run}};
	adding_init(&a, NULL, "short@example.com");
	assert_int_equal(store_change_wait(f->store, &a.job, &err), OK);
	assert_int_equal(store_read_wait(f->store, &c.job, &err), ERR_CORRUPT);
	assert_true(uuid_is_nil(c.id));
}

static void
test_query__a_reader_cannot_write(void **state)
{
	struct fixture *f = *state;
	struct adding a;
	struct error err = {0};
	adding_init(&a, NULL, "reader@example.com");
	assert_int_not_equal(store_read_wait(f->store, &a.job, &err), OK);
	assert_int_equal(count_persons(f->store), 0);
}

static void
test_query__prepare_tells_good_from_bad(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	assert_int_equal(
		store_prepare(f->store, "SELECT name FROM groups WHERE org = $1", &err), OK);
	assert_int_equal(store_prepare(f->store, "DELETE FROM groups WHERE org = $1", &err), OK);
	assert_int_not_equal(store_prepare(f->store, "SELECT nothing FROM groups", &err), OK);
	error_clear(&err);
	assert_int_not_equal(store_prepare(f->store, "DELETE FROM groups; SELECT 1", &err), OK);
	error_clear(&err);
	assert_int_not_equal(store_prepare(f->store, "SELECT \"x\" FROM groups", &err), OK);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(test_jobs__waiting_ones_share_a_commit),
		CASE(test_jobs__a_failing_one_harms_no_other),
		CASE(test_jobs__many_threads_submit),
		CASE(test_jobs__no_answer_before_the_commit),
		cmocka_unit_test_setup_teardown(
			test_jobs__a_full_queue_refuses, fixture_set_up_closed, fixture_tear_down),
		CASE(test_jobs__closing_answers_those_that_wait),
		CASE(test_jobs__a_unique_value_conflicts),
		CASE(test_jobs__a_failed_statement_dooms_the_job),
		CASE(test_jobs__touching_much_collapses),
		CASE(test_jobs__a_reading_job_sees_one_moment),
		CASE(test_jobs__a_statement_may_be_used_inside_itself),
		CASE(test_query__values_come_back),
		CASE(test_query__one_left_open_harms_nobody),
		CASE(test_query__an_identifier_of_another_length_is_corrupt),
		CASE(test_query__a_reader_cannot_write),
		CASE(test_query__prepare_tells_good_from_bad),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
