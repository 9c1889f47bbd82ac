#include "iam/blueprints/blueprints.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "cli/command.h"
#include "cli/local.h"
#include "directory/rows.h"
#include "iam/chain.h"

#define ARENA_MAX ((size_t)32 * 1024 * 1024)
#define FILE_MAX ((size_t)1024 * 1024)
#define LIMITS ((struct json_limits){FILE_MAX, 16, 16 * 1024})

const struct command_option blueprint_apply_options[] = {
	{"org", "ID", "The organisation, by its identifier", USE_REQUIRED},
	{"preview", NULL, "Say what would change, and change nothing", USE_OPTIONAL},
	{0},
};

struct applying {
	struct org_id org;
	struct json *document; /* what the result says of it is borrowed from it */
	bool preview;
	struct blueprint_result result; /* in the arena of the call */
};

static enum status
apply_run(struct call *call, void *context, struct error *err)
{
	struct applying *a = context;
	const struct blueprint_options options = {.preview = a->preview, .by_rule = true};

	enum status rc = chain_open(&call->chain, call->tx, a->org, err);
	if (rc == OK)
		rc = rows_load_org(&call->org, call->tx, a->org, call->arena, err);
	if (rc == OK && (!call->org || call->chain.state == STATE_DELETED))
		rc = error_set(err, ERR_NOT_FOUND, "organisation-not-found",
			"there is no such organisation.");
	if (rc == OK)
		rc = blueprint_apply(&a->result, call, a->document, &options, err);
	return rc == OK && !a->preview ? chain_close(&call->chain, call->tx, err) : rc;
}

static enum status
read_file(struct buf *out, const char *path, struct error *err)
{
	char piece[4096];
	size_t got;
	FILE *file = fopen(path, "re");

	if (!file)
		return error_set(err, ERR_NOT_FOUND, "blueprint-not-found",
			"'%s' is no file that can be read, and no blueprint of the program: "
			"'thingward blueprint list' shows those.",
			path);
	while ((got = fread(piece, 1, sizeof(piece), file)) > 0)
		buf_append(out, piece, got);
	bool whole = !ferror(file) && !out->failed;
	fclose(file);
	return whole ? OK
		     : error_set(err, ERR_TOO_LARGE, "blueprint-unreadable",
			       "%s cannot be read, or is larger than 1 MiB.", path);
}

/* One of the program's by its name, otherwise a file. */
static enum status
read_document(struct json **out, const char *name, struct error *err)
{
	struct str shipped = blueprint_shipped_text(str_from(name));
	struct buf text;
	enum status rc = OK;

	*out = NULL;
	buf_init(&text, FILE_MAX);
	if (!shipped.ptr)
		rc = read_file(&text, name, err);
	if (rc == OK)
		rc = json_parse(out, shipped.ptr ? shipped : buf_view(&text), LIMITS, err);
	buf_clear(&text);
	return rc;
}

static const char *
verb_of(const struct blueprint_change *change, bool preview)
{
	switch (change->action) {
	case BLUEPRINT_CREATE:
		return preview ? "would create" : "created";
	case BLUEPRINT_UPDATE:
		return preview ? "would change" : "changed";
	case BLUEPRINT_DELETE:
		return preview ? "would delete" : "deleted";
	}
	return "";
}

static void
print_result(const struct applying *a)
{
	const struct blueprint_result *r = &a->result;

	for (size_t i = 0; i < r->change_count; i++)
		printf("%s %s %.*s\n", verb_of(&r->changes[i], a->preview), r->changes[i].kind,
			STR_ARG(r->changes[i].name));
	printf("%.*s, version %lld: %s\n", STR_ARG(r->blueprint.name),
		(long long)r->blueprint.version,
		!r->changed          ? "nothing to change"
			: a->preview ? "not applied"
				     : "applied");
}

static enum status
apply(struct applying *a, struct invocation *in, struct local_change *change, struct error *err)
{
	const char *org = invocation_value(in, "org");

	if (!uuid_parse(str_from(org), &a->org.id) || org_is_platform(a->org))
		return error_set(err, ERR_INVALID, "option-invalid",
			"--org: '%s' is not an identifier of an organisation.", org);
	umask(077);
	enum status rc = read_document(&a->document, in->operand, err);
	if (rc == OK)
		rc = local_open(change->installation, &in->config,
			"PUT /api/orgs/ORG/blueprints/NAME.", err);
	if (rc == OK)
		rc = local_change(change, err);
	return rc;
}

enum exit_status
command_blueprint_apply(struct invocation *in)
{
	struct applying a = {.preview = invocation_value(in, "preview") != NULL};
	struct installation installation = {0};
	struct local_change change = {.installation = &installation,
		.arena = arena_new(ARENA_MAX),
		.run = apply_run,
		.context = &a};
	struct error err = {0};

	enum status rc = change.arena ? apply(&a, in, &change, &err) : error_no_memory(&err);
	if (rc == OK)
		print_result(&a);
	else
		command_failed(in, &err);
	json_free(&a.document);
	installation_close(&installation);
	arena_free(&change.arena);
	return rc == OK && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

enum exit_status
command_blueprint_list(struct invocation *in)
{
	struct arena *arena = arena_new(ARENA_MAX);
	struct blueprint *list = NULL;
	struct error err = {0};
	size_t count = 0;

	enum status rc = arena ? crypto_init(&err) : error_no_memory(&err);
	if (rc == OK)
		rc = blueprint_list_shipped(&list, &count, arena, &err);
	for (size_t i = 0; rc == OK && i < count; i++)
		printf("%.*s, version %lld: %.*s\n", STR_ARG(list[i].name),
			(long long)list[i].version, STR_ARG(list[i].title));
	if (rc != OK)
		command_failed(in, &err);
	arena_free(&arena);
	return rc == OK && fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}
