#include "iam/rows.h"
#include "iam/blueprints/plan.h"

static const struct sql TYPES =
	SQL("SELECT type, description, registered, origin FROM resource_types WHERE org = $1");
static const struct sql TYPE_INSERT =
	SQL("INSERT INTO resource_types (org, type, description, registered, origin)"
	    " VALUES ($1, $2, $3, $4, $5)");
static const struct sql TYPE_UPDATE = SQL(
	"UPDATE resource_types SET description = $3, registered = $4 WHERE org = $1 AND type = $2");
static const struct sql TYPE_DELETE =
	SQL("DELETE FROM resource_types WHERE org = $1 AND type = $2");
static const struct sql TYPE_USES =
	SQL("SELECT COUNT(*) FROM resources WHERE org = $1 AND type = $2");
static const struct sql PERMISSIONS =
	SQL("SELECT number, workspace, name, description, class, machine, alias, origin,"
	    " operation_group FROM permissions WHERE org = $1 AND removed = 0");
static const struct sql PERMISSION_INSERT = SQL(
	"INSERT INTO permissions (org, number, workspace, name, description, class, machine, alias,"
	" origin, removed, created_us, changed, operation_group)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, $10, $11, $12)");
static const struct sql PERMISSION_UPDATE =
	SQL("UPDATE permissions SET description = $3, class = $4, machine = $5, alias = $6,"
	    " changed = $7, operation_group = $8 WHERE org = $1 AND number = $2");
static const struct sql PERMISSION_REMOVE =
	SQL("UPDATE permissions SET removed = 1, changed = $3 WHERE org = $1 AND number = $2");
static const struct sql PERMISSION_USES =
	SQL("SELECT COUNT(*) FROM grants WHERE org = $1 AND permission = $2");

enum status
blueprint__note(
	struct blueprint_job *job, int action, const char *kind, struct str name, struct error *err)
{
	struct blueprint_change *change = &job->changes[job->change_count];

	if (job->change_count == BLUEPRINT_CHANGES_MAX)
		return error_set(err, ERR_LIMIT, "too-many-changes",
			"This would change more than %d things at once: apply a smaller step "
			"first.",
			BLUEPRINT_CHANGES_MAX);
	*change =
		(struct blueprint_change){.kind = kind, .name = arena_copy(job->call->arena, name)};
	change->action = action == BLUEPRINT_CREATE ? BLUEPRINT_CREATE
		: action == BLUEPRINT_UPDATE        ? BLUEPRINT_UPDATE
						    : BLUEPRINT_DELETE;
	job->change_count++;
	return change->name.ptr ? OK : error_no_memory(err);
}

enum status
blueprint__taken(const char *kind, struct str name, struct str origin, struct error *err)
{
	return error_set(err, ERR_CONFLICT, "name-taken",
		"The %s \"%.*s\" is there already, brought by \"%.*s\".", kind,
		(int)(name.len > 80 ? 80 : name.len), name.ptr, STR_ARG(origin));
}

enum status
blueprint__grow(void **items, size_t count, size_t *cap, size_t size, struct arena *arena,
	struct error *err)
{
	if (count < *cap)
		return OK;
	size_t wider = *cap ? *cap * 2 : 64;
	void *moved = arena_alloc_array(arena, wider, size);
	if (!moved)
		return error_no_memory(err);
	if (count > 0)
		memcpy(moved, *items, count * size);
	*items = moved;
	*cap = wider;
	return OK;
}

static bool
is_mine(const struct blueprint_job *job, struct str origin)
{
	return str_eq(job->plan->facts.name, origin);
}

static enum status
count_uses(int64_t *out, struct blueprint_job *job, const struct sql *sql, struct str name,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, job->call, sql, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, name);
	rc = query_next(&q, err);
	*out = rc == OK && q.row ? query_int(&q, 0) : 0;
	query_end(&q);
	return rc;
}

/* A row that was found, of a type. */
struct found_type {
	struct str name, description, origin;
	bool registered;
};

static enum status
load_types(struct found_type **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;
	size_t cap = 0;
	void *items = NULL;

	*count = 0;
	enum status rc = iam__query(&q, call, &TYPES, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = blueprint__grow(
			&items, *count, &cap, sizeof(struct found_type), call->arena, err);
		if (rc != OK)
			break;
		((struct found_type *)items)[(*count)++] = (struct found_type){
			.name = iam__text(&q, 0, call),
			.description = iam__text(&q, 1, call),
			.origin = iam__text(&q, 3, call),
			.registered = query_int(&q, 2) != 0,
		};
	}
	query_end(&q);
	*out = items;
	return rc;
}

