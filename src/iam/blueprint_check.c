#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "iam/blueprint_plan.h"
#include "model/names.h"

/* The place of what is checked, for messages. */
#define PLACE_MAX 96

/* The types that a member may have, one bit each, and whether it has to be there. */
#define IS(type) (1U << (type))
struct member {
	const char *name;
	unsigned types;
	bool required;
};
#define TEXT IS(JSON_STRING)
#define FLAG IS(JSON_BOOL)
#define LIST IS(JSON_ARRAY)
#define OBJECT IS(JSON_OBJECT)
#define OR_NULL IS(JSON_NULL)

static const struct member DOCUMENT[] = {{"name", TEXT, true}, {"version", IS(JSON_INTEGER), true},
	{"title", TEXT, true}, {"description", TEXT, true}, {"resource_types", LIST, true},
	{"permissions", LIST, true}, {"roles", LIST, true}, {"defaults", OBJECT, true},
	{"guardrails", LIST, true}, {"creator_role", TEXT | OR_NULL, false}};
static const struct member TYPE[] = {
	{"type", TEXT, true}, {"registered", FLAG, true}, {"description", TEXT, true}};
static const struct member PERMISSION[] = {{"name", TEXT, true}, {"group", TEXT, false},
	{"class", TEXT, true}, {"description", TEXT, true}, {"machine", FLAG, false},
	{"alias_of", TEXT, false}};
static const struct member ROLE[] = {{"name", TEXT, true}, {"title", TEXT, true},
	{"description", TEXT, true}, {"kinds", LIST, true}, {"exercises", LIST, true},
	{"gives", LIST, false}, {"exercises_all", FLAG, false}, {"gives_all", FLAG, false},
	{"confines", FLAG, false}, {"ceiling", OBJECT | OR_NULL, false}};
static const struct member DEFAULT[] = {
	{"role", TEXT | OR_NULL, false}, {"ceiling_role", TEXT | OR_NULL, false}};
static const struct member GUARDRAIL[] = {{"name", TEXT, true}, {"description", TEXT, true},
	{"kinds", LIST, true}, {"permissions", LIST, true}, {"condition", OBJECT | OR_NULL, true}};

#define VERSION_MAX 1000000

static void place_set(char out[PLACE_MAX], const char *fmt, ...) PRINTF(2, 3);

static void
place_set(char out[PLACE_MAX], const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(out, PLACE_MAX, fmt, args);
	va_end(args);
}

struct check {
	struct blueprint_plan *plan;
	struct arena *arena;
	struct error *err;
};

static enum status
refuse(struct check *c, const char *place, const char *what)
{
	return error_set(c->err, ERR_INVALID, "invalid-blueprint", "%s %s", place, what);
}

static const struct member *
member_find(const struct member *form, size_t count, struct str name)
{
	for (size_t i = 0; i < count; i++) {
		if (str_eq(name, str_from(form[i].name)))
			return &form[i];
	}
	return NULL;
}

