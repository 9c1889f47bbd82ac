#include "iam/blueprints/form.h"
#include "model/names.h"

static const struct plan_member DOCUMENT[] = {{"name", TEXT, true},
	{"version", IS(JSON_INTEGER), true}, {"title", TEXT, true}, {"description", TEXT, true},
	{"resource_types", LIST, true}, {"permissions", LIST, true}, {"roles", LIST, true},
	{"defaults", OBJECT, true}, {"guardrails", LIST, true},
	{"creator_role", TEXT | OR_NULL, false}};
static const struct plan_member TYPE[] = {
	{"type", TEXT, true}, {"registered", FLAG, true}, {"description", TEXT, true}};
static const struct plan_member PERMISSION[] = {{"name", TEXT, true}, {"group", TEXT, false},
	{"class", TEXT, true}, {"description", TEXT, true}, {"machine", FLAG, false},
	{"alias_of", TEXT, false}};
static const struct plan_member DEFAULT[] = {
	{"role", TEXT | OR_NULL, false}, {"ceiling_role", TEXT | OR_NULL, false}};

static const struct plan_list TYPES = {"resource_types", PLAN_TYPES_MAX, sizeof(struct plan_type)};
static const struct plan_list PERMISSIONS = {
	"permissions", PLAN_PERMISSIONS_MAX, sizeof(struct plan_permission)};

#define VERSION_MAX 1000000

static enum status
types_check(struct plan_check *c, const struct json *document)
{
	const struct json *list = json_get(document, "resource_types");
	struct blueprint_plan *plan = c->plan;
	void *items;

	enum status rc = plan__begin_list(c, &items, &plan->type_count, &TYPES, document);
	if (rc != OK)
		return rc;
	plan->types = items;
	for (size_t i = 0; rc == OK && i < plan->type_count; i++) {
		struct plan_type *type = &plan->types[i];
		const struct json *object = json_at(list, i);
		char place[PLACE_MAX], field[PLACE_MAX];
		plan__place(place, "resource_types[%zu]", i);
		plan__place(field, "resource_types[%zu].type", i);
		rc = plan__check_object(c, object, TYPE, ARRAY_LEN(TYPE), place);
		type->name = json_str(json_get(object, "type"));
		type->registered = json_bool(json_get(object, "registered"));
		if (rc == OK)
			rc = slug_check(type->name, field, c->err);
		if (rc == OK)
			rc = plan__check_text(c, &type->description, object, "description", place);
	}
	return rc == OK ? plan__end_list(c, plan->types, plan->type_count, sizeof(struct plan_type),
				  "resource_types")
			: rc;
}

/* Another name of a built-in permission: of the same class, and not one of machines. */
static enum status
alias_check(struct plan_check *c, struct plan_permission *permission, const struct json *object,
	const char *place)
{
	const struct json *alias_of = json_get(object, "alias_of");

	permission->alias = PERMISSION_NONE;
	if (!alias_of)
		return OK;
	const struct catalogue_entry *builtin = catalogue_find(json_str(alias_of));
	if (!builtin)
		return plan__refuse(
			c, place, "is another name of a permission that is not built in.");
	if (builtin->class != permission->class)
		return plan__refuse(c, place, "has another class than what it is another name of.");
	if (permission->machine)
		return plan__refuse(
			c, place, "is built in, so it cannot be reserved for machines.");
	permission->alias = builtin->number;
	return OK;
}

/* The group that the document names, or the namespace of the checked name. */
static enum status
group_check(struct plan_check *c, struct plan_permission *permission, const struct json *object,
	const char *place)
{
	const struct json *group = json_get(object, "group");
	struct str rest = permission->name;
	char field[PLACE_MAX];

	plan__place(field, "%s.group", place);
	permission->group = group ? json_str(group) : str_cut(&rest, ':');
	return group ? slug_check(permission->group, field, c->err) : OK;
}

static enum status
permission_check(struct plan_check *c, struct plan_permission *permission,
	const struct json *object, size_t i)
{
	char place[PLACE_MAX], field[PLACE_MAX];

	plan__place(place, "permissions[%zu]", i);
	plan__place(field, "permissions[%zu].name", i);
	enum status rc = plan__check_object(c, object, PERMISSION, ARRAY_LEN(PERMISSION), place);
	permission->name = json_str(json_get(object, "name"));
	permission->class = permission_class_parse(json_str(json_get(object, "class")));
	permission->machine = json_bool(json_get(object, "machine"));
	if (rc == OK)
		rc = permission_name_check(permission->name, field, c->err);
	if (rc == OK && str_starts(permission->name, STR("iam:")))
		rc = plan__refuse(
			c, field, "begins with \"iam:\", as only built-in permissions do.");
	if (rc == OK && permission->class == CLASS_NONE)
		rc = plan__refuse(c, place, "has a class other than read, write and destructive.");
	if (rc == OK)
		rc = group_check(c, permission, object, place);
	if (rc == OK)
		rc = plan__check_text(c, &permission->description, object, "description", place);
	return rc == OK ? alias_check(c, permission, object, place) : rc;
}

