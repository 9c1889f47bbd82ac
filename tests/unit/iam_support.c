#include "iam_support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "iam/access/grants.h"
#include "iam/principals/principals.h"

#define ARENA_MAX ((size_t)256 << 20)

struct test_job {
	struct store_job job;
	struct house *house;
	const struct caller *caller; /* NULL: none, the platform is being founded */
	struct org_id org;
	use_case *run;
	snapshot_case *read;
	void *arg;
};

static enum status
run_call(struct test_job *t, struct call *call, struct tx *tx, struct error *err)
{
	if (!t->caller) {
		call->tx = tx;
		return t->run(call, t->arg, err);
	}
	directory_enter();
	enum status rc = call_open(call, tx, t->org, err);
	if (rc == OK)
		rc = t->run(call, t->arg, err);
	if (rc == OK)
		rc = call_close(call, err);
	directory_leave();
	return rc;
}

static enum status
run_job(struct store_job *job, struct tx *tx, struct error *err)
{
	struct test_job *t = (struct test_job *)job;

	if (t->read)
		return t->read(tx, t->arg, err);
	struct call call = {.address = STR("192.0.2.1"),
		.now_us = clock_now_us(),
		.arena = arena_new(ARENA_MAX),
		.directory = t->house->directory,
		.keyring = t->house->keyring};
	assert_non_null(call.arena);
	if (t->caller)
		call.caller = *t->caller;
	enum status rc = run_call(t, &call, tx, err);
	arena_free(&call.arena);
	return rc;
}

enum status
house_try(struct house *h, const struct caller *caller, use_case *run, void *arg, struct error *err)
{
	struct test_job t = {.job.run = run_job,
		.house = h,
		.caller = caller,
		.org = caller && org_is_platform(caller->org) ? PLATFORM : h->org,
		.run = run,
		.arg = arg};

	return store_change_wait(h->store, &t.job, err);
}

static void
must(struct house *h, const struct caller *caller, use_case *run, void *arg)
{
	struct error err = {0};

	if (house_try(h, caller, run, arg, &err) != OK)
		fail_msg("%s: %s (%s) %s:%d", err.code, err.text, err.detail, err.file, err.line);
}

void
house_run(struct house *h, use_case *run, void *arg)
{
	must(h, &h->owner, run, arg);
}

void
house_refused(
	struct house *h, const struct caller *caller, use_case *run, void *arg, const char *code)
{
	struct error err = {0};

	if (house_try(h, caller, run, arg, &err) == OK)
		fail_msg("%s is not refused", code);
	if (strcmp(err.code, code) != 0)
		fail_msg("refused as %s: %s, not as %s", err.code, err.text, code);
}

void
house_read(struct house *h, snapshot_case *run, void *arg)
{
	struct test_job t = {.job.run = run_job, .house = h, .read = run, .arg = arg};
	struct error err = {0};

	if (store_read_wait(h->store, &t.job, &err) != OK)
		fail_msg("%s: %s (%s)", err.code, err.text, err.detail);
}

static enum status
tamper(struct store_job *job, struct tx *tx, struct error *err)
{
	struct test_job *t = (struct test_job *)job;
	struct query q;

	enum status rc = query_begin(&q, tx, t->arg, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

void
house_tamper(struct house *h, const char *sql)
{
	/* Statements are kept by the address of their text, which has to outlive the store. */
	struct sql statement = {.text = sql};
	struct test_job t = {.job.run = tamper, .house = h, .arg = &statement};
	struct error err = {0};

	if (store_change_wait(h->store, &t.job, &err) != OK)
		fail_msg("%s: %s (%s)", sql, err.text, err.detail);
}

static struct caller
caller_of(struct org_id org, const struct principal *principal, const struct issued_secret *secret)
{
	return (struct caller){.org = org,
		.principal = principal->id,
		.credential = secret->credential.id,
		.kind = principal->kind};
}

static enum status
found_platform(struct call *call, void *arg, struct error *err)
{
	struct house *h = arg;
	struct principal made;
	struct issued_secret secret;

	enum status rc = platform_create_operator(&made, &secret, call, STR("operator"), err);
	if (rc == OK)
		h->root = caller_of(PLATFORM, &made, &secret);
	return rc;
}

static enum status
found_org(struct call *call, void *arg, struct error *err)
{
	struct house *h = arg;
	struct org_created made;
	const struct org_draft draft = {.name = STR("Example"),
		.first_key_name = STR("owner"),
		.first_key_expires_us = NEVER};

	enum status rc = org_create(&made, call, &draft, err);
	if (rc != OK)
		return rc;
	h->org = made.org.id;
	h->owner = caller_of(made.org.id, &made.first_key, &made.secret);
	return OK;
}

int
house_set_up(void **state)
{
	struct house *h = calloc(1, sizeof(*h));
	struct error err = {0};
	char keys[96];

	assert_non_null(h);
	snprintf(h->folder, sizeof(h->folder), "/tmp/thingward-iam-XXXXXX");
	assert_non_null(mkdtemp(h->folder));
	snprintf(h->path, sizeof(h->path), "%s/store.db", h->folder);
	snprintf(keys, sizeof(keys), "%s/keys", h->folder);
	const struct store_options options = {.path = h->path,
		.readers = 1,
		.queue_max = 100,
		.read_queue_max = 100,
		.busy_timeout_ms = 2000};
	if (crypto_init(&err) != OK || store_open(&h->store, &options, &err) != OK ||
		keyring_load(&h->keyring, keys, true, &err) != OK)
		fail_msg("%s (%s)", err.text, err.detail);
	const struct directory_options views = {h->store, (size_t)64 << 20};
	assert_int_equal(directory_new(&h->directory, &views, &err), OK);
	must(h, NULL, found_platform, h);
	must(h, &h->root, found_org, h);
	*state = h;
	return 0;
}

int
house_tear_down(void **state)
{
	struct house *h = *state;
	DIR *dir = opendir(h->folder);
	struct dirent *entry;

	store_close(&h->store);
	directory_free(&h->directory);
	keyring_free(&h->keyring);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_type == DT_REG)
			unlinkat(dirfd(dir), entry->d_name, 0);
	}
	if (dir)
		closedir(dir);
	rmdir(h->folder);
	free(h);
	return 0;
}

struct machine {
	struct str name, role;
	struct caller caller;
};

static enum status
make_machine(struct call *call, void *arg, struct error *err)
{
	struct machine *machine = arg;
	struct principal principal;
	struct issued_secret secret;
	const struct principal_draft draft = {.kind = KIND_SERVICE_ACCOUNT,
		.name = machine->name,
		.expires_us = NEVER,
		.roles_stated = true,
		.roles = &machine->role,
		.role_count = machine->role.ptr ? 1 : 0};

	enum status rc = principal_create(&principal, &secret, call, &draft, err);
	machine->caller = caller_of(call->org->id, &principal, &secret);
	return rc;
}

struct caller
house_machine(struct house *h, const char *name, const char *role)
{
	struct machine machine = {.name = str_from(name), .role = str_from(role)};

	house_run(h, make_machine, &machine);
	return machine.caller;
}