static enum status
write_type(struct blueprint_job *job, const struct sql *sql, const struct plan_type *type,
	struct error *err)
{
	struct query q;

	if (!job->write)
		return OK;
	enum status rc = iam__query(&q, job->call, sql, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, type->name);
	if (sql != &TYPE_DELETE) {
		query_bind_str(&q, 3, type->description);
		query_bind_int(&q, 4, type->registered);
	}
	if (sql == &TYPE_INSERT)
		query_bind_str(&q, 5, job->plan->facts.name);
	return query_run(&q, NULL, err);
}

/* A type may be shared: whoever came first keeps it, as long as both mean the same. */
static enum status
compare_type(struct blueprint_job *job, const struct found_type *found,
	const struct plan_type *planned, struct error *err)
{
	bool mine = is_mine(job, found->origin);

	if (!mine && found->registered != planned->registered)
		return blueprint__taken("resource type", found->name, found->origin, err);
	if (!mine ||
		(found->registered == planned->registered &&
			str_eq(found->description, planned->description)))
		return OK;
	enum status rc = blueprint__note(job, BLUEPRINT_UPDATE, "resource_type", found->name, err);
	return rc == OK ? write_type(job, &TYPE_UPDATE, planned, err) : rc;
}

static enum status
drop_type(struct blueprint_job *job, const struct found_type *found, struct error *err)
{
	const struct plan_type gone = {.name = found->name};
	int64_t uses;

	enum status rc = count_uses(&uses, job, &TYPE_USES, found->name, err);
	if (rc == OK && uses > 0)
		rc = error_set(err, ERR_CONFLICT, "resource-type-in-use",
			"The resource type \"%.*s\" is left out, but there are %lld resources of "
			"it.",
			STR_ARG(found->name), (long long)uses);
	if (rc == OK)
		rc = blueprint__note(job, BLUEPRINT_DELETE, "resource_type", found->name, err);
	return rc == OK ? write_type(job, &TYPE_DELETE, &gone, err) : rc;
}

enum status
blueprint__apply_types(struct blueprint_job *job, struct error *err)
{
	const struct blueprint_plan *plan = job->plan;
	struct found_type *found;
	size_t count;
	bool *there = arena_new_array(job->call->arena, bool, plan->type_count);

	if (!there)
		return error_no_memory(err);
	enum status rc = load_types(&found, &count, job->call, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		size_t at = plan_find(
			plan->types, plan->type_count, sizeof(*plan->types), found[i].name);
		if (at != SIZE_MAX) {
			there[at] = true;
			rc = compare_type(job, &found[i], &plan->types[at], err);
		} else if (is_mine(job, found[i].origin)) {
			rc = drop_type(job, &found[i], err);
		}
	}
	for (size_t i = 0; rc == OK && i < plan->type_count; i++) {
		if (there[i])
			continue;
		rc = blueprint__note(
			job, BLUEPRINT_CREATE, "resource_type", plan->types[i].name, err);
		if (rc == OK)
			rc = write_type(job, &TYPE_INSERT, &plan->types[i], err);
	}
	return rc;
}

struct found_permission {
	struct plan_permission is;
	int64_t number;
	struct workspace_id workspace;
	struct str origin;
};

static enum status
load_permissions(struct found_permission **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;
	size_t cap = 0;
	void *items = NULL;

	*count = 0;
	enum status rc = iam__query(&q, call, &PERMISSIONS, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = blueprint__grow(
			&items, *count, &cap, sizeof(struct found_permission), call->arena, err);
		if (rc != OK)
			break;
		((struct found_permission *)items)[(*count)++] = (struct found_permission){
			.number = query_int(&q, 0),
			.workspace = {query_uuid(&q, 1)},
			.is = {.name = iam__text(&q, 2, call),
				.description = iam__text(&q, 3, call),
				.class = (enum permission_class)query_int(&q, 4),
				.machine = query_int(&q, 5) != 0,
				.alias = query_is_null(&q, 6) ? PERMISSION_NONE
							      : (uint32_t)query_int(&q, 6),
				.group = iam__text(&q, 8, call)},
			.origin = iam__text(&q, 7, call),
		};
	}
	query_end(&q);
	*out = items;
	return rc;
}

static void
bind_alias(struct query *q, int at, uint32_t alias)
{
	if (alias == PERMISSION_NONE)
		query_bind_null(q, at);
	else
		query_bind_int(q, at, alias);
}

