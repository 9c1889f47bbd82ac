#include "iam_support.h"

#include <stdio.h>

#include "iam/access/groups.h"
#include "iam/records.h"
#include "iam/upkeep/verify.h"

/* Whatever is done to the rows behind the program's back is found. */

static enum status
make_group(struct call *call, void *arg, struct error *err)
{
	struct group group;
	const struct group_draft draft = {.name = str_from(arg)};

	return group_create(&group, call, &draft, err);
}

/* Two records in one revision. */
static enum status
make_two(struct call *call, void *arg, struct error *err)
{
	enum status rc = make_group(call, "two a", err);
	(void)arg;
	return rc == OK ? make_group(call, "two b", err) : rc;
}

static int
set_up(void **state)
{
	house_set_up(state);
	house_run(*state, make_group, "one");
	house_run(*state, make_two, NULL);
	house_run(*state, make_group, "three");
	return 0;
}

struct verifying {
	struct org_id org;
	struct chain_report report;
};

static enum status
verify_one(struct tx *tx, void *arg, struct error *err)
{
	struct verifying *v = arg;

	return chain_verify(&v->report, tx, v->org, err);
}

static struct chain_report
report_of(struct house *h)
{
	struct verifying v = {.org = h->org};

	house_read(h, verify_one, &v);
	return v.report;
}

static void
check_broken(struct house *h, int64_t revision, int64_t part, const char *why)
{
	struct chain_report report = report_of(h);

	assert_non_null(report.broken);
	assert_string_equal(report.broken, why);
	assert_int_equal(report.broken_revision, revision);
	assert_int_equal(report.broken_part, part);
}

static void
test_chain__sound(void **state)
{
	struct chain_report report = report_of(*state);

	assert_null(report.broken);
	assert_int_equal(report.revision, 4);
	assert_true(report.records > 4);
}

/* As an entity that does not fit. */
static void
write_much(struct json_writer *w, const char *name, const void *entity)
{
	(void)entity;
	jw_array(w, name);
	while (!w->out->failed)
		jw_z(w, NULL, "and so on");
	jw_end_array(w);
}

static enum status
record_much(struct call *call, void *arg, struct error *err)
{
	const struct change change = {.action = "tests.record",
		.subject_kind = "test",
		.subject = STR("one"),
		.after = call_json(call, write_much, NULL)};

	(void)arg;
	return call_record(call, &change, err);
}

static void
test_chain__unwritten_body(void **state)
{
	struct house *h = *state;

	house_refused(h, &h->owner, record_much, NULL, "out-of-memory");
	assert_null(report_of(h).broken);
}

static void
test_chain__changed_body(void **state)
{
	house_tamper(*state,
		"UPDATE records SET body = '{\"before\":null,\"after\":null}'"
		" WHERE revision = 3 AND part = 1");
	check_broken(*state, 3, 1, "its content was changed");
}

static void
test_chain__changed_fact(void **state)
{
	house_tamper(*state, "UPDATE records SET action = 'groups.delete' WHERE revision = 2");
	check_broken(*state, 2, 0, "its hash does not follow");
}

static void
test_chain__changed_time(void **state)
{
	house_tamper(
		*state, "UPDATE records SET time_us = time_us + 1 WHERE revision = 3 AND part = 0");
	check_broken(*state, 3, 0, "its hash does not follow");
}

static void
test_chain__erased_body(void **state)
{
	house_tamper(*state, "UPDATE records SET body = NULL, salt = NULL WHERE revision = 3");
	struct chain_report report = report_of(*state);
	assert_null(report.broken);
	assert_int_equal(report.erased, 2);
}

static void
test_chain__changed_digest(void **state)
{
	house_tamper(*state,
		"UPDATE records SET body = NULL, salt = NULL, digest = hash WHERE revision = 2");
	check_broken(*state, 2, 0, "its hash does not follow");
}

static void
test_chain__removed_revision(void **state)
{
	house_tamper(*state, "DELETE FROM records WHERE revision = 2");
	check_broken(*state, 3, 0, "a record before it is missing");
}

