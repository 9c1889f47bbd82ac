#include "authzen/judge.h"

#include "authzen/resolve.h"
#include "base/clock.h"
#include "door/may.h"
#include "signin/credential.h"

static enum status
not_found(struct error *err)
{
	return error_set(err, ERR_NOT_FOUND, "workspace-not-found",
		"The caller's organisation has no such workspace.");
}

static enum status
forbidden(struct error *err)
{
	return error_set(err, ERR_FORBIDDEN, "not-allowed",
		"The caller may not ask for decisions here: iam:decisions:evaluate is missing.");
}

/* Soon it is over: that is worth waiting for. */
static enum status
turning(struct judge *j, struct error *err)
{
	j->behind = true;
	return error_set(err, ERR_BUSY, "incarnation-turning",
		"The database was restored or has failed over, and is read anew; try again.");
}

static void
find_self(struct judge *j)
{
	struct directory *d = j->door->signin.directory;
	struct misses *m = &j->misses;
	j->org = directory_org(d, j->caller.org, m);
	if (!j->org)
		return;
	j->self = (struct subject){
		.principal = directory_principal(d, j->org, j->caller.principal, m),
		.groups = j->self_groups};
	if (!j->caller.token)
		j->self.credential =
			directory_credential(d, j->caller.org, j->caller.credential, m);
	if (j->self.principal)
		directory_groups(d, j->org, j->self.principal, j->self_groups, m);
}

/* Whether the caller may ask about a workspace, or (NULL) the organisation. An inactive workspace
 * is one of the organisation's concerns. */
static bool
may_ask(struct judge *j, const struct workspace_view *workspace)
{
	if (workspace && workspace->state != STATE_ACTIVE)
		workspace = NULL;
	if (j->asked && j->asked_at == workspace)
		return j->may_ask;
	struct question question = {.org = j->org,
		.subject = j->self,
		.target = {.kind = workspace ? TARGET_WORKSPACE : TARGET_ORG,
			.workspace = workspace},
		.permission = IAM_DECISIONS_EVALUATE,
		.attributes = {.now_us = j->now_us}};
	j->asked = true;
	j->asked_at = workspace;
	j->may_ask = door_may(&question, j->http);
	return j->may_ask;
}

enum status
judge_open(struct judge *j, const struct authzen *door, struct str header,
	struct workspace_id workspace, struct error *err)
{
	j->door = door;
	j->now_us = clock_now_us();
	j->workspace = NULL;
	j->asked = false;
	j->misses.count = 0;
	j->misses.overflow = false;
	/* What is found from here on is of this incarnation, or is not answered. */
	if (!directory_era(door->signin.directory, &j->era))
		return turning(j, err);
	const struct proof proof = {header, j->now_us, http_arena(j->http)};
	enum status rc = signin_bearer(&j->caller, &door->signin, &proof, &j->misses, err);
	if (rc != OK)
		return rc;
	/* Asked for before anything is looked up: what is found is at least this new. */
	j->revision = directory_revision(door->signin.directory, j->caller.org);
	j->age_us = directory_age_us(door->signin.directory);
	find_self(j);
	if (!uuid_is_nil(workspace.id))
		j->workspace = directory_workspace(
			door->signin.directory, j->caller.org, workspace, &j->misses);
	if (j->misses.count)
		return ERR_UNAUTHENTICATED;
	/* It can have been deleted since it was proved. */
	if (!j->org || !j->self.principal || (!j->self.credential && !j->caller.token))
		return error_set(err, ERR_UNAUTHENTICATED, "unauthenticated",
			"The caller is no longer active.");
	if (j->caller.token) {
		rc = token_bounds_load(
			&j->self.bounds, j->caller.token, j->org, http_arena(j->http), err);
		if (rc != OK)
			return rc;
	}
	if (uuid_is_nil(workspace.id))
		return OK;
	if (!j->workspace)
		return not_found(err);
	return may_ask(j, j->workspace) ? OK : forbidden(err);
}

/* A revision of another incarnation cannot be compared with those of this one. */
static enum status
check_incarnation(struct judge *j, const struct access_request *request, struct error *err)
{
	if (uuid_is_nil(request->incarnation) || uuid_eq(request->incarnation, j->era.incarnation))
		return OK;
	j->behind = true;
	return error_set(err, ERR_NOT_REACHED, "incarnation-is-another",
		"The demanded revision is of another incarnation than what is known here: ask anew "
		"without it.");
}

static enum status
check_age(struct judge *j, const struct access_request *request, struct error *err)
{
	enum status rc = check_incarnation(j, request, err);
	if (rc != OK)
		return rc;
	if (request->at_least > j->revision) {
		j->behind = true;
		return error_set(err, ERR_NOT_REACHED, "revision-not-reached",
			"The demanded revision is not reached; the newest known here is %lld.",
			(long long)j->revision);
	}
	if (j->caught_up)
		return OK;
	int64_t max_us =
		request->max_age_ms > INT64_MAX / 1000 ? INT64_MAX : request->max_age_ms * 1000;
	if (j->door->max_stale_us && max_us > j->door->max_stale_us)
		max_us = j->door->max_stale_us;
	if (j->age_us > max_us) {
		/* Beyond the bound of the node itself the database is away: there is no use in
		 * asking it. */
		j->behind = !j->door->max_stale_us || j->age_us <= j->door->max_stale_us;
		return error_set(err, ERR_BUSY, "too-old",
			"What is known here was last confirmed %lld ms ago; try again.",
			(long long)(j->age_us / 1000));
	}
	return OK;
}

enum status
judge_decide(struct ruling *out, struct judge *j, const struct access_request *request,
	struct error *err)
{
	struct question *question = &out->question;
	struct workspace_id nil = {0};
	bool proved;

	resolve__expect(j, request);
	resolve__target(&question->target, j, request);
	const struct workspace_view *workspace = question->target.workspace;
	if (j->misses.count)
		return OK;
	if (!may_ask(j, workspace))
		return forbidden(err);
	enum status rc = check_age(j, request, err);
	if (rc != OK)
		return rc;
	question->org = j->org;
	rc = resolve__subject(out, &proved, j, request, err);
	if (j->misses.count || rc != OK)
		return rc;
	question->permission =
		org_permission_number(j->org, workspace ? workspace->id : nil, request->action);
	question->attributes = (struct attributes){.items = request->attributes,
		.count = request->attribute_count,
		.now_us = j->now_us};
	if (proved)
		policy_decide(question, &out->answer);
	else
		out->answer = (struct answer){.reason = REASON_CREDENTIAL_INACTIVE};
	return directory_era_lasts(j->door->signin.directory, &j->era) ? OK : turning(j, err);
}
