#include "check.h"

#include "cli/command.h"

static const struct command_option check_like[] = {
	{"subject", "KIND:ID", "who", USE_REQUIRED},
	{"explain", NULL, "why", USE_OPTIONAL},
	{"fact", "TEXT", "what is so", USE_REPEATED},
	{"word", "TEXT", "what is said", USE_REPEATED},
	{0},
};

static const struct command table[] = {
	{.name = "serve", .summary = "Run", .configured = true},
	{.name = "check", .summary = "Ask", .options = check_like},
	{.name = "key", .summary = "Make", .options = check_like, .configured = true},
	{.name = "config", .summary = "Show", .configured = true},
	{.name = "config reference", .summary = "All"},
	{.name = "apply", .operands = "FILE", .summary = "Apply"},
	{0},
};

/* Arguments as main() gets them: not literals, and NULL at the end. */
#define ARGUMENTS_MAX 8
struct arguments {
	int argc;
	char *argv[ARGUMENTS_MAX + 1];
	char space[ARGUMENTS_MAX][64];
};

static void
arguments_set(struct arguments *a, const char *words)
{
	struct str rest = str_from(words);

	*a = (struct arguments){0};
	while (rest.len > 0) {
		struct str word = str_cut(&rest, ' ');
		assert_true(a->argc < ARGUMENTS_MAX);
		snprintf(a->space[a->argc], sizeof(a->space[0]), "%.*s", STR_ARG(word));
		a->argv[a->argc] = a->space[a->argc];
		a->argc++;
	}
}

static const struct command *
find(const char *words, int *count, const char **near)
{
	struct arguments a;

	arguments_set(&a, words);
	return command_find(table, a.argc, a.argv, count, near);
}

static void
test_command__longest_name(void **state)
{
	int words;
	const char *near;

	(void)state;
	assert_ptr_equal(find("config reference", &words, &near), &table[4]);
	assert_int_equal(words, 2);
	assert_ptr_equal(find("config --check", &words, &near), &table[3]);
	assert_int_equal(words, 1);
	assert_ptr_equal(find("config", &words, &near), &table[3]);
}

static void
test_command__nearest_name(void **state)
{
	int words;
	const char *near;

	(void)state;
	assert_null(find("serv", &words, &near));
	assert_string_equal(near, "serve");
	assert_null(find("chekc --x", &words, &near));
	assert_string_equal(near, "check");
	assert_null(find("frobnicate", &words, &near));
	assert_null(near);
	assert_null(find(" ", &words, &near));
	assert_null(near);
}

/* The code of the error; NULL when it was read. */
static const char *
parse(struct invocation *in, struct arguments *a, int command, const char *words)
{
	static struct error err;

	arguments_set(a, words);
	error_clear(&err);
	if (invocation_parse(in, &table[command], a->argc, a->argv, &err) == OK)
		return NULL;
	assert_int_equal(err.status, ERR_INVALID);
	assert_string_not_equal(err.text, "");
	return err.code;
}

static void
test_invocation__own_options(void **state)
{
	struct invocation in;
	struct arguments a;

	(void)state;
	assert_null(parse(&in, &a, 1, "--subject member:1 --explain"));
	assert_string_equal(invocation_value(&in, "subject"), "member:1");
	assert_non_null(invocation_value(&in, "explain"));
	assert_int_equal(in.argc, 0);
	assert_null(parse(&in, &a, 1, "--subject=a=b"));
	assert_string_equal(invocation_value(&in, "subject"), "a=b");
	assert_null(invocation_value(&in, "explain"));
}

static void
test_invocation__repeated_options(void **state)
{
	struct invocation in;
	struct arguments a;
	int at = 0;

	(void)state;
	assert_null(parse(&in, &a, 1, "--fact a=1 --word=w --fact=b=2 --subject x --fact a=1"));
	assert_string_equal(invocation_next(&in, "fact", &at), "a=1");
	assert_string_equal(invocation_next(&in, "fact", &at), "b=2");
	assert_string_equal(invocation_next(&in, "fact", &at), "a=1");
	assert_null(invocation_next(&in, "fact", &at));
	at = 0;
	assert_string_equal(invocation_next(&in, "word", &at), "w");
	assert_null(invocation_next(&in, "word", &at));
	assert_null(parse(&in, &a, 1, "--subject x"));
	at = 0;
	assert_null(invocation_next(&in, "fact", &at));
	assert_string_equal(parse(&in, &a, 1, "--subject x --fact="), "option-invalid");
}

