#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory_support.h"

#include "base/clock.h"

/* What is published, dropped, evicted and known to be absent; loads that race with changes. */

#define NIL ((struct uuid){{0}})

static const struct sql SET_GENERATION =
	SQL("UPDATE principals SET generation = $3 WHERE org = $1 AND principal = $2");

/* Stops a load between its snapshot and the publishing of what it read there. */
static struct {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	bool armed, paused;
	enum view_kind kind;
} gate = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, false, VIEW_ORG};
static _Atomic bool jitter;

void directory__before_publish(const struct view_key *key);
void
directory__before_publish(const struct view_key *key)
{
	if (atomic_load(&jitter)) {
		for (int64_t i = clock_mono_us() % 7; i > 0; i--)
			sched_yield();
		return;
	}
	mutex_lock(&gate.mutex);
	if (gate.armed && key->kind == gate.kind) {
		gate.armed = false;
		gate.paused = true;
		pthread_cond_broadcast(&gate.changed);
		while (gate.paused)
			cond_wait(&gate.changed, &gate.mutex);
	}
	mutex_unlock(&gate.mutex);
}

static void
gate_arm(enum view_kind kind)
{
	mutex_lock(&gate.mutex);
	gate.kind = kind;
	gate.armed = true;
	mutex_unlock(&gate.mutex);
}

static void
gate_wait(void)
{
	mutex_lock(&gate.mutex);
	while (!gate.paused)
		cond_wait(&gate.changed, &gate.mutex);
	mutex_unlock(&gate.mutex);
}

static void
gate_open(void)
{
	mutex_lock(&gate.mutex);
	gate.paused = false;
	pthread_cond_broadcast(&gate.changed);
	mutex_unlock(&gate.mutex);
}

static void
write_principal(struct tx *tx, uint32_t number)
{
	char label[16];
	snprintf(label, sizeof(label), "%u", number);
	put(tx, &INSERT_PRINCIPAL, "uuiusininn", ORG_A.id, id_of(2, number), KIND_MEMBER, NIL,
		label, STATE_ACTIVE, 0);
}

static void
write_org(struct tx *tx, const void *arg)
{
	put(tx, &INSERT_ORG, "uii", PLATFORM.id, 1, 1);
	put(tx, &INSERT_ORG, "uii", ORG_A.id, 1, 1);
	for (uint32_t i = 1; i <= *(const uint32_t *)arg; i++)
		write_principal(tx, i);
}

static void
set_up_org(struct fixture *f, uint32_t principals)
{
	change(f, write_org, &principals);
}

/* A change of one principal: its generation becomes the revision. */
struct touch {
	uint32_t principal;
	int revision;
};

static void
write_generation(struct tx *tx, const void *arg)
{
	const struct touch *t = arg;
	put(tx, &SET_REVISION, "ui", ORG_A.id, t->revision);
	put(tx, &SET_GENERATION, "uui", ORG_A.id, id_of(2, t->principal), t->revision);
	tx_touch(tx, ORG_A.id, t->revision, VIEW_PRINCIPAL, id_of(2, t->principal));
}

static void
write_creation(struct tx *tx, const void *arg)
{
	const struct touch *t = arg;
	put(tx, &SET_REVISION, "ui", ORG_A.id, t->revision);
	write_principal(tx, t->principal);
	tx_touch(tx, ORG_A.id, t->revision, VIEW_PRINCIPAL, id_of(2, t->principal));
}

static int64_t
generation(struct fixture *f, uint32_t number)
{
	const struct principal_view *p = get_principal(f->directory, ORG_A, number);
	int64_t value = p ? p->generation : -1;
	directory_leave();
	return value;
}

struct loading {
	struct fixture *f;
	struct misses misses;
	enum status status;
};

static void *
run_loading(void *arg)
{
	struct loading *l = arg;
	l->status = fetch(l->f->directory, &l->misses);
	return NULL;
}

/* Loads one key on a thread of its own, which stops before it publishes; meanwhile `write` is
 * committed and acknowledged. */
static void
race(struct fixture *f, const struct view_key *key, writing *write, const struct touch *t)
{
	struct loading l = {.f = f, .misses = {.count = 1, .items = {{.key = *key}}}};
	struct error err = {0};
	pthread_t thread;
	gate_arm(key->kind);
	assert_int_equal(thread_start(&thread, "loading", run_loading, &l, &err), OK);
	gate_wait();
	change(f, write, t);
	gate_open();
	pthread_join(thread, NULL);
	assert_int_equal(l.status, OK);
}

