#include "iam/access/groups.h"

#include "directory/rows.h"
#include "iam/access/owners.h"
#include "iam/guard.h"
#include "iam/principals/principals.h"
#include "iam/rows.h"
#include "model/names.h"

#define GROUP_COLUMNS " grp, name, description, created_us, changed "

static const struct sql GROUP_INSERT =
	SQL("INSERT INTO groups (org, grp, name, description, created_us, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6)");
static const struct sql GROUP_SELECT =
	SQL("SELECT" GROUP_COLUMNS "FROM groups WHERE org = $1 AND grp = $2");
static const struct sql GROUP_LIST =
	SQL("SELECT" GROUP_COLUMNS
	    "FROM groups WHERE org = $1 AND grp > $2 AND name >= $3 AND name < $4"
	    " ORDER BY grp LIMIT $5");
static const struct sql GROUP_UPDATE = SQL(
	"UPDATE groups SET name = $3, description = $4, changed = $5 WHERE org = $1 AND grp = $2");
static const struct sql GROUP_DELETE = SQL("DELETE FROM groups WHERE org = $1 AND grp = $2");
static const struct sql GROUP_DELETE_GRANTS =
	SQL("DELETE FROM grants WHERE org = $1 AND holder = $2");
static const struct sql GROUP_DELETE_MEMBERS =
	SQL("DELETE FROM group_members WHERE org = $1 AND grp = $2");
static const struct sql MEMBER_INSERT =
	SQL("INSERT INTO group_members (org, grp, principal, since_us) VALUES ($1, $2, $3, $4)");
static const struct sql MEMBER_DELETE =
	SQL("DELETE FROM group_members WHERE org = $1 AND grp = $2 AND principal = $3");
/* Each holds a view that names the group. */
static const struct sql MEMBER_IDS =
	SQL("SELECT principal FROM group_members WHERE org = $1 AND grp = $2");
static const struct sql MEMBER_LIST =
	SQL("SELECT m.principal, p.kind, p.name, m.since_us FROM group_members m"
	    " JOIN principals p ON p.org = m.org AND p.principal = m.principal"
	    " WHERE m.org = $1 AND m.principal > $2 AND p.name >= $3 AND p.name < $4 AND m.grp = $6"
	    " ORDER BY m.principal LIMIT $5");

static enum status
group_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct group *group = element;

	(void)err;
	*group = (struct group){
		.id = {query_uuid(q, 0)},
		.name = iam__text(q, 1, call),
		.description = iam__text(q, 2, call),
		.created_us = query_int(q, 3),
		.changed = query_int(q, 4),
	};
	return OK;
}

void
group_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct group *group = entity;

	jw_object(w, name);
	jw_uuid(w, "id", group->id.id);
	jw_str(w, "name", group->name);
	jw_str(w, "description", group->description);
	jw_time(w, "created_at", group->created_us);
	jw_int(w, "changed", group->changed);
	jw_end_object(w);
}

void
group_member_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct group_member *member = entity;

	jw_object(w, name);
	jw_uuid(w, "id", member->id.id);
	jw_z(w, "kind", kind_name(member->kind));
	jw_str(w, "name", member->name);
	jw_time(w, "since", member->since_us);
	jw_end_object(w);
}

static enum status
draft_check(const struct group_draft *draft, struct error *err)
{
	enum status rc = name_check(draft->name, "name", err);
	if (rc == OK)
		rc = description_check(draft->description, "description", err);
	return rc;
}

static enum status
name_taken(enum status rc, struct error *err)
{
	return iam__taken(rc, "group-name-taken",
		"Another group of this organisation has this name: choose another.", err);
}

enum status
group_create(
	struct group *out, struct call *call, const struct group_draft *draft, struct error *err)
{
	struct query q;
	struct group group = {.id = {uuid_new()},
		.name = draft->name,
		.description = draft->description.ptr ? draft->description : STR(""),
		.created_us = call->now_us};

