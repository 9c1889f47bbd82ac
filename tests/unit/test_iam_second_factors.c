/* Second factors of a person: apps, passkeys, recovery codes, and what they are to one another. */
#include "iam_support.h"

#include <stdio.h>
#include <string.h>

#include "iam/people/passkeys.h"
#include "iam/people/persons.h"
#include "iam/people/recovery_codes.h"
#include "iam/people/second_factors.h"
#include "iam/people/totps.h"

static const struct person_id ada = {{{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}}};
static const struct person_id bob = {{{2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2}}};

#define NOW_US (INT64_C(1800000000) * US_PER_S)

/* What a test asks for inside a call, and what it was told. */
struct asked {
	struct person_id person;
	int64_t at_us; /* after NOW_US */
	struct str text; /* a code, or a name */
	const struct passkey_key *key;
	struct passkey_answered answered;
	bool accepted;
	struct totp totp;
	struct recovery_codes codes;
	struct passkey_id passkey;
	struct second_factors factors;
};

static int
set_up(void **state)
{
	if (house_set_up(state) != 0)
		return -1;
	house_tamper(*state,
		"INSERT INTO persons (person, email, email_normal, name, state, created_us,"
		" password, password_short) VALUES"
		" (X'01010101010101010101010101010101', 'a@x.example', 'a@x.example', 'Ada', 1, 1,"
		" 'p', 0),"
		" (X'02020202020202020202020202020202', 'b@x.example', 'b@x.example', 'Bob', 1, 1,"
		" 'p', 1)");
	return 0;
}

static void
run(struct house *h, use_case *use, struct asked *asked)
{
	struct error err = {0};
	if (house_try(h, &h->root, use, asked, &err) != OK)
		fail_msg("%s: %s (%s) %s:%d", err.code, err.text, err.detail, err.file, err.line);
}

static void
start(struct call *call, const struct asked *asked)
{
	call->now_us = NOW_US + asked->at_us;
}

static enum status
begin(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return totp_begin(&asked->totp, call, asked->person, err);
}

static enum status
confirm(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return totp_confirm(&asked->accepted, call, asked->person, asked->text, err);
}

static enum status
use(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return totp_use(&asked->accepted, call, asked->person, asked->text, err);
}

static enum status
turn_off(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return totp_remove(call, asked->person, err);
}

static enum status
issue(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return recovery_codes_issue(&asked->codes, call, asked->person, err);
}

static enum status
recover(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return recovery_code_use(&asked->accepted, call, asked->person, asked->text, err);
}

static enum status
add(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	struct passkey passkey;
	start(call, asked);
	enum status rc = passkey_add(&passkey, call, asked->person, asked->key, asked->text, err);
	if (rc == OK)
		asked->passkey = passkey.id;
	return rc;
}

static enum status
drop(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	start(call, asked);
	return passkey_remove(call, asked->person, asked->passkey, err);
}

static enum status
answer(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	struct passkey passkey;
	bool found;
	start(call, asked);
	enum status rc = passkey_find(&passkey, &found, call, asked->key->credential_id, err);
	asked->accepted = false;
	return rc == OK && found
		? passkey_use(&asked->accepted, call, &passkey, &asked->answered, err)
		: rc;
}

static enum status
look(struct call *call, void *arg, struct error *err)
{
	struct asked *asked = arg;
	return second_factors_find(&asked->factors, call, asked->person, err);
}

static struct second_factors
factors_of(struct house *h, struct person_id person)
{
	struct asked asked = {.person = person};
	run(h, look, &asked);
	return asked.factors;
}

/* The code of a moment, in space of its own. */
static struct str
code_at(char space[TOTP_DIGITS + 1], const struct totp *totp, int64_t at_us)
{
	struct error err = {0};
	assert_int_equal(
		totp_code(space, &totp->secret, (NOW_US + at_us) / TOTP_STEP_US, &err), OK);
	return str_from(space);
}

/* Sets an app up; its first code was of NOW_US. */
static struct totp
app_of(struct house *h, struct person_id person)
{
	char space[TOTP_DIGITS + 1];
	struct asked asked = {.person = person};
	run(h, begin, &asked);
	asked.text = code_at(space, &asked.totp, 0);
	run(h, confirm, &asked);
	assert_true(asked.accepted);
	return asked.totp;
}

