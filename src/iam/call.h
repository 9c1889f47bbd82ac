#ifndef IAM_CALL_H
#define IAM_CALL_H

#include "crypto/secret.h"
#include "directory/directory.h"
#include "iam/token.h"
#include "model/catalogue.h"
#include "json/writer.h"

/*
 * One call of a use case: who calls, in which organisation, inside which transaction, and what it
 * changed. Made by a door on the thread that runs the transaction, from rows alone: never from a
 * view that could be older (a view of exactly the revision that the rows name is the same data).
 *
 *	call_open(&call, tx, org)  →  use cases (call_require, writes, call_record)  →  call_close
 *
 * Everything that a use case gives back lives in call->arena.
 */
struct caller {
	struct org_id org;
	struct principal_id principal;
	struct credential_id credential; /* of a token: its `jti` */
	enum principal_kind kind;
	const struct token *token; /* NULL: proved by a secret */
};

/* The state of one organisation's chain of change records inside a transaction. */
struct chain {
	struct org_id org;
	enum state state;
	int64_t revision; /* before the first record; the new one afterwards */
	int64_t skeleton;
	int32_t parts; /* records written so far by this call */
	bool skeleton_changed;
	uint8_t head[SHA256_LEN];
	int64_t next_permission, next_role;
};

struct call {
	/* Set by the door. */
	struct caller caller;
	struct str address;
	int64_t now_us;
	struct arena *arena;
	struct directory *directory;
	const struct keyring *keyring;

	/* Set by call_open. */
	struct tx *tx;
	struct chain chain; /* of the organisation acted in */
	const struct org_view *org; /* its skeleton, as of this transaction */
	const struct org_view *home; /* the caller's own: the same, unless an operator calls */
	const struct principal_view *principal;
	const struct group_view *groups[GROUPS_PER_PRINCIPAL_MAX];
	const struct credential_view *credential; /* NULL: it is a token */
	const struct token_bounds *bounds; /* of the token */
};

/*
 * Needs a directory_enter section around call_open … call_close, as long as the transaction: it
 * only delays the reclaiming of views, by the few milliseconds that a job may take.
 *
 * Locks the organisation (a change) and reads who calls from rows. ERR_UNAUTHENTICATED when the
 * caller's principal or credential is gone or inactive by now; ERR_NOT_FOUND when there is no such
 * organisation, or it is not the caller's own and the caller is not of the platform.
 */
enum status call_open(
	struct call *call, struct tx *tx, struct org_id org, struct error *err) MUST_USE;

/*
 * The same for what needs no permission, because whoever acts proved that it is about himself: a
 * person's own account, a client's own token; or for the server itself (a nil id). Locks the
 * organisation; nothing can be required in such a call. A person's kind is KIND_NONE, and so is a
 * provider's, which is of an organisation.
 * ERR_NOT_FOUND.
 */
struct actor {
	struct org_id org; /* nil for persons and the server */
	struct uuid id;
	enum principal_kind kind;
};
enum status call_open_as(struct call *call, struct tx *tx, struct org_id org,
	const struct actor *actor, struct error *err) MUST_USE;

/*
 * For events: rows that come and go without lock, revision or record (sessions, links, mails). Only
 * the organisation's identifier and what the door has set can be used; nothing can be recorded. In
 * a reading transaction as well.
 */
void call_open_event(struct call *call, struct tx *tx, struct org_id org);

/* Writes back revision and head, if anything was recorded. Only after this may a change commit. */
enum status call_close(struct call *call, struct error *err) MUST_USE;

/* Where something is decided. */
static inline struct node
node_org(struct org_id org)
{
	return (struct node){org_is_platform(org) ? NODE_PLATFORM : NODE_ORG, org.id};
}
static inline struct node
node_workspace(struct workspace_id ws)
{
	return (struct node){NODE_WORKSPACE, ws.id};
}

/* The question whether the caller may … at a node, from rows; its permission is left to be set.
 * ERR_NOT_FOUND. An operator who acts on an organisation is judged at the platform, and nowhere
 * below it: platform grants do not descend to what tenants own. */
enum status call_question(
	struct question *out, struct call *call, struct node node, struct error *err) MUST_USE;

/* The same for any target in the organisation: for what has no node, like creating in a group. */
enum status call_target(
	struct target *out, struct call *call, struct node node, struct error *err) MUST_USE;

/* Which kind of node an identifier is, tried from the top down; NODE_NONE when it is none. */
enum status call_find_node(
	struct node *out, struct call *call, struct uuid id, struct error *err) MUST_USE;

/*
 * ERR_FORBIDDEN, with err->permission naming what is missing, unless the caller may exercise
 * `permission` at `node`; ERR_NOT_FOUND instead when the node is one that the caller may not see
 * (a workspace, resource group or resource of which it may not even exercise the reading).
 */
enum status call_require(
	struct call *call, uint32_t permission, struct node node, struct error *err) MUST_USE;

/* The same as a question: false also when it cannot be determined. */
bool call_may(struct call *call, uint32_t permission, struct node node);

/*
 * Appends a change record: `action` is the permission-like name of what was done ("groups.create"),
 * `subject_kind` and `subject` what it was done to; `before` and `after` are JSON objects as the
 * API shows them (absent: none), never with a secret. Raises the revision, once in a call.
 * ERR_NO_MEMORY.
 */
struct change {
	const char *action;
	const char *subject_kind;
	struct str subject;
	struct str before, after;
};
enum status call_record(struct call *call, const struct change *change, struct error *err) MUST_USE;
enum status chain_record(struct chain *chain, struct call *call, const struct change *change,
	struct error *err) MUST_USE;

/* The revision that the changes of this call carry, before or after the first record. */
int64_t call_next_revision(const struct call *call);

/* Tells that a view is no longer true, once this commits. After call_record. */
void call_touch(struct call *call, enum view_kind kind, struct uuid id);
/* … and that the skeleton has changed: roles, permissions, guardrails, types, defaults. */
void call_touch_skeleton(struct call *call);

/* For tables of rows that are shown: JSON of one entity into the arena, by its writer. */
#define ENTITY_JSON_MAX (512 * 1024)
typedef void entity_writer(struct json_writer *w, const char *name, const void *entity);
/* Empty when memory fails or the entity is too large, which call_record takes for an error. */
struct str call_json(struct call *call, entity_writer *write, const void *entity);

/* Listing: by identifier, ascending, after `after` (nil: from the start); `limit` 1 to 200. */
struct page {
	struct uuid after;
	uint32_t limit;
	struct str search; /* absent: no filter; a prefix of the name otherwise */
	/* Set by the use case. */
	bool more;
	struct uuid last;
};

/* If-Match: 0 when not stated. ERR_PRECONDITION when it is not `changed`. */
enum status call_check_match(int64_t if_match, int64_t changed, struct error *err) MUST_USE;

#endif
