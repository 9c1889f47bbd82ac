#ifndef OAUTH_USER_TOKENS_H
#define OAUTH_USER_TOKENS_H

#include "oauth/grant.h"
#include "oauth/id_token.h"

/* A step of a grant in the store. */
typedef enum status user_step(void *grant, struct call *call, struct error *err);

/* What a grant of a user's has come to in the store, and is to be answered with. */
struct user_grant {
	const struct exchange *exchange;
	struct org_id org; /* the user's */
	struct family_row family;
	struct secret_text refresh; /* secret */
	struct profile profile;
	struct str resource; /* named now; absent: the family's */
	int64_t revision; /* that what is judged by has to have reached; 0: any */
	bool first; /* for a code */
	bool caught_up;

	/* Of the job that runs. */
	user_step *step;
	void *grant;
};

/* Such a step as a job: an event in the user's organisation. */
struct wait_job oauth__user_job(struct user_grant *user, user_step *step, void *grant);

/* In the job: what is told about the user, when something is. */
enum status oauth__load_user(
	struct user_grant *grant, struct call *call, struct error *err) MUST_USE;

/* That all keys that a grant of a user's needs are there. */
enum status oauth__check_signers(
	struct exchange *x, const struct client *client, struct error *err) MUST_USE;

/* Ends a family at the word of its client, in a job; one that is gone is no error. */
struct client_name {
	struct org_id org;
	struct principal_id id;
	struct workspace_id workspace;
};
enum status oauth__end_family(struct call *call, const struct client_name *client,
	struct org_id org, struct family_id family, struct error *err) MUST_USE;

/* What of the family's scopes its user may exercise now. "invalid_grant": he is not there any
 * more, or has another generation than when it began. */
enum status oauth__user_scopes(struct buf *out, struct exchange *x, const struct client *client,
	struct user_grant *grant, struct error *err) MUST_USE;

/* Answers with access, refresh and ID tokens. `only`: names that are asked for of the scopes;
 * absent: all. */
enum status oauth__answer_user(struct exchange *x, const struct client *client,
	struct user_grant *grant, struct str only, struct error *err) MUST_USE;

/* One text for every reason. */
enum status oauth__invalid_grant(struct error *err);

#endif
