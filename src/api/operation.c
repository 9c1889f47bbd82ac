/* What operations use to read parameters and to write lists. */
#include "api/cursor.h"
#include "api/route.h"
#include "base/clock.h"

struct uuid
path_uuid(const struct operation_call *op, unsigned i)
{
	ASSERT(i < op->route->path_count);
	struct uuid id = {{0}};
	return uuid_parse(op->path[i], &id) ? id : (struct uuid){{0}};
}

struct org_id
path_org(const struct operation_call *op, unsigned i)
{
	if (str_eq(op->path[i], STR("platform")))
		return PLATFORM;
	return (struct org_id){path_uuid(op, i)};
}

struct workspace_id
path_workspace(const struct operation_call *op)
{
	if (op->route->workspace_at < 0)
		return (struct workspace_id){{{0}}};
	return (struct workspace_id){path_uuid(op, (unsigned)op->route->workspace_at)};
}

/* A name that the contract does not have is a mistake of the operation, not of the client. */
struct str
param_str(const struct operation_call *op, const char *name)
{
	bool known = false;
	for (unsigned i = 0; i < op->route->query_count; i++)
		known = known || strcmp(op->route->query[i].name, name) == 0;
	ASSERT(known);
	bool repeated;
	return http_query(op->http, name, &repeated);
}

struct uuid
param_uuid(const struct operation_call *op, const char *name)
{
	struct uuid id;
	return uuid_parse(param_str(op, name), &id) ? id : (struct uuid){{0}};
}

int64_t
param_int(const struct operation_call *op, const char *name)
{
	int64_t value;
	return str_to_i64(param_str(op, name), &value) ? value : 0;
}

int64_t
param_time_us(const struct operation_call *op, const char *name)
{
	int64_t value;
	return clock_parse(param_str(op, name), &value) ? value : 0;
}

bool
param_bool(const struct operation_call *op, const char *name)
{
	return str_eq(param_str(op, name), STR("true"));
}

enum status
operation_require(struct operation_call *op, struct node node, struct error *err)
{
	enum status rc = call_require(&op->call, op->route->permission, node, err);
	op->required = rc == OK;
	return rc;
}

void
list_open(struct operation_call *op)
{
	jw_object(&op->out, NULL);
	jw_array(&op->out, "items");
}

void
list_close(struct operation_call *op)
{
	jw_end_array(&op->out);
	if (op->page.more) {
		char cursor[CURSOR_TEXT_MAX];
		cursor_format(cursor, op->page.last);
		jw_z(&op->out, "next", cursor);
	} else {
		jw_null(&op->out, "next");
	}
	jw_end_object(&op->out);
}
