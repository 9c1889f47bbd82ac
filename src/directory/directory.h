#ifndef DIRECTORY_DIRECTORY_H
#define DIRECTORY_DIRECTORY_H

#include "directory/oauth_views.h"
#include "policy/decide.h"
#include "store/store.h"

/*
 * Live views: one per object, loaded on demand, published by RCU, dropped by changes, bounded in
 * bytes. Readers never wait: a view that is not there is a miss, and the request is suspended
 * while a loader fetches it.
 *
 * Freshness. A drop first raises the organisation's known revision, then the epoch of the key's
 * stripe, then removes the view; a load notes revision and epoch before its snapshot begins, and
 * what it made is published only if its snapshot is at least at that revision and the epoch has
 * not moved. So a load that races with a change never leaves a stale view.
 */
struct directory;

enum view_kind {
	VIEW_ORG,
	VIEW_WORKSPACE,
	VIEW_RGROUP,
	VIEW_GROUP,
	VIEW_PRINCIPAL,
	VIEW_CREDENTIAL,
	VIEW_RESOURCE,
	VIEW_ISSUER, /* by its workspace; of no organisation's own */
	VIEW_KEYS, /* by the issuer's workspace */
	VIEW_CLIENT,
	VIEW_REFUSAL, /* by `jti` or `sid` */
	VIEW_REFUSALS, /* by the organisation's id */
	VIEW_PERSON, /* of the platform */
	VIEW_CONTEXT, /* of a principal */
	VIEW_COUNT
};

/* Of a resource, `id` is resource_key(): its identifier is a pair of texts. */
struct view_key {
	enum view_kind kind;
	struct org_id org;
	struct uuid id;
};

/* Seeded per process, or per database when several processes share one. A collision costs a
 * needless drop and no more: a look-up compares workspace, type and name. */
struct uuid resource_key(struct workspace_id workspace, struct str type, struct str name);

struct directory_options {
	struct store *store;
	size_t memory_max; /* bytes of views */
};
/* Registers itself with store_on_commit. Owned; freed after the store was closed, by a thread that
 * is not inside directory_enter, when no other uses it any more. */
enum status directory_new(struct directory **out, const struct directory_options *options,
	struct error *err) MUST_USE;
void directory_free(struct directory **directory);

/* Around every use of views: cheap, wait-free; the thread registers itself on first use and is
 * unregistered when it ends. What was found is valid until directory_leave. */
void directory_enter(void);
void directory_leave(void);

#define MISSES_MAX 160
struct misses {
	uint32_t count;
	bool overflow; /* more than fit: load these, then ask again */
	struct miss {
		struct view_key key;
		/* Of a resource, what is looked for; borrowed, and copied when a load is asked. */
		struct workspace_id workspace;
		struct str type, name;
	} items[MISSES_MAX];
};

/*
 * Look-ups, inside enter/leave: the view; or NULL with `misses` unchanged when it is known that
 * there is no such thing; or NULL with one miss added. Threads: any.
 */
const struct org_view *directory_org(struct directory *d, struct org_id org, struct misses *m);
const struct workspace_view *directory_workspace(
	struct directory *d, struct org_id org, struct workspace_id id, struct misses *m);
const struct rgroup_view *directory_rgroup(
	struct directory *d, struct org_id org, struct rgroup_id id, struct misses *m);
const struct principal_view *directory_principal(
	struct directory *d, const struct org_view *org, struct principal_id id, struct misses *m);
const struct credential_view *directory_credential(
	struct directory *d, struct org_id org, struct credential_id id, struct misses *m);
/* The one of the workspace; when there is none and `workspace` is not nil, the global one. */
const struct resource_view *directory_resource(struct directory *d, struct org_id org,
	struct workspace_id workspace, struct str type, struct str name, struct misses *m);

/* For the authorization server, and the proof of its tokens. Of the installation's own issuer
 * (nil) the organisation is the platform, and nothing is looked up. */
