#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "policy_build.h"
#include "policy_random.h"

/*
 * src/policy against the reference on random organisations, and the properties that its users rely
 * on. The seed is fixed; THINGWARD_SEED gives another, THINGWARD_ROUNDS more of them.
 */
#define SEED_DEFAULT 20260801
#define ROUNDS_DEFAULT 400
#define DECISIONS_PER_ROUND 300
#define GIFTS_PER_ROUND 80
#define VARIANT_QUESTIONS 60
#define ARENA_MAX (64 * 1024 * 1024)

struct fixture {
	struct arena *arena;
	struct dice dice;
	unsigned long long seed;
	unsigned long rounds;
	unsigned long round;
	struct ref_org org, other; /* as generated, and a variant of it */
	struct built *built, *built_other;
};

static unsigned long long
number_from(const char *variable, unsigned long long fallback)
{
	const char *text = getenv(variable);
	return text && *text ? strtoull(text, NULL, 10) : fallback;
}

/* The arena outlives a test that fails half-way. */
static int
set_up(void **state)
{
	*state = arena_new(ARENA_MAX);
	return *state ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct arena *arena = *state;
	arena_free(&arena);
	return 0;
}

static void
begin(struct fixture *f, struct arena *arena)
{
	*f = (struct fixture){.arena = arena,
		.seed = number_from("THINGWARD_SEED", SEED_DEFAULT),
		.rounds = (unsigned long)number_from("THINGWARD_ROUNDS", ROUNDS_DEFAULT)};
}

/* One round: a new organisation. Rounds are apart, so that a failing one can be run alone. */
static void
next_round(struct fixture *f)
{
	f->dice.state = f->seed + f->round * UINT64_C(0x2545f4914f6cdd1d);
	arena_reset(f->arena);
	random_org(&f->org, &f->dice);
	f->built = build_org(&f->org, f->arena);
}

static void
build_variant(struct fixture *f)
{
	f->built_other = build_org(&f->other, f->arena);
}

static void
fail_at(const struct fixture *f, const struct ref_question *q, const char *what)
{
	fail_msg("THINGWARD_SEED=%llu round %lu: %s: %s %s at kind %d workspace %s rgroup %s "
		 "resource %s:%s now %+lld",
		f->seed, f->round, what, q->principal, q->permission, (int)q->kind,
		q->workspace ? q->workspace : "-", q->rgroup ? q->rgroup : "-",
		q->type ? q->type : "-", q->resource ? q->resource : "-",
		(long long)(q->now_us - RANDOM_NOW_US));
}

/* An answer that says what it says: the reason fits the decision and names what it came from. */
static void
check_answer(const struct fixture *f, const struct ref_question *q, const struct answer *answer)
{
	bool allowed = answer->decision == DECISION_ALLOW;
	if (allowed != (answer->reason == REASON_GRANTED))
		fail_at(f, q, "the reason does not fit the decision");
	if (answer->reason == REASON_UNDETERMINED)
		fail_at(f, q, "no reason");
	if (allowed != (reason_condition(answer->reason)[0] == '\0'))
		fail_at(f, q, "the condition does not fit the decision");
	if (allowed && !answer->grant)
		fail_at(f, q, "an allowance without its grant");
	if ((answer->reason == REASON_GUARDRAIL) != (answer->guardrail != NULL))
		fail_at(f, q, "the guardrail is not named, or wrongly");
}

static enum reason
ask(const struct fixture *f, struct built *built, const struct ref_question *q)
{
	struct question question;
	struct answer answer;

	build_question(&question, built, q);
	enum decision decision = policy_decide(&question, &answer);
	check_answer(f, q, &answer);
	if (decision != answer.decision)
		fail_at(f, q, "two decisions");

	enum reason expected = ref_decide(q);
	if (answer.reason != expected) {
		print_error("policy: %s, reference: %s\n", reason_code(answer.reason),
			reason_code(expected));
		fail_at(f, q, "differs from the reference");
	}
	return answer.reason;
}

static bool
allows(const struct fixture *f, struct built *built, const struct ref_question *q)
{
	return ask(f, built, q) == REASON_GRANTED;
}

