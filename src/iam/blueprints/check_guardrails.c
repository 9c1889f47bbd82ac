#include "iam/blueprints/form.h"
#include "model/names.h"

static const struct plan_member GUARDRAIL[] = {{"name", TEXT, true}, {"description", TEXT, true},
	{"kinds", LIST, true}, {"permissions", LIST, true}, {"condition", OBJECT | OR_NULL, true}};
static const struct plan_list GUARDRAILS = {
	"guardrails", PLAN_GUARDRAILS_MAX, sizeof(struct plan_guardrail)};

static enum status
guardrail_terms(struct plan_check *c, struct plan_guardrail *rail, const struct json *object,
	const struct plan_names *names, const char *place)
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
guardrail_check(
	struct plan_check *c, struct plan_guardrail *rail, const struct json *object, size_t i)
{
	char place[PLACE_MAX], field[PLACE_MAX];
	struct plan_names names;

	plan__place(place, "guardrails[%zu]", i);
	enum status rc = plan__check_object(c, object, GUARDRAIL, ARRAY_LEN(GUARDRAIL), place);
	rail->name = json_str(json_get(object, "name"));
	plan__place(field, "%s.name", place);
	if (rc == OK)
		rc = slug_check(rail->name, field, c->err);
	if (rc == OK)
		rc = plan__check_text(c, &rail->description, object, "description", place);
	plan__place(field, "%s.kinds", place);
	if (rc == OK)
		rc = plan__check_kinds(c, &rail->kinds, json_get(object, "kinds"), field);
	plan__place(field, "%s.permissions", place);
	if (rc == OK)
		rc = plan__check_names(c, &names, json_get(object, "permissions"), field);
	if (rc == OK && names.count == 0)
		rc = plan__refuse(c, field, "is empty.");
	return rc == OK ? guardrail_terms(c, rail, object, &names, place) : rc;
}

enum status
plan__check_guardrails(struct plan_check *c, const struct json *document)
{
	const struct json *list = json_get(document, "guardrails");
	struct blueprint_plan *plan = c->plan;
	void *items;

	enum status rc = plan__begin_list(c, &items, &plan->guardrail_count, &GUARDRAILS, document);
	if (rc != OK)
		return rc;
	plan->guardrails = items;
	for (size_t i = 0; rc == OK && i < plan->guardrail_count; i++)
		rc = guardrail_check(c, &plan->guardrails[i], json_at(list, i), i);
	return rc == OK ? plan__end_list(c, plan->guardrails, plan->guardrail_count,
				  sizeof(struct plan_guardrail), "guardrails")
			: rc;
}
