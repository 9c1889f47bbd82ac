#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include <stdio.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"
#include "config/config.h"

/* The commands as a table, from which their reading and their help come. Main thread only. */
#define COMMAND_OPTIONS_MAX 12
#define COMMAND_REPEATED_MAX 64 /* statements of options that may be repeated, together */

enum exit_status {
	EXIT_OK = 0,
	EXIT_FAILED = 1, /* also: denied, or the store is not sound */
	EXIT_USAGE = 2, /* the command line is wrong; of `check`: no decision was had */
};

enum command_option_use {
	USE_OPTIONAL = 0,
	USE_REQUIRED,
	USE_REPEATED, /* as often as one likes: each statement counts, not only the last */
};

struct command_option {
	const char *name; /* without the dashes */
	const char *value; /* what its value is called; NULL: it has none */
	const char *help;
	enum command_option_use use;
};

struct invocation;

struct repeated_value {
	int option;
	const char *value;
};

struct command {
	const char *name; /* one word or two */
	const char *operands; /* as the usage shows it; NULL: it takes none */
	const char *summary;
	const char *more; /* further lines of its help, or NULL */
	const struct command_option *options; /* the last has no name; NULL: none */
	bool configured; /* takes the options of the server as well */
	enum exit_status (*run)(struct invocation *in);
};

/* One command as it was called. Everything is borrowed from the arguments. */
struct invocation {
	const struct command *command;
	const char *values[COMMAND_OPTIONS_MAX]; /* by option; "" of one without value */
	struct repeated_value repeated[COMMAND_REPEATED_MAX]; /* in the order of the arguments */
	int repeated_count;
	const char *operand; /* NULL: none */
	bool help;
	int argc; /* what is left for the configuration; argv[argc] is NULL */
	char **argv;
	struct config config; /* read when the command is `configured` */
};

/*
 * Sorts what stands behind the name of the command. `argv` is reordered; argv[argc] is NULL before
 * and after. ERR_INVALID "option-unknown", "option-invalid", "operand-missing",
 * "operand-unexpected", with a text that names what is wrong.
 */
enum status invocation_parse(struct invocation *out, const struct command *command, int argc,
	char **argv, struct error *err) MUST_USE;

/* The value of an option, by its name; NULL when it was not stated. */
const char *invocation_value(const struct invocation *in, const char *name);

/* The next value of a repeated option: begin with *at = 0, which it moves on. NULL: no further. */
const char *invocation_next(const struct invocation *in, const char *name, int *at);

/* Finds the command that the arguments begin with, and how many words its name has. NULL: there is
 * none, and *near is the name that was probably meant, or NULL. */
const struct command *command_find(
	const struct command *commands, int argc, char **argv, int *words, const char **near);

void command_help(struct buf *out, const struct command *command);
void commands_help(struct buf *out, const struct command *commands);

/* Tells of an error on standard error, as "thingward serve: …". */
void command_failed(const struct invocation *in, const struct error *err);

/* All of them; the last has no name. */
extern const struct command commands[];

enum exit_status command_serve(struct invocation *in);
enum exit_status command_operator_key(struct invocation *in);
enum exit_status command_blueprint_apply(struct invocation *in);
enum exit_status command_blueprint_list(struct invocation *in);
enum exit_status command_keys_rotate(struct invocation *in);
enum exit_status command_keys_rewrap(struct invocation *in);
enum exit_status command_persons_recover(struct invocation *in);
enum exit_status command_check(struct invocation *in);
enum exit_status command_verify(struct invocation *in);
enum exit_status command_migrate(struct invocation *in);
enum exit_status command_config(struct invocation *in);
enum exit_status command_config_reference(struct invocation *in);
enum exit_status command_version(struct invocation *in);
enum exit_status command_help_all(struct invocation *in);

extern const struct command_option operator_key_options[];
extern const struct command_option blueprint_apply_options[];
extern const struct command_option keys_rotate_options[];
extern const struct command_option persons_recover_options[];
extern const struct command_option check_options[];
extern const struct command_option migrate_options[];

#endif
