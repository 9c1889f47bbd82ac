#include "iam/access/access.h"

#include "iam/rows.h"

/* The grants of one holder, page by page. */
static enum status
add_grants(struct access *access, struct call *call, struct uuid holder, struct group_id group,
	struct error *err)
{
	const struct grant_filter filter = {.holder = holder};
	struct page page = {.limit = 200};
	enum status rc;

	do {
		struct grant *grants;
		size_t count;
		page.more = false;
		rc = grant_list(&grants, &count, call, &filter, &page, err);
		for (size_t i = 0; rc == OK && i < count; i++) {
			if (access->grant_count == ACCESS_GRANTS_MAX) {
				access->truncated = true;
				return OK;
			}
			access->grants[access->grant_count++] =
				(struct held_grant){grants[i], group};
		}
		page.after = page.last;
	} while (rc == OK && page.more);
	return rc;
}

enum status
access_load(struct access *out, struct call *call, struct principal_id id, struct error *err)
{
	const struct principal_view *view;

	*out = (struct access){0};
	enum status rc = principal_load(&out->principal, call, id, err);
	if (rc == OK)
		rc = principal_view_load(&view, call, id, err);
	if (rc != OK)
		return rc;
	out->groups = arena_new_array(call->arena, struct group, view->group_count);
	out->grants = arena_new_array(call->arena, struct held_grant, ACCESS_GRANTS_MAX);
	if (!out->groups || !out->grants)
		return error_no_memory(err);

	rc = add_grants(out, call, id.id, (struct group_id){{{0}}}, err);
	for (uint32_t i = 0; rc == OK && i < view->group_count; i++) {
		rc = group_load(&out->groups[i], call, view->groups[i], err);
		if (rc == OK)
			rc = add_grants(out, call, view->groups[i].id, view->groups[i], err);
	}
	out->group_count = view->group_count;
	return rc;
}

static void
write_held_role(struct json_writer *w, const struct held_grant *held)
{
	jw_object(w, NULL);
	jw_uuid(w, "role", held->grant.role.id);
	jw_str(w, "name", held->grant.role_name);
	iam__write_node(w, "node", held->grant.node);
	jw_uuid(w, "group", held->group.id);
	jw_uuid(w, "grant", held->grant.id.id);
	jw_time(w, "expires_at", held->grant.expires_us == NEVER ? 0 : held->grant.expires_us);
	jw_end_object(w);
}

void
access_write_roles(struct json_writer *w, const char *name, const struct access *access)
{
	jw_array(w, name);
	for (size_t i = 0; i < access->grant_count; i++) {
		if (!uuid_is_nil(access->grants[i].grant.role.id))
			write_held_role(w, &access->grants[i]);
	}
	jw_end_array(w);
}

void
access_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct access *access = entity;
	const struct principal *principal = &access->principal;

	jw_object(w, name);
	jw_uuid(w, "principal", principal->id.id);
	access_write_roles(w, "roles", access);
	jw_array(w, "groups");
	for (size_t i = 0; i < access->group_count; i++) {
		jw_object(w, NULL);
		jw_uuid(w, "id", access->groups[i].id.id);
		jw_str(w, "name", access->groups[i].name);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_array(w, "grants");
	for (size_t i = 0; i < access->grant_count; i++) {
		jw_object(w, NULL);
		grant_write(w, "grant", &access->grants[i].grant);
		jw_uuid(w, "group", access->grants[i].group.id);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_bool(w, "truncated", access->truncated);
	jw_raw(w, "ceiling", principal->ceiling.ptr ? principal->ceiling : STR("null"));
	jw_bool(w, "confined", principal->confined);
	jw_array(w, "reach");
	for (size_t i = 0; i < principal->reach_count; i++)
		jw_uuid(w, NULL, principal->reach[i].id);
	jw_end_array(w);
	jw_end_object(w);
}
