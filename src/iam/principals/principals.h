#ifndef IAM_PRINCIPALS_H
#define IAM_PRINCIPALS_H

#include "iam/call.h"
#include "iam/principals/credentials.h"

/* Who can hold grants: the seven kinds, in one table and one set of use cases. */
struct client_draft;
struct principal {
	struct principal_id id;
	struct org_id org;
	enum principal_kind kind;
	struct workspace_id workspace; /* nil: of the whole organisation */
	struct str name, email, description;
	struct str label; /* what it is unique by in its kind and workspace */
	struct person_id person; /* of a member */
	struct resource_id resource; /* of a gateway or device */
	enum state state;
	int64_t expires_us; /* NEVER, or the first microsecond it is no longer active */
	bool confined;
	const struct rgroup_id *reach; /* the groups it is confined to */
	size_t reach_count;
	struct rgroup_id home_group; /* where what a gateway registers belongs; nil: none */
	struct str ceiling; /* JSON text; absent: none */
	const struct client_view *client; /* of an application; NULL of all others */
	struct principal_id created_by;
	int64_t created_us, changed;
};

struct principal_draft {
	enum principal_kind kind;
	struct workspace_id workspace;
	struct str name, email, description; /* name absent: the address */
	struct person_id person; /* of a member; nil: whose address it is */
	struct str resource_id; /* of a gateway or device; absent: its own identifier */
	int64_t expires_us; /* NEVER */
	bool roles_stated; /* an empty list is not the same as none stated (C5) */
	const struct str *roles; /* names or identifiers */
	size_t role_count;
	const struct str *permissions; /* single ones, of end-users and applications */
	size_t permission_count;
	const struct rgroup_id *groups; /* of a device: to join; of a gateway: to be confined to */
	size_t group_count;
	const struct group_id *memberships; /* groups of principals to join */
	size_t membership_count;
	const struct client_draft *client; /* of an application; NULL: as by default */
	bool invited; /* a member or end-user who has to come first: a mail says where to */
	struct str base_url; /* of the installation, for that mail */
};

/* Only members and end-users have addresses; only machines have secrets, and of the applications
 * those that prove themselves by one. */
bool kind_has_email(enum principal_kind kind);
bool kind_has_resource(enum principal_kind kind);
bool principal_has_secret(const struct principal *principal);

/*
 * Makes a principal with its roles (its kind's default where none are stated), its first
 * credential where its kind has one (`secret` is shown once), and its resource. Every role,
 * permission and group passes the guard. For kinds of a workspace the caller needs `permission`
 * there or, being confined, in the first of its groups (by default its home group).
 * ERR_CONFLICT "principal-exists"; ERR_LIMIT as invitation_send.
 */
enum status principal_create(struct principal *out, struct issued_secret *secret, struct call *call,
	const struct principal_draft *draft, struct error *err) MUST_USE;

/* An API key is hidden from whoever could not give what it carries (C7): not found. */
enum status principal_load(struct principal *out, struct call *call, struct principal_id id,
	struct error *err) MUST_USE;
/* The same, of a stated kind and workspace (nil: any): otherwise not found. */
enum status principal_load_kind(struct principal *out, struct call *call, struct principal_id id,
	enum principal_kind kind, struct workspace_id workspace, struct error *err) MUST_USE;
/* By what it is unique by; `found` false when there is none. */
struct principal_name {
	enum principal_kind kind;
	struct workspace_id workspace; /* nil: of the organisation */
	struct str label;
};
enum status principal_find(struct principal *out, bool *found, struct call *call,
	const struct principal_name *name, struct error *err) MUST_USE;
/* An end-user by its address, in any spelling that is the same, or by its identifier.
 * ERR_NOT_FOUND "principal-not-found", whatever the text is. */
enum status end_user_find(struct principal *out, struct call *call, struct workspace_id workspace,
	struct str reference, struct error *err) MUST_USE;
/* Its view, from rows. ERR_NOT_FOUND. */
enum status principal_view_load(const struct principal_view **out, struct call *call,
	struct principal_id id, struct error *err) MUST_USE;

struct principal_filter {
	enum principal_kind kind; /* KIND_NONE: any */
	enum state state; /* STATE_NONE: any */
	struct workspace_id workspace; /* nil: any */
	struct group_id group; /* nil: any */
	struct role_id role; /* nil: any; held directly */
};
enum status principal_list(struct principal **out, size_t *count, struct call *call,
	const struct principal_filter *filter, struct page *page, struct error *err) MUST_USE;

/* What may be changed in place. Suspending ends tokens, by raising the generation, and sessions;
 * everything else can be undone. */
struct principal_update {
	struct str name, description;
	enum state state; /* STATE_NONE: stays; else ACTIVE or SUSPENDED */
	bool expires_stated;
	int64_t expires_us; /* NEVER: none */
	const struct client_draft *client; /* of an application; NULL: stays */
	int64_t if_match;
};
enum status principal_update(struct principal *out, struct call *call, struct principal_id id,
	const struct principal_update *update, struct error *err) MUST_USE;

/* Who was invited has come: INVITED becomes ACTIVE, by himself, hence in a call that is open as
 * somebody (call_open_as). ERR_FORBIDDEN "principal-not-active" when it is anything else. */
enum status principal_accept(struct principal *out, struct call *call, struct principal_id id,
	struct error *err) MUST_USE;

/* With its grants, memberships, reach, credentials, sessions, metadata and resource. The person
 * stays. */
enum status principal_delete(
	struct call *call, struct principal_id id, int64_t if_match, struct error *err) MUST_USE;

/* Confined to these groups (none: to itself), or not at all. Widening passes the guard. */
struct reach_draft {
	bool confined;
	const struct rgroup_id *groups;
	size_t count;
	int64_t if_match;
};
enum status principal_set_reach(struct principal *out, struct call *call, struct principal_id id,
	const struct reach_draft *draft, struct error *err) MUST_USE;
/* Absent: no ceiling of its own. Passes the guard: what the new one allows and the old did not. */
enum status principal_set_ceiling(struct principal *out, struct call *call, struct principal_id id,
	const struct json *ceiling, int64_t if_match, struct error *err) MUST_USE;

/* Everything that a principal carries: its grants and its groups'. For whoever hands out what
 * proves it, or widens where it counts. */
enum status principal_guard_give(struct call *call, const struct principal_view *principal,
	bool to_self, struct error *err) MUST_USE;

/* Whether the caller may know of it: of an API key only if he could give all that it carries, or is
 * it himself (C7). */
enum status principal_see(bool *visible, struct call *call, struct principal_id id,
	enum principal_kind kind, struct error *err) MUST_USE;

/* Marks it confined for good, when it gets a role that confines. */
enum status principal_confine(
	struct call *call, struct principal_id id, struct error *err) MUST_USE;

/* Where a principal belongs, and what concerns it is decided: its workspace or organisation. */
struct node principal_node(const struct principal *principal);

void principal_write(struct json_writer *w, const char *name, const void *principal);
/* As it stands in records: an application with its settings. */
struct str principal__json(struct call *call, const struct principal *principal);
void principal__write_members(struct json_writer *w, const struct principal *principal);

#endif