static void
test_totp__counts_from_its_first_code(void **state)
{
	struct house *h = *state;
	char space[TOTP_DIGITS + 1];
	struct asked asked = {.person = ada}, again = {.person = ada};
	run(h, begin, &asked);
	run(h, begin, &again);
	assert_memory_equal(&asked.totp.secret, &again.totp.secret, TOTP_SECRET_LEN);
	assert_false(factors_of(h, ada).totp);

	asked.text = code_at(space, &asked.totp, 0);
	run(h, use, &asked);
	assert_false(asked.accepted);
	asked.text = STR("000000");
	run(h, confirm, &asked);
	assert_false(asked.accepted);
	asked.text = code_at(space, &asked.totp, 0);
	run(h, confirm, &asked);
	assert_true(asked.accepted && factors_of(h, ada).totp);
	house_refused(h, &h->root, begin, &asked, "totp-is-on");
	house_refused(h, &h->root, confirm, &asked, "totp-is-on");
}

static void
test_totp__a_set_up_waits_for_an_hour(void **state)
{
	struct house *h = *state;
	char space[TOTP_DIGITS + 1];
	struct asked asked = {.person = ada}, later = {.person = ada, .at_us = TOTP_SET_UP_LIFE_US};
	run(h, begin, &asked);
	later.text = code_at(space, &asked.totp, later.at_us);
	house_refused(h, &h->root, confirm, &later, "totp-not-begun");
	run(h, begin, &later);
	assert_memory_not_equal(&asked.totp.secret, &later.totp.secret, TOTP_SECRET_LEN);
	struct asked nobody = {.person = bob, .text = STR("000000")};
	house_refused(h, &h->root, confirm, &nobody, "totp-not-begun");
}

static void
test_totp__a_code_is_used_once(void **state)
{
	struct house *h = *state;
	char space[TOTP_DIGITS + 1];
	struct totp totp = app_of(h, ada);
	struct asked asked = {.person = ada, .text = code_at(space, &totp, 0)};
	run(h, use, &asked);
	assert_false(asked.accepted);

	asked.at_us = TOTP_STEP_US;
	asked.text = code_at(space, &totp, TOTP_STEP_US);
	struct asked other = asked;
	other.person = bob;
	run(h, use, &other);
	assert_false(other.accepted);
	run(h, use, &asked);
	assert_true(asked.accepted);
	run(h, use, &asked);
	assert_false(asked.accepted);
	asked.text = code_at(space, &totp, 0);
	run(h, use, &asked);
	assert_false(asked.accepted);
}

static void
test_totp__its_secret_is_sealed_to_its_row(void **state)
{
	struct house *h = *state;
	struct asked asked = {.person = bob, .text = STR("000000")};
	(void)app_of(h, ada);
	house_tamper(h,
		"INSERT INTO totps SELECT X'02020202020202020202020202020202', secret,"
		" confirmed_us, 0, created_us FROM totps");
	house_refused(h, &h->root, use, &asked, "seal-broken");
}

static void
test_recovery_codes__each_works_once(void **state)
{
	struct house *h = *state;
	struct asked codes = {.person = ada}, asked = {.person = ada}, other = {.person = bob};
	(void)app_of(h, ada);
	run(h, issue, &codes);
	assert_int_equal(factors_of(h, ada).recovery_codes, RECOVERY_CODES);
	asked.text = other.text = str_from(codes.codes.text[3]);
	assert_int_equal(asked.text.len, RECOVERY_CODE_LEN);
	run(h, recover, &other);
	assert_false(other.accepted);
	run(h, recover, &asked);
	assert_true(asked.accepted);
	run(h, recover, &asked);
	assert_false(asked.accepted);
	assert_int_equal(factors_of(h, ada).recovery_codes, RECOVERY_CODES - 1);

	struct asked next = {.person = ada};
	run(h, issue, &next);
	assert_int_equal(factors_of(h, ada).recovery_codes, RECOVERY_CODES);
	asked.text = str_from(codes.codes.text[4]);
	run(h, recover, &asked);
	assert_false(asked.accepted);
}

