/*
 * P2 and P3: what a decision costs in process. Loads all of a store that bench_seed made into a
 * directory, then draws principals and devices at random and times each decision by itself; what
 * the clock itself costs is taken off. Prints JSON, in nanoseconds.
 *
 * "resolved" is only policy_decide, of one of 256 questions drawn, whose views are held.
 * "drawn": the look-ups of principal, groups and device, drawn out of all, and the decision.
 * "memory": one read at a random place of as much memory as the views take, which no program can
 * go below: it says how much of "drawn" is the machine's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <x86intrin.h>
#endif

#include "authzen/answer.h"
#include "base/clock.h"
#include "base/thread.h"
#include "policy/lookup.h"
#include "shape.h"

#define SAMPLES 1000000
#define CALIBRATE_US 100000
#define VIEWS_MAX ((size_t)16 << 30)
#define ROUNDS_MAX 100
#define HELD 256

/* Counts what this thread allocates while it counts. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
static _Thread_local uint64_t allocations;

void *
malloc(size_t size)
{
	allocations++;
	return __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	allocations++;
	return __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	allocations++;
	return __libc_realloc(old, size);
}

static struct {
	uint32_t principals, groups, devices;
	struct store *store;
	struct directory *directory;
	const struct org_view *org;
	const struct workspace_view *workspace;
	const struct resource_type_view *type;
	uint64_t random;
	uint32_t ticks[SAMPLES];
	double ns_per_tick;
	uint32_t overhead;
} bench = {.random = 1};

static void
die(const char *what, const char *why)
{
	fprintf(stderr, "decide: %s: %s\n", what, why);
	exit(1);
}

/* Nothing before it is still under way, nothing after it has begun. */
static uint64_t
read_ticks(void)
{
#if defined(__x86_64__)
	_mm_lfence();
	uint64_t ticks = __rdtsc();
	_mm_lfence();
	return ticks;
#else
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
#endif
}

static int
compare_ticks(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	return (left > right) - (left < right);
}

static void
calibrate(void)
{
	int64_t start_us = clock_mono_us(), us;
	uint64_t start = read_ticks();
	while ((us = clock_mono_us() - start_us) < CALIBRATE_US)
		;
	bench.ns_per_tick = (double)us * 1000 / (double)(read_ticks() - start);
	for (size_t i = 0; i < SAMPLES; i++) {
		uint64_t before = read_ticks();
		bench.ticks[i] = (uint32_t)(read_ticks() - before);
	}
	qsort(bench.ticks, SAMPLES, sizeof(bench.ticks[0]), compare_ticks);
	bench.overhead = bench.ticks[SAMPLES / 2];
}

static void
note(size_t sample, uint64_t ticks)
{
	bench.ticks[sample] = ticks > bench.overhead ? (uint32_t)(ticks - bench.overhead) : 0;
}

struct loading {
	struct directory_load load; /* first */
	pthread_mutex_t mutex;
	pthread_cond_t ended;
	bool over;
	enum status status;
};

static void
loaded(struct directory_load *load, enum status status, const struct error *err)
{
	struct loading *l = (struct loading *)load;
	(void)err;
	mutex_lock(&l->mutex);
	l->over = true;
	l->status = status;
	pthread_cond_signal(&l->ended);
	mutex_unlock(&l->mutex);
}

static struct loading loading; /* one at a time */

static void
load(struct misses *misses)
{
	struct error err = {0};
	if (!misses->count)
		return;
	loading.load = (struct directory_load){.misses = *misses, .loaded = loaded};
	loading.over = false;
	if (directory_load(bench.directory, &loading.load, &err) != OK)
		die("load", err.text);
	mutex_lock(&loading.mutex);
	while (!loading.over)
		cond_wait(&loading.ended, &loading.mutex);
	mutex_unlock(&loading.mutex);
	if (loading.status != OK)
		die("load", status_name(loading.status));
	misses->count = 0;
}

static struct org_id
org_id(void)
{
	return (struct org_id){shape_id(THING_ORG, 0, 0)};
}

static struct workspace_id
workspace_id(void)
{
	return (struct workspace_id){shape_id(THING_WORKSPACE, 0, 0)};
}

/* Inside directory_enter; stays true as nothing changes. */
static void
find_skeleton(struct misses *m)
{
	bench.org = directory_org(bench.directory, org_id(), m);
	bench.workspace = directory_workspace(bench.directory, org_id(), workspace_id(), m);
	bench.type = bench.org ? org_resource_type(bench.org, STR("device")) : NULL;
}

static const struct principal_view *
find_principal(uint32_t number, struct misses *m)
{
	struct principal_id id = {shape_id(THING_PRINCIPAL, 0, number)};
	return directory_principal(bench.directory, bench.org, id, m);
}

static void
find_group(uint32_t number, struct misses *m)
{
	const struct group_id id = {shape_id(THING_GROUP, 0, number)};
	const struct principal_view member = {.groups = &id, .group_count = 1};
	const struct group_view *group;
	directory_groups(bench.directory, bench.org, &member, &group, m);
}