static void
test_chain__removed_part(void **state)
{
	house_tamper(*state, "DELETE FROM records WHERE revision = 3 AND part = 0");
	check_broken(*state, 3, 1, "a record before it is missing");
}

static void
test_chain__cut_part(void **state)
{
	house_tamper(*state, "DELETE FROM records WHERE revision = 3 AND part = 1");
	check_broken(*state, 4, 0, "its hash does not follow");
}

static void
test_chain__cut_off(void **state)
{
	house_tamper(*state, "DELETE FROM records WHERE revision = 4");
	check_broken(*state, 4, 0, "the newest records are missing");
}

static void
test_chain__cut_off_with_counter(void **state)
{
	house_tamper(*state, "DELETE FROM records WHERE revision = 4");
	house_tamper(*state, "UPDATE orgs SET revision = 3 WHERE revision = 4");
	check_broken(*state, 3, 0, "the newest record is not the organisation's head");
}

#define MANY 450 /* more than two pages */

static enum status
make_many(struct call *call, void *arg, struct error *err)
{
	enum status rc = OK;

	(void)arg;
	for (int i = 0; i < MANY && rc == OK; i++) {
		struct group group;
		const struct group_draft draft = {.name = arena_printf(call->arena, "many %d", i)};
		rc = group_create(&group, call, &draft, err);
	}
	return rc;
}

static void
test_chain__several_pages(void **state)
{
	int64_t before = report_of(*state).records;
	house_run(*state, make_many, NULL);
	struct chain_report report = report_of(*state);
	assert_null(report.broken);
	assert_int_equal(report.records, before + MANY);
	house_tamper(*state, "DELETE FROM records WHERE revision = 5 AND part = 399");
	check_broken(*state, 5, 400, "a record before it is missing");
}

struct told {
	bool sound;
	int chains, broken, rules;
	const char *rule; /* the first that is violated */
	int64_t violations;
};

static void
tell_chain(void *context, const struct chain_report *report)
{
	struct told *told = context;

	told->chains++;
	told->broken += report->broken != NULL;
}

static void
tell_rule(void *context, const struct invariant_report *report)
{
	struct told *told = context;

	told->rules++;
	if (report->violations > 0 && !told->rule) {
		told->rule = report->rule;
		told->violations = report->violations;
	}
}

static enum status
verify_all(struct tx *tx, void *arg, struct error *err)
{
	struct told *told = arg;
	const struct store_verify_listener listener = {tell_chain, tell_rule, told};

	return store_verify(&told->sound, tx, &listener, err);
}

static struct told
verify(struct house *h)
{
	struct told told = {0};

	house_read(h, verify_all, &told);
	return told;
}

static void
test_store__sound(void **state)
{
	struct told told = verify(*state);

	assert_true(told.sound);
	assert_int_equal(told.chains, 2);
	assert_int_equal(told.broken, 0);
	assert_true(told.rules > 20);
	assert_null(told.rule);
}

static void
test_store__many_organisations(void **state)
{
	house_tamper(*state,
		"WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 410) "
		"INSERT INTO orgs (org, name, state, revision, skeleton, head, next_permission, "
		"next_role, created_us, changed) "
		"SELECT randomblob(16), 'many', 1, 0, 0, zeroblob(32), 1024, 0, 0, 0 FROM n");
	struct told told = verify(*state);
	assert_true(told.sound);
	assert_int_equal(told.chains, 412);
	house_tamper(
		*state, "UPDATE orgs SET revision = 1 WHERE org = (SELECT max(org) FROM orgs)");
	told = verify(*state);
	assert_false(told.sound);
	assert_int_equal(told.broken, 1);
}

static void
check_rule(struct house *h, const char *sql, const char *rule)
{
	house_tamper(h, sql);
	struct told told = verify(h);
	assert_false(told.sound);
	assert_non_null(told.rule);
	assert_string_equal(told.rule, rule);
	assert_true(told.violations > 0);
}

static void
test_store__lost_holder(void **state)
{
	check_rule(*state, "UPDATE grants SET holder = x'01010101010101010101010101010101'",
		"a grant's principal exists");
}

