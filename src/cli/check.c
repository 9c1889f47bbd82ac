#include <stdlib.h>

#include "cli/command.h"
#include "crypto/crypto.h"
#include "http/client.h"
#include "json/json.h"
#include "json/writer.h"

#define REQUEST_MAX ((size_t)16 * 1024)
#define ANSWER_MAX ((size_t)256 * 1024)
#define TIMEOUT_MS 10000
#define KEY_MAX 512
#define ATTRIBUTE_NAME_MAX 64

const struct command_option check_options[] = {
	{"subject", "KIND:ID", "Who: member, api_key, device … and its identifier", USE_REQUIRED},
	{"action", "NAME", "The permission, like devices:read", USE_REQUIRED},
	{"resource", "TYPE:ID", "What: like device:pump-7", USE_REQUIRED},
	{"workspace", "ID", "Where (default: that of the caller's credential)", USE_OPTIONAL},
	{"context", "NAME=VALUE", "A fact of the request, like urgent=true; repeatable",
		USE_REPEATED},
	{"property", "PART.NAME=VALUE",
		"A fact of the subject, resource or action, like resource.site=north; repeatable",
		USE_REPEATED},
	{"at-least", "REVISION", "Decide from this revision or a later one", USE_OPTIONAL},
	{"explain", NULL, "Print how the decision came about, as JSON", USE_OPTIONAL},
	{"url", "URL", "The server (default: http://127.0.0.1:8080)", USE_OPTIONAL},
	{"key-from", "FILE", "File of the caller's key (default: THINGWARD_KEY)", USE_OPTIONAL},
	{0},
};

/* What an option tells about a part of the request; borrowed from the arguments. */
struct fact {
	struct str part, name, value;
};

struct checking {
	struct invocation *in;
	char key[KEY_MAX]; /* secret */
	struct buf url, body;
	struct http_client_answer answer;
};

/* The first line of a file. */
static enum status
read_key_file(char out[KEY_MAX], const char *path, struct error *err)
{
	FILE *file = fopen(path, "re");
	bool got = file && fgets(out, KEY_MAX, file);

	if (file)
		fclose(file);
	if (got)
		out[strcspn(out, "\r\n")] = '\0';
	if (!got || !*out)
		return error_set(err, ERR_INVALID, "key-unreadable",
			"no key can be read from %s (--key-from).", path);
	return OK;
}

static enum status
read_key(struct checking *c, struct error *err)
{
	const char *path = invocation_value(c->in, "key-from");
	const char *key = getenv("THINGWARD_KEY");

	if (path)
		return read_key_file(c->key, path, err);
	if (!key || !*key || strlen(key) >= KEY_MAX)
		return error_set(err, ERR_INVALID, "key-missing",
			"put the caller's key into THINGWARD_KEY, or name a file: --key-from "
			"FILE.");
	snprintf(c->key, KEY_MAX, "%s", key);
	return OK;
}

/* true, false and numbers are those; anything else is a text. */
static void
put_value(struct json_writer *w, const char *name, struct str value)
{
	struct json *read = NULL;
	struct error ignored = {0};
	bool plain = json_parse(&read, value, JSON_LIMITS_DEFAULT, &ignored) == OK &&
		(json_type(read) == JSON_BOOL || json_type(read) == JSON_INTEGER ||
			json_type(read) == JSON_NUMBER);

	if (plain)
		jw_raw(w, name, value);
	else
		jw_str(w, name, value);
	json_free(&read);
}

/* As a condition can name it; the server passes over others. */
static bool
is_attribute_name(struct str name)
{
	if (!name.len || name.len > ATTRIBUTE_NAME_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		char c = name.ptr[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (!letter && !(c >= '0' && c <= '9') && c != '_' && c != '-')
			return false;
	}
	return true;
}

static bool
has_properties(struct str part)
{
	return str_eq(part, STR("subject")) || str_eq(part, STR("resource")) ||
		str_eq(part, STR("action"));
}

static enum status
read_fact(struct fact *out, const char *option, const char *stated, struct error *err)
{
	bool context = strcmp(option, "context") == 0;
	struct str value = str_from(stated), name = str_cut(&value, '=');
	struct str part = context ? STR("context") : str_cut(&name, '.');

	*out = (struct fact){part, name, value};
	if (!value.ptr || !(context || has_properties(part)) || !is_attribute_name(name))
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s: '%s' is not of the form %s, with a name of letters, digits, _ and "
			"-.",
			option, stated,
			context ? "NAME=VALUE" : "subject.NAME=VALUE (or resource, or action)");
	if (context && (str_eq(name, STR("explain")) || str_eq(name, STR("at_least"))))
		return error_set(err, ERR_INVALID, "option-invalid",
			"--context: %.*s has an option of its own.", STR_ARG(name));
	return OK;
}

