/* The reading of options by any table; one with a secret and a switch, which the server's lacks. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "config/options.h"

struct target {
	const char *name, *pepper;
	int64_t count;
	bool loud;
	int colour;
};

static const char *
check_name(struct str text)
{
	return text.len > 5 ? "must have at most 5 letters" : NULL;
}

static const char *const colours[] = {"red", "green", NULL};

static const struct option table[] = {
	{.name = "name",
		.type = OPTION_STRING,
		.offset = offsetof(struct target, name),
		.fallback = "anna",
		.check = check_name,
		.help = "A name"},
	{.name = "pepper",
		.type = OPTION_STRING,
		.offset = offsetof(struct target, pepper),
		.secret = true,
		.check = check_name,
		.help = "A secret"},
	{.name = "max-count",
		.type = OPTION_INTEGER,
		.offset = offsetof(struct target, count),
		.fallback = "3",
		.least = -1,
		.most = 10,
		.unit = "eggs",
		.help = "A count"},
	{.name = "loud",
		.type = OPTION_BOOLEAN,
		.offset = offsetof(struct target, loud),
		.fallback = "false",
		.help = "A switch"},
	{.name = "colour",
		.type = OPTION_ENUM,
		.offset = offsetof(struct target, colour),
		.fallback = "red",
		.choices = colours,
		.outside_file = true,
		.help = "A colour"},
};
static const struct option_set set = {table, ARRAY_LEN(table)};

static struct option_value values[ARRAY_LEN(table)];
static struct option_wishes wishes;
static struct target target;
static struct error err;

static enum status
read_arguments(const char *const *arguments)
{
	char *argv[16];
	int argc = 0;
	for (; arguments[argc] && argc < 15; argc++)
		argv[argc] = (char *)(uintptr_t)arguments[argc];
	argv[argc] = NULL;
	memset(values, 0, sizeof(values));
	err = (struct error){0};
	wishes = (struct option_wishes){0};
	target = (struct target){0};
	enum status rc = options_read_arguments(values, &wishes, set, argc, argv, &err);
	return rc == OK ? options_store(&target, values, set, &err) : rc;
}

#define ARGUMENTS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void
check_refused(enum status rc, const char *code, const char *said)
{
	assert_int_equal(rc, ERR_INVALID);
	assert_string_equal(err.code, code);
	if (!strstr(err.text, said))
		fail_msg("'%s' does not say '%s'", err.text, said);
}

static void
test_options__defaults(void **state)
{
	(void)state;
	assert_int_equal(read_arguments(ARGUMENTS()), OK);
	assert_string_equal(target.name, "anna");
	assert_null(target.pepper);
	assert_int_equal(target.count, 3);
	assert_false(target.loud);
	assert_int_equal(target.colour, 0);
	assert_false(wishes.help || wishes.check);
}

static void
test_options__both_forms_and_the_last_counts(void **state)
{
	(void)state;
	assert_int_equal(read_arguments(ARGUMENTS("--name", "x=y", "--max-count=-1", "--loud",
				 "--colour=red", "--colour", "green", "--check")),
		OK);
	assert_string_equal(target.name, "x=y");
	assert_int_equal(target.count, -1);
	assert_true(target.loud);
	assert_int_equal(target.colour, 1);
	assert_true(wishes.check && !wishes.help);
	assert_int_equal(read_arguments(ARGUMENTS("--loud=false", "--name=a=b", "--help")), OK);
	assert_false(target.loud);
	assert_string_equal(target.name, "a=b");
	assert_true(wishes.help);
}

static void
test_options__refusals(void **state)
{
	(void)state;
	check_refused(read_arguments(ARGUMENTS("--nmae=x")), "option-unknown", "mean 'name'");
	check_refused(
		read_arguments(ARGUMENTS("--max-cuont", "1")), "option-unknown", "'max-count'");
	check_refused(
		read_arguments(ARGUMENTS("--entirely-different")), "option-unknown", "--help");
	check_refused(read_arguments(ARGUMENTS("name")), "option-unknown", "begin with --");
	check_refused(read_arguments(ARGUMENTS("--")), "option-unknown", "begin with --");
	check_refused(read_arguments(ARGUMENTS("-n")), "option-unknown", "begin with --");
	check_refused(read_arguments(ARGUMENTS("--name")), "option-invalid", "--name VALUE");
	check_refused(read_arguments(ARGUMENTS("--name=")), "option-invalid", "--name VALUE");
	check_refused(read_arguments(ARGUMENTS("--name", "")), "option-invalid", "--name VALUE");
	check_refused(read_arguments(ARGUMENTS("--name=much-too-long")), "option-invalid",
		"at most 5 letters");
	check_refused(read_arguments(ARGUMENTS("--name=a\n")), "option-invalid", "control");
	check_refused(read_arguments(ARGUMENTS("--name=\xff")), "option-invalid", "UTF-8");
	check_refused(read_arguments(ARGUMENTS("--max-count=11")), "option-invalid",
		"--max-count: '11' must be a whole number from -1 to 10, in eggs");
	check_refused(read_arguments(ARGUMENTS("--max-count=-2")), "option-invalid", "-1 to 10");
	check_refused(read_arguments(ARGUMENTS("--max-count=1x")), "option-invalid", "-1 to 10");
	check_refused(read_arguments(ARGUMENTS("--loud=yes")), "option-invalid", "true or false");
	check_refused(read_arguments(ARGUMENTS("--colour=blue")), "option-invalid", "red, green");
	check_refused(
		read_arguments(ARGUMENTS("--pepper=x")), "option-invalid", "see the command line");
	assert_null(strstr(err.text, "'x'"));
}

static const char *
environment(const char *name)
{
	if (strcmp(name, "THINGWARD_MAX_COUNT") == 0)
		return "7";
	if (strcmp(name, "THINGWARD_PEPPER") == 0)
		return "hot";
	return strcmp(name, "THINGWARD_NAME") == 0 ? "" : NULL;
}

static const char *
bad_environment(const char *name)
{
	return strcmp(name, "THINGWARD_PEPPER") == 0 ? "hunter2hunter2" : NULL;
}

static void
test_options__environment(void **state)
{
	(void)state;
	assert_int_equal(read_arguments(ARGUMENTS("--max-count=2")), OK);
	options_read_environment(values, set, environment);
	assert_int_equal(options_store(&target, values, set, &err), OK);
	assert_int_equal(target.count, 2);
	assert_string_equal(target.pepper, "hot");
	assert_string_equal(target.name, "anna");
	assert_int_equal(read_arguments(ARGUMENTS()), OK);
	options_read_environment(values, set, environment);
	assert_int_equal(options_store(&target, values, set, &err), OK);
	assert_int_equal(target.count, 7);
}

static void
test_options__a_bad_secret_is_not_repeated(void **state)
{
	(void)state;
	assert_int_equal(read_arguments(ARGUMENTS()), OK);
	options_read_environment(values, set, bad_environment);
	check_refused(options_store(&target, values, set, &err), "option-invalid",
		"THINGWARD_PEPPER: '[redacted]' must have at most 5");
	assert_null(strstr(err.text, "hunter2"));
}

static char path[] = "/tmp/thingward-options-XXXXXX";

static enum status
read_file(const char *text, size_t len, struct arena *arena)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(read_arguments(ARGUMENTS("--max-count=2")), OK);
	enum status rc = options_read_file(values, set, path, arena, &err);
	return rc == OK ? options_store(&target, values, set, &err) : rc;
}

static void
test_options__file(void **state)
{
	(void)state;
	static const char text[] = "# a comment\r\n\n  name =  b = c  \npepper=hot\r\n"
				   "max-count = 9\n\tloud\t=\ttrue";
	struct arena *arena = arena_new(1 << 20);
	assert_int_equal(read_file(text, sizeof(text) - 1, arena), OK);
	assert_string_equal(target.name, "b = c");
	assert_string_equal(target.pepper, "hot");
	assert_int_equal(target.count, 2);
	assert_true(target.loud);
	assert_int_equal(read_file("", 0, arena), OK);
	arena_free(&arena);
}

static void
test_options__file_refusals(void **state)
{
	(void)state;
	struct arena *arena = arena_new(1 << 20);
	static const char *const broken[][2] = {
		{"\nname", "line 2: 'name' is not of the form"},
		{"name =\n", "line 1: 'name' needs a value"},
		{"name = a\nname = b\n", "line 2: 'name' stands here a second time"},
		{"max-count = 1\nmax-count = 1\n", "second time"},
		{"colour = red\n", "cannot be set in a file"},
		{"name = \xff", "UTF-8"},
	};
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		check_refused(read_file(broken[i][0], strlen(broken[i][0]), arena),
			"config-file-broken", broken[i][1]);
		arena_reset(arena);
	}
	check_refused(read_file("name = \0\n", 9, arena), "config-file-broken", "UTF-8");
	check_refused(read_file("name = toolong\n", 15, arena), "option-invalid",
		"in the configuration file");
	check_refused(read_file("\n\nnames = x\n", 12, arena), "option-unknown", "line 3");
	arena_reset(arena);
	char *big = malloc(70000);
	assert_non_null(big);
	memset(big, '\n', 70000);
	check_refused(read_file(big, 70000, arena), "config-file-broken", "64 KiB");
	free(big);
	err = (struct error){0};
	check_refused(options_read_file(values, set, "/nonexistent", arena, &err),
		"config-file-unreadable", "/nonexistent");
	err = (struct error){0};
	check_refused(options_read_file(values, set, "/tmp", arena, &err), "config-file-unreadable",
		"/tmp");
	arena_free(&arena);
}

static void
test_options__descriptions(void **state)
{
	(void)state;
	struct buf out;
	buf_init(&out, 10000);
	assert_int_equal(read_arguments(ARGUMENTS("--max-count=2")), OK);
	options_read_environment(values, set, environment);
	options_print(&out, values, set);
	check_str(buf_view(&out),
		"# default\nname = anna\n"
		"# environment\npepper = [redacted]\n"
		"# command line\nmax-count = 2\n"
		"# default\nloud = false\n"
		"# default\n# colour = red\n");
	buf_reset(&out);
	options_help(&out, set);
	buf_char(&out, '\0');
	assert_non_null(strstr(out.ptr, "  --max-count NUMBER          A count (-1 to 10 eggs)\n"));
	assert_non_null(strstr(out.ptr, "  --colour WORD               A colour (red, green)\n"));
	assert_null(strstr(out.ptr, "--pepper"));
	assert_non_null(strstr(out.ptr, "--check"));
	buf_reset(&out);
	options_reference(&out, set);
	buf_char(&out, '\0');
	assert_non_null(strstr(out.ptr,
		"| `max-count` | `THINGWARD_MAX_COUNT` | `3` | A count (-1 to 10 eggs) |\n"));
	assert_non_null(strstr(out.ptr, "secret, not on the command line"));
	buf_clear(&out);
}

static int
start(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int
stop(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options__defaults),
		cmocka_unit_test(test_options__both_forms_and_the_last_counts),
		cmocka_unit_test(test_options__refusals),
		cmocka_unit_test(test_options__environment),
		cmocka_unit_test(test_options__a_bad_secret_is_not_repeated),
		cmocka_unit_test(test_options__file),
		cmocka_unit_test(test_options__file_refusals),
		cmocka_unit_test(test_options__descriptions),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