static void
test_store__lost_role(void **state)
{
	check_rule(*state, "DELETE FROM roles WHERE number = 0", "a grant's role exists");
}

static void
test_store__lost_node(void **state)
{
	check_rule(*state, "UPDATE grants SET node_kind = 4", "a grant's resource group exists");
}

static void
test_store__lost_principal(void **state)
{
	check_rule(*state, "DELETE FROM principals WHERE kind = 4", "a grant's principal exists");
}

static void
test_store__number_too_high(void **state)
{
	check_rule(*state, "UPDATE orgs SET next_role = 0",
		"a role's number was given by its organisation");
}

struct listing_of {
	struct record_filter filter;
	struct record_page page;
	size_t count;
	int64_t revisions[16], parts[16];
	char first[4096];
};

static enum status
list(struct call *call, void *arg, struct error *err)
{
	struct listing_of *l = arg;
	struct record *records;

	enum status rc = record_list(&records, &l->count, call, &l->filter, &l->page, err);
	for (size_t i = 0; rc == OK && i < l->count && i < 16; i++) {
		l->revisions[i] = records[i].revision;
		l->parts[i] = records[i].part;
	}
	if (rc == OK && l->count > 0) {
		struct str text = call_json(call, record_write, &records[0]);
		snprintf(l->first, sizeof(l->first), "%.*s", STR_ARG(text));
	}
	return rc;
}

static void
test_records__newest_first(void **state)
{
	struct listing_of l = {.page = {.limit = 2}};

	house_run(*state, list, &l);
	assert_int_equal(l.count, 2);
	assert_int_equal(l.revisions[0], 4);
	assert_int_equal(l.revisions[1], 3);
	assert_int_equal(l.parts[1], 1);
	assert_true(l.page.more);
	assert_non_null(strstr(l.first, "\"action\":\"groups.create\""));
	assert_non_null(strstr(l.first, "\"before\":null,\"after\":{\"id\":"));

	struct listing_of next = {.page = {.limit = 2,
					  .before_revision = l.page.last_revision,
					  .before_part = l.page.last_part}};
	house_run(*state, list, &next);
	assert_int_equal(next.revisions[0], 3);
	assert_int_equal(next.parts[0], 0);
	assert_int_equal(next.revisions[1], 2);
}

static void
test_records__filters(void **state)
{
	struct house *h = *state;
	struct listing_of groups = {.filter = {.action = STR("groups.")}, .page = {.limit = 10}};
	struct listing_of exact = {.filter = {.action = STR("groups")}, .page = {.limit = 10}};
	struct listing_of mine = {.filter = {.actor = h->owner.principal}, .page = {.limit = 10}};
	struct listing_of nobody = {
		.filter = {.actor = h->root.principal, .action = STR("groups.create")},
		.page = {.limit = 10}};
	struct listing_of past = {.filter = {.until_us = 1}, .page = {.limit = 10}};

	house_run(h, list, &groups);
	assert_int_equal(groups.count, 4);
	assert_false(groups.page.more);
	house_run(h, list, &exact);
	assert_int_equal(exact.count, 0);
	house_run(h, list, &mine);
	assert_int_equal(mine.count, 4);
	house_run(h, list, &nobody);
	assert_int_equal(nobody.count, 0);
	house_run(h, list, &past);
	assert_int_equal(past.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(chain__sound),
		TEST(chain__unwritten_body),
		TEST(chain__changed_body),
		TEST(chain__changed_fact),
		TEST(chain__changed_time),
		TEST(chain__erased_body),
		TEST(chain__changed_digest),
		TEST(chain__removed_revision),
		TEST(chain__removed_part),
		TEST(chain__cut_part),
		TEST(chain__cut_off),
		TEST(chain__cut_off_with_counter),
		TEST(chain__several_pages),
		TEST(store__sound),
		TEST(store__many_organisations),
		TEST(store__lost_holder),
		TEST(store__lost_role),
		TEST(store__lost_node),
		TEST(store__lost_principal),
		TEST(store__number_too_high),
		TEST(records__newest_first),
		TEST(records__filters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
