#include <string.h>

#include "iam/blueprints/plan.h"
#include "iam/rows.h"

static const struct sql APPLIED =
	SQL("SELECT name, version, title, digest, applied_us FROM blueprints"
	    " WHERE org = $1 AND name = $2");
static const struct sql APPLIED_LIST =
	SQL("SELECT name, version, title, digest, applied_us FROM blueprints WHERE org = $1"
	    " ORDER BY name");
static const struct sql APPLIED_DOCUMENT =
	SQL("SELECT document FROM blueprints WHERE org = $1 AND name = $2");
static const struct sql APPLIED_SET =
	SQL("INSERT INTO blueprints (org, name, version, title, digest, document, applied_us)"
	    " VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (org, name) DO UPDATE SET"
	    " version = $3, title = $4, digest = $5, document = $6, applied_us = $7");

static void
write_digest(struct json_writer *w, const struct blueprint *blueprint)
{
	char text[2 * SHA256_LEN + 1];

	crypto_hex(text, blueprint->digest, SHA256_LEN);
	jw_z(w, "digest", text);
}

void
blueprint_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct blueprint *blueprint = entity;

	jw_object(w, name);
	jw_str(w, "name", blueprint->name);
	jw_int(w, "version", blueprint->version);
	jw_str(w, "title", blueprint->title);
	if (blueprint->description.ptr)
		jw_str(w, "description", blueprint->description);
	write_digest(w, blueprint);
	jw_time(w, "applied_at", blueprint->applied_us);
	jw_end_object(w);
}

void
blueprint_result_write(struct json_writer *w, const char *name, const void *entity)
{
	static const char *const ACTIONS[] = {[BLUEPRINT_CREATE] = "create",
		[BLUEPRINT_UPDATE] = "update",
		[BLUEPRINT_DELETE] = "delete"};
	const struct blueprint_result *result = entity;

	jw_object(w, name);
	jw_str(w, "name", result->blueprint.name);
	jw_int(w, "version", result->blueprint.version);
	jw_bool(w, "changed", result->changed);
	jw_bool(w, "preview", result->preview);
	jw_array(w, "changes");
	for (size_t i = 0; i < result->change_count; i++) {
		jw_object(w, NULL);
		jw_z(w, "action", ACTIONS[result->changes[i].action]);
		jw_z(w, "kind", result->changes[i].kind);
		jw_str(w, "name", result->changes[i].name);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_end_object(w);
}

/* What a change record says of one: never the whole document. */
static void
version_write(struct json_writer *w, const char *name, const void *entity)
{
	const struct blueprint *blueprint = entity;

	jw_object(w, name);
	jw_str(w, "name", blueprint->name);
	jw_int(w, "version", blueprint->version);
	write_digest(w, blueprint);
	jw_end_object(w);
}

static void
read_row(struct blueprint *out, struct query *q, struct call *call)
{
	struct str digest = query_bytes(q, 3);

	*out = (struct blueprint){
		.name = iam__text(q, 0, call),
		.version = query_int(q, 1),
		.title = iam__text(q, 2, call),
		.applied_us = query_int(q, 4),
	};
	if (digest.len == SHA256_LEN)
		memcpy(out->digest, digest.ptr, SHA256_LEN);
}

static enum status
load_applied(
	struct blueprint *out, bool *found, struct call *call, struct str name, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &APPLIED, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, name);
	rc = query_next(&q, err);
	*found = rc == OK && q.row;
	if (*found)
		read_row(out, &q, call);
	query_end(&q);
	return rc;
}

enum status
blueprint_load_document(struct str *out, struct call *call, struct str name, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, &APPLIED_DOCUMENT, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, name);
	rc = query_next(&q, err);
	if (rc == OK && !q.row)
		rc = error_set(err, ERR_NOT_FOUND, "blueprint-not-found",
			"No blueprint of this name is applied here.");
	if (rc == OK)
		*out = iam__text(&q, 0, call);
	query_end(&q);
	return rc == OK && !out->ptr ? error_no_memory(err) : rc;
}

enum status
blueprint_list(struct blueprint **out, size_t *count, struct call *call, struct error *err)
{
	struct query q;
	size_t cap = 0;
	void *items = NULL;

	*count = 0;
	enum status rc = iam__query(&q, call, &APPLIED_LIST, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row) {
		rc = blueprint__grow(
			&items, *count, &cap, sizeof(struct blueprint), call->arena, err);
		if (rc != OK)
			break;
		read_row(&((struct blueprint *)items)[(*count)++], &q, call);
	}
	query_end(&q);
	*out = items;
	return rc;
}

