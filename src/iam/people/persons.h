#ifndef IAM_PERSONS_H
#define IAM_PERSONS_H

#include "iam/call.h"

/*
 * Accounts of the installation: whoever is a member somewhere. Looking one up works in any call;
 * changing one needs a call that is open on the platform, whose chain records it.
 */
struct person {
	struct person_id id;
	struct str email, email_normal, name;
	enum state state; /* ACTIVE or SUSPENDED */
	struct str password; /* secret: a PHC string; absent: none */
	bool password_short; /* long enough only beside a second factor */
	int64_t password_us, verified_us; /* 0: never */
	int64_t created_us, generation, changed;
};

/* By normalised address, or identifier; `found` false when there is none. */
enum status person_find(struct person *out, bool *found, struct call *call, struct str email_normal,
	struct error *err) MUST_USE;
enum status person_find_by_id(struct person *out, bool *found, struct call *call,
	struct person_id id, struct error *err) MUST_USE;
/* What an account is unique by that is one organisation's own, because a provider alone vouches for
 * it: no address, so that nobody finds it by typing one. Without text when memory fails. */
struct str person_own_name(struct arena *arena, struct org_id org, struct str email_normal);
/* For an operator; page->search: of addresses, in small letters. */
enum status person_list(struct person **out, size_t *count, struct call *call, struct page *page,
	struct error *err) MUST_USE;
/* Somebody has proved the address, by a link or a password, and so the account is his. */
bool person_is_established(const struct person *person);

/* ERR_INVALID "invalid-name"; ERR_CONFLICT "person-exists". */
struct person_draft {
	struct str email, email_normal, name;
};
enum status person_create(struct person *out, struct call *call, const struct person_draft *draft,
	struct error *err) MUST_USE;

/* What is stated is set, the rest stays. A new password or state raises the generation, which ends
 * every token of the person, and ends every session but the one that is kept. ERR_INVALID
 * "invalid-name"; "password-too-short" of a short one without a second factor. */
struct person_update {
	struct str name; /* absent: stays */
	struct str password; /* a PHC string, made before the job; absent: stays */
	bool password_short; /* shorter than a password that stands alone */
	enum state state; /* NONE: stays; else ACTIVE or SUSPENDED */
	bool verified; /* the address was proved now, unless it had been */
	bool recovers; /* as if there were a new password; a short one goes (iam/people/recovery.h)
			*/
	struct session_id kept;
};
enum status person_update(struct person *person, struct call *call,
	const struct person_update *update, struct error *err) MUST_USE;

/* A better hash of the same password, without a record: nothing changed for anybody. Only while the
 * password is still the one that was proved. */
enum status person_rehash(
	struct call *call, const struct person *person, struct str phc, struct error *err) MUST_USE;

/* The organisations that a person belongs to, whatever the states, by name. */
#define MEMBERSHIPS_MAX 200
struct membership {
	struct org_id org;
	struct str name; /* of the organisation */
	struct principal_id principal;
	enum state state; /* of the member; ACTIVE only while the organisation is as well */
};
enum status person_memberships(struct membership **out, size_t *count, struct call *call,
	struct person_id person, struct error *err) MUST_USE;

void person_write(struct json_writer *w, const char *name, const void *person);

#endif
