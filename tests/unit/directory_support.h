#ifndef TESTS_UNIT_DIRECTORY_SUPPORT_H
#define TESTS_UNIT_DIRECTORY_SUPPORT_H

#include "check.h"

#include "base/thread.h"
#include "directory/directory.h"
#include "directory/rows.h"

/* A real store in a folder of its own, rows put there by statements, and waiting loads. */
struct fixture {
	char folder[64];
	struct store *store;
	struct directory *directory;
};

int fixture_set_up(void **state); /* with a directory of 64 MiB */
int fixture_tear_down(void **state);
void fixture_new_directory(struct fixture *f, size_t memory_max); /* in its place */

/* Runs inside one change, which must succeed. */
typedef void writing(struct tx *tx, const void *arg);
void change(struct fixture *f, writing *write, const void *arg);

/* Runs inside one snapshot. */
typedef void reading(struct tx *tx, struct arena *arena, const void *arg);
void snapshot(struct fixture *f, reading *read, const void *arg);

/*
 * Binds by letters: 'u' uuid ("nil" too), 'i' int, 's' string literal, 'n' NULL, 'h' a hash of 32
 * bytes of that value, 'x' bytes of that length.
 */
void put(struct tx *tx, const struct sql *sql, const char *letters, ...);

/* Identifiers that sort as they count. */
struct uuid id_of(uint32_t kind, uint32_t number);
#define ORG_A ((struct org_id){id_of(1, 1)})
#define ORG_B ((struct org_id){id_of(1, 2)})

extern const struct sql INSERT_ORG; /* org, revision, skeleton */
extern const struct sql SET_REVISION; /* org, revision */
extern const struct sql SET_SKELETON; /* org, revision: both */
extern const struct sql INSERT_WORKSPACE; /* org, workspace, state, name */
extern const struct sql INSERT_PRINCIPAL; /* org, principal, kind, workspace, label, state,
					     expires, confined, resource, ceiling */
extern const struct sql INSERT_GROUP; /* org, group, name */
extern const struct sql INSERT_MEMBER; /* org, group, principal */
extern const struct sql INSERT_ROLE; /* org, role, number, workspace, name, exercises_all,
					gives_all, ceiling */
extern const struct sql INSERT_ROLE_PERMISSION; /* org, role, permission, exercises, gives */
extern const struct sql INSERT_PERMISSION; /* org, number, workspace, name, machine, removed,
					      changed, alias */
extern const struct sql INSERT_GRANT; /* org, grant, holder_kind, holder, role, permission,
					 node_kind, node, condition, expires */
extern const struct sql INSERT_CREDENTIAL; /* org, credential, principal, hash */

/* Loads what was missed and waits; the status that `loaded` was given. */
enum status fetch(struct directory *d, const struct misses *misses);

/* Look-ups that load until nothing is missed. Inside directory_enter when they return. */
const struct org_view *get_org(struct directory *d, struct org_id org);
const struct principal_view *get_principal(struct directory *d, struct org_id org, uint32_t number);

#endif
