#include "config/options.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define NAME_MAX_LEN 40

void
option_environment_name(char out[OPTION_ENVIRONMENT_MAX], const struct option *option)
{
	static const char prefix[] = "THINGWARD_";
	size_t len = strlen(option->name), at = sizeof(prefix) - 1;
	ASSERT(at + len < OPTION_ENVIRONMENT_MAX);
	memcpy(out, prefix, at);
	for (size_t i = 0; i < len; i++) {
		char c = option->name[i];
		out[at++] = c == '-' ? '_' : (char)toupper((unsigned char)c);
	}
	out[at] = '\0';
}

static size_t
least_of(size_t a, size_t b, size_t c)
{
	size_t least = a < b ? a : b;
	return least < c ? least : c;
}

size_t
option_name_distance(struct str a, struct str b)
{
	size_t row[NAME_MAX_LEN + 1];
	if (a.len > NAME_MAX_LEN || b.len > NAME_MAX_LEN)
		return SIZE_MAX;
	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			size_t above = row[j];
			size_t change = diagonal + (a.ptr[i - 1] != b.ptr[j - 1]);
			row[j] = least_of(change, above + 1, row[j - 1] + 1);
			diagonal = above;
		}
	}
	return row[b.len];
}

static const struct option *
nearest(struct option_set set, struct str name)
{
	const struct option *found = NULL;
	size_t least = OPTION_SUGGESTION_DISTANCE + 1;
	for (size_t i = 0; i < set.count; i++) {
		size_t d = option_name_distance(name, str_from(set.options[i].name));
		if (d < least && d < name.len) {
			least = d;
			found = &set.options[i];
		}
	}
	return found;
}

/* `place` says where the name stands; ERR_INVALID when there is no such option. */
static enum status
find(size_t *out, struct option_set set, struct str name, const char *place, struct error *err)
{
	for (size_t i = 0; i < set.count; i++) {
		if (str_eq(name, str_from(set.options[i].name))) {
			*out = i;
			return OK;
		}
	}
	const struct option *near = nearest(set, name);
	if (near)
		return error_set(err, ERR_INVALID, "option-unknown",
			"%s: there is no option '%.*s'; did you mean '%s'?", place, STR_ARG(name),
			near->name);
	return error_set(err, ERR_INVALID, "option-unknown",
		"%s: there is no option '%.*s'; --help lists them.", place, STR_ARG(name));
}

/* Reads the option that argv[*at] begins, and leaves *at at its last argument. */
static enum status
read_argument(
	struct option_value *values, struct option_set set, char **argv, int *at, struct error *err)
{
	const char *argument = argv[*at] + 2, *equals = strchr(argument, '=');
	struct str name = str_from(argument);
	size_t i = 0;
	if (equals)
		name.len = (size_t)(equals - argument);
	enum status rc = find(&i, set, name, "command line", err);
	if (rc != OK)
		return rc;
	const struct option *option = &set.options[i];
	if (option->secret)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s: others can see the command line; set it in the environment or in "
			"the configuration file.",
			option->name);
	const char *text = equals ? equals + 1 : option->type == OPTION_BOOLEAN ? "true" : NULL;
	if (!text && argv[*at + 1])
		text = argv[++*at];
	if (!text || !*text)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s needs a value: --%s VALUE.", option->name, option->name);
	values[i] = (struct option_value){text, ORIGIN_COMMAND_LINE};
	return OK;
}

enum status
options_read_arguments(struct option_value *values, struct option_wishes *wishes,
	struct option_set set, int argc, char **argv, struct error *err)
{
	for (int at = 0; at < argc; at++) {
		struct str argument = str_from(argv[at]);
		if (str_eq(argument, STR("--help"))) {
			wishes->help = true;
		} else if (str_eq(argument, STR("--check"))) {
			wishes->check = true;
		} else if (str_starts(argument, STR("--")) && argument.len > 2) {
			enum status rc = read_argument(values, set, argv, &at, err);
			if (rc != OK)
				return rc;
		} else {
			return error_set(err, ERR_INVALID, "option-unknown",
				"'%s' is not an option; options begin with -- (see --help).",
				argv[at]);
		}
	}
	return OK;
}

void
options_read_environment(struct option_value *values, struct option_set set, option_getenv *get)
{
	char name[OPTION_ENVIRONMENT_MAX];
	for (size_t i = 0; i < set.count; i++) {
		if (values[i].origin >= ORIGIN_ENVIRONMENT)
			continue;
		option_environment_name(name, &set.options[i]);
		const char *text = get(name);
		if (text && *text)
			values[i] = (struct option_value){text, ORIGIN_ENVIRONMENT};
	}
}

static struct str
trim(struct str s)
{
	while (s.len > 0 && isspace((unsigned char)s.ptr[0]))
		s = (struct str){s.ptr + 1, s.len - 1};
	while (s.len > 0 && isspace((unsigned char)s.ptr[s.len - 1]))
		s.len--;
	return s;
}

struct file {
	const char *path;
	struct str rest;
	int line;
	bool *seen; /* by option */
	struct arena *arena;
};

static enum status
line_failed(const struct file *f, const char *what, struct str name, struct error *err)
{
	return error_set(err, ERR_INVALID, "config-file-broken", "%s, line %d: '%.*s' %s.", f->path,
		f->line, STR_ARG(name), what);
}

