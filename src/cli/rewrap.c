#include <sys/stat.h>

#include "cli/command.h"
#include "cli/local.h"
#include "iam/installation_keys.h"
#include "iam/seals.h"

#define ARENA_MAX ((size_t)64 * 1024 * 1024)

struct rewrapping {
	int64_t sealed; /* by the last job */
	struct pepper_use uses[PEPPER_USES]; /* by that which found nothing more to seal */
};

static enum status
rewrap_run(struct call *call, void *context, struct error *err)
{
	struct rewrapping *r = context;

	enum status rc = seals_rewrap(&r->sealed, call, err);
	if (rc != OK || r->sealed > 0)
		return rc;
	rc = installation_renew_check(call->tx, call->keyring, err);
	return rc == OK ? peppers_count(r->uses, call, err) : rc;
}

/* A few rows at a time, so that whoever else writes has to wait for no more. */
static enum status
rewrap(int64_t *sealed, struct local_change *change, const struct config *config, struct error *err)
{
	const struct rewrapping *r = change->context;

	umask(077);
	*sealed = 0;
	enum status rc = local_open(change->installation, config,
		"there is none for this, which is done offline.", err);
	if (rc != OK)
		return rc;
	do {
		rc = local_change(change, err);
		*sealed += r->sealed;
	} while (rc == OK && r->sealed > 0);
	return rc;
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
		.run = rewrap_run,
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
