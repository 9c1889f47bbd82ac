#include "iam/access/owners.h"
#include "iam/access/role_names.h"
#include "iam/guard.h"
#include "iam/principals/rows.h"
#include "iam/rows.h"
#include "iam/tree/resource_groups.h"

static const struct sql REACH_CLEAR = SQL("DELETE FROM reach WHERE org = $1 AND principal = $2");

static bool
reached_before(const struct principal_view *before, struct rgroup_id group)
{
	for (uint32_t i = 0; i < before->reach_count; i++) {
		if (uuid_eq(before->reach[i].id, group.id))
			return true;
	}
	return false;
}

static bool
is_wider(const struct principal_view *before, const struct reach_draft *draft)
{
	if (!before->confined)
		return false;
	if (!draft->confined)
		return true;
	for (size_t i = 0; i < draft->count; i++) {
		if (!reached_before(before, draft->groups[i]))
			return true;
	}
	return false;
}

static enum status
write_reach(struct call *call, const struct principal *principal, const struct reach_draft *draft,
	struct error *err)
{
	enum status rc = iam__run(call, &REACH_CLEAR, principal->id.id, err);

	for (size_t i = 0; rc == OK && i < draft->count; i++) {
		struct resource_group group;
		rc = resource_group_load(&group, call, principal->workspace, draft->groups[i], err);
		if (rc == OK)
			rc = principal__add_reach(call, principal->id, draft->groups[i], err);
	}
	return rc;
}

/* The record of a reach names its groups beside the principal. */
static struct str
reach_json(struct call *call, const struct reach_draft *reach)
{
	struct buf buf;
	struct json_writer w;

	buf_init(&buf, 64 * 1024);
	jw_init(&w, &buf);
	jw_object(&w, NULL);
	jw_bool(&w, "confined", reach->confined);
	jw_array(&w, "groups");
	for (size_t i = 0; i < reach->count; i++)
		jw_uuid(&w, NULL, reach->groups[i].id);
	jw_end_array(&w);
	jw_end_object(&w);
	struct str out = buf.failed ? STR("") : arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return out;
}

enum status
principal_set_reach(struct principal *out, struct call *call, struct principal_id id,
	const struct reach_draft *draft, struct error *err)
{
	const struct principal_view *before;
	struct owners owners;
	bool self = uuid_eq(id.id, call->caller.principal.id);

	enum status rc = principal_load(out, call, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, out->changed, err);
	if (rc == OK)
		rc = principal_view_load(&before, call, id, err);
	if (rc == OK && !draft->confined && draft->count > 0)
		rc = error_set(err, ERR_INVALID, "reach-contradictory",
			"State groups only together with \"confined\": true.");
	if (rc == OK && is_wider(before, draft))
		rc = principal_guard_give(call, before, self, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc != OK)
		return rc;

	out->confined = draft->confined;
	out->reach = draft->groups;
	out->reach_count = draft->count;
	out->home_group = draft->count > 0 ? draft->groups[0] : (struct rgroup_id){{{0}}};
	out->changed = call_next_revision(call);
	const struct reach_draft was = {before->confined, before->reach, before->reach_count, 0};
	rc = iam__record(call, "principals.set_reach", kind_name(out->kind), id.id,
		VERSIONS(reach_json(call, &was), reach_json(call, draft)), err);
	if (rc == OK)
		rc = write_reach(call, out, draft, err);
	if (rc == OK)
		rc = principal__write(call, out, false, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		call_touch(call, VIEW_PRINCIPAL, id.id);
	return rc;
}

enum status
principal_set_ceiling(struct principal *out, struct call *call, struct principal_id id,
	const struct json *ceiling, int64_t if_match, struct error *err)
{
	const struct principal_view *view;
	struct principal before;
	struct owners owners;

	enum status rc = principal_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = principal_view_load(&view, call, id, err);
	if (rc != OK)
		return rc;
	*out = before;
	out->changed = call_next_revision(call);
	rc = ceiling_text(&out->ceiling, call, out->workspace, ceiling, err);
	if (rc == OK && before.ceiling.ptr)
		rc = principal_guard_give(
			call, view, uuid_eq(id.id, call->caller.principal.id), err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "principals.set_ceiling", kind_name(out->kind), id.id,
			VERSIONS(principal__json(call, &before), principal__json(call, out)), err);
	if (rc == OK)
		rc = principal__write(call, out, false, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		call_touch(call, VIEW_PRINCIPAL, id.id);
	return rc;
}
