#include <string.h>

#include "config/options.h"

#define HELP_COLUMN 30

static const char *
placeholder(enum option_type type)
{
	switch (type) {
	case OPTION_STRING:
		return " TEXT";
	case OPTION_PATH:
		return " PATH";
	case OPTION_INTEGER:
		return " NUMBER";
	case OPTION_BOOLEAN:
		return "[=true|false]";
	case OPTION_ENUM:
		return " WORD";
	}
	return "";
}

static const char *
default_of(const struct option *option)
{
	if (option->fallback_says)
		return option->fallback_says;
	return option->fallback ? option->fallback : "none";
}

/* What values it takes, after its help: " (1 to 65535)", " (debug, info)". */
static void
put_range(struct buf *out, const struct option *option)
{
	if (option->type == OPTION_INTEGER)
		buf_printf(out, " (%lld to %lld%s%s)", (long long)option->least,
			(long long)option->most, option->unit ? " " : "",
			option->unit ? option->unit : "");
	for (size_t i = 0; option->type == OPTION_ENUM && option->choices[i]; i++)
		buf_printf(out, "%s%s%s", i ? ", " : " (", option->choices[i],
			option->choices[i + 1] ? "" : ")");
}

void
options_help(struct buf *out, struct option_set set)
{
	for (size_t i = 0; i < set.count; i++) {
		const struct option *option = &set.options[i];
		size_t before = out->len;
		if (option->secret)
			buf_printf(out, "  (%s)", option->name);
		else
			buf_printf(out, "  --%s%s", option->name, placeholder(option->type));
		do
			buf_char(out, ' ');
		while (!out->failed && out->len - before < HELP_COLUMN);
		buf_str(out, str_from(option->help));
		put_range(out, option);
		buf_printf(out, "\n%*s(default: %s)\n", HELP_COLUMN, "", default_of(option));
	}
	buf_printf(out, "  --check%*sPrint the values in force and stop\n", HELP_COLUMN - 9, "");
	buf_printf(out, "  --help%*sPrint this and stop\n", HELP_COLUMN - 8, "");
}

void
options_reference(struct buf *out, struct option_set set)
{
	char name[OPTION_ENVIRONMENT_MAX];
	buf_str(out,
		STR("| option | environment | default | meaning |\n"
		    "| --- | --- | --- | --- |\n"));
	for (size_t i = 0; i < set.count; i++) {
		const struct option *option = &set.options[i];
		const char *mark = option->fallback_says || !option->fallback ? "" : "`";
		option_environment_name(name, option);
		buf_printf(out, "| `%s` | `%s` | %s%s%s | %s", option->name, name, mark,
			default_of(option), mark, option->help);
		put_range(out, option);
		if (option->secret)
			buf_str(out, STR("; secret, not on the command line"));
		if (option->outside_file)
			buf_str(out, STR("; not in a file"));
		buf_str(out, STR(" |\n"));
	}
}

static const char *
origin_name(enum option_origin origin)
{
	switch (origin) {
	case ORIGIN_DEFAULT:
		return "default";
	case ORIGIN_FILE:
		return "configuration file";
	case ORIGIN_ENVIRONMENT:
		return "environment";
	case ORIGIN_COMMAND_LINE:
		return "command line";
	}
	return "default";
}

void
options_print(struct buf *out, const struct option_value *values, struct option_set set)
{
	for (size_t i = 0; i < set.count; i++) {
		const struct option *option = &set.options[i];
		const char *text = values[i].text ? values[i].text : option->fallback;
		if (!text)
			continue;
		buf_printf(out, "# %s\n", origin_name(values[i].origin));
		if (option->secret)
			text = "[redacted]";
		buf_printf(
			out, "%s%s = %s\n", option->outside_file ? "# " : "", option->name, text);
	}
}