static void
test_invocation__too_many_repeated(void **state)
{
	struct invocation in;
	struct error err = {0};
	char word[] = "--fact=1", subject[] = "--subject=x";
	char *argv[COMMAND_REPEATED_MAX + 3] = {subject};

	(void)state;
	for (int i = 0; i <= COMMAND_REPEATED_MAX; i++)
		argv[i + 1] = word;
	assert_int_equal(invocation_parse(&in, &table[1], COMMAND_REPEATED_MAX + 2, argv, &err),
		ERR_INVALID);
	assert_string_equal(err.code, "option-invalid");
	argv[0] = subject; /* argv is reordered */
	argv[COMMAND_REPEATED_MAX + 1] = NULL;
	error_clear(&err);
	assert_int_equal(
		invocation_parse(&in, &table[1], COMMAND_REPEATED_MAX + 1, argv, &err), OK);
	assert_int_equal(in.repeated_count, COMMAND_REPEATED_MAX);
}

static void
test_invocation__wrong_options(void **state)
{
	struct invocation in;
	struct arguments a;

	(void)state;
	assert_string_equal(parse(&in, &a, 1, "--explain"), "option-missing");
	assert_string_equal(parse(&in, &a, 1, "--subject"), "option-invalid");
	assert_string_equal(parse(&in, &a, 1, "--subject="), "option-invalid");
	assert_string_equal(parse(&in, &a, 1, "--subject x --explain=1"), "option-invalid");
	assert_string_equal(parse(&in, &a, 1, "--subjekt x"), "option-unknown");
	assert_string_equal(parse(&in, &a, 1, "--port 1 --subject x"), "option-unknown");
	assert_string_equal(parse(&in, &a, 1, "--subject x extra"), "operand-unexpected");
	assert_string_equal(parse(&in, &a, 1, "--subject x --"), "operand-unexpected");
}

static void
test_invocation__leaves_the_servers_options(void **state)
{
	struct invocation in;
	struct arguments a;

	(void)state;
	assert_null(parse(&in, &a, 2, "--store a.db --subject x --check --port=1 --threads 2"));
	assert_string_equal(invocation_value(&in, "subject"), "x");
	assert_int_equal(in.argc, 6);
	assert_string_equal(in.argv[0], "--store");
	assert_string_equal(in.argv[1], "a.db");
	assert_string_equal(in.argv[2], "--check");
	assert_string_equal(in.argv[3], "--port=1");
	assert_string_equal(in.argv[5], "2");
	assert_null(in.argv[6]);
	/* A value that looks like an option of ours is still a value. */
	assert_null(parse(&in, &a, 2, "--subject x --store --explain"));
	assert_null(invocation_value(&in, "explain"));
	assert_int_equal(in.argc, 2);
	/* The last may lack its value: the configuration says so. */
	assert_null(parse(&in, &a, 0, "--store"));
	assert_int_equal(in.argc, 1);
}

static void
test_invocation__operand(void **state)
{
	struct invocation in;
	struct arguments a;

	(void)state;
	assert_null(parse(&in, &a, 5, "file.json"));
	assert_string_equal(in.operand, "file.json");
	assert_string_equal(parse(&in, &a, 5, "a b"), "operand-unexpected");
	assert_string_equal(parse(&in, &a, 5, ""), "operand-missing");
}

static void
test_invocation__help_needs_nothing_else(void **state)
{
	struct invocation in;
	struct arguments a;

	(void)state;
	assert_null(parse(&in, &a, 1, "--help"));
	assert_true(in.help);
	assert_null(parse(&in, &a, 5, "-h"));
	assert_true(in.help);
}

static void
test_help__names_every_option(void **state)
{
	char space[16384];
	struct buf text;

	(void)state;
	buf_init_fixed(&text, space, sizeof(space));
	command_help(&text, &table[2]);
	buf_char(&text, '\0');
	assert_false(text.failed);
	assert_non_null(strstr(space, "--subject KIND:ID"));
	assert_non_null(strstr(space, "--explain "));
	assert_non_null(strstr(space, "--store PATH"));
	buf_reset(&text);
	commands_help(&text, table);
	buf_char(&text, '\0');
	assert_non_null(strstr(space, "  apply FILE "));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_command__longest_name),
		cmocka_unit_test(test_command__nearest_name),
		cmocka_unit_test(test_invocation__own_options),
		cmocka_unit_test(test_invocation__repeated_options),
		cmocka_unit_test(test_invocation__too_many_repeated),
		cmocka_unit_test(test_invocation__wrong_options),
		cmocka_unit_test(test_invocation__leaves_the_servers_options),
		cmocka_unit_test(test_invocation__operand),
		cmocka_unit_test(test_invocation__help_needs_nothing_else),
		cmocka_unit_test(test_help__names_every_option),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