static void
find_device(uint32_t number, struct misses *m)
{
	char name[16];
	int len = snprintf(name, sizeof(name), DEVICE_NAME_FORMAT, number);
	directory_resource(bench.directory, org_id(), workspace_id(), STR("device"),
		(struct str){name, (size_t)len}, m);
}

enum kind { PRINCIPALS, GROUPS, DEVICES };

/* Names of devices live until their load is over. */
static char names[MISSES_MAX][16];

static void
find(enum kind kind, uint32_t number, struct misses *m)
{
	uint32_t before = m->count;
	if (kind == PRINCIPALS)
		find_principal(number + 1, m);
	else if (kind == GROUPS)
		find_group(number, m);
	else
		find_device(number, m);
	if (kind == DEVICES && m->count > before) {
		struct miss *miss = &m->items[before];
		memcpy(names[before], miss->name.ptr, miss->name.len);
		miss->name.ptr = names[before];
	}
}

static void
load_all(enum kind kind, uint32_t count)
{
	struct misses misses = {0};
	for (uint32_t i = 0; i < count; i++) {
		directory_enter();
		find(kind, i, &misses);
		directory_leave();
		if (misses.count == MISSES_MAX || i + 1 == count)
			load(&misses);
	}
}

static void
load_store(const char *path)
{
	struct error err = {0};
	struct store_options options = {.path = path,
		.readers = 1,
		.queue_max = 16,
		.read_queue_max = 16,
		.busy_timeout_ms = 1000};
	struct misses misses = {0};

	if (store_open(&bench.store, &options, &err) != OK)
		die(path, err.text);
	struct directory_options views = {bench.store, VIEWS_MAX};
	if (directory_new(&bench.directory, &views, &err) != OK)
		die("directory", err.text);
	mutex_init(&loading.mutex);
	cond_init(&loading.ended);
	for (int round = 0; round < ROUNDS_MAX && !bench.org; round++) {
		load(&misses);
		directory_enter();
		find_skeleton(&misses);
		directory_leave();
	}
	if (!bench.org || !bench.workspace)
		die(path, "not made by bench_seed");
	load_all(GROUPS, bench.groups);
	load_all(DEVICES, bench.devices);
	load_all(PRINCIPALS, bench.principals);
}

/* What is asked, once a permission is chosen. */
struct draw {
	struct principal_id principal;
	char name[16];
	struct str device;
	uint32_t permission;
	int64_t now_us;
};

#define GROUPS_MAX 2 /* of the principals of shape.h */
struct drawn {
	struct question question;
	struct answer answer;
	const struct group_view *groups[GROUPS_MAX];
};

static void
make_draw(struct draw *draw, uint32_t permission)
{
	uint32_t principal = shape_draw(&bench.random, bench.principals) + 1;
	uint32_t device = shape_draw(&bench.random, bench.devices);
	int len = snprintf(draw->name, sizeof(draw->name), DEVICE_NAME_FORMAT, device);
	draw->principal.id = shape_id(THING_PRINCIPAL, 0, principal);
	draw->device = (struct str){draw->name, (size_t)len};
	draw->permission = permission;
	draw->now_us = clock_now_us();
}

static void
resolve(struct drawn *out, const struct draw *draw, struct misses *m)
{
	struct question *q = &out->question;
	directory_expect_principal(bench.directory, bench.org, draw->principal);
	q->org = bench.org;
	q->target.kind = TARGET_RESOURCE;
	q->target.workspace = bench.workspace;
	q->target.rgroup = NULL;
	q->target.type = bench.type;
	q->target.resource = directory_resource(bench.directory, bench.org->id, bench.workspace->id,
		STR("device"), draw->device, m);
	q->subject.principal = directory_principal(bench.directory, bench.org, draw->principal, m);
	q->subject.groups = out->groups;
	q->subject.credential = NULL;
	if (q->subject.principal->group_count > GROUPS_MAX)
		die("groups", "more than shape.h tells");
	directory_groups(bench.directory, bench.org, q->subject.principal, out->groups, m);
	q->permission = draw->permission;
	q->attributes = (struct attributes){.now_us = draw->now_us};
}

/* What is timed. */
struct measurement {
	const char *name;
	const char *permission;
	enum reason reason;
	bool with_lookups, with_explanation;
};

static struct judge judge; /* of which an answer takes revision and age */
static char answer_space[ANSWER_SINGLE_MAX];

static void
explain(const struct drawn *drawn, const struct access_request *request)
{
	static struct ruling ruling;
	struct buf out;
	ruling.question = drawn->question;
	ruling.answer = drawn->answer;
	buf_init_fixed(&out, answer_space, sizeof(answer_space));
	answer_decision(&out, &judge, request, &ruling);
	if (out.failed)
		die("answer", "does not fit");
}

