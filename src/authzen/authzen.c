#include "authzen/authzen.h"

#include "authzen/evaluate.h"
#include "authzen/wait.h"

#define WELL_KNOWN "/.well-known/authzen-configuration"
#define BASE_URL_MAX 2048

enum endpoint {
	ENDPOINT_NONE = 0,
	ENDPOINT_EVALUATION,
	ENDPOINT_EVALUATIONS,
	ENDPOINT_METADATA,
};

struct route {
	enum endpoint endpoint;
	struct str workspace; /* the segment of the path, or absent */
	struct workspace_id id;
};

/* "/w/{workspace}" and what follows it; false when the path does not begin so. */
static bool
cut_workspace(struct str path, struct str *workspace, struct str *rest)
{
	if (!str_starts(path, STR("/w/")))
		return false;
	struct str left = {path.ptr + 3, path.len - 3};
	const char *slash = left.len ? memchr(left.ptr, '/', left.len) : NULL;
	size_t len = slash ? (size_t)(slash - left.ptr) : left.len;
	*workspace = (struct str){left.ptr, len};
	*rest = (struct str){left.ptr + len, left.len - len};
	return true;
}

bool
authzen_handles(struct str path)
{
	struct str workspace, rest;
	if (str_starts(path, STR("/access/")) || str_eq(path, STR(WELL_KNOWN)) ||
		str_starts(path, STR(WELL_KNOWN "/")))
		return true;
	return cut_workspace(path, &workspace, &rest) &&
		(str_starts(rest, STR("/access/")) || str_eq(rest, STR(WELL_KNOWN)));
}

static enum endpoint
find_endpoint(struct str path)
{
	if (str_eq(path, STR("/access/v1/evaluation")))
		return ENDPOINT_EVALUATION;
	if (str_eq(path, STR("/access/v1/evaluations")))
		return ENDPOINT_EVALUATIONS;
	return str_eq(path, STR(WELL_KNOWN)) ? ENDPOINT_METADATA : ENDPOINT_NONE;
}

/* The metadata of an identifier with a path stand between host and path (section 9.2). */
static struct route
find_route(struct str path)
{
	struct route route = {.endpoint = ENDPOINT_NONE};
	struct str rest = path;
	if (cut_workspace(path, &route.workspace, &rest)) {
		route.endpoint = find_endpoint(rest);
	} else if (str_starts(path, STR(WELL_KNOWN "/"))) {
		rest.ptr += sizeof(WELL_KNOWN) - 1;
		rest.len -= sizeof(WELL_KNOWN) - 1;
		if (cut_workspace(rest, &route.workspace, &rest) && rest.len == 0)
			route.endpoint = ENDPOINT_METADATA;
	} else {
		route.endpoint = find_endpoint(path);
	}
	if (route.workspace.ptr &&
		(!uuid_parse(route.workspace, &route.id.id) || uuid_is_nil(route.id.id)))
		route.endpoint = ENDPOINT_NONE;
	return route;
}

static void
write_url(struct json_writer *w, const char *name, struct str identifier, const char *path)
{
	char space[BASE_URL_MAX + 128];
	struct buf url;
	buf_init_fixed(&url, space, sizeof(space));
	buf_str(&url, identifier);
	buf_str(&url, str_from(path));
	w->out->failed = w->out->failed || url.failed;
	jw_str(w, name, buf_view(&url));
}

/* Section 9.1. Public: it says nothing of whether the workspace exists. */
static void
answer_metadata(struct http_request *r, const struct authzen *door, const struct route *route)
{
	char space[BASE_URL_MAX + 64], text[4 * BASE_URL_MAX];
	struct buf identifier, body;
	struct json_writer w;
	buf_init_fixed(&identifier, space, sizeof(space));
	buf_str(&identifier, door->signin.base_url);
	if (route->workspace.ptr) {
		buf_str(&identifier, STR("/w/"));
		buf_str(&identifier, route->workspace);
	}
	buf_init_fixed(&body, text, sizeof(text));
	jw_init(&w, &body);
	jw_object(&w, NULL);
	write_url(&w, "policy_decision_point", buf_view(&identifier), "");
	write_url(&w, "access_evaluation_endpoint", buf_view(&identifier), "/access/v1/evaluation");
	write_url(
		&w, "access_evaluations_endpoint", buf_view(&identifier), "/access/v1/evaluations");
	jw_end_object(&w);
	if (identifier.failed || body.failed) {
		answer_error(r, 500, "The base URL of this server is too long.");
		return;
	}
	http_add_header(r, "Cache-Control", STR("public, max-age=3600"));
	answer_send(r, buf_view(&body));
}

static void
refuse_method(struct http_request *r, const char *allow)
{
	http_add_header(r, "Allow", str_from(allow));
	answer_error(r, 405, "This path does not have that method; Allow names those that it has.");
}

static void
evaluate(struct http_request *r, const struct authzen *door, const struct route *route)
{
	if (http_method(r) != HTTP_POST) {
		refuse_method(r, "POST");
		return;
	}
	if (!http_content_is(r, "application/json")) {
		answer_error(r, 415, "Send the body as Content-Type: application/json.");
		return;
	}
	struct evaluation e = {.http = r,
		.door = door,
		.workspace = route->id,
		.many = route->endpoint == ENDPOINT_EVALUATIONS};
	evaluation_run(&e);
}

void
authzen_handle(struct http_request *r, const struct authzen *door)
{
	if (authzen__wait_failed(r))
		return;
	struct route route = find_route(http_path(r));
	switch (route.endpoint) {
	case ENDPOINT_NONE:
		answer_error(r, 404, "There is nothing here.");
		break;
	case ENDPOINT_METADATA:
		if (http_method(r) == HTTP_GET || http_method(r) == HTTP_HEAD)
			answer_metadata(r, door, &route);
		else
			refuse_method(r, "GET, HEAD");
		break;
	case ENDPOINT_EVALUATION:
	case ENDPOINT_EVALUATIONS:
		evaluate(r, door, &route);
		break;
	}
}
