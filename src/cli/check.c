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

const struct command_option check_options[] = {
	{"subject", "KIND:ID", "Who: member, api_key, device … and its identifier", true},
	{"action", "NAME", "The permission, like devices:read", true},
	{"resource", "TYPE:ID", "What: like device:pump-7", true},
	{"workspace", "ID", "Where (default: that of the caller's credential)", false},
	{"explain", NULL, "Print how the decision came about, as JSON", false},
	{"url", "URL", "The server (default: http://127.0.0.1:8080)", false},
	{"key-from", "FILE", "File of the caller's key (default: THINGWARD_KEY)", false},
	{0},
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

static enum status
put_entity(struct json_writer *w, struct checking *c, const char *name, struct error *err)
{
	const char *stated = invocation_value(c->in, name);
	struct str id = str_from(stated), type = str_cut(&id, ':');

	if (!type.len || !id.ptr || !id.len)
		return error_set(err, ERR_INVALID, "option-invalid",
			"--%s: '%s' is not of the form TYPE:ID.", name, stated);
	jw_object(w, name);
	jw_str(w, "type", type);
	jw_str(w, "id", id);
	jw_end_object(w);
	return OK;
}

/* The reason is always asked for: a bare "denied" helps nobody. */
static enum status
make_request(struct checking *c, struct error *err)
{
	struct json_writer w;

	jw_init(&w, &c->body);
	jw_object(&w, NULL);
	enum status rc = put_entity(&w, c, "subject", err);
	if (rc == OK)
		rc = put_entity(&w, c, "resource", err);
	jw_object(&w, "action");
	jw_z(&w, "name", invocation_value(c->in, "action"));
	jw_end_object(&w);
	jw_object(&w, "context");
	jw_bool(&w, "explain", true);
	jw_end_object(&w);
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
