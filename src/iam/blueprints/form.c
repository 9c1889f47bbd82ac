#include "iam/blueprints/form.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "model/names.h"

void
plan__place(char out[PLACE_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, PLACE_MAX, fmt, args);
	va_end(args);
}

enum status
plan__refuse(struct plan_check *c, const char *place, const char *what)
{
	return error_set(c->err, ERR_INVALID, "invalid-blueprint", "%s %s", place, what);
}

static const struct plan_member *
member_find(const struct plan_member *form, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(name, str_from(form[i].name)))
			return &form[i];
	}
	return NULL;
}

enum status
plan__check_object(struct plan_check *c, const struct json *object, const struct plan_member *form,
	size_t count, const char *place)
{
	struct str name;
	const struct json *value;

	if (json_type(object) != JSON_OBJECT)
		return plan__refuse(c, place, "is not an object.");
	for (void *it = NULL; (it = json_member(object, it, &name, &value));) {
		const struct plan_member *member = member_find(form, count, name);
		int len = (int)(name.len > 40 ? 40 : name.len);
		if (!member)
			return error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"%s has an unknown member \"%.*s\".", place, len, name.ptr);
		if (!(member->types & IS(json_type(value))))
			return error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"%s.%s is of another type than it has to be.", place, member->name);
	}
	for (size_t i = 0; i < count; i++) {
		if (form[i].required && !json_get(object, form[i].name))
			return error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"%s lacks \"%s\".", place, form[i].name);
	}
	return OK;
}

enum status
plan__check_text(struct plan_check *c, struct str *out, const struct json *object, const char *name,
	const char *place)
{
	char field[PLACE_MAX];

	plan__place(field, "%s.%s", place, name);
	*out = json_str(json_get(object, name));
	return str_eq(str_from(name), STR("description")) ? description_check(*out, field, c->err)
							  : name_check(*out, field, c->err);
}

enum status
plan__begin_list(struct plan_check *c, void **out, size_t *count, const struct plan_list *form,
	const struct json *document)
{
	*count = json_count(json_get(document, form->name));
	if (*count > form->max)
		return error_set(c->err, ERR_INVALID, "invalid-blueprint",
			"%s has %zu elements; at most %zu are possible.", form->name, *count,
			form->max);
	*out = arena_alloc_array(c->arena, *count, form->size);
	return *out ? OK : error_no_memory(c->err);
}

static int
compare_names(const void *a, const void *b)
{
	const struct str *left = a, *right = b;

	return str_compare(*left, *right);
}

enum status
plan__end_list(struct plan_check *c, void *list, size_t count, size_t size, const char *name)
{
	char *bytes = list;

	if (count > 0)
		qsort(list, count, size, compare_names);
	for (size_t i = 1; i < count; i++) {
		const struct str *at = (const void *)(bytes + i * size);
		const struct str *before = (const void *)(bytes + (i - 1) * size);
		if (str_eq(*at, *before))
			return error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"%s names \"%.*s\" twice.", name,
				(int)(at->len > 80 ? 80 : at->len), at->ptr);
	}
	return OK;
}

size_t
plan_find(const void *list, size_t count, size_t size, struct str name)
{
	const char *found = count > 0 ? bsearch(&name, list, count, size, compare_names) : NULL;

	return found ? (size_t)(found - (const char *)list) / size : SIZE_MAX;
}

const struct plan_permission *
plan__own_permission(const struct blueprint_plan *plan, struct str name)
{
	size_t at = plan_find(
		plan->permissions, plan->permission_count, sizeof(struct plan_permission), name);

	return at == SIZE_MAX ? NULL : &plan->permissions[at];
}

enum status
plan__check_names(
	struct plan_check *c, struct plan_names *out, const struct json *list, const char *place)
{
	*out = (struct plan_names){.count = json_count(list)};
	if (out->count > PLAN_NAMES_MAX)
		return plan__refuse(
			c, place, "names too many permissions; at most 1024 are possible.");
	out->items = arena_new_array(c->arena, struct str, out->count);
	if (!out->items)
		return error_no_memory(c->err);
	for (size_t i = 0; i < out->count; i++) {
		char field[PLACE_MAX];
		struct str name = json_str(json_at(list, i));
		plan__place(field, "%s[%zu]", place, i);
		enum status rc = permission_name_check(name, field, c->err);
		if (rc != OK)
			return rc;
		if (!catalogue_find(name) && !plan__own_permission(c->plan, name))
			return error_set(c->err, ERR_INVALID, "permission-unknown",
				"%s: there is no permission \"%.*s\", built in or in this "
				"document.",
				field, STR_ARG(name));
		out->items[i] = name;
	}
	return plan__end_list(c, out->items, out->count, sizeof(struct str), place);
}

enum status
plan__check_kinds(struct plan_check *c, kind_mask *out, const struct json *list, const char *place)
{
	*out = 0;
	for (size_t i = 0; i < json_count(list); i++) {
		enum principal_kind kind = kind_parse(json_str(json_at(list, i)));
		if (kind == KIND_NONE || (*out & KIND_BIT(kind)))
			return plan__refuse(
				c, place, "is not a list of different kinds of principal.");
		*out |= KIND_BIT(kind);
	}
	return *out != 0 ? OK : plan__refuse(c, place, "names no kind of principal.");
}

enum status
plan__canonical(struct plan_check *c, struct str *out, const struct json *value)
{
	struct buf buf;

	buf_init(&buf, PLAN_DOCUMENT_MAX);
	json_dump(&buf, value, true);
	*out = buf.failed ? (struct str){NULL, 0} : arena_copy(c->arena, buf_view(&buf));
	buf_clear(&buf);
	return out->ptr ? OK : error_no_memory(c->err);
}
