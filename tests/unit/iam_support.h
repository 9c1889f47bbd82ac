#ifndef TESTS_UNIT_IAM_SUPPORT_H
#define TESTS_UNIT_IAM_SUPPORT_H

#include "check.h"

#include "directory/directory.h"
#include "iam/call.h"
#include "iam/tree/orgs.h"

/*
 * A real store with a platform and one organisation: `root`, its operator, and `owner` are API
 * keys. Use cases run as the server runs them: in a job, in a call that was opened from rows.
 */
struct house {
	char folder[64], path[96];
	struct store *store;
	struct directory *directory;
	struct keyring *keyring;
	struct org_id org;
	struct caller root, owner;
};

int house_set_up(void **state);
int house_tear_down(void **state);

/* What runs inside a call; its status is the job's, so that a refusal changes nothing. */
typedef enum status use_case(struct call *call, void *arg, struct error *err);

/* As `caller` in `org`; the error is the job's. */
enum status house_try(struct house *h, const struct caller *caller, use_case *run, void *arg,
	struct error *err) MUST_USE;
/* As the owner in the organisation; has to succeed. */
void house_run(struct house *h, use_case *run, void *arg);
/* Has to fail with this code. */
void house_refused(
	struct house *h, const struct caller *caller, use_case *run, void *arg, const char *code);

/* A reading job, in a snapshot without a caller. */
typedef enum status snapshot_case(struct tx *tx, void *arg, struct error *err);
void house_read(struct house *h, snapshot_case *run, void *arg);

/* Changes rows behind everybody's back, with one statement. */
void house_tamper(struct house *h, const char *sql);

/* A service account of the organisation with these roles at the organisation; its caller. */
struct caller house_machine(struct house *h, const char *name, const char *role);

#endif
