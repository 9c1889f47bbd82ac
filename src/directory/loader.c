#include "directory/internal.h"

/* What one load may hold: the largest skeleton and then some. */
#define LOAD_MAX ((size_t)64 * 1024 * 1024)
/* Changes that touch what is being loaded may spoil so many attempts. */
#define ATTEMPTS_MAX 8

/* One run of a load, inside its snapshot. */
struct run {
	struct directory *d;
	struct directory_load *load;
	struct tx *tx;
	struct arena *arena;
	uint32_t at; /* the miss at hand */

	/* Of the organisation at hand. */
	bool opened;
	struct org_id org;
	struct org_heads seen;
	int64_t first; /* no older snapshot may be published */
	const struct org_view *own; /* loaded by this run */
};

__attribute__((weak)) void
directory__before_publish(const struct view_key *key)
{
	(void)key;
}

static enum status
publish(struct run *run, const struct view_key *key, const void *view, uint64_t epoch,
	struct error *err)
{
	struct entry *e;
	enum status rc = entry__new(&e, key, view, run->arena, err);
	if (rc != OK)
		return rc;
	directory__before_publish(key);
	directory_enter();
	if (!table__publish(run->d, e, epoch))
		run->load->stale++;
	directory_leave();
	table__grow(run->d);
	return OK;
}

static enum status
open_org(struct run *run, struct org_id org, struct error *err)
{
	if (run->opened && uuid_eq(run->org.id, org.id))
		return OK;
	run->opened = true;
	run->org = org;
	run->own = NULL;
	enum status rc = rows_org_heads(&run->seen, run->tx, org, err);
	if (rc != OK)
		return rc;
	directory_enter();
	const struct heads *heads = run->seen.found ? heads__get(run->d, org, run->seen.revision)
						    : heads__find(run->d, org);
	run->first = heads ? heads->first : 0;
	directory_leave();
	return run->seen.found && !heads ? error_no_memory(err) : OK;
}

static enum status
load_skeleton(struct run *run, struct error *err)
{
	struct view_key key = key__normal(VIEW_ORG, run->org, run->org.id);
	enum status rc = rows_load_org(&run->own, run->tx, run->org, run->arena, err);
	if (rc != OK)
		return rc;
	return publish(run, &key, run->own, run->load->org_epochs[run->at], err);
}

/*
 * The skeleton of this snapshot, valid until directory_leave, inside which it returns when OK. The
 * section spans the few statements of one object: it keeps memory from being reclaimed, no more.
 */
static enum status
enter_with_skeleton(struct run *run, const struct org_view **out, struct error *err)
{
	directory_enter();
	*out = run->own ? run->own : directory_org_at(run->d, run->org, run->seen.skeleton);
	if (*out)
		return OK;
	directory_leave();
	enum status rc = load_skeleton(run, err);
	if (rc != OK)
		return rc;
	*out = run->own;
	directory_enter();
	return OK;
}

/* A group or a principal: what holds grants. */
static enum status
load_holder(struct run *run, const struct view_key *key, struct error *err)
{
	const struct org_view *org;
	const void *view = NULL;
	enum status rc = enter_with_skeleton(run, &org, err);
	if (rc != OK)
		return rc;
	bool present = lookup__current(run->d, key, org) != NULL;
	if (!present && key->kind == VIEW_GROUP) {
		struct group_id id = {key->id};
		rc = rows_load_group(
			(const struct group_view **)&view, run->tx, org, id, run->arena, err);
	} else if (!present) {
		struct principal_id id = {key->id};
		rc = rows_load_principal(
			(const struct principal_view **)&view, run->tx, org, id, run->arena, err);
	}
	directory_leave();
	if (rc != OK || present)
		return rc;
	return publish(run, key, view, run->load->epochs[run->at], err);
}

static enum status
load_plain(const void **out, struct run *run, const struct miss *miss, struct error *err)
{
	struct tx *tx = run->tx;
	struct arena *arena = run->arena;
	struct org_id org = miss->key.org;
	struct uuid id = miss->key.id;
	switch (miss->key.kind) {
	case VIEW_WORKSPACE:
		return rows_load_workspace((const struct workspace_view **)out, tx, org,
			(struct workspace_id){id}, arena, err);
	case VIEW_RGROUP:
		return rows_load_rgroup((const struct rgroup_view **)out, tx, org,
			(struct rgroup_id){id}, arena, err);
	case VIEW_CREDENTIAL:
		return rows_load_credential((const struct credential_view **)out, tx, org,
			(struct credential_id){id}, arena, err);
	case VIEW_RESOURCE:
		return rows_load_resource((const struct resource_view **)out, tx, org,
			&(struct resource_name){miss->workspace, miss->type, miss->name}, arena,
			err);
	case VIEW_ISSUER:
		return rows_load_issuer((const struct issuer_view **)out, tx,
			(struct workspace_id){id}, arena, err);
	case VIEW_KEYS:
		return rows_load_keys((const struct keys_view **)out, tx, org,
			(struct workspace_id){id}, arena, err);
	case VIEW_CLIENT:
		return rows_load_client((const struct client_view **)out, tx, org,
			(struct principal_id){id}, arena, err);
	case VIEW_REFUSAL:
		return rows_load_refusal(
			(const struct refusal_view **)out, tx, org, id, arena, err);
	case VIEW_REFUSALS:
		return rows_load_refusals((const struct refusals_view **)out, tx, org, arena, err);
	case VIEW_PERSON:
		return rows_load_person(
			(const struct person_view **)out, tx, (struct person_id){id}, arena, err);
	case VIEW_CONTEXT:
		return rows_load_context((const struct context_view **)out, tx, org,
			(struct principal_id){id}, arena, err);
	case VIEW_ORG:
	case VIEW_GROUP:
	case VIEW_PRINCIPAL:
	case VIEW_COUNT:
		break;
	}
	return OK;
}

