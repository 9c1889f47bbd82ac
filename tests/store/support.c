#include "support.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct sql INSERT_PERSON =
	SQL("INSERT INTO persons (person, email, email_normal, name, state, created_us) "
	    "VALUES ($1, $2, $2, $3, 0, $4)");
static const struct sql COUNT_PERSONS = SQL("SELECT count(*) FROM persons");
static const struct sql FIND_PERSON = SQL("SELECT person, email FROM persons WHERE person = $1");

struct store *
fixture_open(struct fixture *f)
{
	struct error err = {0};
	enum status rc = store_open(&f->store, &f->options, &err);
	if (rc != OK)
		fail_msg("%s: %s (%s)", err.code, err.text, err.detail);
	return f->store;
}

int
fixture_set_up_closed(void **state)
{
	const char *engine = getenv("THINGWARD_TEST_STORE");
	bool postgres = engine && strcmp(engine, "postgres") == 0;
	if (engine && !postgres && strcmp(engine, "sqlite") != 0) {
		fprintf(stderr, "THINGWARD_TEST_STORE: no such engine: %s\n", engine);
		return -1;
	}
	struct fixture *f = calloc(1, sizeof(*f));
	if (!f)
		return -1;
	snprintf(f->folder, sizeof(f->folder), "/tmp/thingward-store-XXXXXX");
	if (!mkdtemp(f->folder)) {
		free(f);
		return -1;
	}
	snprintf(f->path, sizeof(f->path), "%s/store.db", f->folder);
	if (postgres)
		database_new(f->url);
	f->options = (struct store_options){.path = f->path,
		.url = postgres ? f->url : NULL,
		.writers = 4,
		.statement_timeout_ms = 5000,
		.readers = 2,
		.queue_max = 1000,
		.read_queue_max = 1000,
		.busy_timeout_ms = 2000};
	*state = f;
	return 0;
}

int
fixture_set_up(void **state)
{
	int rc = fixture_set_up_closed(state);
	if (rc == 0)
		fixture_open(*state);
	return rc;
}

static void
remove_folder(const char *folder)
{
	char path[512];
	struct dirent *entry = NULL;
	DIR *dir = opendir(folder);
	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", folder, entry->d_name);
		if (unlink(path) != 0)
			remove_folder(path);
	}
	if (dir)
		closedir(dir);
	rmdir(folder);
}

int
fixture_tear_down(void **state)
{
	struct fixture *f = *state;
	store_fail_next(f->store, 0);
	store_fail_write(f->store, 0);
	store_close(&f->store);
	if (*f->url)
		database_drop(f->url);
	remove_folder(f->folder);
	free(f);
	return 0;
}

void
counter_init(struct counter *c)
{
	*c = (struct counter){0};
	mutex_init(&c->mutex);
	cond_init(&c->changed);
}

void
counter_clear(struct counter *c)
{
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->mutex);
}

void
counter_add(struct counter *c, unsigned n)
{
	mutex_lock(&c->mutex);
	c->value += n;
	pthread_cond_broadcast(&c->changed);
	mutex_unlock(&c->mutex);
}

void
counter_wait(struct counter *c, unsigned at_least)
{
	mutex_lock(&c->mutex);
	while (c->value < at_least)
		cond_wait(&c->changed, &c->mutex);
	mutex_unlock(&c->mutex);
}

unsigned
counter_value(struct counter *c)
{
	mutex_lock(&c->mutex);
	unsigned value = c->value;
	mutex_unlock(&c->mutex);
	return value;
}

static enum status
add_row(const struct adding *a, struct tx *tx, unsigned row, struct error *err)
{
	struct query q;
	char email[96];
	char *name = calloc(1, a->extra + 8);
	ASSERT(name);
	memset(name, 'n', a->extra + 7);
	snprintf(email, sizeof(email), "%s%u", a->email, row);
	enum status rc = query_begin(&q, tx, &INSERT_PERSON, err);
	if (rc == OK) {
		query_bind_uuid(&q, 1, row == 0 ? a->person : uuid_new());
		query_bind_str(&q, 2, row == 0 ? str_from(a->email) : str_from(email));
		query_bind_str(&q, 3, str_from(name));
		query_bind_int(&q, 4, 1);
		rc = query_run(&q, NULL, err);
	}
	free(name);
	return rc;
}

enum status
adding_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct adding *a = (struct adding *)job;
	a->runs++;
	if (a->entered)
		counter_add(a->entered, 1);
	if (a->hold)
		counter_wait(a->hold, 1);
	for (unsigned i = 0; i < (a->rows ? a->rows : 1); i++) {
		enum status rc = add_row(a, tx, i, err);
		if (rc != OK)
			return rc;
	}
	for (unsigned i = 0; i < a->touches; i++)
		tx_touch(tx, a->person, (int64_t)i + 1, 7, a->person);
	if (a->fails_with != OK)
		return error_set(err, a->fails_with, "wanted", "The test wants it so.");
	return OK;
}

static void
adding_done(struct store_job *job, enum status status, const struct error *err)
{
	struct adding *a = (struct adding *)job;
	a->status = status;
	a->answers++;
	snprintf(a->code, sizeof(a->code), "%s", err->code ? err->code : "");
	if (a->answered)
		counter_add(a->answered, 1);
}

void
adding_init(struct adding *a, struct counter *answered, const char *email)
{
	*a = (struct adding){.job = {.run = adding_run, .done = adding_done},
		.person = uuid_new(),
		.answered = answered};
	snprintf(a->email, sizeof(a->email), "%s", email);
}

struct counting {
	struct store_job job; /* first */
	int64_t count;
};

static enum status
counting_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct counting *c = (struct counting *)job;
	struct query q;
	enum status rc = query_begin(&q, tx, &COUNT_PERSONS, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK)
		c->count = query_int(&q, 0);
	query_end(&q);
	return rc;
}

int64_t
count_persons(struct store *store)
{
	struct error err = {0};
	struct counting c = {.job = {.run = counting_run}, .count = -1};
	assert_int_equal(store_read_wait(store, &c.job, &err), OK);
	return c.count;
}

struct finding {
	struct store_job job; /* first */
	struct uuid person;
	bool found;
};

static enum status
finding_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct finding *f = (struct finding *)job;
	struct query q;
	enum status rc = query_begin(&q, tx, &FIND_PERSON, err);
	query_bind_uuid(&q, 1, f->person);
	if (rc == OK)
		rc = query_next(&q, err);
	f->found = rc == OK && q.row && uuid_eq(query_uuid(&q, 0), f->person);
	query_end(&q);
	return rc;
}

bool
person_is_there(struct store *store, struct uuid person)
{
	struct error err = {0};
	struct finding f = {.job = {.run = finding_run}, .person = person};
	assert_int_equal(store_read_wait(store, &f.job, &err), OK);
	return f.found;
}

struct running {
	struct store_job job; /* first */
	struct sql sql;
};

static enum status
running_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct running *r = (struct running *)job;
	struct query q;
	enum status rc = query_begin(&q, tx, &r->sql, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

void
run_change(struct store *store, const char *text)
{
	struct error err = {0};
	struct running r = {.job = {.run = running_run}, .sql = {text}};
	if (store_change_wait(store, &r.job, &err) != OK)
		fail_msg("%s: %s (%s)", err.code, err.text, err.detail);
}
