#ifndef IAM_SESSIONS_H
#define IAM_SESSIONS_H

#include "iam/call.h"

/*
 * Sessions of browsers: with the installation (a person; organisation and workspace nil) or with a
 * workspace (an end-user). The cookie holds a secret "twb_…" that names organisation and session.
 * Beginning and using one are events; ending one is a change.
 */
#define SESSION_TOUCH_US (5 * 60 * US_PER_S) /* a use is noted no oftener */
#define SESSION_METHODS_MAX 64
#define SESSION_AGENT_MAX 256
#define SESSIONS_LISTED_MAX 100

/* How it was proved who signs in, with blanks between: values of RFC 8176 ("pwd", "otp", "hwk" …),
 * and "email" for a link that was sent. */
#define METHOD_PASSWORD STR("pwd")
#define METHOD_LINK STR("email")

struct session_lives {
	int64_t idle_s, absolute_s; /* without use; since the sign-in */
};

struct session {
	struct session_id id;
	struct org_id org;
	struct workspace_id workspace;
	struct principal_id principal; /* an end-user, or nil */
	struct person_id person; /* or nil */
	struct org_id only_org; /* what it opens; nil: all that the person belongs to */
	struct uuid provider; /* nil: none */
	struct str methods;
	int64_t auth_us, second_us; /* when last; 0: no second factor */
	struct str address, agent;
	int64_t created_us, used_us, expires_us;
	struct str email, name; /* of who is signed in */
};

/* Who signs in, and how. `org` is that of the call. */
struct session_draft {
	struct workspace_id workspace;
	struct principal_id principal;
	struct person_id person;
	struct org_id only_org;
	struct uuid provider;
	struct str methods;
	bool second; /* a second factor was proved now */
	int64_t auth_us; /* when the first was, if that is longer ago; 0: now */
	struct str agent; /* User-Agent; cut to what fits */
	struct session_lives lives;
};

/*
 * Begins one, with a new secret. What the browser had before (`replaced`, NULL: nothing) goes on
 * under its identifier when the same one signs in again, and is gone otherwise. An event.
 */
enum status session_begin(struct session *out, struct secret_text *secret, struct call *call,
	const struct session_draft *draft, const struct session *replaced,
	struct error *err) MUST_USE;

/*
 * The live session that a secret proves: not past its end, of a person who is active, or of an
 * active end-user in an active workspace; `found` false otherwise. The secret has to be of the
 * organisation and workspace asked for, which are the call's and `workspace`. Reads only.
 */
enum status session_find(struct session *out, bool *found, struct call *call,
	struct workspace_id workspace, struct str secret, struct error *err) MUST_USE;

/* Notes a use, and puts the idle end off. In a batch, without a call. */
struct session_use {
	struct org_id org;
	struct session_id id;
	int64_t used_us;
};
enum status session_note_uses(struct tx *tx, const struct session_use *uses, size_t count,
	struct session_lives lives, struct error *err) MUST_USE;

/* Whose sessions: exactly one is not nil. Of a person in calls on the platform. */
struct session_owner {
	struct person_id person;
	struct principal_id principal;
};
/* Live ones, the newest use first, SESSIONS_LISTED_MAX at most. */
enum status session_list(struct session **out, size_t *count, struct call *call,
	struct session_owner owner, struct error *err) MUST_USE;

/* Ends one of the owner's own, with a record, and not what came of it (iam/people/sign_out.h).
 * ERR_NOT_FOUND "session-not-found". */
enum status session_end(struct call *call, struct session_owner owner, struct session_id id,
	struct error *err) MUST_USE;
/* The same of all of the owner's but one. */
enum status session_end_others(struct call *call, struct session_owner owner,
	struct session_id kept, struct error *err) MUST_USE;

#endif