/* Two names of resources may share a key: only the one that was asked about counts. */
static bool
is_present(struct run *run, const struct miss *miss)
{
	directory_enter();
	const struct entry *e = table__find(run->d, &miss->key);
	const struct resource_view *resource =
		e && miss->key.kind == VIEW_RESOURCE ? entry__view(e) : NULL;
	bool present = e &&
		(!resource ||
			(uuid_eq(resource->workspace.id, miss->workspace.id) &&
				str_eq(resource->type, miss->type) &&
				str_eq(resource->name, miss->name)));
	directory_leave();
	return present;
}

static enum status
too_old(struct error *err)
{
	return error_set(err, ERR_NOT_REACHED, "replica-behind", "The replica is behind.");
}

/* What a replica says is of the history that the floors are of, and what an organisation's views
 * take from the platform is new enough as well. */
static enum status
check_replica(struct run *run, struct error *err)
{
	struct org_heads heads;
	if (!tx_lags(run->tx))
		return OK;
	if (!uuid_eq(tx_incarnation(run->tx), run->load->incarnation))
		return too_old(err);
	enum status rc = rows_org_heads(&heads, run->tx, PLATFORM, err);
	return rc == OK && heads.revision < run->load->platform_floor ? too_old(err) : rc;
}

static enum status
load_one(struct run *run, const struct miss *miss, struct error *err)
{
	const struct org_view *org;
	const void *view = NULL;
	enum status rc = open_org(run, miss->key.org, err);
	if (rc != OK)
		return rc;
	if (run->seen.revision < run->first || run->seen.revision < run->load->floors[run->at]) {
		run->load->stale++;
		return tx_lags(run->tx) ? too_old(err) : OK;
	}
	if (run->seen.found && miss->key.kind == VIEW_ORG) {
		rc = enter_with_skeleton(run, &org, err);
		if (rc == OK)
			directory_leave();
		return rc;
	}
	if (run->seen.found && (miss->key.kind == VIEW_GROUP || miss->key.kind == VIEW_PRINCIPAL))
		return load_holder(run, &miss->key, err);
	if (is_present(run, miss))
		return OK;
	if (run->seen.found)
		rc = load_plain(&view, run, miss, err);
	if (rc != OK)
		return rc;
	return publish(run, &miss->key, view, run->load->epochs[run->at], err);
}

static enum status
run_load(struct store_job *job, struct tx *tx, struct error *err)
{
	struct directory_load *load = caa_container_of(job, struct directory_load, job);
	struct run run = {.d = load->directory, .load = load, .tx = tx};
	enum status rc = OK;
	load->stale = 0;
	run.arena = arena_new(LOAD_MAX);
	if (!run.arena)
		return error_no_memory(err);
	rc = check_replica(&run, err);
	for (run.at = 0; rc == OK && run.at < load->misses.count; run.at++)
		rc = load_one(&run, &load->misses.items[run.at], err);
	arena_free(&run.arena);
	return rc;
}

/* Whether a floor says how new the view has to be: a replica may then have it. What belongs to the
 * platform may change with any organisation. */
static bool
has_floor(const struct directory_load *load, uint32_t at)
{
	enum view_kind kind = load->misses.items[at].key.kind;
	return load->floors[at] > 0 && kind != VIEW_ISSUER && kind != VIEW_PERSON;
}

/* Notes what may not move until the publishing, and only then has a snapshot begun. */
static void
note(struct directory_load *load, uint32_t at)
{
	struct directory *d = load->directory;
	const struct view_key *key = &load->misses.items[at].key;
	struct view_key org = key__normal(VIEW_ORG, key->org, key->org.id);
	const struct heads *heads = heads__find(d, key->org);
	load->floors[at] = heads ? atomic_load(&heads->floor) : 0;
	load->epochs[at] = table__epoch(d, key);
	load->org_epochs[at] = table__epoch(d, &org);
}

static enum status
submit(struct directory_load *load, struct error *err)
{
	struct directory_era era;
	load->job.may_lag = directory_era(load->directory, &era);
	load->incarnation = era.incarnation;
	directory_enter();
	const struct heads *platform = heads__find(load->directory, PLATFORM);
	load->platform_floor = platform ? atomic_load(&platform->floor) : 0;
	load->job.may_lag = load->job.may_lag && load->platform_floor > 0;
	for (uint32_t i = 0; i < load->misses.count; i++) {
		note(load, i);
		load->job.may_lag = load->job.may_lag && has_floor(load, i);
	}
	directory_leave();
	return store_read(load->directory->store, &load->job, err);
}

static void
load_done(struct store_job *job, enum status status, const struct error *err)
{
	struct directory_load *load = caa_container_of(job, struct directory_load, job);
	struct error again = {0};
	if (status != OK || load->stale == 0) {
		load->loaded(load, status, err);
		return;
	}
	atomic_fetch_add_explicit(&load->directory->stale_loads, 1, memory_order_relaxed);
	if (++load->attempts < ATTEMPTS_MAX)
		status = submit(load, &again);
	else
		status = error_set(&again, ERR_BUSY, "directory-busy",
			"What was asked about changes too fast; try again.");
	if (status != OK)
		load->loaded(load, status, &again);
}

enum status
directory_load(struct directory *d, struct directory_load *load, struct error *err)
{
	load->directory = d;
	load->job.run = run_load;
	load->job.done = load_done;
	load->attempts = 0;
	atomic_fetch_add_explicit(&d->loads, 1, memory_order_relaxed);
	return submit(load, err);
}