static enum status
permissions_check(struct plan_check *c, const struct json *document)
{
	const struct json *list = json_get(document, "permissions");
	struct blueprint_plan *plan = c->plan;
	void *items;
	size_t count;

	enum status rc = plan__begin_list(c, &items, &count, &PERMISSIONS, document);
	if (rc != OK)
		return rc;
	plan->permissions = items;
	for (size_t i = 0; rc == OK && i < count; i++)
		rc = permission_check(c, &plan->permissions[i], json_at(list, i), i);
	if (rc != OK)
		return rc;
	plan->permission_count = count;
	return plan__end_list(
		c, plan->permissions, count, sizeof(struct plan_permission), "permissions");
}

/* A role of this document, for that kind. */
static enum status
reference_check(struct plan_check *c, struct str *out, const struct json *reference,
	enum principal_kind kind, const char *place)
{
	*out = json_str(reference);
	if (!out->ptr)
		return OK;
	const struct plan_role *found = plan_role_find(c->plan, *out);
	if (found && (found->role.kinds & KIND_BIT(kind)))
		return OK;
	return plan__refuse(c, place, "is no role of this document that is for this kind.");
}

static enum status
defaults_check(struct plan_check *c, const struct json *document)
{
	struct str name;
	const struct json *value;

	for (void *it = NULL;
		(it = json_member(json_get(document, "defaults"), it, &name, &value));) {
		enum principal_kind kind = kind_parse(name);
		char place[PLACE_MAX], field[PLACE_MAX];
		if (kind == KIND_NONE)
			return plan__refuse(
				c, "defaults", "names something that is no kind of principal.");
		struct plan_default *planned = &c->plan->defaults[kind];
		planned->stated = true;
		plan__place(place, "defaults.%s", kind_name(kind));
		enum status rc = plan__check_object(c, value, DEFAULT, ARRAY_LEN(DEFAULT), place);
		plan__place(field, "%s.role", place);
		if (rc == OK)
			rc = reference_check(
				c, &planned->role, json_get(value, "role"), kind, field);
		plan__place(field, "%s.ceiling_role", place);
		if (rc == OK)
			rc = reference_check(c, &planned->ceiling_role,
				json_get(value, "ceiling_role"), kind, field);
		if (rc != OK)
			return rc;
		if (planned->ceiling_role.ptr &&
			!plan_role_find(c->plan, planned->ceiling_role)->role.ceiling.ptr)
			return plan__refuse(c, field, "is a role that bears no ceiling.");
	}
	return reference_check(c, &c->plan->creator_role, json_get(document, "creator_role"),
		KIND_MEMBER, "creator_role");
}

/* What else stands in the column that says who brought a row. */
static bool
is_reserved(struct str name)
{
	return str_eq(name, STR("system")) || str_eq(name, STR("custom"));
}

static enum status
facts_check(struct plan_check *c, const struct json *document)
{
	struct blueprint *facts = &c->plan->facts;

	enum status rc = plan__check_object(c, document, DOCUMENT, ARRAY_LEN(DOCUMENT), "document");
	if (rc != OK)
		return rc;
	facts->name = json_str(json_get(document, "name"));
	facts->version = json_int(json_get(document, "version"));
	rc = slug_check(facts->name, "name", c->err);
	if (rc == OK && is_reserved(facts->name))
		rc = plan__refuse(c, "name", "is a word that the server keeps for itself.");
	if (rc == OK && (facts->version < 1 || facts->version > VERSION_MAX))
		rc = plan__refuse(c, "version", "is not between 1 and 1000000.");
	if (rc == OK)
		rc = plan__check_text(c, &facts->title, document, "title", "document");
	if (rc == OK)
		rc = plan__check_text(c, &facts->description, document, "description", "document");
	return rc;
}

enum status
blueprint__check(struct blueprint_plan *out, const struct json *document, struct arena *arena,
	struct error *err)
{
	struct plan_check c = {out, arena, err};

	*out = (struct blueprint_plan){0};
	enum status rc = facts_check(&c, document);
	if (rc == OK)
		rc = types_check(&c, document);
	if (rc == OK)
		rc = permissions_check(&c, document);
	if (rc == OK)
		rc = plan__check_roles(&c, document);
	if (rc == OK)
		rc = defaults_check(&c, document);
	if (rc == OK)
		rc = plan__check_guardrails(&c, document);
	if (rc == OK)
		rc = plan__canonical(&c, &out->document, document);
	if (rc == OK)
		crypto_sha256(out->facts.digest, out->document.ptr, out->document.len);
	return rc;
}