	enum status rc = draft_check(&(struct group_draft){group.name, group.description, 0}, err);
	if (rc != OK)
		return rc;
	group.changed = call_next_revision(call);
	rc = iam__query(&q, call, &GROUP_INSERT, group.id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, group.name);
	query_bind_str(&q, 4, group.description);
	query_bind_int(&q, 5, group.created_us);
	query_bind_int(&q, 6, group.changed);
	rc = name_taken(query_run(&q, NULL, err), err);
	if (rc == OK)
		rc = iam__record(call, "groups.create", "group", group.id.id,
			VERSIONS(NOTHING, call_json(call, group_write, &group)), err);
	if (rc != OK)
		return rc;
	call_touch(call, VIEW_GROUP, group.id.id);
	*out = group;
	return OK;
}

enum status
group_load(struct group *out, struct call *call, struct group_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GROUP_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "group-not-found", "There is no such group.");
	if (rc == OK)
		rc = group_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
group_list(
	struct group **out, size_t *count, struct call *call, struct page *page, struct error *err)
{
	const struct listing listing = {
		.sql = &GROUP_LIST, .size = sizeof(struct group), .read = group_read};

	return iam__list((void **)out, count, call, page, &listing, err);
}

enum status
group_update(struct group *out, struct call *call, struct group_id id,
	const struct group_draft *draft, struct error *err)
{
	struct group before;
	struct query q;

	enum status rc = group_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(draft->if_match, before.changed, err);
	if (rc != OK)
		return rc;

	struct group after = before;
	if (draft->name.ptr)
		after.name = draft->name;
	if (draft->description.ptr)
		after.description = draft->description;
	after.changed = call_next_revision(call);
	rc = draft_check(&(struct group_draft){after.name, after.description, 0}, err);
	if (rc == OK)
		rc = iam__query(&q, call, &GROUP_UPDATE, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, after.name);
	query_bind_str(&q, 4, after.description);
	query_bind_int(&q, 5, after.changed);
	rc = name_taken(query_run(&q, NULL, err), err);
	if (rc == OK)
		rc = iam__record(call, "groups.update", "group", id.id,
			VERSIONS(call_json(call, group_write, &before),
				call_json(call, group_write, &after)),
			err);
	*out = after;
	return rc;
}

