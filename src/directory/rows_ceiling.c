#include "directory/rows_internal.h"
#include "policy/lookup.h"

/* What forbids by name forbids in every workspace when its holder belongs to none. */
static void
add_name(struct wide_set *set, const struct org_view *org, struct workspace_id workspace,
	struct str name, bool except)
{
	if (except && uuid_is_nil(workspace.id)) {
		rows__add_everywhere(set, org, name);
		return;
	}
	uint32_t number = org_permission_number(org, workspace, name);
	if (number != PERMISSION_NONE)
		wide_add(set, number);
}

static enum status
build(struct ceiling *ceiling, const struct org_view *org, struct workspace_id workspace,
	const struct json *names, struct arena *arena, struct error *err)
{
	struct wide_set set = {0};
	for (size_t i = 0; i < json_count(names); i++)
		add_name(&set, org, workspace, json_str(json_at(names, i)), ceiling->except);
	return rows__narrow(&ceiling->named, &set, arena, err);
}

enum status
rows_ceiling_parse(const struct ceiling **out, const struct org_view *org,
	struct workspace_id workspace, struct str text, struct arena *arena, struct error *err)
{
	*out = NULL;
	if (!text.ptr)
		return OK;
	struct json *doc = NULL;
	struct error why = {0};
	enum status rc = json_parse(&doc, text, JSON_LIMITS_DEFAULT, &why);
	if (rc == OK)
		rc = ceiling_check(doc, &why);
	if (rc != OK) {
		json_free(&doc);
		return rc == ERR_NO_MEMORY ? error_no_memory(err) : rows__corrupt(err, why.text);
	}
	struct ceiling *ceiling = arena_new_one(arena, struct ceiling);
	if (!ceiling) {
		json_free(&doc);
		return error_no_memory(err);
	}
	const struct json *except = json_get(doc, "except");
	ceiling->except = except != NULL;
	rc = build(ceiling, org, workspace, except ? except : json_get(doc, "only"), arena, err);
	json_free(&doc);
	if (rc == OK)
		*out = ceiling;
	return rc;
}
