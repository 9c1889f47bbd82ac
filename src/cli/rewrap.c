#include <sys/stat.h>

#include "cli/command.h"
#include "cli/local.h"
#include "iam/upkeep/installation_keys.h"
#include "iam/upkeep/seals.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)
/* A few would do, unless others go on with an older key. */
#define PASSES_MAX 16

struct rewrapping {
	struct seals_place from;
	struct seals_step step;
	struct pepper_use uses[PEPPER_USES];
};

static enum status
rewrap_run(struct call *call, void *context, struct error *err)
{
	struct rewrapping *r = context;

	return seals_rewrap(&r->step, &r->from, call, err);
}

static enum status
prove_run(struct call *call, void *context, struct error *err)
{
	(void)context;
	return installation_renew_check(call->tx, call->keyring, err);
}

static enum status
count_run(struct call *call, void *context, struct error *err)
{
	struct rewrapping *r = context;

	return peppers_count(r->uses, call, err);
}

/* A few rows at a time, so that whoever else writes has to wait for no more. */
static enum status
pass(int64_t *found, int64_t *sealed, struct local_change *change, struct error *err)
{
	struct rewrapping *r = change->context;
	enum status rc;

	*found = 0;
	r->from = (struct seals_place){0};
	do {
		rc = local_change(change, err);
		r->from = r->step.next;
		*found += r->step.found;
		*sealed += r->step.sealed;
	} while (rc == OK && !r->step.over);
	return rc;
}

static enum status
pass_until_none(int64_t *sealed, struct local_change *change, struct error *err)
{
	int64_t found = 1;
	enum status rc = OK;

	change->run = rewrap_run;
	for (int i = 0; rc == OK && found > 0 && i < PASSES_MAX; i++)
		rc = pass(&found, sealed, change, err);
	if (rc == OK && found > 0)
		rc = error_set(err, ERR_BUSY, "sealed-meanwhile",
			"something still seals with an older master key: restart every server with "
			"this key file, then run this again");
	return rc;
}

static enum status
rewrap(int64_t *sealed, struct local_change *change, const struct config *config, struct error *err)
{
	umask(077);
	*sealed = 0;
	enum status rc = local_open(change->installation, config,
		"there is none for this, which is done offline.", err);
	if (rc == OK)
		rc = pass_until_none(sealed, change, err);
	change->run = prove_run;
	if (rc == OK)
		rc = local_change(change, err);
	change->run = count_run;
	return rc == OK ? local_read(change, err) : rc;
}

static void
tell(int64_t sealed, const struct rewrapping *r, const struct keyring *keyring)
{
	int pepper = keyring_newest_pepper(keyring);

	printf("sealed anew: %lld; master key %d has sealed everything in the store\n",
		(long long)sealed, keyring_newest_master(keyring));
	for (size_t i = 0; i < PEPPER_USES; i++) {
		if (r->uses[i].count > 0)
			printf("still under another pepper than %d: %lld %s\n", pepper,
				(long long)r->uses[i].count, r->uses[i].what);
	}
}

enum exit_status
command_keys_rewrap(struct invocation *in)
{
	struct installation installation = {0};
	struct rewrapping rewrapping = {0};
	struct local_change change = {.installation = &installation,
		.arena = arena_new(ARENA_MAX),
		.context = &rewrapping};
	struct error err = {0};
	int64_t sealed = 0;

	enum status rc =
		change.arena ? rewrap(&sealed, &change, &in->config, &err) : error_no_memory(&err);
	if (rc == OK)
		tell(sealed, &rewrapping, installation.keyring);
	else
		command_failed(in, &err);
	installation_close(&installation);
	arena_free(&change.arena);
	return rc == OK ? EXIT_OK : EXIT_FAILED;
}