/* What was stated of one part, into the object that is open. */
static enum status
put_facts(struct json_writer *w, const struct checking *c, const char *option, struct str part,
	struct error *err)
{
	char names[COMMAND_REPEATED_MAX][ATTRIBUTE_NAME_MAX + 1];
	const char *stated;
	struct fact fact;
	int at = 0, count = 0;

	while ((stated = invocation_next(c->in, option, &at))) {
		enum status rc = read_fact(&fact, option, stated, err);
		if (rc != OK)
			return rc;
		if (!str_eq(fact.part, part))
			continue;
		snprintf(names[count], sizeof(names[0]), "%.*s", STR_ARG(fact.name));
		for (int i = 0; i < count; i++) {
			if (strcmp(names[i], names[count]) == 0)
				return error_set(err, ERR_INVALID, "option-invalid",
					"--%s: %s is stated twice.", option, names[count]);
		}
		put_value(w, names[count++], fact.value);
	}
	return OK;
}

static enum status
put_properties(struct json_writer *w, const struct checking *c, const char *part, struct error *err)
{
	jw_object(w, "properties");
	enum status rc = put_facts(w, c, "property", str_from(part), err);
	jw_end_object(w);
	return rc;
}

static enum status
put_entity(struct json_writer *w, const struct checking *c, const char *name, struct error *err)
{
	const char *stated = invocation_value(c->in, name);
	struct str id = str_from(stated), type = str_cut(&id, ':');

	if (!type.len || !id.ptr || !id.len)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s: '%s' is not of the form TYPE:ID.", name, stated);
	jw_object(w, name);
	jw_str(w, "type", type);
	jw_str(w, "id", id);
	enum status rc = put_properties(w, c, name, err);
	jw_end_object(w);
	return rc;
}

static enum status
put_action(struct json_writer *w, const struct checking *c, struct error *err)
{
	jw_object(w, "action");
	jw_z(w, "name", invocation_value(c->in, "action"));
	enum status rc = put_properties(w, c, "action", err);
	jw_end_object(w);
	return rc;
}

static enum status
put_revision(struct json_writer *w, const char *stated, struct error *err)
{
	int64_t revision;

	if (!str_to_i64(str_from(stated), &revision) || revision < 0)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--at-least: '%s' is not a revision: a whole number.", stated);
	jw_int(w, "at_least", revision);
	return OK;
}

/* The reason is always asked for: a bare "denied" helps nobody. */
static enum status
put_context(struct json_writer *w, const struct checking *c, struct error *err)
{
	const char *revision = invocation_value(c->in, "at-least");
	enum status rc = OK;

	jw_object(w, "context");
	jw_bool(w, "explain", true);
	if (revision)
		rc = put_revision(w, revision, err);
	if (rc == OK)
		rc = put_facts(w, c, "context", STR("context"), err);
	jw_end_object(w);
	return rc;
}

static enum status
make_request(struct checking *c, struct error *err)
{
	struct json_writer w;

	jw_init(&w, &c->body);
	jw_object(&w, NULL);
	enum status rc = put_entity(&w, c, "subject", err);
	if (rc == OK)
		rc = put_entity(&w, c, "resource", err);
	if (rc == OK)
		rc = put_action(&w, c, err);
	if (rc == OK)
		rc = put_context(&w, c, err);
	jw_end_object(&w);
	if (rc == OK && c->body.failed)
		rc = error_set(err, ERR_INVALID, "option-invalid", "the request is too long.");
	return rc;
}

