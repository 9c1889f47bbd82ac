#include "api/problem.h"

#include "base/log.h"
#include "json/writer.h"

#define PROBLEM_MAX 4096
#define RETRY_AFTER_S "1"

static const char *
title_of(unsigned http_status)
{
	switch (http_status) {
	case 400:
		return "Bad request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not found";
	case 405:
		return "Method not allowed";
	case 409:
		return "Conflict";
	case 412:
		return "Precondition failed";
	case 413:
		return "Content too large";
	case 415:
		return "Unsupported media type";
	case 503:
		return "Service unavailable";
	default: /* of all numbers, these are the ones that are sent */
		return "Internal server error";
	}
}

static void
respond(struct http_request *r, unsigned http_status, const char *code, const char *text,
	const char *permission)
{
	char space[PROBLEM_MAX], type[128];
	struct buf out, type_out;
	buf_init_fixed(&type_out, type, sizeof(type));
	buf_str(&type_out, STR("/problems/"));
	buf_str(&type_out, str_from(code));
	buf_init_fixed(&out, space, sizeof(space));
	struct json_writer w;
	jw_init(&w, &out);
	jw_object(&w, NULL);
	jw_str(&w, "type", buf_view(&type_out));
	jw_z(&w, "title", title_of(http_status));
	jw_int(&w, "status", http_status);
	jw_z(&w, "detail", text);
	if (permission && permission[0])
		jw_z(&w, "permission", permission);
	jw_str(&w, "request_id", http_request_id(r));
	jw_end_object(&w);
	ASSERT(!out.failed);
	http_add_header(r, "X-Request-ID", http_request_id(r));
	http_add_header(r, "Cache-Control", STR("no-store"));
	if (http_status == 503)
		http_add_header(r, "Retry-After", STR(RETRY_AFTER_S));
	http_respond(r, http_status, "application/problem+json", buf_view(&out));
}

void
problem_respond(struct http_request *r, const struct error *err)
{
	err = http_error(r, err);
	unsigned http_status = http_status_of(err->status);
	if (http_status == 500)
		log_error("request-failed", err);
	const char *code = err->code ? err->code : status_name(err->status);
	respond(r, http_status, code, err->text, err->permission);
}

void
problem_respond_as(struct http_request *r, unsigned http_status, const char *code, const char *text)
{
	respond(r, http_status, code, text, NULL);
}