static enum status
read_line(struct option_value *values, struct option_set set, struct file *f, struct str line,
	struct error *err)
{
	char place[ERROR_TEXT_MAX];
	size_t i = 0;
	struct str value = line, name = trim(str_cut(&value, '='));
	if (!value.ptr)
		return line_failed(f, "is not of the form 'name = value'", name, err);
	snprintf(place, sizeof(place), "%s, line %d", f->path, f->line);
	enum status rc = find(&i, set, name, place, err);
	if (rc != OK)
		return rc;
	value = trim(value);
	if (value.len == 0)
		return line_failed(f, "needs a value", name, err);
	if (set.options[i].outside_file)
		return line_failed(f, "cannot be set in a file", name, err);
	if (f->seen[i])
		return line_failed(f, "stands here a second time", name, err);
	f->seen[i] = true;
	if (values[i].origin >= ORIGIN_FILE)
		return OK;
	struct str copy = arena_copy(f->arena, value);
	if (!copy.ptr)
		return error_no_memory(err);
	values[i] = (struct option_value){copy.ptr, ORIGIN_FILE};
	return OK;
}

static enum status
load_file(struct str *out, const char *path, struct arena *arena, struct error *err)
{
	char *space = arena_alloc(arena, FILE_MAX_BYTES);
	if (!space)
		return error_no_memory(err);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t got = fd < 0 ? -1 : 1;
	while (got > 0 && len < FILE_MAX_BYTES) {
		got = read(fd, space + len, FILE_MAX_BYTES - len);
		len += got > 0 ? (size_t)got : 0;
	}
	int why = errno;
	if (fd >= 0)
		close(fd);
	if (got < 0)
		return error_set(err, ERR_INVALID, "config-file-unreadable",
			"The configuration file %s cannot be read: %s; name another with --config.",
			path, strerror(why));
	*out = (struct str){space, len};
	if (len == FILE_MAX_BYTES || !str_is_utf8(*out) || memchr(space, '\0', len))
		return error_set(err, ERR_INVALID, "config-file-broken",
			"The configuration file %s is not a UTF-8 text of less than 64 KiB.", path);
	return OK;
}

enum status
options_read_file(struct option_value *values, struct option_set set, const char *path,
	struct arena *arena, struct error *err)
{
	struct file f = {.path = path, .arena = arena};
	f.seen = arena_new_array(arena, bool, set.count);
	if (!f.seen)
		return error_no_memory(err);
	enum status rc = load_file(&f.rest, path, arena, err);
	while (rc == OK && f.rest.ptr) {
		struct str line = trim(str_cut(&f.rest, '\n'));
		f.line++;
		if (line.len > 0 && line.ptr[0] != '#')
			rc = read_line(values, set, &f, line, err);
	}
	return rc;
}

static enum status
value_failed(const struct option *option, const struct option_value *value, struct error *err,
	const char *what)
{
	char name[OPTION_ENVIRONMENT_MAX] = "";
	bool secret = option->secret;
	if (value->origin == ORIGIN_ENVIRONMENT)
		option_environment_name(name, option);
	else
		snprintf(name, sizeof(name), "%s%s",
			value->origin == ORIGIN_COMMAND_LINE ? "--" : "", option->name);
	return error_set(err, ERR_INVALID, "option-invalid", "%s: '%s' %s%s.", name,
		secret ? "[redacted]" : value->text, what,
		value->origin == ORIGIN_FILE ? " (in the configuration file)" : "");
}

static enum status
store_integer(int64_t *out, const struct option *option, const struct option_value *value,
	struct error *err)
{
	char what[160];
	if (str_to_i64(str_from(value->text), out) && *out >= option->least && *out <= option->most)
		return OK;
	snprintf(what, sizeof(what), "must be a whole number from %lld to %lld%s%s",
		(long long)option->least, (long long)option->most, option->unit ? ", in " : "",
		option->unit ? option->unit : "");
	return value_failed(option, value, err, what);
}

static enum status
store_choice(
	int *out, const struct option *option, const struct option_value *value, struct error *err)
{
	char what[160] = "must be one of";
	for (int i = 0; option->choices[i]; i++) {
		if (strcmp(option->choices[i], value->text) == 0) {
			*out = i;
			return OK;
		}
		size_t len = strlen(what);
		snprintf(what + len, sizeof(what) - len, "%s %s", i ? "," : "", option->choices[i]);
	}
	return value_failed(option, value, err, what);
}

static enum status
store_string(const char **out, const struct option *option, const struct option_value *value,
	struct error *err)
{
	struct str text = str_from(value->text);
	const char *wrong = NULL;
	if (!str_is_utf8(text))
		wrong = "is not UTF-8";
	for (size_t i = 0; !wrong && i < text.len; i++) {
		if (iscntrl((unsigned char)text.ptr[i]))
			wrong = "must not contain control characters";
	}
	if (!wrong && option->check)
		wrong = option->check(text);
	*out = value->text;
	return wrong ? value_failed(option, value, err, wrong) : OK;
}

static enum status
store_boolean(
	bool *out, const struct option *option, const struct option_value *value, struct error *err)
{
	*out = strcmp(value->text, "true") == 0;
	if (*out || strcmp(value->text, "false") == 0)
		return OK;
	return value_failed(option, value, err, "must be true or false");
}

enum status
options_store(
	void *target, const struct option_value *values, struct option_set set, struct error *err)
{
	enum status rc = OK;
	for (size_t i = 0; rc == OK && i < set.count; i++) {
		const struct option *option = &set.options[i];
		struct option_value value = values[i];
		void *field = (char *)target + option->offset;
		if (!value.text)
			value.text = option->fallback;
		if (!value.text)
			continue;
		switch (option->type) {
		case OPTION_STRING:
		case OPTION_PATH:
			rc = store_string(field, option, &value, err);
			break;
		case OPTION_INTEGER:
			rc = store_integer(field, option, &value, err);
			break;
		case OPTION_BOOLEAN:
			rc = store_boolean(field, option, &value, err);
			break;
		case OPTION_ENUM:
			rc = store_choice(field, option, &value, err);
			break;
		}
	}
	return rc;
}