const struct issuer_view *directory_issuer(
	struct directory *d, struct workspace_id workspace, struct misses *m);
const struct keys_view *directory_keys(
	struct directory *d, struct org_id org, struct workspace_id issuer, struct misses *m);
const struct client_view *directory_client(
	struct directory *d, struct org_id org, struct principal_id id, struct misses *m);
const struct person_view *directory_person(
	struct directory *d, struct person_id id, struct misses *m);
/* NULL: there is none. */
const struct context_view *directory_context(
	struct directory *d, struct org_id org, struct principal_id id, struct misses *m);
/* Whether a token of this `jti`, or a family of this `sid`, was ended; false as well while a miss
 * is noted. */
bool directory_is_refused(
	struct directory *d, struct org_id org, struct uuid id, int64_t now_us, struct misses *m);

/* Says that this principal is about to be looked up: what that waits for is fetched meanwhile. */
void directory_expect_principal(
	struct directory *d, const struct org_view *org, struct principal_id id);

/* The groups of a principal into `out` (GROUPS_PER_PRINCIPAL_MAX pointers). */
void directory_groups(struct directory *d, const struct org_view *org,
	const struct principal_view *principal, const struct group_view **out, struct misses *m);

/*
 * Loads what was missed, off this thread, and then calls `loaded` exactly once on a loader's
 * thread: OK when all of it is there to be found (or known to be absent). ERR_BUSY when too much
 * waits already: then `loaded` is not called. `load` is the caller's memory until then.
 */
struct directory_load {
	struct store_job job;
	struct directory *directory;
	struct misses
		misses; /* names copied into `arena` by the caller if they do not outlive it */
	void (*loaded)(struct directory_load *load, enum status status, const struct error *err);

	/* The directory's: what was noted before the snapshot began. */
	uint64_t epochs[MISSES_MAX], org_epochs[MISSES_MAX];
	int64_t floors[MISSES_MAX], platform_floor;
	struct uuid incarnation;
	unsigned attempts, stale;
};
enum status directory_load(
	struct directory *d, struct directory_load *load, struct error *err) MUST_USE;

/* The newest revision known of an organisation: 0 when it never was asked about. */
int64_t directory_revision(struct directory *d, struct org_id org);
/*
 * Which history of changes is followed: a revision is of this incarnation, and says nothing of
 * another. False while another is taken up: then nothing can be said. What is to be true of one is
 * found between the two calls, the second of which answers whether it still is that one.
 */
struct directory_era {
	uint64_t turns;
	struct uuid incarnation;
};
bool directory_era(struct directory *d, struct directory_era *out) MUST_USE;
bool directory_era_lasts(struct directory *d, const struct directory_era *era) MUST_USE;
/* Microseconds since what is known here was last confirmed by the database; 0 on SQLite. */
int64_t directory_age_us(const struct directory *d);
/* Whether other processes change things as well. */
bool directory_is_shared(const struct directory *d);
/* Calls `loaded` once all that is committed now is known here. Only when it is shared. As
 * directory_load otherwise; the misses are not used. */
enum status directory_catch_up(
	struct directory *d, struct directory_load *load, struct error *err) MUST_USE;

/* A view of exactly this skeleton revision, or NULL: for changes, which then need not read it
 * from rows. Inside enter/leave. */
const struct org_view *directory_org_at(struct directory *d, struct org_id org, int64_t skeleton);

/* Notes that a credential was used: at most once a minute each, lossy, bounded, no lock. Threads:
 * any. What was noted is taken by one thread at a time, which writes it in batches. */
void directory_credential_used(
	struct directory *d, struct org_id org, struct credential_id id, int64_t now_us);
struct credential_use {
	struct org_id org;
	struct credential_id id;
	int64_t used_us;
};
size_t directory_take_used(struct directory *d, struct credential_use *out, size_t max);

struct directory_stats {
	uint64_t views, bytes, hits, misses, loads, drops, evictions, stale_loads;
};
struct directory_stats directory_stats(const struct directory *d);

#endif
