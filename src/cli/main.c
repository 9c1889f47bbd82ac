#include <stdlib.h>

#include "cli/command.h"
#include "server/mailer.h"

#define HELP_MAX ((size_t)64 * 1024)

const struct command commands[] = {
	{.name = "serve", .summary = "Run the server", .configured = true, .run = command_serve},
	{.name = "operator-key",
		.summary = "Make a key of the platform's operator, offline, and print it",
		.more = "The server must not run: it holds the store.\n"
			"Whoever may use the store may do this.\n"
			"The key is the only thing on standard output. It is one of the\n"
			"platform: it runs organisations, and sees nothing of what they own.",
		.options = operator_key_options,
		.configured = true,
		.run = command_operator_key},
	{.name = "blueprint list",
		.summary = "List the blueprints that come with the program",
		.run = command_blueprint_list},
	{.name = "blueprint apply",
		.operands = "NAME|FILE",
		.summary = "Apply a blueprint to an organisation, offline",
		.more = "The server must not run: it holds the store.\n"
			"While it runs, use PUT /api/orgs/ORG/blueprints/NAME.",
		.options = blueprint_apply_options,
		.configured = true,
		.run = command_blueprint_apply},
	{.name = "keys rotate",
		.summary = "Let the next key sign tokens at once, offline",
		.more = "The embedded store must not be in use by a server:\n"
			"then use POST /api/keys/rotate.\n"
			"Keys rotate by themselves every 90 days. The one that signed until\n"
			"now is still published for 2 days.",
		.options = keys_rotate_options,
		.configured = true,
		.run = command_keys_rotate},
	{.name = "keys rewrap",
		.summary = "Seal everything anew under the newest master key, offline",
		.more = "Afterwards the older master keys can go from the key file, once an\n"
			"hour has passed since a server used them.\n"
			"Says which secrets still need an older pepper.",
		.configured = true,
		.run = command_keys_rewrap},
	{.name = "persons recover",
		.operands = "ADDRESS",
		.summary =
			"Let a person come back who has lost second factors or password, offline",
		.more = "Removes all second factors and recovery codes, ends every session\n"
			"and token, and prints a link by which the person sets a new password,\n"
			"and until when: make sure first who it is that asks.\n"
			"The embedded store must not be in use by a server: then use\n"
			"POST /api/persons/PERSON/recover, which sends the link by mail.",
		.options = persons_recover_options,
		.configured = true,
		.run = command_persons_recover},
	{.name = "check",
		.summary = "Ask a running server for a decision",
		.more = "The key of the caller is read from THINGWARD_KEY or from a file.\n"
			"Prints 'allowed' and ends with 0, or 'denied: REASON' and ends with 1;\n"
			"ends with 2 when there is no decision.\n"
			"A VALUE that is true, false or a number counts as such, any other as\n"
			"a text.",
		.options = check_options,
		.run = command_check},
	{.name = "verify",
		.summary = "Prove the chains of change records of a store, offline",
		.configured = true,
		.run = command_verify},
	{.name = "migrate",
		.summary = "Move the embedded store into an empty PostgreSQL database, offline",
		.more = "The server must not run.\n"
			"The key file is not moved: every node needs a copy of it.",
		.options = migrate_options,
		.configured = true,
		.run = command_migrate},
	{.name = "config",
		.summary = "Print the options in force",
		.configured = true,
		.run = command_config},
	{.name = "config reference",
		.summary = "Print the reference of all options, in Markdown",
		.run = command_config_reference},
	{.name = "version", .summary = "Print the version", .run = command_version},
	{.name = "help", .summary = "Print this", .run = command_help_all},
	{0},
};

static enum exit_status
print(struct buf *text)
{
	bool whole = !text->failed && fwrite(text->ptr, 1, text->len, stdout) == text->len &&
		fflush(stdout) == 0;

	buf_clear(text);
	return whole ? EXIT_OK : EXIT_FAILED;
}

enum exit_status
command_help_all(struct invocation *in)
{
	struct buf text;

	(void)in;
	buf_init(&text, HELP_MAX);
	commands_help(&text, commands);
	return print(&text);
}

enum exit_status
command_version(struct invocation *in)
{
	(void)in;
	puts("thingward " THINGWARD_VERSION);
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_FAILED;
}

enum exit_status
command_config(struct invocation *in)
{
	struct buf text;

	buf_init(&text, HELP_MAX);
	config_print(&text, &in->config);
	return print(&text);
}

enum exit_status
command_config_reference(struct invocation *in)
{
	struct buf text;

	(void)in;
	buf_init(&text, HELP_MAX);
	config_reference(&text);
	return print(&text);
}

static enum exit_status
help_of(const struct command *command)
{
	struct buf text;

	buf_init(&text, HELP_MAX);
	command_help(&text, command);
	return print(&text);
}

/* As secure_getenv(3): a program with more rights than its caller reads no environment. */
static const char *
environment(const char *name)
{
	return secure_getenv(name);
}

static enum exit_status
run_configured(struct invocation *in)
{
	struct error err = {0};
	enum exit_status status = EXIT_USAGE;

	enum status rc = config_load(&in->config, in->argc, in->argv, environment, &err);
	if (rc == OK)
		rc = mailer_check(&in->config, &err);
	if (rc != OK)
		command_failed(in, &err);
	else if (in->config.wishes.check)
		status = command_config(in);
	else
		status = in->command->run(in);
	config_clear(&in->config);
	return status;
}

static enum exit_status
run(const struct command *command, int argc, char **argv)
{
	struct invocation in;
	struct error err = {0};

	if (invocation_parse(&in, command, argc, argv, &err) != OK) {
		command_failed(&in, &err);
		return EXIT_USAGE;
	}
	if (in.help)
		return help_of(command);
	return command->configured ? run_configured(&in) : command->run(&in);
}

/* What other programs call them. */
static const char *
unabbreviate(const char *word)
{
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
		return "help";
	if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0)
		return "version";
	return word;
}

int
main(int argc, char **argv)
{
	const char *near;
	int words;

	if (argc < 2) {
		(void)command_help_all(NULL);
		return EXIT_USAGE;
	}
	argv[1] = (char *)(uintptr_t)unabbreviate(argv[1]);
	const struct command *command = command_find(commands, argc - 1, argv + 1, &words, &near);
	if (command)
		return (int)run(command, argc - 1 - words, argv + 1 + words);
	fprintf(stderr, "thingward: there is no command '%s'", argv[1]);
	fprintf(stderr, near ? "; did you mean '%s'?\n" : "; 'thingward help' lists them.\n", near);
	return EXIT_USAGE;
}
