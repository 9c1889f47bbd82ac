#include <sys/stat.h>

#include "base/clock.h"
#include "cli/command.h"
#include "cli/local.h"
#include "iam/tree/orgs.h"

#define ARENA_MAX ((size_t)4 * 1024 * 1024)

const struct command_option operator_key_options[] = {
	{"name", "TEXT", "What the key is called (default: operator and the time)", USE_OPTIONAL},
	{0},
};

struct making {
	struct str name;
	struct issued_secret secret; /* secret */
};

static enum status
make_run(struct call *call, void *context, struct error *err)
{
	struct making *m = context;
	struct principal key;

	return platform_create_operator(&key, &m->secret, call, m->name, err);
}

static enum exit_status
show(struct making *m)
{
	fprintf(stderr,
		"This key '%.*s' may do everything that the platform's operator may. It is shown "
		"this once.\nUse it as: Authorization: Bearer KEY\n",
		STR_ARG(m->name));
	bool shown = puts(m->secret.text.text) >= 0 && fflush(stdout) == 0;
	crypto_wipe(&m->secret, sizeof(m->secret));
	if (!shown)
		fputs("thingward operator-key: the key could not be printed; make another.\n",
			stderr);
	return shown ? EXIT_OK : EXIT_FAILED;
}

enum exit_status
command_operator_key(struct invocation *in)
{
	const char *name = invocation_value(in, "name");
	char now[CLOCK_TEXT_MAX], made_up[64];
	struct installation installation = {0};
	struct making making = {.name = str_from(name)};
	struct local_change change = {.installation = &installation,
		.arena = arena_new(ARENA_MAX),
		.run = make_run,
		.context = &making};
	struct error err = {0};

	if (!name) {
		clock_format(now, clock_now_us());
		snprintf(made_up, sizeof(made_up), "operator-%.19sZ", now);
		making.name = str_from(made_up);
	}
	umask(077);
	enum status rc = change.arena
		? local_open(&installation, &in->config, "POST /api/orgs/platform/api-keys.", &err)
		: error_no_memory(&err);
	if (rc == OK)
		rc = local_change(&change, &err);
	installation_close(&installation);
	arena_free(&change.arena);
	if (rc == OK)
		return show(&making);
	command_failed(in, &err);
	return EXIT_FAILED;
}
