#include "iam/blueprints/plan.h"
#include "iam/blueprints/texts.h"

static const struct json_limits LIMITS = {PLAN_DOCUMENT_MAX, 16, (size_t)16 * 1024};

struct str
blueprint_shipped_text(struct str name)
{
	for (size_t i = 0; i < blueprint_text_count; i++) {
		if (str_eq(blueprint_texts[i].name, name))
			return blueprint_texts[i].text;
	}
	return (struct str){NULL, 0};
}

enum status
blueprint_apply_shipped(struct blueprint_result *out, struct call *call, struct str name,
	const struct blueprint_options *options, struct error *err)
{
	struct str text = blueprint_shipped_text(name);
	struct json *document = NULL;

	if (!text.ptr)
		return error_set(err, ERR_NOT_FOUND, "blueprint-not-found",
			"No blueprint of this name is shipped: list them at /api/blueprints.");
	enum status rc = json_parse(&document, text, LIMITS, err);
	if (rc == OK)
		rc = blueprint_apply(out, call, document, options, err);
	json_free(&document);
	return rc;
}

static enum status
describe(struct blueprint *out, struct str text, struct arena *arena, struct error *err)
{
	struct blueprint_plan *plan = arena_new_one(arena, struct blueprint_plan);
	struct json *document = NULL;

	if (!plan)
		return error_no_memory(err);
	enum status rc = json_parse(&document, text, LIMITS, err);
	if (rc == OK)
		rc = blueprint__check(plan, document, arena, err);
	*out = plan->facts;
	if (rc == OK) {
		out->name = arena_copy(arena, out->name);
		out->title = arena_copy(arena, out->title);
		out->description = arena_copy(arena, out->description);
		if (!out->name.ptr || !out->title.ptr || !out->description.ptr)
			rc = error_no_memory(err);
	}
	json_free(&document);
	return rc;
}

enum status
blueprint_list_shipped(
	struct blueprint **out, size_t *count, struct arena *arena, struct error *err)
{
	enum status rc = OK;

	*count = blueprint_text_count;
	*out = arena_new_array(arena, struct blueprint, blueprint_text_count);
	if (!*out)
		return error_no_memory(err);
	for (size_t i = 0; rc == OK && i < blueprint_text_count; i++)
		rc = describe(&(*out)[i], blueprint_texts[i].text, arena, err);
	return rc;
}
