#include "iam/access/guardrails.h"

#include "iam/access/owners.h"
#include "iam/access/role_names.h"
#include "iam/guard.h"
#include "iam/rows.h"
#include "model/names.h"
#include "policy/lookup.h"

#define GUARDRAIL_COLUMNS                                                                          \
	" guardrail, name, description, origin, node_kind, node, kinds, permissions, condition,"   \
	" created_us, changed "

static const struct sql GUARDRAIL_INSERT =
	SQL("INSERT INTO guardrails (org, guardrail, name, description, node_kind, node, kinds,"
	    " permissions, condition, origin, created_us, changed)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
static const struct sql GUARDRAIL_SELECT =
	SQL("SELECT" GUARDRAIL_COLUMNS "FROM guardrails WHERE org = $1 AND guardrail = $2");
static const struct sql GUARDRAIL_LIST =
	SQL("SELECT" GUARDRAIL_COLUMNS
	    "FROM guardrails WHERE org = $1 AND guardrail > $2 AND name >= $3 AND name < $4"
	    " ORDER BY guardrail LIMIT $5");
static const struct sql GUARDRAIL_COUNT = SQL("SELECT COUNT(*) FROM guardrails WHERE org = $1");
static const struct sql GUARDRAIL_DELETE =
	SQL("DELETE FROM guardrails WHERE org = $1 AND guardrail = $2");

static enum status
guardrail_read(void *element, struct query *q, struct call *call, struct error *err)
{
	struct guardrail *rail = element;

	(void)err;
	*rail = (struct guardrail){
		.id = {query_uuid(q, 0)},
		.name = iam__text(q, 1, call),
		.description = iam__text(q, 2, call),
		.origin = iam__text(q, 3, call),
		.node = {(enum node_kind)query_int(q, 4), query_uuid(q, 5)},
		.kinds = (kind_mask)query_int(q, 6),
		.permissions = iam__text(q, 7, call),
		.condition = iam__text(q, 8, call),
		.created_us = query_int(q, 9),
		.changed = query_int(q, 10),
	};
	return OK;
}

void
guardrail_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct guardrail *rail = entity;

	jw_object(w, name);
	jw_uuid(w, "id", rail->id.id);
	jw_str(w, "name", rail->name);
	jw_str(w, "description", rail->description);
	iam__write_node(w, "node", rail->node);
	iam__write_kinds(w, "kinds", rail->kinds);
	jw_raw(w, "permissions", rail->permissions);
	jw_raw(w, "condition", rail->condition.ptr ? rail->condition : STR("null"));
	jw_str(w, "origin", rail->origin);
	jw_time(w, "created_at", rail->created_us);
	jw_int(w, "changed", rail->changed);
	jw_end_object(w);
}

static enum status
permissions_text(struct str *out, struct call *call, const struct str *names, size_t count,
	struct error *err)
{
	struct buf buf;
	struct json_writer w;

	buf_init(&buf, ENTITY_JSON_MAX);
	jw_init(&w, &buf);
	jw_array(&w, NULL);
	for (size_t i = 0; i < count; i++)
		jw_str(&w, NULL, names[i]);
	jw_end_array(&w);
	*out = buf.failed ? NOTHING : arena_copy(call->arena, buf_view(&buf));
	buf_clear(&buf);
	return out->ptr ? OK : error_no_memory(err);
}

/* Names resolve at the guardrail's own node; at the platform, only the built-in ones do. */
static enum status
guard_names(struct call *call, struct node node, const struct str *names, size_t count,
	struct error *err)
{
	struct target target;
	struct permset set;

