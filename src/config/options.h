#ifndef CONFIG_OPTIONS_H
#define CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/error.h"
#include "base/str.h"

/*
 * Options as a table, from which their reading and their descriptions come. An option `key-file`
 * is `--key-file` on the command line, THINGWARD_KEY_FILE in the environment and `key-file = …` in
 * a file; the command line wins over the environment, that over the file, that over the default.
 * Start-up only.
 */
enum option_type {
	OPTION_STRING, /* const char * */
	OPTION_PATH, /* const char * */
	OPTION_INTEGER, /* int64_t */
	OPTION_BOOLEAN, /* bool */
	OPTION_ENUM, /* int, an index of `choices` */
};

struct option {
	const char *name;
	enum option_type type;
	size_t offset; /* of its field in the structure that is filled */
	const char *fallback; /* NULL when it follows from others, or when there is none */
	const char *fallback_says; /* the default in words, where `fallback` does not say it */
	const char *help; /* one line, without a full stop */
	const char *unit; /* of an integer, or NULL */
	int64_t least, most; /* of an integer */
	const char *const *choices; /* of an enum, NULL at the end */
	/* What is wrong with a string, as the rest of "it …"; NULL when nothing is. */
	const char *(*check)(struct str value);
	bool secret; /* never shown, and refused on the command line, which others can see */
	bool outside_file; /* not to be set in a file */
};

struct option_set {
	const struct option *options;
	size_t count;
};

enum option_origin {
	ORIGIN_DEFAULT = 0,
	ORIGIN_FILE,
	ORIGIN_ENVIRONMENT,
	ORIGIN_COMMAND_LINE,
};

/* One for each option of the set; zeroed before the first reading. The text is borrowed from the
 * arguments, the environment or the arena. */
struct option_value {
	const char *text;
	enum option_origin origin;
};

/* As getenv(3). */
typedef const char *option_getenv(const char *name);

/* What is asked for beside the options. */
struct option_wishes {
	bool help; /* --help */
	bool check; /* --check */
};

/* `argv` without the names of program and command. All errors are ERR_INVALID and name the option
 * and the remedy: "option-unknown", "option-invalid", "config-file-unreadable",
 * "config-file-broken". The last of several equal options counts. */
enum status options_read_arguments(struct option_value *values, struct option_wishes *wishes,
	struct option_set set, int argc, char **argv, struct error *err) MUST_USE;

/* An empty variable counts as unset. */
void options_read_environment(
	struct option_value *values, struct option_set set, option_getenv *get);

/* Sets what no stronger source has set. */
enum status options_read_file(struct option_value *values, struct option_set set, const char *path,
	struct arena *arena, struct error *err) MUST_USE;

/* Checks each value, or its default, and stores it in its field of `target`. */
enum status options_store(void *target, const struct option_value *values, struct option_set set,
	struct error *err) MUST_USE;

#define OPTION_ENVIRONMENT_MAX 64
void option_environment_name(char out[OPTION_ENVIRONMENT_MAX], const struct option *option);

/* How many letters must be put in, left out or changed to make one name of the other; beyond
 * OPTION_SUGGESTION_DISTANCE it is hardly meant. SIZE_MAX for long ones. */
#define OPTION_SUGGESTION_DISTANCE 3
size_t option_name_distance(struct str a, struct str b);

/* Lines for a terminal; Markdown; and a file that says what is in force, secrets left out. */
void options_help(struct buf *out, struct option_set set);
void options_reference(struct buf *out, struct option_set set);
void options_print(struct buf *out, const struct option_value *values, struct option_set set);

#endif
