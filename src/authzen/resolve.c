#include "authzen/resolve.h"

#include "model/names.h"
#include "signin/token.h"

/* Where a request says that it asks. */
struct place {
	const struct workspace_view *workspace;
	bool stated; /* by the path or by the resource's properties */
	bool unknown; /* stated, and there is none */
};

static const struct workspace_view *
find_workspace(struct judge *j, struct str text)
{
	struct workspace_id id;
	if (!uuid_parse(text, &id.id))
		return NULL;
	return directory_workspace(j->door->signin.directory, j->org->id, id, &j->misses);
}

static struct place
find_place(struct judge *j, const struct access_request *request)
{
	if (j->workspace)
		return (struct place){.workspace = j->workspace, .stated = true};
	if (request->workspace.ptr) {
		const struct workspace_view *view = find_workspace(j, request->workspace);
		return (struct place){view, true, view == NULL};
	}
	struct workspace_id own = j->self.principal->workspace;
	if (uuid_is_nil(own.id))
		return (struct place){0};
	return (struct place){.workspace = directory_workspace(
				      j->door->signin.directory, j->org->id, own, &j->misses)};
}

static void
find_organisation(struct target *out, const struct judge *j, const struct access_request *request)
{
	struct uuid id;
	bool platform = org_is_platform(j->org->id);
	bool found = str_eq(request->resource_type, STR("platform"))
		? platform && str_eq(request->resource_id, STR("platform"))
		: uuid_parse(request->resource_id, &id) && uuid_eq(id, j->org->id.id);
	if (found)
		*out = (struct target){.kind = TARGET_ORG};
}

static void
find_itself(struct target *out, struct judge *j, const struct access_request *request,
	const struct place *place)
{
	const struct workspace_view *view = find_workspace(j, request->resource_id);
	if (view && (!place->stated || view == place->workspace))
		*out = (struct target){.kind = TARGET_WORKSPACE, .workspace = view};
}

static void
find_rgroup(struct target *out, struct judge *j, const struct access_request *request,
	const struct place *place)
{
	struct rgroup_id id;
	if (!uuid_parse(request->resource_id, &id.id))
		return;
	const struct rgroup_view *group =
		directory_rgroup(j->door->signin.directory, j->org->id, id, &j->misses);
	if (!group)
		return;
	const struct workspace_view *workspace = NULL;
	if (!uuid_is_nil(group->workspace.id)) {
		workspace = directory_workspace(
			j->door->signin.directory, j->org->id, group->workspace, &j->misses);
		if (!workspace)
			return;
	}
	if (place->stated && workspace != place->workspace)
		return;
	*out = (struct target){
		.kind = TARGET_RESOURCE_GROUP, .workspace = workspace, .rgroup = group};
}

static void
find_resource(struct target *out, struct judge *j, const struct access_request *request,
	const struct place *place)
{
	const struct resource_type_view *type = org_resource_type(j->org, request->resource_type);
	struct workspace_id workspace = {0};
	if (request->resource_id.len == 0 || request->resource_id.len > RESOURCE_ID_MAX_BYTES)
		return;
	if (place->workspace)
		workspace = place->workspace->id;
	*out = (struct target){
		.kind = TARGET_RESOURCE, .workspace = place->workspace, .type = type};
	if (type)
		out->resource = directory_resource(j->door->signin.directory, j->org->id, workspace,
			request->resource_type, request->resource_id, &j->misses);
}

void
resolve__target(struct target *out, struct judge *j, const struct access_request *request)
{
	struct str type = request->resource_type;
	*out = (struct target){.kind = TARGET_UNKNOWN};
	struct place place = find_place(j, request);
	if (place.unknown)
		return;
	if (place.stated)
		out->workspace = place.workspace;
	if (str_eq(type, STR("organisation")) || str_eq(type, STR("platform"))) {
		if (!place.stated)
			find_organisation(out, j, request);
	} else if (str_eq(type, STR("workspace"))) {
		find_itself(out, j, request, &place);
	} else if (str_eq(type, STR("resource_group"))) {
		find_rgroup(out, j, request, &place);
	} else {
		out->workspace = place.workspace;
		find_resource(out, j, request, &place);
	}
}

void
resolve__expect(struct judge *j, const struct access_request *request)
{
	struct principal_id id;
	if (uuid_parse(request->subject_id, &id.id))
		directory_expect_principal(j->door->signin.directory, j->org, id);
}

static const struct principal_view *
find_principal(struct judge *j, const struct access_request *request)
{
	struct principal_id id;
	enum principal_kind kind = kind_parse(request->subject_type);
	if (kind == KIND_NONE || !uuid_parse(request->subject_id, &id.id))
		return NULL;
	const struct principal_view *view =
		directory_principal(j->door->signin.directory, j->org, id, &j->misses);
	return view && view->kind == kind ? view : NULL;
}

static bool
by_secret(struct subject *subject, struct judge *j, const struct access_request *request)
{
	const struct credential_view *credential =
		signin_secret(&j->door->signin, request->subject_id, &j->misses);
	if (!credential || !uuid_eq(credential->org.id, j->org->id.id))
		return false;
	subject->credential = credential;
	subject->principal = directory_principal(
		j->door->signin.directory, j->org, credential->principal, &j->misses);
	return true;
}

/* Of an access token what it lets through counts as well. */
static enum status
by_token(struct subject *subject, bool *proved, struct judge *j,
	const struct access_request *request, struct error *err)
{
	const struct proof proof = {request->subject_id, j->now_us, http_arena(j->http)};
	struct token token;
	struct error why = {0};

	*proved = false;
	enum status rc = signin_token(
		&token, &subject->principal, &j->door->signin, &proof, &j->misses, &why);
	if (rc == ERR_UNAUTHENTICATED)
		return OK;
	if (rc != OK) {
		*err = why;
		return rc;
	}
	if (!uuid_eq(token.org.id, j->org->id.id))
		return OK;
	*proved = true;
	return token_bounds_load(&subject->bounds, &token, j->org, http_arena(j->http), err);
}

enum status
resolve__subject(struct ruling *out, bool *proved, struct judge *j,
	const struct access_request *request, struct error *err)
{
	struct subject *subject = &out->question.subject;
	bool is_token = str_eq(request->subject_type, STR("token"));
	enum status rc = OK;

	*subject = (struct subject){.groups = out->groups};
	*proved = true;
	if (!is_token)
		subject->principal = find_principal(j, request);
	else if (token_is_jwt(request->subject_id))
		rc = by_token(subject, proved, j, request, err);
	else
		*proved = by_secret(subject, j, request);
	if (rc == OK && *proved && subject->principal)
		directory_groups(j->door->signin.directory, j->org, subject->principal, out->groups,
			&j->misses);
	return rc;
}
