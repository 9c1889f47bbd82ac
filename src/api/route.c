#include "api/route.h"

#include <stdio.h>

static bool
match_segments(struct route_match *out, const struct route_path *path, struct str rest)
{
	out->parameter_count = 0;
	for (unsigned i = 0; i < path->segment_count; i++) {
		if (!rest.ptr)
			return false;
		struct str segment = str_cut(&rest, '/');
		const char *literal = path->segments[i];
		if (literal ? !str_eq(segment, str_from(literal)) : segment.len == 0)
			return false;
		if (!literal)
			out->parameters[out->parameter_count++] = segment;
	}
	return !rest.ptr;
}

bool
route_find(struct route_match *out, struct str path, enum http_method method)
{
	*out = (struct route_match){.route = ROUTE_NONE};
	if (!str_starts(path, STR("/")))
		return false;
	struct str rest = {path.ptr + 1, path.len - 1};
	for (unsigned i = 0; i < route_path_count && !out->path; i++) {
		if (match_segments(out, &route_paths[i], rest))
			out->path = &route_paths[i];
	}
	if (!out->path)
		return false;
	enum http_method served = method == HTTP_HEAD ? HTTP_GET : method;
	for (unsigned i = 0; i < out->path->method_count; i++) {
		if (out->path->methods[i] == served)
			out->route = out->path->first + i;
	}
	return true;
}

static const char *
method_text(enum http_method method)
{
	switch (method) {
	case HTTP_GET:
		return "GET, HEAD";
	case HTTP_POST:
		return "POST";
	case HTTP_PUT:
		return "PUT";
	case HTTP_PATCH:
		return "PATCH";
	case HTTP_DELETE:
		return "DELETE";
	case HTTP_OTHER:
	case HTTP_HEAD:
	case HTTP_OPTIONS:
		break;
	}
	return "";
}

void
route_allow(char out[ROUTE_ALLOW_MAX], const struct route_path *path)
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < path->method_count && used < ROUTE_ALLOW_MAX; i++) {
		int n = snprintf(out + used, ROUTE_ALLOW_MAX - used, "%s%s", i ? ", " : "",
			method_text(path->methods[i]));
		used += (size_t)n;
	}
}