static void
test_recovery_codes__as_people_type_them(void **state)
{
	struct house *h = *state;
	char typed[2 * RECOVERY_CODE_LEN + 2];
	struct asked codes = {.person = ada}, asked = {.person = ada};
	run(h, issue, &codes);
	const char *code = codes.codes.text[0];
	size_t n = 0;
	for (size_t i = 0; i < RECOVERY_CODE_LEN; i++) {
		char c = code[i] == 'o' ? '0' : code[i] == 'l' ? '1' : code[i];
		typed[n++] = c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c == '-' ? ' ' : c;
	}
	typed[n] = '\0';
	asked.text = str_from(typed);
	run(h, recover, &asked);
	assert_true(asked.accepted);

	snprintf(typed, sizeof(typed), "%s%s", codes.codes.text[1], "a");
	asked.text = str_from(typed);
	run(h, recover, &asked);
	assert_false(asked.accepted);
	asked.text = (struct str){codes.codes.text[1], RECOVERY_CODE_LEN - 1};
	run(h, recover, &asked);
	assert_false(asked.accepted);
	asked.text = (struct str){NULL, 0};
	run(h, recover, &asked);
	assert_false(asked.accepted);
}

static struct passkey_key
key_named(const char *credential)
{
	return (struct passkey_key){.credential_id = str_from(credential),
		.algorithm = -7,
		.public_key =
			STR("0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef")};
}

static void
test_passkeys__are_added_and_removed(void **state)
{
	struct house *h = *state;
	struct passkey_key key = key_named("c");
	struct asked asked = {.person = ada, .text = STR("Telephone"), .key = &key};
	struct asked other = {.person = bob, .text = STR("Telephone"), .key = &key};
	run(h, add, &asked);
	assert_int_equal(factors_of(h, ada).passkeys, 1);
	house_refused(h, &h->root, add, &asked, "passkey-exists");
	house_refused(h, &h->root, add, &other, "passkey-exists");
	asked.text = STR("");
	house_refused(h, &h->root, add, &asked, "invalid-name");
	other.passkey = asked.passkey;
	house_refused(h, &h->root, drop, &other, "passkey-not-found");
	run(h, drop, &asked);
	assert_int_equal(factors_of(h, ada).passkeys, 0);
	house_refused(h, &h->root, drop, &asked, "passkey-not-found");
}

static void
test_passkeys__no_more_than_the_limit(void **state)
{
	struct house *h = *state;
	char name[8];
	for (int i = 0; i <= PASSKEYS_MAX; i++) {
		snprintf(name, sizeof(name), "%d", i);
		struct passkey_key key = key_named(name);
		struct asked asked = {.person = ada, .text = STR("Key"), .key = &key};
		if (i < PASSKEYS_MAX)
			run(h, add, &asked);
		else
			house_refused(h, &h->root, add, &asked, "too-many-passkeys");
	}
}

/* An answer to a challenge of that moment, a second later. */
static bool
answers(struct house *h, const struct passkey_key *key, uint32_t sign_count, int64_t challenged_us)
{
	struct asked asked = {.person = ada,
		.key = key,
		.at_us = challenged_us + US_PER_S,
		.answered = {sign_count, NOW_US + challenged_us}};
	run(h, answer, &asked);
	return asked.accepted;
}

static enum status
count_copies(struct tx *tx, void *arg, struct error *err)
{
	static const struct sql COUNT = SQL("SELECT COUNT(*) FROM records"
					    " WHERE org = $1 AND action = 'passkeys.copied'");
	struct query q;
	enum status rc = query_begin(&q, tx, &COUNT, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, PLATFORM.id);
	rc = query_next(&q, err);
	*(int64_t *)arg = query_int(&q, 0);
	query_end(&q);
	return rc;
}