static enum status
find_changes(struct blueprint_job *job, struct error *err)
{
	enum status rc = blueprint__apply_types(job, err);
	if (rc == OK)
		rc = blueprint__apply_permissions(job, err);
	if (rc == OK)
		rc = blueprint__apply_roles(job, err);
	if (rc == OK)
		rc = blueprint__apply_defaults(job, err);
	if (rc == OK)
		rc = blueprint__apply_guardrails(job, err);
	return rc;
}

static enum status
write_applied(const struct blueprint_job *job, struct error *err)
{
	const struct blueprint *facts = &job->plan->facts;
	struct query q;

	enum status rc = iam__query(&q, job->call, &APPLIED_SET, (struct uuid){{0}}, err);
	if (rc != OK)
		return rc;
	query_bind_str(&q, 2, facts->name);
	query_bind_int(&q, 3, facts->version);
	query_bind_str(&q, 4, facts->title);
	query_bind_bytes(&q, 5, facts->digest, SHA256_LEN);
	query_bind_str(&q, 6, job->plan->document);
	query_bind_int(&q, 7, facts->applied_us);
	return query_run(&q, NULL, err);
}

static enum status
finish(struct blueprint_job *job, const struct blueprint *before, bool by_rule, struct error *err)
{
	struct call *call = job->call;
	const struct blueprint *after = &job->plan->facts;
	const struct change change = {.action = "blueprints.apply",
		.subject_kind = "blueprint",
		.subject = after->name,
		.before = before ? call_json(call, version_write, before) : NOTHING,
		.after = call_json(call, version_write, after)};

	enum status rc = by_rule ? OK : blueprint__guard(job, err);
	if (rc == OK)
		rc = call_record(call, &change, err);
	if (rc == OK)
		rc = write_applied(job, err);
	if (rc == OK)
		call_touch_skeleton(call);
	return rc;
}

static enum status
check_version(const struct blueprint *applied, const struct blueprint *wanted, struct error *err)
{
	if (wanted->version >= applied->version)
		return OK;
	return error_set(err, ERR_CONFLICT, "blueprint-older",
		"Version %lld of \"%.*s\" is applied already; this is the older version %lld.",
		(long long)applied->version, STR_ARG(applied->name), (long long)wanted->version);
}

/* The document may be gone before the answer is written. */
static enum status
keep_texts(struct blueprint *out, struct arena *arena, struct error *err)
{
	out->name = arena_copy(arena, out->name);
	out->title = arena_copy(arena, out->title);
	out->description = arena_copy(arena, out->description);
	return out->name.ptr && out->title.ptr && out->description.ptr ? OK : error_no_memory(err);
}

enum status
blueprint_apply(struct blueprint_result *out, struct call *call, const struct json *document,
	const struct blueprint_options *options, struct error *err)
{
	struct blueprint applied;
	struct blueprint_plan *plan = arena_new_one(call->arena, struct blueprint_plan);
	struct blueprint_job job = {.call = call, .plan = plan, .write = !options->preview};
	bool found = false;

	*out = (struct blueprint_result){.preview = options->preview};
	job.changes = arena_new_array(call->arena, struct blueprint_change, BLUEPRINT_CHANGES_MAX);
	if (!plan || !job.changes)
		return error_no_memory(err);
	enum status rc = blueprint__check(plan, document, call->arena, err);
	if (rc == OK)
		rc = keep_texts(&plan->facts, call->arena, err);
	if (rc == OK)
		rc = load_applied(&applied, &found, call, plan->facts.name, err);
	if (rc != OK)
		return rc;
	out->blueprint = found ? applied : plan->facts;
	if (found && memcmp(applied.digest, plan->facts.digest, SHA256_LEN) == 0)
		return OK;
	plan->facts.applied_us = call->now_us;
	rc = found ? check_version(&applied, &plan->facts, err) : OK;
	if (rc == OK)
		rc = find_changes(&job, err);
	if (rc == OK && job.write)
		rc = finish(&job, found ? &applied : NULL, options->by_rule, err);
	out->blueprint = plan->facts;
	out->changed = true;
	out->changes = job.changes;
	out->change_count = job.change_count;
	return rc;
}