/* Numbers are given once: what comes back gets another one. */
static enum status
create_permission(
	struct blueprint_job *job, const struct plan_permission *planned, struct error *err)
{
	struct call *call = job->call;
	struct query q;

	enum status rc = blueprint__note(job, BLUEPRINT_CREATE, "permission", planned->name, err);
	if (rc != OK || !job->write)
		return rc;
	if (call->chain.next_permission >= PERMISSION_LIMIT)
		return error_set(err, ERR_LIMIT, "too-many-permissions",
			"An organisation can have at most %d permissions of its own in all.",
			PERMISSION_LIMIT - PERMISSION_OWN_FIRST);
	rc = iam__query(&q, call, &PERMISSION_INSERT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, call->chain.next_permission++);
	query_bind_uuid(&q, 3, (struct uuid){{0}});
	query_bind_str(&q, 4, planned->name);
	query_bind_str(&q, 5, planned->description);
	query_bind_int(&q, 6, planned->class);
	query_bind_int(&q, 7, planned->machine);
	bind_alias(&q, 8, planned->alias);
	query_bind_str(&q, 9, job->plan->facts.name);
	query_bind_int(&q, 10, call->now_us);
	query_bind_int(&q, 11, call_next_revision(call));
	query_bind_str(&q, 12, planned->group);
	return query_run(&q, NULL, err);
}

static enum status
compare_permission(struct blueprint_job *job, const struct found_permission *found,
	const struct plan_permission *planned, struct error *err)
{
	struct query q;

	if (!uuid_is_nil(found->workspace.id))
		return error_set(err, ERR_CONFLICT, "name-taken",
			"The permission \"%.*s\" is a scope of a workspace already.",
			STR_ARG(planned->name));
	if (!is_mine(job, found->origin))
		return blueprint__taken("permission", planned->name, found->origin, err);
	if (str_eq(found->is.description, planned->description) &&
		found->is.class == planned->class && found->is.machine == planned->machine &&
		found->is.alias == planned->alias && str_eq(found->is.group, planned->group))
		return OK;
	enum status rc = blueprint__note(job, BLUEPRINT_UPDATE, "permission", planned->name, err);
	if (rc != OK || !job->write)
		return rc;
	rc = iam__query(&q, job->call, &PERMISSION_UPDATE, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, found->number);
	query_bind_str(&q, 3, planned->description);
	query_bind_int(&q, 4, planned->class);
	query_bind_int(&q, 5, planned->machine);
	bind_alias(&q, 6, planned->alias);
	query_bind_int(&q, 7, call_next_revision(job->call));
	query_bind_str(&q, 8, planned->group);
	return query_run(&q, NULL, err);
}

/* A grant of a name that is gone would come back to life with the name. */
static enum status
drop_permission(struct blueprint_job *job, const struct found_permission *found, struct error *err)
{
	struct query q;
	int64_t uses;

	enum status rc = count_uses(&uses, job, &PERMISSION_USES, found->is.name, err);
	if (rc == OK && uses > 0)
		rc = error_set(err, ERR_CONFLICT, "permission-in-use",
			"The permission \"%.*s\" is left out, but granted by itself in %lld "
			"places: take it back there first.",
			STR_ARG(found->is.name), (long long)uses);
	if (rc == OK)
		rc = blueprint__note(job, BLUEPRINT_DELETE, "permission", found->is.name, err);
	if (rc != OK || !job->write)
		return rc;
	rc = iam__query(&q, job->call, &PERMISSION_REMOVE, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 2, found->number);
	query_bind_int(&q, 3, call_next_revision(job->call));
	return query_run(&q, NULL, err);
}

enum status
blueprint__apply_permissions(struct blueprint_job *job, struct error *err)
{
	const struct blueprint_plan *plan = job->plan;
	struct found_permission *found;
	size_t count;
	bool *there = arena_new_array(job->call->arena, bool, plan->permission_count);

	if (!there)
		return error_no_memory(err);
	enum status rc = load_permissions(&found, &count, job->call, err);
	for (size_t i = 0; rc == OK && i < count; i++) {
		size_t at = plan_find(plan->permissions, plan->permission_count,
			sizeof(*plan->permissions), found[i].is.name);
		if (at != SIZE_MAX) {
			there[at] = true;
			rc = compare_permission(job, &found[i], &plan->permissions[at], err);
		} else if (is_mine(job, found[i].origin)) {
			rc = drop_permission(job, &found[i], err);
		}
	}
	for (size_t i = 0; rc == OK && i < plan->permission_count; i++) {
		if (!there[i])
			rc = create_permission(job, &plan->permissions[i], err);
	}
	return rc;
}
