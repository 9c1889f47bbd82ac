#include "signin/upstream_internal.h"

#define TEXT_MAX 1024

/* Absent stays absent, and so does what is no text of a bearable length. */
static bool
take_text(struct str *out, const struct json *value, struct arena *arena)
{
	struct str text = json_str(value);

	if (out->ptr || !text.ptr || text.len == 0 || text.len > TEXT_MAX)
		return true;
	*out = arena_copy(arena, text);
	return out->ptr != NULL;
}

/* Some providers write the truth as a text. */
static bool
is_true(const struct json *value)
{
	return json_bool(value) || str_eq(json_str(value), STR("true"));
}

/* A list of texts, or one. Too many would be roles that are silently not there. */
static enum status
take_groups(struct provider_groups *out, const struct json *value, struct arena *arena,
	struct error *err)
{
	bool single = json_type(value) == JSON_STRING;
	size_t count = single ? 1 : json_count(value);

	if (!single && json_type(value) != JSON_ARRAY)
		return upstream__untrusted(err, "groups that are no list of texts");
	if (count > UPSTREAM_GROUPS_MAX)
		return upstream__untrusted(err, "more groups than can be taken");
	struct str *names = arena_new_array(arena, struct str, count);
	if (!names)
		return error_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		struct str name = json_str(single ? value : json_at(value, i));
		if (!name.ptr)
			return upstream__untrusted(err, "groups that are no list of texts");
		names[i] = arena_copy(arena, name);
		if (!names[i].ptr)
			return error_no_memory(err);
	}
	*out = (struct provider_groups){names, count};
	return OK;
}

enum status
upstream__read_claims(struct identity_claims *out, bool *has_groups, const struct json *doc,
	const struct upstream_task *task, struct error *err)
{
	const struct json *groups = task->provider->groups_claim.len
		? json_get_str(doc, task->provider->groups_claim)
		: NULL;
	bool had_email = out->email.ptr != NULL;

	if (!take_text(&out->email, json_get(doc, "email"), task->arena) ||
		!take_text(&out->name, json_get(doc, "name"), task->arena))
		return error_no_memory(err);
	/* Whether an address is verified is said beside it. */
	if (!had_email && out->email.ptr)
		out->email_verified = is_true(json_get(doc, "email_verified"));
	if (*has_groups || !groups || json_type(groups) == JSON_NULL)
		return OK;
	*has_groups = true;
	return take_groups(&out->groups, groups, task->arena, err);
}
