#include "check.h"

#include <pthread.h>
#include <string.h>

#include "base/thread.h"
#include "crypto/crypto.h"
#include "signin/password.h"
#include "signin/pool.h"

static struct arena *arena;

static const struct password_rule ALONE = {
	.email = {"Ada.Lovelace@example.org", 24}, .name = {"Ada Lovelace the Countess", 25}};

/* "" when it is taken, or the code of the refusal. */
static const char *
judged(const char *typed, bool second)
{
	struct password_rule rule = ALONE;
	struct error err = {0};
	struct str normal;

	rule.second = second;
	return password_check(&normal, str_from(typed), &rule, arena, &err) == OK ? "" : err.code;
}

static void
test_password__length(void **state)
{
	char text[1100];

	(void)state;
	assert_string_equal(judged("tin lamp rowed", false), "password-too-short");
	assert_string_equal(judged("tin lamp rowed!", false), "");
	assert_string_equal(judged("tinlamp", true), "password-too-short");
	assert_string_equal(judged("tinlampx", true), "");
	/* Characters, not bytes: seven of two bytes. */
	assert_string_equal(judged("öäüöäüß", true), "password-too-short");
	assert_string_equal(judged("öäüXäüßq", true), "");
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = "abcdefghijklmnopq"[(i * i + i / 17) % 17];
	text[257] = '\0';
	assert_string_equal(judged(text, false), "password-too-long");
	text[256] = '\0';
	assert_string_equal(judged(text, false), "");
	memset(text, 'a', sizeof(text));
	text[1099] = '\0';
	assert_string_equal(judged(text, false), "password-too-long");
	assert_string_equal(judged("tin lamp rowed \xff", false), "invalid-name");
}

static void
test_password__common(void **state)
{
	static const char *const bad[] = {"password1234567", "!!!Password!!!!!", "aaaaaaaaaaaaaaaa",
		"abcabcabcabcabcabc", "123456789012345", "098765432109876", "qwertyuiopasdfghj",
		"1q2w3e4r5t6y7u8i", "passwordpassword", "PasswordPassword1",
		"Ada.Lovelace@example.org", "ada.lovelace123", "ada lovelace the countess",
		"extraordinary12"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		if (strcmp(judged(bad[i], false), "password-common") != 0)
			fail_msg("%s: \"%s\"", bad[i], judged(bad[i], false));
	}
	assert_true(password__is_listed(STR("letmein")));
	assert_true(password__is_listed(STR("zebra")));
	assert_false(password__is_listed(STR("tinlamprowed")));
	assert_false(password__is_listed(STR("")));
}

static void
test_password__one_form(void **state)
{
	struct error err = {0};
	struct str composed, decomposed;

	(void)state;
	assert_int_equal(password_normal(&composed, STR("caf\xc3\xa9"), arena, &err), OK);
	assert_int_equal(password_normal(&decomposed, STR("cafe\xcc\x81"), arena, &err), OK);
	assert_true(str_eq(composed, decomposed));
	assert_int_equal(password_normal(&composed, STR("\xff"), arena, &err), OK);
	check_str(composed, "\xff");
	assert_true(password_is_short(STR("12345678901234")));
	assert_false(password_is_short(STR("123456789012345")));
}

/* Of the pool. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	int done;
	bool held; /* the tasks wait in `done` */
} at;

static void
task_done(struct password_task *task)
{
	(void)task;
	mutex_lock(&at.mutex);
	at.done++;
	pthread_cond_broadcast(&at.changed);
	while (at.held)
		cond_wait(&at.changed, &at.mutex);
	mutex_unlock(&at.mutex);
}

static void
wait_done(int count)
{
	mutex_lock(&at.mutex);
	while (at.done < count)
		cond_wait(&at.changed, &at.mutex);
	mutex_unlock(&at.mutex);
}

static void
release(void)
{
	mutex_lock(&at.mutex);
	at.held = false;
	pthread_cond_broadcast(&at.changed);
	mutex_unlock(&at.mutex);
}

static struct password_pool *
pool_of(unsigned queue_max)
{
	const struct password_pool_options options = {.threads = 1, .queue_max = queue_max};
	struct password_pool *pool;
	struct error err = {0};

	at.done = 0;
	assert_int_equal(password_pool_new(&pool, &options, &err), OK);
	return pool;
}

static struct password_task
run(struct password_pool *pool, struct password_task task)
{
	struct error err = {0};
	int before = at.done;

	task.done = task_done;
	assert_int_equal(password_pool_submit(pool, &task, &err), OK);
	wait_done(before + 1);
	return task;
}

static void
test_password__pool(void **state)
{
	struct password_pool *pool = pool_of(4);

	(void)state;
	struct password_task made = run(pool, (struct password_task){.wanted = STR("tin lamp")});
	assert_true(made.status == OK && made.match && made.out[0] == '$');
	struct password_task task =
		run(pool, (struct password_task){.phc = made.out, .known = STR("tin lamp")});
	assert_true(task.status == OK && task.match && !task.out[0]);
	task = run(pool, (struct password_task){.phc = made.out, .known = STR("tin lamb")});
	assert_true(task.status == OK && !task.match && !task.out[0]);
	/* Another one instead, if the first is the one. */
	task = run(pool,
		(struct password_task){
			.phc = made.out, .known = STR("tin lamb"), .wanted = STR("oar")});
	assert_true(task.status == OK && !task.match && !task.out[0]);
	task = run(pool,
		(struct password_task){
			.phc = made.out, .known = STR("tin lamp"), .wanted = STR("oar")});
	assert_true(task.match && task.out[0] == '$' && strcmp(task.out, made.out) != 0);
	task = run(pool, (struct password_task){.phc = password_of_nobody, .known = STR("oar")});
	assert_true(task.status == OK && !task.match);
	task = run(pool, (struct password_task){.phc = "$nonsense", .known = STR("oar")});
	assert_int_equal(task.status, ERR_CORRUPT);
	password_pool_free(&pool);
}

static void
test_password__pool_is_bounded(void **state)
{
	struct password_pool *pool = pool_of(2);
	struct password_task tasks[4] = {{0}};
	struct error err = {0};

	(void)state;
	at.held = true;
	for (size_t i = 0; i < ARRAY_LEN(tasks); i++)
		tasks[i] = (struct password_task){.done = task_done};
	assert_int_equal(password_pool_submit(pool, &tasks[0], &err), OK);
	wait_done(1); /* it has left the queue, and holds the only thread */
	assert_int_equal(password_pool_submit(pool, &tasks[1], &err), OK);
	assert_int_equal(password_pool_submit(pool, &tasks[2], &err), OK);
	assert_int_equal(password_pool_submit(pool, &tasks[3], &err), ERR_BUSY);
	release();
	wait_done(3);
	password_pool_free(&pool);
	assert_int_equal(at.done, 3);
}

static int
set_up(void **state)
{
	struct error err = {0};

	(void)state;
	mutex_init(&at.mutex);
	cond_init(&at.changed);
	arena = arena_new((size_t)1024 * 1024);
	return arena && crypto_init(&err) == OK ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	arena_free(&arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_password__length),
		cmocka_unit_test(test_password__common),
		cmocka_unit_test(test_password__one_form),
		cmocka_unit_test(test_password__pool),
		cmocka_unit_test(test_password__pool_is_bounded),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
