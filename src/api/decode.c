/* What comes in with a request, checked against its route. */
#include <stdio.h>

#include "api/cursor.h"
#include "api/exchange.h"

#define LIMIT_DEFAULT 50
#define BODY_DEPTH_MAX 16
#define PLACE_MAX 96

static enum status
decode_path(struct exchange *x, struct error *err)
{
	const struct route *route = x->route;
	for (unsigned i = 0; i < route->path_count; i++) {
		const struct route_parameter *parameter = &route->path[i];
		struct str value = http_decode_segment(x->http, x->match.parameters[i]);
		if (!value.ptr)
			return error_set(err, ERR_INVALID, "invalid-input",
				"path.%s: is not well-formed.", parameter->name);
		char place[PLACE_MAX];
		snprintf(place, sizeof(place), "path.%s", parameter->name);
		enum status rc = validate_text(parameter->schema, value, place, err);
		if (rc != OK)
			return rc;
		x->op.path[i] = value;
	}
	return OK;
}

static const struct route_parameter *
find_query(const struct route *route, struct str name)
{
	for (unsigned i = 0; i < route->query_count; i++) {
		if (str_eq(name, str_from(route->query[i].name)))
			return &route->query[i];
	}
	return NULL;
}

static enum status
decode_query(struct exchange *x, struct error *err)
{
	struct str name, value;
	for (size_t i = 0; (value = http_query_at(x->http, i, &name)).ptr; i++) {
		const struct route_parameter *parameter = find_query(x->route, name);
		int shown = name.len < 64 ? (int)name.len : 64;
		if (!parameter)
			return error_set(err, ERR_INVALID, "invalid-input",
				"query.%.*s: there is no such parameter.", shown, name.ptr);
		bool repeated = false;
		http_query(x->http, parameter->name, &repeated);
		if (repeated)
			return error_set(err, ERR_INVALID, "invalid-input",
				"query.%s: is there several times.", parameter->name);
		char place[PLACE_MAX];
		snprintf(place, sizeof(place), "query.%s", parameter->name);
		enum status rc = validate_text(parameter->schema, value, place, err);
		if (rc != OK)
			return rc;
	}
	return OK;
}

static enum status
decode_page(struct exchange *x, struct error *err)
{
	struct page *page = &x->op.page;
	page->limit = LIMIT_DEFAULT;
	if (!x->route->paged)
		return OK;
	int64_t limit = param_int(&x->op, "limit");
	if (limit)
		page->limit = (uint32_t)limit;
	struct str cursor = param_str(&x->op, "cursor");
	if (cursor.ptr && !cursor_parse(cursor, &page->after))
		return error_set(err, ERR_INVALID, "invalid-cursor",
			"query.cursor: is not the `next` of a page; begin again without it.");
	if (find_query(x->route, STR("q")))
		page->search = param_str(&x->op, "q");
	return OK;
}

/* "17" with its quotes, or *, which any state matches. */
static enum status
decode_if_match(struct exchange *x, struct error *err)
{
	struct str value = http_header(x->http, "If-Match");
	if (!x->route->matches || !value.ptr || str_eq(value, STR("*")))
		return OK;
	bool quoted = value.len > 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"';
	struct str digits = quoted ? (struct str){value.ptr + 1, value.len - 2} : value;
	if (http_header_count(x->http, "If-Match") == 1 && quoted &&
		str_to_i64(digits, &x->op.if_match) && x->op.if_match > 0)
		return OK;
	return error_set(err, ERR_INVALID, "invalid-if-match",
		"If-Match: send the ETag of the thing as it was answered, quotes included.");
}

static enum status
decode_body(struct exchange *x, struct error *err)
{
	const struct route *route = x->route;
	struct str text = http_body(x->http);
	if (!text.len) {
		if (route->body && route->body_required)
			return error_set(err, ERR_INVALID, "invalid-input", "body: is missing.");
		return OK;
	}
	if (!route->body)
		return error_set(err, ERR_INVALID, "invalid-input", "body: none is taken here.");
	if (text.len > route->body_max)
		return error_set(err, ERR_TOO_LARGE, "body-too-large",
			"The body has %zu bytes; at most %zu are taken here.", text.len,
			route->body_max);
	struct json_limits limits = {route->body_max, BODY_DEPTH_MAX, route->body_max};
	enum status rc = json_parse(&x->body, text, limits, err);
	if (rc == OK)
		rc = validate_json(route->body, x->body, "body", err);
	if (rc != OK) {
		json_free(&x->body);
		return rc;
	}
	x->op.body = x->body;
	return OK;
}

enum status
exchange_decode(struct exchange *x, struct error *err)
{
	x->op.http = x->http;
	x->op.route = x->route;
	enum status rc = decode_path(x, err);
	if (rc == OK)
		rc = decode_query(x, err);
	if (rc == OK)
		rc = decode_page(x, err);
	if (rc == OK)
		rc = decode_if_match(x, err);
	if (rc == OK && x->route->previews)
		x->op.preview = param_bool(&x->op, "preview");
	if (rc == OK)
		rc = exchange_read_key(x, err);
	/* The body comes last: what was parsed has an owner from then on. */
	return rc == OK ? decode_body(x, err) : rc;
}