static void
test_race__load_older_than_a_change_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct view_key key = {VIEW_PRINCIPAL, ORG_A, id_of(2, 1)};
	struct touch t = {1, 2};
	set_up_org(f, 1);
	race(f, &key, write_generation, &t);
	assert_int_equal(generation(f, 1), 2);
	assert_int_equal(directory_stats(f->directory).stale_loads, 1);
	assert_int_equal(directory_revision(f->directory, ORG_A), 2);
}

static void
test_race__absence_older_than_a_creation_is_not_published(void **state)
{
	struct fixture *f = *state;
	struct view_key key = {VIEW_PRINCIPAL, ORG_A, id_of(2, 5)};
	struct touch t = {5, 2};
	set_up_org(f, 1);
	race(f, &key, write_creation, &t);
	assert_int_equal(generation(f, 5), 3);
	assert_int_equal(directory_stats(f->directory).stale_loads, 1);
}

static void
write_skeleton(struct tx *tx, const void *arg)
{
	const struct touch *t = arg;
	put(tx, &SET_SKELETON, "ui", ORG_A.id, t->revision);
	put(tx, &INSERT_PERMISSION, "uiusiiin", ORG_A.id, 1024, NIL, "devices:new", 0, 0,
		t->revision);
	tx_touch(tx, ORG_A.id, t->revision, VIEW_ORG, ORG_A.id);
}

static void
test_race__skeleton(void **state)
{
	struct fixture *f = *state;
	struct view_key key = {VIEW_ORG, ORG_A, ORG_A.id};
	struct touch t = {0, 2};
	set_up_org(f, 1);
	race(f, &key, write_skeleton, &t);
	assert_int_equal(get_org(f->directory, ORG_A)->skeleton, 2);
	assert_non_null(directory_org_at(f->directory, ORG_A, 2));
	assert_null(directory_org_at(f->directory, ORG_A, 1));
	directory_leave();
}

static void
write_platform(struct tx *tx, const void *arg)
{
	(void)arg;
	put(tx, &SET_SKELETON, "ui", PLATFORM.id, 2);
	tx_touch(tx, PLATFORM.id, 2, VIEW_ORG, PLATFORM.id);
}

static void
write_everything(struct tx *tx, const void *arg)
{
	(void)arg;
	put(tx, &SET_REVISION, "ui", ORG_A.id, 2);
	tx_touch(tx, ORG_A.id, 2, -1, NIL);
}

static unsigned
count_misses(struct fixture *f, uint32_t principals)
{
	struct misses misses = {.count = 0};
	directory_enter();
	const struct org_view *org = directory_org(f->directory, ORG_A, &misses);
	for (uint32_t i = 1; org && i <= principals; i++)
		directory_principal(f->directory, org, (struct principal_id){id_of(2, i)}, &misses);
	directory_leave();
	return misses.count;
}

static void
test_drop__platform_and_whole_organisations(void **state)
{
	struct fixture *f = *state;
	set_up_org(f, 3);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(generation(f, i), 3);
	assert_int_equal(count_misses(f, 3), 0);
	/* Its guardrails stand in every skeleton. */
	change(f, write_platform, NULL);
	assert_int_equal(count_misses(f, 3), 1);
	get_org(f->directory, ORG_A);
	directory_leave();
	assert_int_equal(count_misses(f, 3), 0);
	change(f, write_everything, NULL);
	get_org(f->directory, ORG_A);
	directory_leave();
	assert_int_equal(count_misses(f, 3), 3);
}

static void
write_single_grant(struct tx *tx, const void *arg)
{
	(void)arg;
	put(tx, &INSERT_GRANT, "uuiunsiunn", ORG_A.id, id_of(9, 1), 0, id_of(2, 1), "devices:new",
		NODE_ORG, ORG_A.id);
}

static uint32_t
single_permission(struct fixture *f)
{
	uint32_t number = get_principal(f->directory, ORG_A, 1)->grants.entries[0].permission;
	directory_leave();
	return number;
}

static void
test_names__are_resolved_again_when_the_list_changes(void **state)
{
	struct fixture *f = *state;
	struct touch t = {0, 2};
	set_up_org(f, 1);
	change(f, write_single_grant, NULL);
	assert_int_equal(single_permission(f), PERMISSION_NONE);
	change(f, write_skeleton, &t);
	assert_int_equal(single_permission(f), 1024);
	assert_int_equal(count_misses(f, 1), 0);
}