static void
test_policy__is_the_reference(void **state)
{
	struct fixture f;
	unsigned long counts[REASON_CREDENTIAL_OTHER_NODE + 1] = {0};

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		for (int i = 0; i < DECISIONS_PER_ROUND; i++) {
			struct ref_question q;
			random_question(&q, &f.org, &f.dice);
			counts[ask(&f, f.built, &q)]++;
		}
	}
	for (int reason = REASON_GRANTED; reason <= REASON_CREDENTIAL_OTHER_NODE; reason++) {
		print_message("%8lu %s\n", counts[reason], reason_code((enum reason)reason));
		/* A credential carries no permissions of its own yet. */
		if (reason != REASON_CREDENTIAL_LACKS_PERMISSION && f.rounds >= ROUNDS_DEFAULT)
			assert_in_range(counts[reason], 50, UINT64_MAX);
	}
}

/* The same question has the same answer, whatever was asked in between. */
static void
test_policy__answers_alike(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds / 4; f.round++) {
		struct question batch[VARIANT_QUESTIONS];
		struct answer first[VARIANT_QUESTIONS], again;
		next_round(&f);
		for (int i = 0; i < VARIANT_QUESTIONS; i++) {
			struct ref_question q;
			random_question(&q, &f.org, &f.dice);
			build_question(&batch[i], f.built, &q);
			(void)policy_decide(&batch[i], &first[i]);
		}
		for (int i = VARIANT_QUESTIONS - 1; i >= 0; i--) {
			(void)policy_decide(&batch[i], &again);
			assert_int_equal(again.decision, first[i].decision);
			assert_int_equal(again.reason, first[i].reason);
			assert_ptr_equal(again.grant, first[i].grant);
			assert_ptr_equal(again.group, first[i].group);
			assert_ptr_equal(again.guardrail, first[i].guardrail);
		}
	}
}

enum change_kind { NEVER_MORE, NEVER_LESS, UNCHANGED };

/* Compares the organisation with its variant on random questions of one principal, or of all. */
static void
compare_variant(struct fixture *f, enum change_kind expected, const char *who, const char *what)
{
	build_variant(f);
	for (int i = 0; i < VARIANT_QUESTIONS; i++) {
		struct ref_question before, after;
		random_question(&before, &f->org, &f->dice);
		if (who) {
			before.principal = who;
			before.credential.principal = NULL;
		}
		after = before;
		after.org = &f->other;
		bool was = allows(f, f->built, &before);
		bool is = allows(f, f->built_other, &after);
		if ((expected != NEVER_LESS && is && !was) ||
			(expected != NEVER_MORE && was && !is))
			fail_at(f, &before, what);
	}
}

static void
test_policy__a_guardrail_never_allows_more(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		f.other = f.org;
		struct ref_guardrail *rail = &f.other.guardrails[f.other.guardrail_count++];
		rail->name = "added";
		random_guardrail(rail, &f.other, &f.dice);
		compare_variant(&f, NEVER_MORE, NULL, "a guardrail allowed something");
	}
}

/* Whether a grant says something about the ceiling of who holds it. */
static bool
touches_ceiling(const struct ref_org *org, const struct ref_grant *grant)
{
	const struct ref_role *role = grant->role ? ref_role_find(org, grant->role) : NULL;
	return role && role->ceiling.present && strcmp(grant->node, REF_ORG) == 0;
}

/* Every grant but one of a ceiling-bearing role at the organisation, which may take away. */
static void
test_policy__a_grant_never_denies_more(void **state)
{
	struct fixture f;
	unsigned long tried = 0;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		f.other = f.org;
		struct ref_principal *who =
			&f.other.principals[dice_below(&f.dice, REF_PRINCIPALS)];
		struct ref_grant *grant = &who->grants.items[who->grants.count++];
		random_grant(grant, &f.other, &f.dice);
		if (touches_ceiling(&f.other, grant))
			continue;
		tried++;
		compare_variant(&f, NEVER_LESS, who->name, "a grant denied something");
	}
	assert_true(tried >= f.rounds / 2);
}

