#include "cli/command.h"

#include "config/options.h"

#define HELP_COLUMN 30

static const struct command_option no_options[] = {{0}};

static const struct command_option *
options_of(const struct command *command)
{
	return command->options ? command->options : no_options;
}

/* -1: it has none of this name. */
static int
option_index(const struct command *command, struct str name)
{
	const struct command_option *options = options_of(command);

	for (int i = 0; options[i].name; i++) {
		if (str_eq(name, str_from(options[i].name)))
			return i;
	}
	return -1;
}

/* What stands behind the dashes and before the equals sign. */
static struct str
option_name(const char *argument)
{
	struct str rest = str_from(argument + 2);

	return str_cut(&rest, '=');
}

static bool
is_option(const char *argument)
{
	return strncmp(argument, "--", 2) == 0 && argument[2];
}

static enum status
unknown_option(const struct command *command, struct str name, struct error *err)
{
	const struct command_option *options = options_of(command);
	const char *near = NULL;
	size_t least = OPTION_SUGGESTION_DISTANCE + 1;

	for (int i = 0; options[i].name; i++) {
		size_t d = option_name_distance(name, str_from(options[i].name));
		if (d < least && d < name.len) {
			least = d;
			near = options[i].name;
		}
	}
	if (near)
		return error_set(err, ERR_INVALID, "option-unknown",
			"there is no option '--%.*s'; did you mean '--%s'?", STR_ARG(name), near);
	return error_set(err, ERR_INVALID, "option-unknown",
		"there is no option '--%.*s'; --help lists them.", STR_ARG(name));
}

static enum status
keep_repeated(struct invocation *out, int index, const char *value, struct error *err)
{
	if (out->repeated_count == COMMAND_REPEATED_MAX)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s is one too many: %d of its like can be stated.",
			out->command->options[index].name, COMMAND_REPEATED_MAX);
	out->repeated[out->repeated_count++] = (struct repeated_value){index, value};
	return OK;
}

/* Reads the command's own option at argv[*at], and leaves *at at its last argument. */
static enum status
read_own(struct invocation *out, int index, char **argv, int *at, struct error *err)
{
	const struct command_option *option = &out->command->options[index];
	const char *equals = strchr(argv[*at], '=');
	const char *value = equals ? equals + 1 : "";

	if (!option->value && equals)
		return error_set(
			err, ERR_INVALID, "option-invalid", "--%s takes no value.", option->name);
	if (option->value && !equals && argv[*at + 1])
		value = argv[++*at];
	if (option->value && !*value)
		return error_set(err, ERR_INVALID, "option-invalid", "--%s needs a value: --%s %s.",
			option->name, option->name, option->value);
	out->values[index] = value;
	return option->use == USE_REPEATED ? keep_repeated(out, index, value, err) : OK;
}

/* Leaves an option for the configuration, which takes a value from the next argument. */
static void
keep(struct invocation *out, char **argv, int *at)
{
	bool alone = strchr(argv[*at], '=') || strcmp(argv[*at], "--check") == 0;

	out->argv[out->argc++] = argv[*at];
	if (!alone && argv[*at + 1])
		out->argv[out->argc++] = argv[++*at];
}

static enum status
read_operand(struct invocation *out, const char *argument, struct error *err)
{
	if (!out->command->operands)
		return error_set(err, ERR_INVALID, "operand-unexpected",
			"'%s' is not an option; options begin with -- (see --help).", argument);
	if (out->operand)
		return error_set(err, ERR_INVALID, "operand-unexpected",
			"'%s' is one too many: it takes one %s.", argument, out->command->operands);
	out->operand = argument;
	return OK;
}

static enum status
read_argument(struct invocation *out, char **argv, int *at, struct error *err)
{
	const char *argument = argv[*at];

	if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
		out->help = true;
		return OK;
	}
	if (!is_option(argument))
		return read_operand(out, argument, err);
	int index = option_index(out->command, option_name(argument));
	if (index >= 0)
		return read_own(out, index, argv, at, err);
	if (!out->command->configured)
		return unknown_option(out->command, option_name(argument), err);
	keep(out, argv, at);
	return OK;
}