/* An object with the members of `form` and no others, each of its type. */
static enum status
form_check(struct check *c, const struct json *object, const struct member *form, size_t count,
	const char *place)
{
	struct str name;
	const struct json *value;

	if (json_type(object) != JSON_OBJECT)
		return refuse(c, place, "is not an object.");
	for (void *it = NULL; (it = json_member(object, it, &name, &value));) {
		const struct member *member = member_find(form, count, name);
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

static enum status
text_check(struct check *c, struct str *out, const struct json *object, const char *name,
	const char *place)
{
	char field[PLACE_MAX];

	place_set(field, "%s.%s", place, name);
	*out = json_str(json_get(object, name));
	return str_eq(str_from(name), STR("description")) ? description_check(*out, field, c->err)
							  : name_check(*out, field, c->err);
}

/* One of the document's lists, its most elements, and what becomes of each. */
struct list_form {
	const char *name;
	size_t max, size;
};

static const struct list_form FORM_RESOURCE_TYPES = {
	"resource_types", PLAN_TYPES_MAX, sizeof(struct plan_type)};
static const struct list_form FORM_PERMISSIONS = {
	"permissions", PLAN_PERMISSIONS_MAX, sizeof(struct plan_permission)};
static const struct list_form FORM_ROLES = {"roles", PLAN_ROLES_MAX, sizeof(struct plan_role)};
static const struct list_form FORM_GUARDRAILS = {
	"guardrails", PLAN_GUARDRAILS_MAX, sizeof(struct plan_guardrail)};

/* Zeroed elements for all of a list. */
static enum status
list_begin(struct check *c, void **out, size_t *count, const struct list_form *form,
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

/* Elements begin with their name: sorted by it, none twice. */
static enum status
list_end(struct check *c, void *list, size_t count, size_t size, const char *name)
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

static const struct plan_permission *
own_permission(const struct blueprint_plan *plan, struct str name)
{
	size_t at = plan_find(
		plan->permissions, plan->permission_count, sizeof(struct plan_permission), name);

	return at == SIZE_MAX ? NULL : &plan->permissions[at];
}

/* Names of permissions, of this document or built in, sorted. */
struct names {
	struct str *items;
	size_t count;
};

static enum status
names_check(struct check *c, struct names *out, const struct json *list, const char *place)
{
	*out = (struct names){.count = json_count(list)};
	if (out->count > PLAN_NAMES_MAX)
		return refuse(c, place, "names too many permissions; at most 1024 are possible.");
	out->items = arena_new_array(c->arena, struct str, out->count);
	if (!out->items)
		return error_no_memory(c->err);
	for (size_t i = 0; i < out->count; i++) {
		char field[PLACE_MAX];
		struct str name = json_str(json_at(list, i));
		place_set(field, "%s[%zu]", place, i);
		enum status rc = permission_name_check(name, field, c->err);
		if (rc != OK)
			return rc;
		if (!catalogue_find(name) && !own_permission(c->plan, name))
			return error_set(c->err, ERR_INVALID, "permission-unknown",
				"%s: there is no permission \"%.*s\", built in or in this "
				"document.",
				field, STR_ARG(name));
		out->items[i] = name;
	}
	return list_end(c, out->items, out->count, sizeof(struct str), place);
}

static enum status
kinds_check(struct check *c, kind_mask *out, const struct json *list, const char *place)
{
	*out = 0;
	for (size_t i = 0; i < json_count(list); i++) {
		enum principal_kind kind = kind_parse(json_str(json_at(list, i)));
		if (kind == KIND_NONE || (*out & KIND_BIT(kind)))
			return refuse(c, place, "is not a list of different kinds of principal.");
		*out |= KIND_BIT(kind);
	}
	return *out != 0 ? OK : refuse(c, place, "names no kind of principal.");
}

static enum status
types_check(struct check *c, const struct json *document)
{
	const struct json *list = json_get(document, "resource_types");
	struct blueprint_plan *plan = c->plan;
	void *items;

	enum status rc = list_begin(c, &items, &plan->type_count, &FORM_RESOURCE_TYPES, document);
	if (rc != OK)
		return rc;
	plan->types = items;
	for (size_t i = 0; rc == OK && i < plan->type_count; i++) {
		struct plan_type *type = &plan->types[i];
		const struct json *object = json_at(list, i);
		char place[PLACE_MAX], field[PLACE_MAX];
		place_set(place, "resource_types[%zu]", i);
		place_set(field, "resource_types[%zu].type", i);
		rc = form_check(c, object, TYPE, ARRAY_LEN(TYPE), place);
		type->name = json_str(json_get(object, "type"));
		type->registered = json_bool(json_get(object, "registered"));
		if (rc == OK)
			rc = slug_check(type->name, field, c->err);
		if (rc == OK)
			rc = text_check(c, &type->description, object, "description", place);
	}
	return rc == OK ? list_end(c, plan->types, plan->type_count, sizeof(struct plan_type),
				  "resource_types")
			: rc;
}

/* Another name of a built-in permission: of the same class, and not one of machines. */
static enum status
alias_check(struct check *c, struct plan_permission *permission, const struct json *object,
	const char *place)
{
	const struct json *alias_of = json_get(object, "alias_of");

	permission->alias = PERMISSION_NONE;
	if (!alias_of)
		return OK;
	const struct catalogue_entry *builtin = catalogue_find(json_str(alias_of));
	if (!builtin)
		return refuse(c, place, "is another name of a permission that is not built in.");
	if (builtin->class != permission->class)
		return refuse(c, place, "has another class than what it is another name of.");
	if (permission->machine)
		return refuse(c, place, "is built in, so it cannot be reserved for machines.");
	permission->alias = builtin->number;
	return OK;
}

/* The group that the document names, or the namespace of the checked name. */
static enum status
group_check(struct check *c, struct plan_permission *permission, const struct json *object,
	const char *place)
{
	const struct json *group = json_get(object, "group");
	struct str rest = permission->name;
	char field[PLACE_MAX];

	place_set(field, "%s.group", place);
	permission->group = group ? json_str(group) : str_cut(&rest, ':');
	return group ? slug_check(permission->group, field, c->err) : OK;
}

static enum status
permission_check(
	struct check *c, struct plan_permission *permission, const struct json *object, size_t i)
{
	char place[PLACE_MAX], field[PLACE_MAX];

	place_set(place, "permissions[%zu]", i);
	place_set(field, "permissions[%zu].name", i);
	enum status rc = form_check(c, object, PERMISSION, ARRAY_LEN(PERMISSION), place);
	permission->name = json_str(json_get(object, "name"));
	permission->class = permission_class_parse(json_str(json_get(object, "class")));
	permission->machine = json_bool(json_get(object, "machine"));
	if (rc == OK)
		rc = permission_name_check(permission->name, field, c->err);
	if (rc == OK && str_starts(permission->name, STR("iam:")))
		rc = refuse(c, field, "begins with \"iam:\", as only built-in permissions do.");
	if (rc == OK && permission->class == CLASS_NONE)
		rc = refuse(c, place, "has a class other than read, write and destructive.");
	if (rc == OK)
		rc = group_check(c, permission, object, place);
	if (rc == OK)
		rc = text_check(c, &permission->description, object, "description", place);
	return rc == OK ? alias_check(c, permission, object, place) : rc;
}

static enum status
permissions_check(struct check *c, const struct json *document)
{
	const struct json *list = json_get(document, "permissions");
	struct blueprint_plan *plan = c->plan;
	void *items;
	size_t count;

	enum status rc = list_begin(c, &items, &count, &FORM_PERMISSIONS, document);
	if (rc != OK)
		return rc;
	plan->permissions = items;
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = permission_check(c, &plan->permissions[i], json_at(list, i), i);
	if (rc != OK)
		return rc;
	plan->permission_count = count;
	return list_end(c, plan->permissions, count, sizeof(struct plan_permission), "permissions");
}

/* One entry for each name of two sorted lists, in their order. */
static enum status
merge(struct check *c, struct role *role, const struct names *exercises, const struct names *gives)
{
	size_t e = 0, g = 0, n = 0;
	struct role_permission *all =
		arena_new_array(c->arena, struct role_permission, exercises->count + gives->count);

	if (!all)
		return error_no_memory(c->err);
	while (e < exercises->count || g < gives->count) {
		int order = e == exercises->count ? 1
			: g == gives->count       ? -1
					    : str_compare(exercises->items[e], gives->items[g]);
		all[n++] = (struct role_permission){
			.name = order <= 0 ? exercises->items[e] : gives->items[g],
			.exercises = order <= 0,
			.gives = order >= 0,
		};
		e += order <= 0;
		g += order >= 0;
	}
	role->permissions = all;
	role->permission_count = n;
	return OK;
}

static enum status
canonical(struct check *c, struct str *out, const struct json *value)
{
	struct buf buf;

	buf_init(&buf, PLAN_DOCUMENT_MAX);
	json_dump(&buf, value, true);
	*out = buf.failed ? (struct str){NULL, 0} : arena_copy(c->arena, buf_view(&buf));
	buf_clear(&buf);
	return out->ptr ? OK : error_no_memory(c->err);
}

static enum status
role_ceiling(struct check *c, struct role *role, const struct json *source, const char *place)
{
	struct error why = {0};
	struct names unused;
	char field[PLACE_MAX];

	if (json_type(source) != JSON_OBJECT)
		return OK;
	enum status rc = ceiling_check(source, &why);
	if (rc != OK)
		return error_set(c->err, rc, why.code, "%s: %s", place, why.text);
	const struct json *only = json_get(source, "only");
	place_set(field, "%s.ceiling.%s", place, only ? "only" : "except");
	rc = names_check(c, &unused, only ? only : json_get(source, "except"), field);
	return rc == OK ? canonical(c, &role->ceiling, source) : rc;
}

static enum status
role_lists(struct check *c, struct role *role, const struct json *object, const char *place)
{
	const struct json *stated = json_get(object, "gives");
	struct names exercises, gives = {NULL, 0};
	char field[PLACE_MAX];

	place_set(field, "%s.exercises", place);
	enum status rc = names_check(c, &exercises, json_get(object, "exercises"), field);
	place_set(field, "%s.gives", place);
	if (rc == OK && stated)
		rc = names_check(c, &gives, stated, field);
	if (rc != OK)
		return rc;
	if (role->exercises_all && exercises.count > 0)
		return refuse(c, place, "exercises everything and lists something besides.");
	if (role->gives_all && stated)
		return refuse(c, place, "gives everything and lists something besides.");
	for (size_t i = 0; i < exercises.count; i++) {
		const struct plan_permission *own = own_permission(c->plan, exercises.items[i]);
		if (own && own->machine &&
			(role->kinds & (KIND_BIT(KIND_MEMBER) | KIND_BIT(KIND_END_USER))))
			return error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"%s.exercises: \"%.*s\" is reserved for machines.", place,
				STR_ARG(own->name));
	}
	if (!stated && !role->gives_all) {
		gives = exercises;
		role->gives_all = role->exercises_all;
	}
	return merge(c, role, &exercises, &gives);
}

static enum status
role_check(struct check *c, struct plan_role *planned, const struct json *object, size_t i)
{
	struct role *role = &planned->role;
	char place[PLACE_MAX], field[PLACE_MAX];

	place_set(place, "roles[%zu]", i);
	enum status rc = form_check(c, object, ROLE, ARRAY_LEN(ROLE), place);
	role->name = json_str(json_get(object, "name"));
	role->exercises_all = json_bool(json_get(object, "exercises_all"));
	role->gives_all = json_bool(json_get(object, "gives_all"));
	planned->confines = json_bool(json_get(object, "confines"));
	place_set(field, "roles[%zu].name", i);
	if (rc == OK)
		rc = slug_check(role->name, field, c->err);
	if (rc == OK)
		rc = text_check(c, &role->title, object, "title", place);
	if (rc == OK)
		rc = text_check(c, &role->description, object, "description", place);
	place_set(field, "roles[%zu].kinds", i);
	if (rc == OK)
		rc = kinds_check(c, &role->kinds, json_get(object, "kinds"), field);
	if (rc == OK)
		rc = role_lists(c, role, object, place);
	return rc == OK ? role_ceiling(c, role, json_get(object, "ceiling"), place) : rc;
}

struct plan_role *
plan_role_find(const struct blueprint_plan *plan, struct str name)
{
	for (size_t i = 0; i < plan->role_count; i++) {
		if (str_eq(plan->roles[i].role.name, name))
			return &plan->roles[i];
	}
	return NULL;
}

static enum status
roles_check(struct check *c, const struct json *document)
{
	const struct json *list = json_get(document, "roles");
	struct blueprint_plan *plan = c->plan;
	void *items;
	size_t count;

	enum status rc = list_begin(c, &items, &count, &FORM_ROLES, document);
	if (rc != OK)
		return rc;
	plan->roles = items;
	for (size_t i = 0; rc == OK && i < count; i++) {
		rc = role_check(c, &plan->roles[i], json_at(list, i), i);
		if (rc == OK && plan_role_find(plan, plan->roles[i].role.name))
			rc = error_set(c->err, ERR_INVALID, "invalid-blueprint",
				"roles[%zu].name: there is a role of this name above.", i);
		plan->role_count = i + 1;
	}
	return rc;
}

/* A role of this document, for that kind. */
static enum status
reference_check(struct check *c, struct str *out, const struct json *reference,
	enum principal_kind kind, const char *place)
{
	*out = json_str(reference);
	if (!out->ptr)
		return OK;
	const struct plan_role *found = plan_role_find(c->plan, *out);
	if (found && (found->role.kinds & KIND_BIT(kind)))
		return OK;
	return refuse(c, place, "is no role of this document that is for this kind.");
}

static enum status
defaults_check(struct check *c, const struct json *document)
{
	struct str name;
	const struct json *value;

	for (void *it = NULL;
		(it = json_member(json_get(document, "defaults"), it, &name, &value));) {
		enum principal_kind kind = kind_parse(name);
		char place[PLACE_MAX], field[PLACE_MAX];
		if (kind == KIND_NONE)
			return refuse(
				c, "defaults", "names something that is no kind of principal.");
		struct plan_default *planned = &c->plan->defaults[kind];
		planned->stated = true;
		place_set(place, "defaults.%s", kind_name(kind));
		enum status rc = form_check(c, value, DEFAULT, ARRAY_LEN(DEFAULT), place);
		place_set(field, "%s.role", place);
		if (rc == OK)
			rc = reference_check(
				c, &planned->role, json_get(value, "role"), kind, field);
		place_set(field, "%s.ceiling_role", place);
		if (rc == OK)
			rc = reference_check(c, &planned->ceiling_role,
				json_get(value, "ceiling_role"), kind, field);
		if (rc != OK)
			return rc;
		if (planned->ceiling_role.ptr &&
			!plan_role_find(c->plan, planned->ceiling_role)->role.ceiling.ptr)
			return refuse(c, field, "is a role that bears no ceiling.");
	}
	return reference_check(c, &c->plan->creator_role, json_get(document, "creator_role"),
		KIND_MEMBER, "creator_role");
}

static enum status
guardrail_terms(struct check *c, struct plan_guardrail *rail, const struct json *object,
	const struct names *names, const char *place)
{
	const struct json *source = json_get(object, "condition");
	struct condition *condition;
	struct error why = {0};
	struct json_writer w;
	struct buf buf;

	buf_init(&buf, PLAN_DOCUMENT_MAX);
	jw_init(&w, &buf);
	jw_array(&w, NULL);
	for (size_t i = 0; i < names->count; i++)
		jw_str(&w, NULL, names->items[i]);
	jw_end_array(&w);
	if (!buf.failed)
		rail->permissions = arena_copy(c->arena, buf_view(&buf));
	buf_clear(&buf);
	if (!rail->permissions.ptr)
		return error_no_memory(c->err);
	if (json_type(source) != JSON_OBJECT)
		return OK;
	enum status rc = condition_parse(&condition, source, c->arena, &why);
	if (rc != OK)
		return error_set(c->err, rc, why.code, "%s: %s", place, why.text);
	rail->condition = condition_text(condition);
	return OK;
}

static enum status
guardrail_check(struct check *c, struct plan_guardrail *rail, const struct json *object, size_t i)
{
	char place[PLACE_MAX], field[PLACE_MAX];
	struct names names;

	place_set(place, "guardrails[%zu]", i);
	enum status rc = form_check(c, object, GUARDRAIL, ARRAY_LEN(GUARDRAIL), place);
	rail->name = json_str(json_get(object, "name"));
	place_set(field, "%s.name", place);
	if (rc == OK)
		rc = slug_check(rail->name, field, c->err);
	if (rc == OK)
		rc = text_check(c, &rail->description, object, "description", place);
	place_set(field, "%s.kinds", place);
	if (rc == OK)
		rc = kinds_check(c, &rail->kinds, json_get(object, "kinds"), field);
	place_set(field, "%s.permissions", place);
	if (rc == OK)
		rc = names_check(c, &names, json_get(object, "permissions"), field);
	if (rc == OK && names.count == 0)
		rc = refuse(c, field, "is empty.");
	return rc == OK ? guardrail_terms(c, rail, object, &names, place) : rc;
}

static enum status
guardrails_check(struct check *c, const struct json *document)
{
	const struct json *list = json_get(document, "guardrails");
	struct blueprint_plan *plan = c->plan;
	void *items;

	enum status rc = list_begin(c, &items, &plan->guardrail_count, &FORM_GUARDRAILS, document);
	if (rc != OK)
		return rc;
	plan->guardrails = items;
	for (size_t i = 0; rc == OK && i < plan->guardrail_count; i++)
		rc = guardrail_check(c, &plan->guardrails[i], json_at(list, i), i);
	return rc == OK ? list_end(c, plan->guardrails, plan->guardrail_count,
				  sizeof(struct plan_guardrail), "guardrails")
			: rc;
}

/* What else stands in the column that says who brought a row. */
static bool
is_reserved(struct str name)
{
	return str_eq(name, STR("system")) || str_eq(name, STR("custom"));
}

static enum status
facts_check(struct check *c, const struct json *document)
{
	struct blueprint *facts = &c->plan->facts;

	enum status rc = form_check(c, document, DOCUMENT, ARRAY_LEN(DOCUMENT), "document");
	if (rc != OK)
		return rc;
	facts->name = json_str(json_get(document, "name"));
	facts->version = json_int(json_get(document, "version"));
	rc = slug_check(facts->name, "name", c->err);
	if (rc == OK && is_reserved(facts->name))
		rc = refuse(c, "name", "is a word that the server keeps for itself.");
	if (rc == OK && (facts->version < 1 || facts->version > VERSION_MAX))
		rc = refuse(c, "version", "is not between 1 and 1000000.");
	if (rc == OK)
		rc = text_check(c, &facts->title, document, "title", "document");
	if (rc == OK)
		rc = text_check(c, &facts->description, document, "description", "document");
	return rc;
}

enum status
blueprint__check(struct blueprint_plan *out, const struct json *document, struct arena *arena,
	struct error *err)
{
	struct check c = {out, arena, err};

	*out = (struct blueprint_plan){0};
	enum status rc = facts_check(&c, document);
	if (rc == OK)
		rc = types_check(&c, document);
	if (rc == OK)
		rc = permissions_check(&c, document);
	if (rc == OK)
		rc = roles_check(&c, document);
	if (rc == OK)
		rc = defaults_check(&c, document);
	if (rc == OK)
		rc = guardrails_check(&c, document);
	if (rc == OK)
		rc = canonical(&c, &out->document, document);
	if (rc == OK)
		crypto_sha256(out->facts.digest, out->document.ptr, out->document.len);
	return rc;
}