static void
test_absent__is_known_until_created(void **state)
{
	struct fixture *f = *state;
	struct touch t = {7, 2};
	set_up_org(f, 1);
	assert_int_equal(generation(f, 7), -1);
	uint64_t loads = directory_stats(f->directory).loads;
	assert_int_equal(generation(f, 7), -1);
	assert_int_equal(directory_stats(f->directory).loads, loads);
	change(f, write_creation, &t);
	assert_int_equal(generation(f, 7), 3);
	assert_null(get_org(f->directory, ORG_B));
	directory_leave();
	assert_int_equal(directory_revision(f->directory, ORG_B), 0);
}

#define MANY 50000
#define BUDGET ((size_t)1 << 20)

/* Half of them exist. */
static void
touch_many(struct fixture *f, uint32_t from, uint32_t count)
{
	struct misses misses = {.count = 0};
	const struct org_view *org = get_org(f->directory, ORG_A);
	for (uint32_t i = 0; i < count; i++)
		directory_principal(
			f->directory, org, (struct principal_id){id_of(2, from + i)}, &misses);
	directory_leave();
	if (misses.count)
		assert_int_equal(fetch(f->directory, &misses), OK);
}

static void
test_memory__is_bounded(void **state)
{
	struct fixture *f = *state;
	fixture_new_directory(f, BUDGET);
	set_up_org(f, MANY / 2);
	for (uint32_t from = 1; from <= MANY; from += 100) {
		touch_many(f, from, 100);
		assert_true(directory_stats(f->directory).bytes <= BUDGET);
	}
	struct directory_stats stats = directory_stats(f->directory);
	assert_true(stats.bytes > BUDGET / 2);
	assert_true(stats.evictions > MANY / 2);
	assert_true(stats.views < MANY / 5);
	/* The skeleton was in use all the time: it was loaded once, with the first of them. */
	assert_true(stats.loads <= MANY / 100 + 1);
}

static void *
look_once(void *arg)
{
	struct fixture *f = arg;
	struct misses misses = {.count = 0};
	directory_enter();
	directory_org(f->directory, ORG_A, &misses);
	directory_leave();
	return NULL;
}

static void
test_threads__end_without_a_trace(void **state)
{
	struct fixture *f = *state;
	struct error err = {0};
	set_up_org(f, 1);
	for (int i = 0; i < 100; i++) {
		pthread_t thread;
		assert_int_equal(thread_start(&thread, "looking", look_once, f, &err), OK);
		pthread_join(thread, NULL);
	}
	struct directory_stats stats = directory_stats(f->directory);
	assert_int_equal(stats.hits + stats.misses, 100);
	/* Waits for all readers: one that ended and is still registered would be read. */
	fixture_new_directory(f, BUDGET);
}

static void
write_credential(struct tx *tx, const void *arg)
{
	(void)arg;
	put(tx, &INSERT_CREDENTIAL, "uuuh", ORG_A.id, id_of(10, 1), id_of(2, 1), 1);
}

static void
test_used__is_noted_once_a_minute(void **state)
{
	struct fixture *f = *state;
	struct directory *d = f->directory;
	struct credential_id id = {id_of(10, 1)};
	struct credential_use uses[8];
	struct misses misses = {
		.count = 1, .items = {{.key = {VIEW_CREDENTIAL, ORG_A, id_of(10, 1)}}}};
	set_up_org(f, 1);
	change(f, write_credential, NULL);
	assert_int_equal(fetch(d, &misses), OK);
	for (int64_t s = 1000; s < 1130; s++)
		directory_credential_used(d, ORG_A, id, s * US_PER_S);
	assert_int_equal(directory_take_used(d, uses, 8), 3);
	assert_int_equal(uses[0].used_us, 1000 * US_PER_S);
	assert_int_equal(uses[1].used_us, 1060 * US_PER_S);
	assert_int_equal(uses[2].used_us, 1120 * US_PER_S);
	assert_int_equal(directory_take_used(d, uses, 8), 0);
	/* Nobody takes: what is too much is lost, and nothing else happens. */
	for (uint32_t i = 0; i < 10000; i++)
		directory_credential_used(d, ORG_A, (struct credential_id){id_of(11, i)}, 5);
	size_t taken = 0, got;
	while ((got = directory_take_used(d, uses, 8)))
		taken += got;
	assert_int_equal(taken, 4096);
	directory_credential_used(d, ORG_A, (struct credential_id){id_of(11, 1)}, 6);
	assert_int_equal(directory_take_used(d, uses, 8), 1);
	assert_int_equal(uses[0].used_us, 6);
}