enum status
group_delete(struct call *call, struct group_id id, int64_t if_match, struct error *err)
{
	struct group before;
	struct owners owners;

	enum status rc = group_load(&before, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, before.changed, err);
	if (rc == OK)
		rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = iam__record(call, "groups.delete", "group", id.id,
			VERSIONS(call_json(call, group_write, &before), NOTHING), err);
	if (rc == OK)
		rc = iam__touch_all(call, VIEW_PRINCIPAL, &MEMBER_IDS, id.id, err);
	if (rc == OK)
		rc = iam__run(call, &GROUP_DELETE_GRANTS, id.id, err);
	if (rc == OK)
		rc = iam__run(call, &GROUP_DELETE_MEMBERS, id.id, err);
	if (rc == OK)
		rc = iam__run(call, &GROUP_DELETE, id.id, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		call_touch(call, VIEW_GROUP, id.id);
	return rc;
}

static enum status
record_membership(struct call *call, bool added, const struct group *group, struct principal_id who,
	struct error *err)
{
	struct buf buf;
	struct json_writer w;
	char space[512];

	buf_init_fixed(&buf, space, sizeof(space));
	jw_init(&w, &buf);
	jw_object(&w, NULL);
	jw_str(&w, "group", group->name);
	jw_uuid(&w, "principal", who.id);
	jw_end_object(&w);
	return iam__record(call, added ? "groups.add_member" : "groups.remove_member", "group",
		group->id.id,
		VERSIONS(added ? NOTHING : buf_view(&buf), added ? buf_view(&buf) : NOTHING), err);
}

static bool
is_in(const struct principal_view *principal, struct group_id id)
{
	for (uint32_t i = 0; i < principal->group_count; i++) {
		if (uuid_eq(principal->groups[i].id, id.id))
			return true;
	}
	return false;
}

/* Loads both ends of a membership. */
static enum status
membership_load(struct group *group, const struct principal_view **principal, struct call *call,
	struct group_id id, struct principal_id who, struct error *err)
{
	struct principal seen;

	enum status rc = group_load(group, call, id, err);
	if (rc == OK)
		rc = principal_load(&seen, call, who, err);
	if (rc == OK)
		rc = principal_view_load(principal, call, who, err);
	return rc;
}

enum status
group_add_member(struct call *call, struct group_id id, struct principal_id who, struct error *err)
{
	struct group group;
	const struct principal_view *principal;
	const struct group_view *grants;
	struct query q;

	enum status rc = membership_load(&group, &principal, call, id, who, err);
	if (rc != OK || is_in(principal, id))
		return rc;
	if (principal->group_count >= GROUPS_PER_PRINCIPAL_MAX)
		return error_set(err, ERR_LIMIT, "too-many-groups",
			"A principal can be in at most %d groups.", GROUPS_PER_PRINCIPAL_MAX);
	rc = rows_load_group(&grants, call->tx, call->org, id, call->arena, err);
	if (rc == OK && grants)
		rc = guard_give_grants(
			call, &grants->grants, uuid_eq(who.id, call->caller.principal.id), err);
	if (rc == OK)
		rc = record_membership(call, true, &group, who, err);
	if (rc == OK)
		rc = iam__query(&q, call, &MEMBER_INSERT, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, who.id);
	query_bind_int(&q, 4, call->now_us);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		call_touch(call, VIEW_PRINCIPAL, who.id);
	return rc;
}

enum status
group_remove_member(
	struct call *call, struct group_id id, struct principal_id who, struct error *err)
{
	struct group group;
	const struct principal_view *principal;
	struct query q;
	struct owners owners;

	enum status rc = membership_load(&group, &principal, call, id, who, err);
	if (rc != OK || !is_in(principal, id))
		return rc;
	rc = owners_count(&owners, call, err);
	if (rc == OK)
		rc = record_membership(call, false, &group, who, err);
	if (rc == OK)
		rc = iam__query(&q, call, &MEMBER_DELETE, id.id, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 3, who.id);
	rc = query_run(&q, NULL, err);
	if (rc == OK)
		rc = owners_check_left(call, owners, err);
	if (rc == OK)
		call_touch(call, VIEW_PRINCIPAL, who.id);
	return rc;
}

static enum status
group_member_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct group_member *member = element;

	(void)err;
	*member = (struct group_member){
		.id = {query_uuid(q, 0)},
		.kind = (enum principal_kind)query_int(q, 1),
		.name = iam__text(q, 2, call),
		.since_us = query_int(q, 3),
	};
	return OK;
}

static void
bind_group(struct query *q, const void *filter)
{
	const struct group_id *id = filter;

	query_bind_uuid(q, 6, id->id);
}

enum status
group_list_members(struct group_member **out, size_t *count, struct call *call, struct group_id id,
	struct page *page, struct error *err)
{
	struct group group;
	const struct listing listing = {.sql = &MEMBER_LIST,
		.size = sizeof(struct group_member),
		.read = group_member_read,
		.bind = bind_group,
		.filter = &id};

	size_t read = 0, shown = 0;

	enum status rc = group_load(&group, call, id, err);
	if (rc == OK)
		rc = iam__list((void **)out, &read, call, page, &listing, err);
	for (size_t i = 0; rc == OK && i < read; i++) {
		bool visible;
		rc = principal_see(&visible, call, (*out)[i].id, (*out)[i].kind, err);
		if (rc == OK && visible)
			(*out)[shown++] = (*out)[i];
	}
	*count = shown;
	return rc;
}
