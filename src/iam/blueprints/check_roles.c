#include "iam/blueprints/form.h"
#include "model/names.h"

static const struct plan_member ROLE[] = {{"name", TEXT, true}, {"title", TEXT, true},
	{"description", TEXT, true}, {"kinds", LIST, true}, {"exercises", LIST, true},
	{"gives", LIST, false}, {"exercises_all", FLAG, false}, {"gives_all", FLAG, false},
	{"confines", FLAG, false}, {"ceiling", OBJECT | OR_NULL, false}};
static const struct plan_list ROLES = {"roles", PLAN_ROLES_MAX, sizeof(struct plan_role)};

/* One entry for each name of two sorted lists, in their order. */
static enum status
merge(struct plan_check *c, struct role *role, const struct plan_names *exercises,
	const struct plan_names *gives)
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
role_ceiling(struct plan_check *c, struct role *role, const struct json *source, const char *place)
{
	struct error why = {0};
	struct plan_names unused;
	char field[PLACE_MAX];

	if (json_type(source) != JSON_OBJECT)
		return OK;
	enum status rc = ceiling_check(source, &why);
	if (rc != OK)
		return error_set(c->err, rc, why.code, "%s: %s", place, why.text);
	const struct json *only = json_get(source, "only");
	plan__place(field, "%s.ceiling.%s", place, only ? "only" : "except");
	rc = plan__check_names(c, &unused, only ? only : json_get(source, "except"), field);
	return rc == OK ? plan__canonical(c, &role->ceiling, source) : rc;
}

static enum status
role_lists(struct plan_check *c, struct role *role, const struct json *object, const char *place)
{
	const struct json *stated = json_get(object, "gives");
	struct plan_names exercises, gives = {NULL, 0};
	char field[PLACE_MAX];

	plan__place(field, "%s.exercises", place);
	enum status rc = plan__check_names(c, &exercises, json_get(object, "exercises"), field);
	plan__place(field, "%s.gives", place);
	if (rc == OK && stated)
		rc = plan__check_names(c, &gives, stated, field);
	if (rc != OK)
		return rc;
	if (role->exercises_all && exercises.count > 0)
		return plan__refuse(c, place, "exercises everything and lists something besides.");
	if (role->gives_all && stated)
		return plan__refuse(c, place, "gives everything and lists something besides.");
	for (size_t i = 0; i < exercises.count; i++) {
		const struct plan_permission *own =
			plan__own_permission(c->plan, exercises.items[i]);
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
role_check(struct plan_check *c, struct plan_role *planned, const struct json *object, size_t i)
{
	struct role *role = &planned->role;
	char place[PLACE_MAX], field[PLACE_MAX];

	plan__place(place, "roles[%zu]", i);
	enum status rc = plan__check_object(c, object, ROLE, ARRAY_LEN(ROLE), place);
	role->name = json_str(json_get(object, "name"));
	role->exercises_all = json_bool(json_get(object, "exercises_all"));
	role->gives_all = json_bool(json_get(object, "gives_all"));
	planned->confines = json_bool(json_get(object, "confines"));
	plan__place(field, "roles[%zu].name", i);
	if (rc == OK)
		rc = slug_check(role->name, field, c->err);
	if (rc == OK)
		rc = plan__check_text(c, &role->title, object, "title", place);
	if (rc == OK)
		rc = plan__check_text(c, &role->description, object, "description", place);
	plan__place(field, "roles[%zu].kinds", i);
	if (rc == OK)
		rc = plan__check_kinds(c, &role->kinds, json_get(object, "kinds"), field);
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

enum status
plan__check_roles(struct plan_check *c, const struct json *document)
{
	const struct json *list = json_get(document, "roles");
	struct blueprint_plan *plan = c->plan;
	void *items;
	size_t count;

	enum status rc = plan__begin_list(c, &items, &count, &ROLES, document);
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
