#ifndef IAM_ORGS_H
#define IAM_ORGS_H

#include "iam/principals/principals.h"

/* Organisations: the tenants. The platform is the one whose identifier is nil. */
struct org {
	struct org_id id;
	struct str name;
	enum state state;
	struct role_id creator_role; /* what who creates a workspace becomes there; nil: nothing */
	bool sign_up; /* people may join on their own */
	struct str mail_sender; /* the name that its mails come from; absent: the installation's */
	int64_t revision, created_us, changed;
};
struct org_draft {
	struct str name;
	const struct str *blueprints; /* names of shipped ones to apply */
	size_t blueprint_count;
	struct str owner_email, owner_name; /* absent: no owner yet */
	struct str first_key_name; /* absent: none */
	int64_t first_key_expires_us; /* NEVER */
};
struct org_created {
	struct org org;
	struct principal owner, first_key; /* nil ids when not asked for */
	struct issued_secret secret;
};

/* By an operator. The new organisation has the system role `owner`, the resource types gateway
 * and device, a first workspace, what the blueprints bring, and an owner or a first key if asked
 * for; recorded in its own chain and in the platform's. */
enum status org_create(struct org_created *out, struct call *call, const struct org_draft *draft,
	struct error *err) MUST_USE;
/* The one acted in. */
enum status org_load(struct org *out, struct call *call, struct error *err) MUST_USE;
/* All, for an operator. */
enum status org_list(struct org **out, size_t *count, struct call *call, struct page *page,
	struct error *err) MUST_USE;

struct org_update {
	struct str name; /* absent: stays */
	bool creator_role_stated;
	struct str creator_role; /* a role's id or name; absent: none */
	bool sign_up_stated, sign_up;
	bool mail_sender_stated;
	struct str mail_sender; /* absent: none */
	enum state state; /* STATE_NONE: stays */
	int64_t if_match;
};
enum status org_update(struct org *out, struct call *call, const struct org_update *update,
	struct error *err) MUST_USE;
/* A tombstone. The platform cannot be deleted. */
enum status org_delete(struct call *call, int64_t if_match, struct error *err) MUST_USE;

/* Makes the platform's own organisation in an empty store, with its system role `operator`;
 * changes nothing when it is there. */
enum status platform_found(struct call *call, struct error *err) MUST_USE;
/* A new operator: an API key of the platform. For `thingward operator-key`, which needs no caller
 * because it holds the store itself. */
enum status platform_create_operator(struct principal *out, struct issued_secret *secret,
	struct call *call, struct str name, struct error *err) MUST_USE;

/* Whoever lets people in by a rule has to be allowed to give what they get by it. */
enum status default_guard_give(
	struct call *call, enum principal_kind kind, struct error *err) MUST_USE;

/* What a kind gets when nothing is stated. */
struct kind_default {
	enum principal_kind kind;
	struct role_id role, ceiling_role; /* nil: none */
};
enum status default_list(
	struct kind_default **out, size_t *count, struct call *call, struct error *err) MUST_USE;
/* Passes the guard: the caller must be allowed to give the role to everybody of that kind; and
 * what a wider ceiling would let through. Absent references: none. */
enum status default_set(struct kind_default *out, struct call *call, enum principal_kind kind,
	struct str role, struct str ceiling_role, struct error *err) MUST_USE;

/* "platform" for the nil identifier. */
void org_write_id(struct json_writer *w, const char *name, struct org_id id);
void org_write(struct json_writer *w, const char *name, const void *org);
void default_write(struct json_writer *w, const char *name, const void *kind_default);

#endif