	enum status rc = call_target(&target, call, node, err);
	if (rc != OK)
		return rc;
	if (!permset_init(&set, call->arena, call->org->permission_end))
		return error_no_memory(err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		uint32_t number;
		rc = permission_resolve(&number, call,
			target.workspace ? target.workspace->id : (struct workspace_id){{{0}}},
			names[i], err);
		if (rc == OK)
			permset_add(&set, number);
	}
	if (rc == OK && permset_has(&set, IAM_GUARDRAILS_DELETE))
		rc = error_set(err, ERR_CONFLICT, "guardrail-stays-removable",
			"A guardrail cannot deny iam:guardrails:delete: nobody could lift it.");
	const struct gift gift = {.node = node, .permissions = &set, .expires_us = NEVER};
	return rc == OK ? guard_give(call, &gift, err) : rc;
}

/* An owner lifts any guardrail, even one that binds himself: else one could bind everybody, for
 * ever. Ownership is never held through a group; who is confined or bounded is no owner here. */
static bool
owner_calls(const struct call *call)
{
	const struct grants *grants = &call->principal->grants;

	if (call->principal->confined || call->principal->ceiling)
		return false;
	for (uint32_t i = 0; i < grants->count && call->home == call->org; i++) {
		const struct grant_entry *entry = &grants->entries[i];
		if (entry->role == ROLE_NUMBER_OWNER && !entry->condition &&
			call->now_us < entry->expires_us && uuid_eq(entry->node, call->org->id.id))
			return true;
	}
	return false;
}

/* What a stored one denies: names that are gone since deny nothing. */
static enum status
guard_stored(struct call *call, const struct guardrail *rail, struct error *err)
{
	struct permset set;
	bool found = false;

	if (!permset_init(&set, call->arena, call->org->permission_end))
		return error_no_memory(err);
	for (uint32_t i = 0; i < call->org->guardrail_count; i++) {
		const struct guardrail_view *view = &call->org->guardrails[i];
		if (!uuid_eq(view->id.id, rail->id.id))
			continue;
		permset_unite(&set, &view->denies);
		found = true;
	}
	if (!found)
		return error_set(
			err, ERR_NOT_FOUND, "guardrail-not-found", "There is no such guardrail.");
	const struct gift gift = {.node = rail->node,
		.permissions = &set,
		.expires_us = NEVER,
		.to_self = (rail->kinds & KIND_BIT(call->caller.kind)) != 0};
	return owner_calls(call) ? OK : guard_give(call, &gift, err);
}

static enum status
fill(struct guardrail *rail, struct call *call, const struct guardrail_draft *draft,
	struct error *err)
{
	struct condition *condition;
	bool root = draft->node.kind == NODE_ORG || draft->node.kind == NODE_PLATFORM;

	rail->name = draft->name;
	rail->description = draft->description.ptr ? draft->description : STR("");
	rail->node = draft->node;
	rail->kinds = draft->kinds ? draft->kinds : KIND_ALL;
	rail->condition = NOTHING;
	rail->changed = call_next_revision(call);
	if (root &&
		(draft->node.kind != node_org(call->org->id).kind ||
			!uuid_eq(draft->node.id, call->org->id.id)))
		return error_set(err, ERR_NOT_FOUND, "node-not-found", "There is no such node.");

	enum status rc = slug_check(rail->name, "name", err);
	if (rc == OK)
		rc = description_check(rail->description, "description", err);
	if (rc == OK)
		rc = permissions_text(
			&rail->permissions, call, draft->permissions, draft->permission_count, err);
	if (rc != OK || json_type(draft->condition) == JSON_ABSENT ||
		json_type(draft->condition) == JSON_NULL)
		return rc;
	rc = condition_parse(&condition, draft->condition, call->arena, err);
	if (rc == OK)
		rail->condition = condition_text(condition);
	return rc;
}

static enum status
insert(struct call *call, const struct guardrail *rail, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GUARDRAIL_INSERT, rail->id.id, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 3, rail->name);
	query_bind_str(&q, 4, rail->description);
	query_bind_int(&q, 5, rail->node.kind);
	query_bind_uuid(&q, 6, rail->node.id);
	query_bind_int(&q, 7, rail->kinds);
	query_bind_str(&q, 8, rail->permissions);
	query_bind_str(&q, 9, rail->condition);
	query_bind_str(&q, 10, rail->origin);
	query_bind_int(&q, 11, rail->created_us);
	query_bind_int(&q, 12, rail->changed);
	return iam__taken(query_run(&q, NULL, err), "guardrail-name-taken",
		"Another guardrail of this organisation has this name: choose another.", err);
}