/* Ceilings add up: once there is an active one for good, a further one takes nothing away. */
static void
test_policy__a_further_ceiling_never_denies_more(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds / 2; f.round++) {
		next_round(&f);
		struct ref_principal *who = &f.org.principals[0];
		for (int i = 0; i < 2; i++) {
			struct ref_role *role = &f.org.roles[i];
			for (int kind = 1; kind < KIND_COUNT; kind++)
				role->kinds.has[kind] = true;
			role->ceiling.present = true;
		}
		who->grants.items[who->grants.count++] = (struct ref_grant){
			.node = REF_ORG, .role = f.org.roles[0].name, .expires_us = NEVER};
		f.built = build_org(&f.org, f.arena);
		f.other = f.org;
		who = &f.other.principals[0];
		random_grant(&who->grants.items[who->grants.count], &f.other, &f.dice);
		who->grants.items[who->grants.count].node = REF_ORG;
		who->grants.items[who->grants.count++].role = f.org.roles[1].name;
		compare_variant(&f, NEVER_LESS, who->name, "a further ceiling denied something");
	}
}

static void
test_policy__a_smaller_reach_never_allows_more(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		f.other = f.org;
		struct ref_principal *who =
			&f.other.principals[dice_below(&f.dice, REF_PRINCIPALS)];
		if (!who->confined)
			who->confined = true;
		else if (who->reach.count > 0)
			who->reach.count--;
		else
			who->self = NULL;
		compare_variant(&f, NEVER_MORE, who->name, "a smaller reach allowed something");
	}
}

/* An expired grant is as none: of a role with a ceiling too, except that it still bounds. */
static void
test_policy__an_expired_grant_is_as_none(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		f.other = f.org;
		struct ref_principal *who =
			&f.other.principals[dice_below(&f.dice, REF_PRINCIPALS)];
		struct ref_grant *grant = &who->grants.items[who->grants.count++];
		random_grant(grant, &f.other, &f.dice);
		grant->expires_us = RANDOM_NOW_US - 10;
		compare_variant(&f, touches_ceiling(&f.other, grant) ? NEVER_MORE : UNCHANGED,
			who->name, "an expired grant changed something");
	}
}

static bool
may_give(const struct fixture *f, struct built *built, const struct ref_question *q,
	const struct ref_terms *terms)
{
	struct question question;
	struct terms real;
	struct answer answer;

	build_question(&question, built, q);
	build_terms(&real, built, terms);
	bool allowed = policy_may_give(&question, &real, &answer) == DECISION_ALLOW;
	check_answer(f, q, &answer);
	uint64_t space[2][PERMISSION_LIMIT / 64];
	struct permset to_others = {space[0], PERMISSION_LIMIT / 64};
	struct permset to_self = {space[1], PERMISSION_LIMIT / 64};
	policy_givable(&question, &real, &to_others, &to_self);
	if (question.permission != PERMISSION_NONE &&
		permset_has(real.to_self ? &to_self : &to_others, question.permission) != allowed)
		fail_at(f, q, "all at once is not one at a time");
	if (allowed != ref_may_give(q, terms)) {
		print_error("policy: %s, to_self %d\n", reason_code(answer.reason), terms->to_self);
		fail_at(f, q, "giving differs from the reference");
	}
	return allowed;
}

static void
test_policy__giving_is_the_reference(void **state)
{
	struct fixture f;
	unsigned long given = 0, refused = 0, unexercised = 0;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		for (int i = 0; i < GIFTS_PER_ROUND; i++) {
			struct ref_question q;
			struct ref_terms terms;
			random_gift(&q, &terms, &f.org, &f.dice);
			if (!may_give(&f, f.built, &q, &terms)) {
				refused++;
				continue;
			}
			given++;
			bool exercised = allows(&f, f.built, &q);
			unexercised += !exercised;
			if (!exercised && (terms.to_self || strncmp(q.permission, "iam:", 4) == 0))
				fail_at(&f, &q, "given without being exercised");
		}
	}
	print_message(
		"given %lu, of them unexercised %lu; refused %lu\n", given, unexercised, refused);
	assert_true(given > f.rounds && refused > f.rounds && unexercised > f.rounds / 4);
}