static enum status
check_complete(const struct invocation *in, struct error *err)
{
	const struct command_option *options = options_of(in->command);

	for (int i = 0; options[i].name; i++) {
		if (options[i].use == USE_REQUIRED && !in->values[i])
			return error_set(err, ERR_INVALID, "option-missing", "--%s %s is missing.",
				options[i].name, options[i].value);
	}
	if (in->command->operands && !in->operand)
		return error_set(err, ERR_INVALID, "operand-missing", "%s is missing.",
			in->command->operands);
	return OK;
}

enum status
invocation_parse(struct invocation *out, const struct command *command, int argc, char **argv,
	struct error *err)
{
	enum status rc = OK;

	/* What is kept never overtakes what is read: argv can hold both. */
	*out = (struct invocation){.command = command, .argv = argv};
	for (int at = 0; rc == OK && at < argc; at++)
		rc = read_argument(out, argv, &at, err);
	out->argv[out->argc] = NULL;
	return rc == OK && !out->help ? check_complete(out, err) : rc;
}

const char *
invocation_value(const struct invocation *in, const char *name)
{
	int index = option_index(in->command, str_from(name));

	ASSERT(index >= 0);
	return in->values[index];
}

const char *
invocation_next(const struct invocation *in, const char *name, int *at)
{
	int index = option_index(in->command, str_from(name));

	ASSERT(index >= 0 && in->command->options[index].use == USE_REPEATED);
	while (*at < in->repeated_count) {
		const struct repeated_value *stated = &in->repeated[(*at)++];
		if (stated->option == index)
			return stated->value;
	}
	return NULL;
}

/* How many words of the arguments are the command's name; 0: it is another. */
static int
words_of(const struct command *command, int argc, char **argv)
{
	struct str rest = str_from(command->name);
	int words = 0;

	while (rest.ptr) {
		struct str word = str_cut(&rest, ' ');
		if (words == argc || !str_eq(word, str_from(argv[words])))
			return 0;
		words++;
	}
	return words;
}

const struct command *
command_find(const struct command *all, int argc, char **argv, int *words, const char **near)
{
	const struct command *found = NULL;
	size_t least = OPTION_SUGGESTION_DISTANCE + 1;

	*words = 0;
	*near = NULL;
	for (const struct command *c = all; c->name; c++) {
		int count = words_of(c, argc, argv);
		struct str rest = str_from(c->name), first = str_cut(&rest, ' ');
		size_t d = option_name_distance(str_from(argv[0]), first);
		if (count > *words) {
			*words = count;
			found = c;
		}
		if (d < least && d < strlen(argv[0])) {
			least = d;
			*near = c->name;
		}
	}
	return found;
}

static void
put_padded(struct buf *out, size_t from, const char *text)
{
	do
		buf_char(out, ' ');
	while (!out->failed && out->len - from < HELP_COLUMN);
	buf_str(out, str_from(text));
	buf_char(out, '\n');
}

static void
put_option(struct buf *out, const struct command_option *option)
{
	size_t from = out->len;

	buf_printf(out, "  --%s%s%s", option->name, option->value ? " " : "",
		option->value ? option->value : "");
	put_padded(out, from, option->help);
}

void
command_help(struct buf *out, const struct command *command)
{
	const struct command_option *options = options_of(command);

	buf_printf(out, "thingward %s%s%s%s\n\n%s.\n", command->name,
		options[0].name || command->configured ? " [options]" : "",
		command->operands ? " " : "", command->operands ? command->operands : "",
		command->summary);
	if (command->more)
		buf_printf(out, "%s\n", command->more);
	if (options[0].name)
		buf_str(out, STR("\nOptions:\n"));
	for (int i = 0; options[i].name; i++)
		put_option(out, &options[i]);
	if (command->configured) {
		buf_str(out, STR("\nOptions of the server:\n"));
		config_help(out);
	}
}

void
commands_help(struct buf *out, const struct command *all)
{
	buf_str(out,
		STR("Thingward answers who may do what to which thing, where.\n\n"
		    "thingward COMMAND [options]\n\n"));
	for (const struct command *c = all; c->name; c++) {
		size_t from = out->len;
		buf_printf(out, "  %s%s%s", c->name, c->operands ? " " : "",
			c->operands ? c->operands : "");
		put_padded(out, from, c->summary);
	}
	buf_str(out, STR("\nEach tells more with --help. To begin: thingward serve\n"));
}

void
command_failed(const struct invocation *in, const struct error *err)
{
	fprintf(stderr, "thingward %s: %s", in->command->name, err->text);
	fprintf(stderr, err->detail[0] ? " (%s)\n" : "\n", err->detail);
}