static enum status
make_url(struct checking *c, struct error *err)
{
	const char *base = invocation_value(c->in, "url");
	const char *workspace = invocation_value(c->in, "workspace");
	struct str origin = str_from(base ? base : "http://127.0.0.1:8080");
	struct uuid id;

	if (workspace && !uuid_parse(str_from(workspace), &id))
		return error_set(err, ERR_INVALID, "option-invalid",
			"--workspace: '%s' is not an identifier.", workspace);
	while (origin.len > 0 && origin.ptr[origin.len - 1] == '/')
		origin.len--;
	buf_printf(&c->url, "%.*s%s%s/access/v1/evaluation", STR_ARG(origin),
		workspace ? "/w/" : "", workspace ? workspace : "");
	buf_char(&c->url, '\0');
	return c->url.failed ? error_set(err, ERR_INVALID, "option-invalid", "--url is too long.")
			     : OK;
}

static enum status
ask(struct checking *c, struct error *err)
{
	enum status rc = read_key(c, err);
	if (rc == OK)
		rc = make_request(c, err);
	if (rc == OK)
		rc = make_url(c, err);
	if (rc != OK)
		return rc;
	const struct http_client_request request = {.method = "POST",
		.url = c->url.ptr,
		.bearer = c->key,
		.body = buf_view(&c->body),
		.timeout_ms = TIMEOUT_MS,
		.answer_max = ANSWER_MAX};
	return http_client_run(&c->answer, &request, err);
}

/* What a server says to a request that it refuses: a text, or a problem document. */
static enum status
refused(const struct checking *c, const struct json *answer, struct error *err)
{
	struct str text = json_str(json_get(answer, "detail"));

	if (!text.ptr)
		text = json_str(answer);
	if (!text.ptr)
		text = str_from("no reason is stated");
	return error_set(err, ERR_FORBIDDEN, "refused", "%s answered %ld: %.*s", c->url.ptr,
		c->answer.status, STR_ARG(text));
}

static void
print_context(const struct json *context)
{
	struct buf text;

	buf_init(&text, ANSWER_MAX);
	json_dump(&text, context, false);
	printf("%.*s\n", STR_ARG(buf_view(&text)));
	buf_clear(&text);
}

static enum exit_status
print_decision(const struct checking *c, const struct json *answer)
{
	const struct json *context = json_get(answer, "context");
	struct str reason = json_str(json_get(context, "reason"));
	bool allowed = json_bool(json_get(answer, "decision"));

	if (allowed)
		puts("allowed");
	else
		printf("denied: %.*s\n", STR_ARG(reason.ptr ? reason : STR("no reason stated")));
	if (invocation_value(c->in, "explain") && context)
		print_context(context);
	if (fflush(stdout) != 0)
		return EXIT_USAGE;
	return allowed ? EXIT_OK : EXIT_FAILED;
}

static enum status
read_decision(enum exit_status *out, const struct checking *c, struct error *err)
{
	struct json *answer = NULL;
	struct error ignored = {0};
	enum status rc = OK;

	if (json_parse(&answer, buf_view(&c->answer.body), JSON_LIMITS_DEFAULT, &ignored) != OK)
		answer = NULL;
	if (c->answer.status != 200)
		rc = refused(c, answer, err);
	else if (json_type(json_get(answer, "decision")) != JSON_BOOL)
		rc = error_set(err, ERR_INVALID, "no-decision",
			"%s did not answer with a decision.", c->url.ptr);
	else
		*out = print_decision(c, answer);
	json_free(&answer);
	return rc;
}

enum exit_status
command_check(struct invocation *in)
{
	struct checking c = {.in = in};
	enum exit_status status = EXIT_USAGE;
	struct error err = {0};

	buf_init(&c.url, REQUEST_MAX);
	buf_init(&c.body, REQUEST_MAX);
	enum status rc = ask(&c, &err);
	if (rc == OK)
		rc = read_decision(&status, &c, &err);
	if (rc != OK)
		command_failed(in, &err);
	crypto_wipe(c.key, sizeof(c.key));
	http_client_answer_clear(&c.answer);
	buf_clear(&c.body);
	buf_clear(&c.url);
	return status;
}
