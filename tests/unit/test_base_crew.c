#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/crew.h"
#include "base/thread.h"

/* Work that goes on until it is let go. */
struct work {
	struct crew_task task; /* first */
	bool runs, ended, left;
};

static pthread_mutex_t mutex;
static pthread_cond_t changed;
static bool held;

static void
run(struct crew_task *task)
{
	struct work *w = (struct work *)(void *)task;

	mutex_lock(&mutex);
	w->runs = true;
	pthread_cond_broadcast(&changed);
	while (held)
		cond_wait(&changed, &mutex);
	w->ended = true;
	pthread_cond_broadcast(&changed);
	mutex_unlock(&mutex);
}

static void
leave(struct crew_task *task)
{
	((struct work *)(void *)task)->left = true;
}

static struct work
work_of(uint8_t party)
{
	return (struct work){
		.task = {.run = run, .leave = leave, .party = {.bytes = {[15] = party}}}};
}

static void
wait_for(const bool *what)
{
	mutex_lock(&mutex);
	while (!*what)
		cond_wait(&changed, &mutex);
	mutex_unlock(&mutex);
}

static void
hold(bool on)
{
	mutex_lock(&mutex);
	held = on;
	pthread_cond_broadcast(&changed);
	mutex_unlock(&mutex);
}

static struct crew *
start(void)
{
	const struct crew_options options = {.name = "crew",
		.threads = 2,
		.threads_of_one = 1,
		.waiting = 3,
		.waiting_of_one = 2};
	struct error err = {0};
	struct crew *crew;

	mutex_init(&mutex);
	cond_init(&changed);
	hold(true);
	assert_int_equal(crew_new(&crew, &options, &err), OK);
	return crew;
}

static void
test_crew__one_party_does_not_hold_all(void **state)
{
	(void)state;
	struct crew *crew = start();
	struct work first = work_of(1), second = work_of(1), other = work_of(2);

	assert_true(crew_take(crew, &first.task));
	assert_true(crew_take(crew, &second.task));
	assert_true(crew_take(crew, &other.task));
	wait_for(&first.runs);
	wait_for(&other.runs);
	assert_false(second.runs);
	hold(false);
	wait_for(&second.ended);
	crew_free(&crew);
	assert_null(crew);
}

static void
test_crew__so_much_waits(void **state)
{
	(void)state;
	struct crew *crew = start();
	struct work runs = work_of(1), waits[4] = {work_of(1), work_of(1), work_of(1), work_of(2)};

	assert_true(crew_take(crew, &runs.task));
	wait_for(&runs.runs);
	assert_true(crew_take(crew, &waits[0].task));
	assert_true(crew_take(crew, &waits[1].task));
	assert_false(crew_take(crew, &waits[2].task));
	assert_true(crew_take(crew, &waits[3].task));
	wait_for(&waits[3].runs);
	/* What has not begun is told so. */
	crew_end(crew);
	assert_true(waits[0].left && waits[1].left);
	assert_false(waits[2].left || waits[3].left || runs.left);
	assert_false(crew_take(crew, &waits[2].task));
	hold(false);
	crew_free(&crew);
	assert_true(runs.ended && waits[3].ended);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crew__one_party_does_not_hold_all),
		cmocka_unit_test(test_crew__so_much_waits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
