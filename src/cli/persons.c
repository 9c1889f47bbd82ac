#include <sys/stat.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/local.h"
#include "iam/chain.h"
#include "iam/people/recovery.h"
#include "model/names.h"

#define ARENA_MAX ((size_t)4 * 1024 * 1024)

const struct command_option persons_recover_options[] = {
	{"keep-second-factors", NULL, "Only the password was lost", USE_OPTIONAL},
	{0},
};

struct recovering {
	struct str email;
	struct recovery_wish wish;
	struct recovery recovery; /* afterwards, in the arena of the call; secret */
};

static enum status
find_person(struct person *out, struct call *call, struct str email, struct error *err)
{
	struct str normal;
	bool found;

	enum status rc = email_check(email, "ADDRESS", call->arena, &normal, err);
	if (rc == OK)
		rc = person_find(out, &found, call, normal, err);
	if (rc == OK && !found)
		rc = error_set(err, ERR_NOT_FOUND, "person-not-found",
			"there is no account with this address.");
	return rc;
}

static enum status
recover_run(struct call *call, void *context, struct error *err)
{
	struct recovering *r = context;
	struct person person;

	enum status rc = chain_open(&call->chain, call->tx, PLATFORM, err);
	if (rc == OK)
		rc = find_person(&person, call, r->email, err);
	if (rc != OK)
		return rc;
	r->wish.person = person.id;
	rc = person_recover(&r->recovery, call, &r->wish, err);
	return rc == OK ? chain_close(&call->chain, call->tx, err) : rc;
}

static enum status
recover(struct local_change *change, struct invocation *in, struct error *err)
{
	struct recovering *r = change->context;

	if (!in->config.base_url)
		return error_set(err, ERR_INVALID, "option-missing",
			"--base-url: state the address at which people reach this server.");
	r->wish.base_url = str_from(in->config.base_url);
	umask(077);
	enum status rc = local_open(
		change->installation, &in->config, "POST /api/persons/PERSON/recover.", err);
	return rc == OK ? local_change(change, err) : rc;
}

static enum exit_status
show(const struct recovering *r)
{
	char until[CLOCK_TEXT_MAX];

	clock_format(until, r->recovery.expires_us);
	fprintf(stderr,
		"%.*s is signed out everywhere%s.\n"
		"Set a new password with this link. It works once, until %s:\n",
		STR_ARG(r->recovery.person.email),
		r->wish.keeps_factors ? "" : ", and has no second factors any more", until);
	bool shown = printf("%.*s\n", STR_ARG(r->recovery.url)) >= 0 && fflush(stdout) == 0;
	if (!shown)
		fputs("thingward persons recover: the link could not be printed; make another.\n",
			stderr);
	return shown ? EXIT_OK : EXIT_FAILED;
}

enum exit_status
command_persons_recover(struct invocation *in)
{
	struct installation installation = {0};
	struct recovering recovering = {.email = str_from(in->operand),
		.wish.keeps_factors = invocation_value(in, "keep-second-factors") != NULL};
	struct local_change change = {.installation = &installation,
		.arena = arena_new(ARENA_MAX),
		.run = recover_run,
		.context = &recovering};
	struct error err = {0};
	enum exit_status status = EXIT_FAILED;

	enum status rc = change.arena ? recover(&change, in, &err) : error_no_memory(&err);
	if (rc == OK)
		status = show(&recovering);
	else
		command_failed(in, &err);
	installation_close(&installation);
	arena_free(&change.arena);
	return status;
}
