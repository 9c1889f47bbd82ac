#ifndef DIRECTORY_ROWS_H
#define DIRECTORY_ROWS_H

#include "directory/oauth_views.h"
#include "policy/views.h"
#include "store/store.h"

/*
 * Views from rows: what the directory loads, and what a change reads inside its transaction so
 * that nothing is authorised by an older view. Each puts its result into `arena`; `*out` is NULL
 * when there is no such row. ERR_NO_MEMORY, ERR_CORRUPT, and what the store says.
 */
enum status rows_load_org(const struct org_view **out, struct tx *tx, struct org_id id,
	struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_workspace(const struct workspace_view **out, struct tx *tx, struct org_id org,
	struct workspace_id id, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_rgroup(const struct rgroup_view **out, struct tx *tx, struct org_id org,
	struct rgroup_id id, struct arena *arena, struct error *err) MUST_USE;
/* `org` resolves names: the skeleton of this snapshot, or of this transaction. */
enum status rows_load_group(const struct group_view **out, struct tx *tx,
	const struct org_view *org, struct group_id id, struct arena *arena,
	struct error *err) MUST_USE;
enum status rows_load_principal(const struct principal_view **out, struct tx *tx,
	const struct org_view *org, struct principal_id id, struct arena *arena,
	struct error *err) MUST_USE;
enum status rows_load_credential(const struct credential_view **out, struct tx *tx,
	struct org_id org, struct credential_id id, struct arena *arena,
	struct error *err) MUST_USE;
struct resource_name {
	struct workspace_id workspace;
	struct str type, name;
};
enum status rows_load_resource(const struct resource_view **out, struct tx *tx, struct org_id org,
	const struct resource_name *name, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_resource_by_id(const struct resource_view **out, struct tx *tx,
	struct org_id org, struct resource_id id, struct arena *arena, struct error *err) MUST_USE;

/* What the authorization server needs. */
enum status rows_load_issuer(const struct issuer_view **out, struct tx *tx,
	struct workspace_id workspace, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_keys(const struct keys_view **out, struct tx *tx, struct org_id org,
	struct workspace_id issuer, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_client(const struct client_view **out, struct tx *tx, struct org_id org,
	struct principal_id id, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_refusal(const struct refusal_view **out, struct tx *tx, struct org_id org,
	struct uuid id, struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_refusals(const struct refusals_view **out, struct tx *tx, struct org_id org,
	struct arena *arena, struct error *err) MUST_USE;
enum status rows_load_person(const struct person_view **out, struct tx *tx, struct person_id id,
	struct arena *arena, struct error *err) MUST_USE;

enum status rows_load_context(const struct context_view **out, struct tx *tx, struct org_id org,
	struct principal_id id, struct arena *arena, struct error *err) MUST_USE;

/* The revision and skeleton revision of an organisation as this transaction sees them; `found`
 * false when there is none. */
struct org_heads {
	bool found;
	enum state state;
	int64_t revision, skeleton;
};
enum status rows_org_heads(
	struct org_heads *out, struct tx *tx, struct org_id org, struct error *err) MUST_USE;

/* A stored ceiling, its names resolved against `org` at a workspace (nil: of the organisation). */
enum status rows_ceiling_parse(const struct ceiling **out, const struct org_view *org,
	struct workspace_id workspace, struct str text, struct arena *arena,
	struct error *err) MUST_USE;

#endif