static void
test_passkeys__a_counter_that_does_not_move_on_is_a_copy(void **state)
{
	struct house *h = *state;
	int64_t copies = -1;
	struct passkey_key key = key_named("c");
	struct asked asked = {.person = ada, .text = STR("Telephone"), .key = &key};
	run(h, add, &asked);
	assert_true(answers(h, &key, 0, 0));
	assert_true(answers(h, &key, 0, 10 * US_PER_S));
	assert_true(answers(h, &key, 7, 20 * US_PER_S));
	house_read(h, count_copies, &copies);
	assert_int_equal(copies, 0);
	assert_false(answers(h, &key, 7, 30 * US_PER_S));
	assert_false(answers(h, &key, 6, 30 * US_PER_S));
	assert_false(answers(h, &key, 0, 30 * US_PER_S));
	house_read(h, count_copies, &copies);
	assert_int_equal(copies, 3);
	assert_true(answers(h, &key, 8, 30 * US_PER_S));
	assert_true(answers(h, &key, UINT32_MAX, 40 * US_PER_S));
}

static void
test_passkeys__an_answer_is_taken_once(void **state)
{
	struct house *h = *state;
	struct passkey_key key = key_named("c");
	struct asked asked = {.person = ada, .text = STR("Telephone"), .key = &key};
	run(h, add, &asked);
	assert_true(answers(h, &key, 0, 10 * US_PER_S));
	assert_false(answers(h, &key, 0, 10 * US_PER_S));
	assert_false(answers(h, &key, 0, 9 * US_PER_S));
	house_tamper(h, "UPDATE persons SET state = 2");
	assert_false(answers(h, &key, 0, 20 * US_PER_S));
	house_tamper(h, "UPDATE persons SET state = 1");
	assert_true(answers(h, &key, 0, 20 * US_PER_S));
}

static void
test_second_factors__the_last_stays_beside_a_short_password(void **state)
{
	struct house *h = *state;
	struct passkey_key key = key_named("c");
	struct asked asked = {.person = bob, .text = STR("Telephone"), .key = &key};
	run(h, add, &asked);
	house_refused(h, &h->root, drop, &asked, "password-too-short-alone");
	(void)app_of(h, bob);
	run(h, drop, &asked);
	house_refused(h, &h->root, turn_off, &asked, "password-too-short-alone");
	house_tamper(h, "UPDATE persons SET password_short = 0");
	run(h, turn_off, &asked);
	house_refused(h, &h->root, turn_off, &asked, "totp-is-off");
}

static enum status
set_short_password(struct call *call, void *arg, struct error *err)
{
	const struct asked *asked = arg;
	struct person_update update = {.password = asked->text, .password_short = true};
	struct person person;
	bool found;
	enum status rc = person_find_by_id(&person, &found, call, asked->person, err);
	return rc == OK ? person_update(&person, call, &update, err) : rc;
}

static void
test_second_factors__let_a_password_be_short(void **state)
{
	struct house *h = *state;
	struct asked asked = {.person = ada, .text = STR("$argon2id$")};
	house_refused(h, &h->root, set_short_password, &asked, "password-too-short");
	(void)app_of(h, ada);
	run(h, set_short_password, &asked);
	house_refused(h, &h->root, turn_off, &asked, "password-too-short-alone");
}

static void
test_second_factors__recovery_codes_go_with_the_last(void **state)
{
	struct house *h = *state;
	struct passkey_key key = key_named("c");
	struct asked asked = {.person = ada, .text = STR("Telephone"), .key = &key};
	run(h, add, &asked);
	(void)app_of(h, ada);
	run(h, issue, &asked);
	run(h, turn_off, &asked);
	assert_int_equal(factors_of(h, ada).recovery_codes, RECOVERY_CODES);
	run(h, drop, &asked);
	assert_int_equal(factors_of(h, ada).recovery_codes, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, house_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_totp__counts_from_its_first_code),
		TEST(test_totp__a_set_up_waits_for_an_hour),
		TEST(test_totp__a_code_is_used_once),
		TEST(test_totp__its_secret_is_sealed_to_its_row),
		TEST(test_recovery_codes__each_works_once),
		TEST(test_recovery_codes__as_people_type_them),
		TEST(test_passkeys__are_added_and_removed),
		TEST(test_passkeys__no_more_than_the_limit),
		TEST(test_passkeys__a_counter_that_does_not_move_on_is_a_copy),
		TEST(test_passkeys__an_answer_is_taken_once),
		TEST(test_second_factors__the_last_stays_beside_a_short_password),
		TEST(test_second_factors__let_a_password_be_short),
		TEST(test_second_factors__recovery_codes_go_with_the_last),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
