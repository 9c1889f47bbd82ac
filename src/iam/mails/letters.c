#include "iam/mails/letters.h"

#include "html/html.h"
#include "iam/mails/letter_templates.h"
#include "json/json.h"

#define TEXTS_MAX 16
#define LETTER_MAX ((size_t)64 * 1024)
#define SUBJECT "Subject: "

/* The template of a letter in one of its two forms: "reset.html", "reset.txt". */
static const struct html_template *
find(struct str name, const char *suffix)
{
	for (size_t i = 0; i < letter_template_count; i++) {
		struct str file = str_from(letter_templates[i]->name);
		if (str_starts(file, name) && strcmp(file.ptr + name.len, suffix) == 0)
			return letter_templates[i];
	}
	return NULL;
}

static enum status
read_texts(struct html_map *out, const struct json *content, struct arena *arena, struct error *err)
{
	struct html_value *values = arena_new_array(arena, struct html_value, TEXTS_MAX);
	const struct json *text;
	struct str name;
	*out = (struct html_map){values, 0};
	if (!values)
		return error_no_memory(err);
	if (json_type(content) != JSON_OBJECT || json_count(content) > TEXTS_MAX)
		return error_set(err, ERR_INVALID, "letter-invalid",
			"What a mail says must be an object of at most %d texts.", TEXTS_MAX);
	for (void *it = NULL; (it = json_member(content, it, &name, &text));) {
		struct html_value *value = &values[out->count++];
		value->type = str_eq(name, STR("link")) ? HTML_LINK : HTML_TEXT;
		value->name = arena_copy(arena, name).ptr;
		value->text = arena_copy(arena, json_str(text));
		if (!value->name || (json_str(text).ptr && !value->text.ptr))
			return error_no_memory(err);
	}
	return OK;
}

static enum status
render(struct str *out, const struct html_template *template, const struct html_map *texts,
	struct arena *arena, struct error *err)
{
	struct buf b;
	buf_init(&b, LETTER_MAX);
	enum status rc = html_render(&b, template, texts, err);
	if (rc == OK) {
		*out = arena_copy(arena, buf_view(&b));
		rc = out->ptr ? OK : error_no_memory(err);
	}
	buf_clear(&b);
	return rc;
}

/* The first line of the text is the subject, the second is empty. */
static enum status
cut_subject(struct letter *letter, struct str name, struct error *err)
{
	struct str rest = letter->text, subject = str_cut(&rest, '\n');
	if (!str_starts(subject, STR(SUBJECT)) || !str_starts(rest, STR("\n"))) {
		error_set(err, ERR_INTERNAL, "template-failed",
			"The server could not write this text.");
		return error_detail(err, "%.*s.txt has no subject", STR_ARG(name));
	}
	letter->subject = (struct str){
		subject.ptr + sizeof(SUBJECT) - 1, subject.len - (sizeof(SUBJECT) - 1)};
	letter->text = (struct str){rest.ptr + 1, rest.len - 1};
	return OK;
}

enum status
letter_write(struct letter *out, struct str name, struct str content, struct arena *arena,
	struct error *err)
{
	const struct html_template *text = find(name, ".txt"), *html = find(name, ".html");
	struct json *doc = NULL;
	struct html_map texts;
	*out = (struct letter){0};
	if (!text || !html) {
		error_set(err, ERR_INTERNAL, "letter-unknown", "The server has no such mail.");
		return error_detail(err, "%.*s", STR_ARG(name));
	}
	enum status rc = json_parse(&doc, content, JSON_LIMITS_DEFAULT, err);
	if (rc == OK)
		rc = read_texts(&texts, doc, arena, err);
	if (rc == OK)
		rc = render(&out->text, text, &texts, arena, err);
	if (rc == OK)
		rc = render(&out->html, html, &texts, arena, err);
	if (rc == OK)
		rc = cut_subject(out, name, err);
	json_free(&doc);
	return rc;
}
