#include "http/form.h"

#include "http/parse.h"

static enum status
malformed(struct error *err)
{
	return error_set(err, ERR_INVALID, "form-malformed",
		"The form is malformed: encode it as application/x-www-form-urlencoded, in UTF-8.");
}

static size_t
count_fields(struct str raw)
{
	struct str name, value;
	size_t count = 0;
	while (http__query_next(&raw, &name, &value))
		count++;
	return count;
}

/* Into `*space`, which moves on past it and its end. */
static struct str
decode(char **space, struct str raw)
{
	struct str out = {*space, http__form_decode(*space, raw)};
	(*space)[out.len] = '\0';
	*space += out.len + 1;
	return out;
}

enum status
http__form_parse(struct http_form *out, struct str raw, struct arena *arena, struct error *err)
{
	struct str name, value;
	*out = (struct http_form){0};
	if (raw.len > HTTP_FORM_MAX)
		return error_set(err, ERR_TOO_LARGE, "form-too-large",
			"The form is larger than %zu bytes.", HTTP_FORM_MAX);
	if (!http__value_ok(raw) || !http__escapes_ok(raw))
		return malformed(err);
	size_t count = count_fields(raw);
	if (count > HTTP_FORM_FIELDS_MAX)
		return error_set(err, ERR_INVALID, "form-too-many-fields",
			"The form has more than %d fields.", HTTP_FORM_FIELDS_MAX);
	/* A field needs no more than it has, but for its two ends and the '=' it may lack. */
	char *space = arena_alloc(arena, raw.len + 2 * count);
	out->fields = arena_new_array(arena, struct http_form_field, count);
	if (!space || !out->fields)
		return error_no_memory(err);
	while (http__query_next(&raw, &name, &value)) {
		struct http_form_field *field = &out->fields[out->count++];
		field->name = decode(&space, name);
		field->value = decode(&space, value);
		if (!str_is_utf8(field->name) || !str_is_utf8(field->value))
			return malformed(err);
	}
	return OK;
}

enum status
http_form_body(struct http_form *out, struct http_request *r, struct error *err)
{
	*out = (struct http_form){0};
	if (!http_content_is(r, "application/x-www-form-urlencoded"))
		return error_set(err, ERR_INVALID, "form-wrong-type",
			"Send the body as Content-Type: application/x-www-form-urlencoded.");
	return http__form_parse(out, http_body(r), http_arena(r), err);
}

enum status
http_form_query(struct http_form *out, struct http_request *r, struct error *err)
{
	return http__form_parse(out, http_query_raw(r), http_arena(r), err);
}

struct str
http_form_get(const struct http_form *form, const char *name, bool *repeated)
{
	struct str wanted = str_from(name), found = {0};
	*repeated = false;
	for (size_t i = 0; i < form->count; i++) {
		if (!str_eq(form->fields[i].name, wanted))
			continue;
		*repeated = found.ptr != NULL;
		if (*repeated)
			break;
		found = form->fields[i].value;
	}
	return found;
}

struct str
http_form_repeated(const struct http_form *form)
{
	for (size_t i = 0; i < form->count; i++)
		for (size_t j = 0; j < i; j++)
			if (str_eq(form->fields[i].name, form->fields[j].name))
				return form->fields[i].name;
	return (struct str){0};
}

struct str
http_form_text(struct str raw, struct arena *arena)
{
	char *space = http__value_ok(raw) && http__escapes_ok(raw) ? arena_alloc(arena, raw.len + 1)
								   : NULL;
	if (!space)
		return (struct str){0};
	struct str out = decode(&space, raw);
	return str_is_utf8(out) ? out : (struct str){0};
}