/* Inside directory_enter. */
static uint64_t
time_one(const struct measurement *m, struct drawn *drawn, const struct draw *draw,
	const struct access_request *request)
{
	struct misses misses;
	misses.count = 0;
	misses.overflow = false;
	uint64_t before = read_ticks();
	if (m->with_lookups)
		resolve(drawn, draw, &misses);
	policy_decide(&drawn->question, &drawn->answer);
	if (m->with_explanation)
		explain(drawn, request);
	uint64_t ticks = read_ticks() - before;
	if (drawn->answer.reason != m->reason)
		die(m->name, reason_code(drawn->answer.reason));
	return ticks;
}

static void
draw_held(struct drawn *held, uint32_t permission)
{
	struct misses misses = {0};
	struct draw draw;
	for (size_t i = 0; i < HELD; i++) {
		make_draw(&draw, permission);
		resolve(&held[i], &draw, &misses);
	}
	if (misses.count)
		die("held", "something is not there");
}

/* All in one section: nothing changes, so nothing waits to be freed. */
static uint64_t
measure(const struct measurement *m)
{
	static struct access_request request;
	static struct drawn held[HELD];
	struct draw draw;
	uint32_t permission =
		org_permission_number(bench.org, workspace_id(), str_from(m->permission));

	request.explain = true;
	request.action = str_from(m->permission);
	directory_enter();
	draw_held(held, permission);
	for (size_t i = 0; i < SAMPLES / 10; i++) {
		make_draw(&draw, permission);
		time_one(m, &held[i % HELD], &draw, &request);
	}
	uint64_t before = allocations;
	for (size_t i = 0; i < SAMPLES; i++) {
		make_draw(&draw, permission);
		note(i, time_one(m, &held[shape_draw(&bench.random, HELD)], &draw, &request));
	}
	uint64_t allocated = allocations - before;
	directory_leave();
	return allocated;
}

static void
measure_memory(void)
{
	size_t lines = (size_t)directory_stats(bench.directory).bytes / 64;
	volatile uint64_t *memory = __libc_calloc(lines, 64);
	if (!memory)
		die("memory", "is not enough");
	for (size_t i = 0; i < lines; i++)
		memory[i * 8] = i;
	for (size_t i = 0; i < SAMPLES; i++) {
		size_t at = (size_t)shape_draw(&bench.random, (uint32_t)lines) * 8;
		uint64_t before = read_ticks();
		(void)memory[at];
		note(i, read_ticks() - before);
	}
	free((void *)(uintptr_t)memory);
}

static void
report(const char *name, uint64_t allocated)
{
	qsort(bench.ticks, SAMPLES, sizeof(bench.ticks[0]), compare_ticks);
	printf("\"%s\":{\"median_ns\":%.1f,\"p99_ns\":%.1f,\"allocations\":%llu},", name,
		bench.ticks[SAMPLES / 2] * bench.ns_per_tick,
		bench.ticks[SAMPLES / 100 * 99] * bench.ns_per_tick, (unsigned long long)allocated);
}

static uint32_t
count(const char *text)
{
	int64_t value = 0;
	if (!str_to_i64(str_from(text), &value) || value < 1 || value > INT32_MAX)
		die(text, "is no count");
	return (uint32_t)value;
}

int
main(int argc, char **argv)
{
	static const struct measurement all[] = {
		{"views_resolved", "devices:read", REASON_GRANTED, false, false},
		{"drawn", "devices:read", REASON_GRANTED, true, false},
		{"denied_no_grant", "devices:wipe", REASON_NO_GRANT, false, false},
		{"denied_guardrail", "devices:delete", REASON_GUARDRAIL, false, false},
		{"explained_allowance", "devices:read", REASON_GRANTED, false, true},
		{"explained_denial", "devices:delete", REASON_GUARDRAIL, false, true},
		{"explained_no_grant", "devices:wipe", REASON_NO_GRANT, false, true}};
	if (argc != 5) {
		fprintf(stderr, "usage: decide STORE PRINCIPALS GROUPS DEVICES\n");
		return 2;
	}
	bench.principals = count(argv[2]);
	bench.groups = count(argv[3]);
	bench.devices = count(argv[4]);
	int64_t start_us = clock_mono_us();
	load_store(argv[1]);
	int64_t loaded_us = clock_mono_us() - start_us;
	calibrate();
	printf("{");
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		report(all[i].name, measure(&all[i]));
	measure_memory();
	report("memory", 0);
	struct directory_stats stats = directory_stats(bench.directory);
	printf("\"views\":%llu,\"bytes\":%llu,\"loaded_s\":%.1f,\"clock_ns\":%.1f}\n",
		(unsigned long long)stats.views, (unsigned long long)stats.bytes,
		(double)loaded_us / 1e6, bench.overhead * bench.ns_per_tick);
	store_close(&bench.store);
	directory_free(&bench.directory);
	return 0;
}