/* An expired grant of what bears no ceiling is as none in giving, too. */
static void
test_policy__an_expired_grant_gives_as_none(void **state)
{
	struct fixture f;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		f.other = f.org;
		for (int i = 0; i < REF_PRINCIPALS; i++) {
			struct ref_grants *grants = &f.other.principals[i].grants;
			random_grant(&grants->items[grants->count], &f.other, &f.dice);
			grants->items[grants->count].expires_us = RANDOM_NOW_US - 10;
			grants->count += !touches_ceiling(&f.other, &grants->items[grants->count]);
		}
		build_variant(&f);
		for (int i = 0; i < GIFTS_PER_ROUND; i++) {
			struct ref_question q;
			struct ref_terms terms;
			random_gift(&q, &terms, &f.org, &f.dice);
			bool was = may_give(&f, f.built, &q, &terms);
			q.org = &f.other;
			if (may_give(&f, f.built_other, &q, &terms) != was)
				fail_at(&f, &q, "an expired grant changed what may be given");
		}
	}
}

/* The variant in which the receiver has been given what the question is about. */
static bool
carry_out(struct fixture *f, const struct ref_question *q, const struct ref_terms *terms,
	const char *receiver)
{
	const char *node = random_node_of(q);
	if (!node)
		return false;
	f->other = f->org;
	for (int i = 0; i < f->other.principal_count; i++) {
		struct ref_principal *who = &f->other.principals[i];
		if (strcmp(who->name, receiver) == 0)
			who->grants.items[who->grants.count++] = (struct ref_grant){.node = node,
				.permission = q->permission,
				.expires_us = terms->expires_us,
				.condition = terms->condition};
	}
	return true;
}

/*
 * Nobody gains by giving to oneself: after a permitted gift to oneself every decision, at any time
 * and under any circumstances, is what it was.
 */
static void
test_policy__a_gift_to_oneself_changes_nothing(void **state)
{
	struct fixture f;
	unsigned long tried = 0;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		next_round(&f);
		for (int i = 0; i < GIFTS_PER_ROUND / 2; i++) {
			struct ref_question q;
			struct ref_terms terms;
			random_gift(&q, &terms, &f.org, &f.dice);
			terms.to_self = true;
			if (!may_give(&f, f.built, &q, &terms) ||
				!carry_out(&f, &q, &terms, q.principal))
				continue;
			tried++;
			compare_variant(&f, UNCHANGED, q.principal, "gained by giving to oneself");
			break;
		}
	}
	assert_true(tried >= f.rounds / 4);
}

/* After a gift the receiver has at most this permission more, and nobody else has anything. */
static void
test_policy__a_gift_is_what_was_given(void **state)
{
	struct fixture f;
	unsigned long gained = 0;

	begin(&f, *state);
	for (; f.round < f.rounds; f.round++) {
		struct ref_question q;
		struct ref_terms terms;
		next_round(&f);
		const char *receiver = f.org.principals[0].name;
		do {
			random_gift(&q, &terms, &f.org, &f.dice);
			terms.to_self = false;
		} while (!random_node_of(&q));
		if (strcmp(q.principal, receiver) == 0 || !may_give(&f, f.built, &q, &terms))
			continue;
		(void)carry_out(&f, &q, &terms, receiver);
		build_variant(&f);
		for (int i = 0; i < DECISIONS_PER_ROUND; i++) {
			struct ref_question before, after;
			random_question(&before, &f.org, &f.dice);
			if (i % 2)
				before.principal = receiver;
			if (i % 4 == 1)
				before.permission = q.permission;
			after = before;
			after.org = &f.other;
			bool was = allows(&f, f.built, &before);
			bool is = allows(&f, f.built_other, &after);
			if (was == is)
				continue;
			gained++;
			if (was || strcmp(before.principal, receiver) != 0 ||
				strcmp(before.permission, q.permission) != 0)
				fail_at(&f, &before, "a gift changed something else");
		}
	}
	assert_true(gained > 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_policy__is_the_reference),
		cmocka_unit_test(test_policy__answers_alike),
		cmocka_unit_test(test_policy__a_guardrail_never_allows_more),
		cmocka_unit_test(test_policy__a_grant_never_denies_more),
		cmocka_unit_test(test_policy__a_further_ceiling_never_denies_more),
		cmocka_unit_test(test_policy__a_smaller_reach_never_allows_more),
		cmocka_unit_test(test_policy__an_expired_grant_is_as_none),
		cmocka_unit_test(test_policy__giving_is_the_reference),
		cmocka_unit_test(test_policy__an_expired_grant_gives_as_none),
		cmocka_unit_test(test_policy__a_gift_to_oneself_changes_nothing),
		cmocka_unit_test(test_policy__a_gift_is_what_was_given),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
