#include "directory_support.h"

#include "directory/internal.h"

/* Catching up by comparing revisions, and histories that are left for another. */

static const struct sql SET_GENERATION =
	SQL("UPDATE principals SET generation = $3 WHERE org = $1 AND principal = $2");

static const struct uuid OTHER = {{1}};

static void
write_org(struct tx *tx, const void *arg)
{
	struct org_id org = *(const struct org_id *)arg;
	put(tx, &INSERT_ORG, "uii", org.id, 1, 1);
	put(tx, &INSERT_PRINCIPAL, "uuiusininn", org.id, id_of(2, 1), KIND_MEMBER,
		(struct uuid){{0}}, "p", STATE_ACTIVE, 0);
}

/* A change of which nobody was told, as another process makes it. */
static void
write_unseen(struct tx *tx, const void *arg)
{
	struct org_id org = *(const struct org_id *)arg;
	put(tx, &SET_REVISION, "ui", org.id, 5);
	put(tx, &SET_GENERATION, "uui", org.id, id_of(2, 1), 7);
}

static int64_t
generation(struct fixture *f, struct org_id org)
{
	const struct principal_view *p = get_principal(f->directory, org, 1);
	int64_t value = p ? p->generation : -1;
	directory_leave();
	return value;
}

static void
set_up_orgs(struct fixture *f)
{
	change(f, write_org, &ORG_A);
	change(f, write_org, &ORG_B);
	generation(f, ORG_A);
	generation(f, ORG_B);
}

static struct uuid
incarnation(struct fixture *f)
{
	struct directory_era era;
	assert_true(directory_era(f->directory, &era));
	return era.incarnation;
}

static void
test_compare__what_is_behind_is_dropped_and_nothing_else(void **state)
{
	struct fixture *f = *state;
	set_up_orgs(f);
	int64_t before = generation(f, ORG_A);
	struct uuid same = incarnation(f);
	change(f, write_unseen, &ORG_A);
	assert_int_equal(generation(f, ORG_A), before);
	uint64_t loads = directory_stats(f->directory).loads;
	compare__mark(f->directory);
	assert_true(compare__org(f->directory, ORG_A.id, 5));
	assert_true(compare__org(f->directory, ORG_B.id, 1));
	assert_true(compare__org(f->directory, PLATFORM.id, 0));
	compare__settle(f->directory, same);
	assert_int_equal(generation(f, ORG_A), 7);
	assert_int_equal(directory_revision(f->directory, ORG_A), 5);
	assert_true(directory_stats(f->directory).loads > loads);
	loads = directory_stats(f->directory).loads;
	generation(f, ORG_B);
	assert_int_equal(directory_revision(f->directory, ORG_B), 1);
	assert_int_equal(directory_stats(f->directory).loads, loads);
	assert_true(uuid_eq(incarnation(f), same));
}

static void
test_compare__a_revision_that_went_back_is_told(void **state)
{
	struct fixture *f = *state;
	set_up_orgs(f);
	compare__mark(f->directory);
	assert_true(compare__org(f->directory, ORG_A.id, 1));
	assert_false(compare__org(f->directory, ORG_A.id, 0));
	assert_true(compare__org(f->directory, id_of(1, 9), 0));
}

static void
test_compare__nothing_is_said_between_two_histories(void **state)
{
	struct fixture *f = *state;
	struct directory_era before, now;
	set_up_orgs(f);
	assert_true(directory_era(f->directory, &before));
	compare__forget(f->directory);
	assert_false(directory_era(f->directory, &now));
	assert_false(directory_era_lasts(f->directory, &before));
	assert_int_equal(directory_revision(f->directory, ORG_A), 0);
	/* It may be begun again. */
	compare__forget(f->directory);
	assert_true(compare__org(f->directory, ORG_A.id, 1));
	compare__settle(f->directory, OTHER);
	assert_true(uuid_eq(incarnation(f), OTHER));
	assert_false(directory_era_lasts(f->directory, &before));
	assert_int_equal(directory_revision(f->directory, ORG_A), 1);
	assert_true(generation(f, ORG_A) >= 0);
}

/* It was committed before, and is told of when its history has been left. */
static void
test_compare__a_late_word_of_the_history_that_was_left_is_not_heard(void **state)
{
	struct fixture *f = *state;
	const struct touched late = {ORG_A.id, 90, VIEW_PRINCIPAL, id_of(2, 1)};
	set_up_orgs(f);
	struct uuid left = incarnation(f);
	compare__forget(f->directory);
	drop__touched(f->directory, left, &late, 1);
	compare__org(f->directory, ORG_A.id, 1);
	compare__settle(f->directory, OTHER);
	drop__touched(f->directory, left, &late, 1);
	assert_int_equal(directory_revision(f->directory, ORG_A), 1);
	/* A floor that high would have refused this. */
	assert_true(generation(f, ORG_A) >= 0);
	const struct touched next = {ORG_A.id, 2, VIEW_PRINCIPAL, id_of(2, 1)};
	drop__touched(f->directory, OTHER, &next, 1);
	assert_int_equal(directory_revision(f->directory, ORG_A), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_compare__what_is_behind_is_dropped_and_nothing_else),
		TEST(test_compare__a_revision_that_went_back_is_told),
		TEST(test_compare__nothing_is_said_between_two_histories),
		TEST(test_compare__a_late_word_of_the_history_that_was_left_is_not_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