enum status
guardrail_create(struct guardrail *out, struct call *call, const struct guardrail_draft *draft,
	struct error *err)
{
	int64_t count;

	*out = (struct guardrail){
		.id = {uuid_new()}, .origin = STR("custom"), .created_us = call->now_us};
	enum status rc = iam__count(&count, call, &GUARDRAIL_COUNT, (struct uuid){{0}}, err);
	if (rc == OK && count >= GUARDRAILS_PER_ORG_MAX)
		rc = error_set(err, ERR_LIMIT, "too-many-guardrails",
			"An organisation can have at most %d guardrails.", GUARDRAILS_PER_ORG_MAX);
	if (rc == OK)
		rc = fill(out, call, draft, err);
	if (rc == OK)
		rc = guard_names(
			call, draft->node, draft->permissions, draft->permission_count, err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "guardrails.create", "guardrail", out->id.id,
			VERSIONS(NOTHING, call_json(call, guardrail_write, out)), err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}

enum status
guardrail_load(struct guardrail *out, struct call *call, struct guardrail_id id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &GUARDRAIL_SELECT, id.id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(
			err, ERR_NOT_FOUND, "guardrail-not-found", "There is no such guardrail.");
	if (rc == OK)
		rc = guardrail_read(out, &q, call, err);
	query_end(&q);
	return rc;
}

enum status
guardrail_list(struct guardrail **out, size_t *count, struct call *call, struct page *page,
	struct error *err)
{
	const struct listing listing = {
		.sql = &GUARDRAIL_LIST, .size = sizeof(struct guardrail), .read = guardrail_read};

	return iam__list((void **)out, count, call, page, &listing, err);
}

/* Loads one that the caller is about to change or remove. */
static enum status
load_own(struct guardrail *out, struct call *call, struct guardrail_id id, int64_t if_match,
	struct error *err)
{
	enum status rc = guardrail_load(out, call, id, err);
	if (rc == OK)
		rc = call_check_match(if_match, out->changed, err);
	if (rc == OK && !str_eq(out->origin, STR("custom")))
		rc = error_set(err, ERR_CONFLICT, "guardrail-is-system",
			"A guardrail that a blueprint brought is changed by the blueprint alone.");
	return rc == OK ? guard_stored(call, out, err) : rc;
}

enum status
guardrail_replace(struct guardrail *out, struct call *call, struct guardrail_id id,
	const struct guardrail_draft *draft, struct error *err)
{
	struct guardrail before;

	enum status rc = load_own(&before, call, id, draft->if_match, err);
	*out = before;
	if (rc == OK)
		rc = fill(out, call, draft, err);
	if (rc == OK)
		rc = guard_names(
			call, draft->node, draft->permissions, draft->permission_count, err);
	if (rc == OK)
		rc = iam__run(call, &GUARDRAIL_DELETE, id.id, err);
	if (rc == OK)
		rc = insert(call, out, err);
	if (rc == OK)
		rc = iam__record(call, "guardrails.update", "guardrail", id.id,
			VERSIONS(call_json(call, guardrail_write, &before),
				call_json(call, guardrail_write, out)),
			err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}

enum status
guardrail_delete(struct call *call, struct guardrail_id id, int64_t if_match, struct error *err)
{
	struct guardrail before;

	enum status rc = load_own(&before, call, id, if_match, err);
	if (rc == OK)
		rc = iam__record(call, "guardrails.delete", "guardrail", id.id,
			VERSIONS(call_json(call, guardrail_write, &before), NOTHING), err);
	if (rc == OK)
		rc = iam__run(call, &GUARDRAIL_DELETE, id.id, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}
