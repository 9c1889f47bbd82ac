#ifndef TESTS_STORE_SUPPORT_H
#define TESTS_STORE_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/thread.h"
#include "store/store.h"
#include "support_pgsql.h"

/* What the contract suites of the store share. THINGWARD_TEST_STORE names the engine. */

/* A store in a fresh folder, or in a fresh database. */
struct fixture {
	char folder[64];
	char path[96];
	char url[DATABASE_URL_MAX]; /* "" on SQLite */
	struct store_options options;
	struct store *store;
};

int fixture_set_up(void **state); /* makes the folder and opens the store */
int fixture_set_up_closed(void **state);
int fixture_tear_down(void **state);
struct store *fixture_open(struct fixture *f); /* must succeed */

/* Counts answers; waits for a number of them. */
struct counter {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned value;
};
void counter_init(struct counter *c);
void counter_clear(struct counter *c);
void counter_add(struct counter *c, unsigned n);
void counter_wait(struct counter *c, unsigned at_least);
unsigned counter_value(struct counter *c);

/* A job that adds a person. */
struct adding {
	struct store_job job; /* first */
	struct uuid person;
	char email[64];
	size_t extra; /* bytes of the name beyond the few */
	unsigned rows; /* 0 means one */
	enum status fails_with; /* after writing */
	unsigned touches; /* how often it notes its person */
	unsigned runs; /* how often it was run */
	unsigned answers;
	enum status status; /* of the answer */
	char code[32];
	struct counter *answered; /* may be NULL */
	struct counter *entered; /* likewise: counted when it runs … */
	struct counter *hold; /* … which then waits for this to be 1 */
};

void adding_init(struct adding *a, struct counter *answered, const char *email);
enum status adding_run(struct store_job *job, struct tx *tx, struct error *err);

/* How many persons there are, and whether this one is there, as a new reader sees it. */
int64_t count_persons(struct store *store);
bool person_is_there(struct store *store, struct uuid person);

/* Runs one statement without values as a change; must succeed. */
void run_change(struct store *store, const char *text);

#endif