/* Readers and a changer at random for a while. */
#define STRESSED 12
#define STRESS_US (3 * US_PER_S)

struct stress {
	struct fixture *f;
	_Atomic int64_t acknowledged[STRESSED + 1];
	_Atomic bool over;
	_Atomic uint64_t looks, stale;
};

static void *
stress_read(void *arg)
{
	struct stress *s = arg;
	unsigned seed = (unsigned)clock_mono_us();
	while (!atomic_load(&s->over)) {
		uint32_t number = 1 + (uint32_t)rand_r(&seed) % STRESSED;
		int64_t least = atomic_load(&s->acknowledged[number]);
		int64_t revision = directory_revision(s->f->directory, ORG_A);
		const struct principal_view *p = get_principal(s->f->directory, ORG_A, number);
		if (!p || p->generation < least || revision < least)
			atomic_fetch_add(&s->stale, 1);
		directory_leave();
		atomic_fetch_add(&s->looks, 1);
	}
	return NULL;
}

static void
write_stress(struct tx *tx, const void *arg)
{
	const struct touch *t = arg;
	write_generation(tx, t);
	if (t->revision % 16 == 0) {
		put(tx, &SET_SKELETON, "ui", ORG_A.id, t->revision);
		tx_touch(tx, ORG_A.id, t->revision, VIEW_ORG, ORG_A.id);
	}
	if (t->revision % 50 == 0)
		tx_touch(tx, ORG_A.id, t->revision, -1, NIL);
}

static int
stress_change(struct stress *s)
{
	unsigned seed = (unsigned)clock_mono_us();
	int64_t until = clock_mono_us() + STRESS_US;
	int revision = 2;
	while (clock_mono_us() < until) {
		struct touch t = {1 + (uint32_t)rand_r(&seed) % STRESSED, ++revision};
		change(s->f, write_stress, &t);
		atomic_store(&s->acknowledged[t.principal], t.revision);
	}
	return revision;
}

static void
stress(struct fixture *f, size_t memory_max)
{
	struct stress s = {.f = f};
	struct error err = {0};
	pthread_t readers[2];
	fixture_new_directory(f, memory_max);
	set_up_org(f, STRESSED);
	get_org(f->directory, ORG_A);
	directory_leave();
	atomic_store(&jitter, true);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		assert_int_equal(thread_start(&readers[i], "reader", stress_read, &s, &err), OK);
	int revision = stress_change(&s);
	atomic_store(&s.over, true);
	for (size_t i = 0; i < ARRAY_LEN(readers); i++)
		pthread_join(readers[i], NULL);
	atomic_store(&jitter, false);
	struct directory_stats stats = directory_stats(f->directory);
	print_message("%d changes, %lu looks, %lu loads, %lu stale loads, %lu evictions\n",
		revision - 2, (unsigned long)atomic_load(&s.looks), (unsigned long)stats.loads,
		(unsigned long)stats.stale_loads, (unsigned long)stats.evictions);
	assert_int_equal(atomic_load(&s.stale), 0);
	assert_true(revision > 10 && atomic_load(&s.looks) > 100);
	assert_int_equal(directory_revision(f->directory, ORG_A), revision);
}

static void
test_stress__nothing_acknowledged_is_unseen(void **state)
{
	stress(*state, (size_t)64 << 20);
}

static void
test_stress__while_views_are_evicted(void **state)
{
	stress(*state, 2048);
	assert_true(directory_stats(((struct fixture *)*state)->directory).evictions > 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_race__load_older_than_a_change_is_not_published),
		TEST(test_race__absence_older_than_a_creation_is_not_published),
		TEST(test_race__skeleton),
		TEST(test_drop__platform_and_whole_organisations),
		TEST(test_names__are_resolved_again_when_the_list_changes),
		TEST(test_absent__is_known_until_created),
		TEST(test_memory__is_bounded),
		TEST(test_threads__end_without_a_trace),
		TEST(test_used__is_noted_once_a_minute),
		TEST(test_stress__nothing_acknowledged_is_unseen),
		TEST(test_stress__while_views_are_evicted),
	};
	return cmocka_run_group_tests_name("directory: races", tests, NULL, NULL);
}
