#include "api/body.h"

#include "base/clock.h"

const struct json *
body_get(const struct operation_call *op, const char *name)
{
	const struct json *value = json_get(op->body, name);

	return json_type(value) == JSON_NULL ? NULL : value;
}

struct str
body_str(const struct operation_call *op, const char *name)
{
	return json_str(body_get(op, name));
}

bool
body_states(const struct operation_call *op, const char *name)
{
	return json_get(op->body, name) != NULL;
}

bool
body_bool(const struct operation_call *op, const char *name)
{
	return json_bool(body_get(op, name));
}

int64_t
json_time_us(const struct json *value)
{
	int64_t time_us;

	if (!clock_parse(json_str(value), &time_us))
		return NEVER;
	/* In the store and in answers nought stands for no time: the next instant is past as well.
	 */
	return time_us > 0 ? time_us : 1;
}

int64_t
body_time_us(const struct operation_call *op, const char *name)
{
	return json_time_us(body_get(op, name));
}

struct uuid
body_uuid(const struct operation_call *op, const char *name)
{
	struct uuid id;

	return uuid_parse(body_str(op, name), &id) ? id : (struct uuid){{0}};
}

enum state
body_state(const struct operation_call *op, const char *name)
{
	return state_parse(body_str(op, name));
}

kind_mask
body_kinds(const struct operation_call *op, const char *name)
{
	const struct json *list = body_get(op, name);
	kind_mask kinds = 0;

	for (size_t i = 0; i < json_count(list); i++)
		kinds |= KIND_BIT(kind_parse(json_str(json_at(list, i))));
	return kinds;
}

struct node
body_node(const struct operation_call *op, const char *name)
{
	const struct json *source = body_get(op, name);
	struct node node = {node_kind_parse(json_str(json_get(source, "kind"))), {{0}}};

	if (!uuid_parse(json_str(json_get(source, "id")), &node.id))
		node.id = (struct uuid){{0}};
	return node;
}

enum status
body_strings(const struct str **out, size_t *count, const struct operation_call *op,
	const char *name, struct error *err)
{
	const struct json *list = body_get(op, name);
	struct str *items;

	*count = json_count(list);
	items = arena_new_array(op->call.arena, struct str, *count);
	*out = items;
	if (!items)
		return error_no_memory(err);
	for (size_t i = 0; i < *count; i++)
		items[i] = json_str(json_at(list, i));
	return OK;
}

enum status
body_uuids(const struct uuid **out, size_t *count, const struct operation_call *op,
	const char *name, struct error *err)
{
	const struct json *list = body_get(op, name);
	struct uuid *items;

	*count = json_count(list);
	items = arena_new_array(op->call.arena, struct uuid, *count);
	*out = items;
	if (!items)
		return error_no_memory(err);
	for (size_t i = 0; i < *count; i++) {
		if (!uuid_parse(json_str(json_at(list, i)), &items[i]))
			items[i] = (struct uuid){{0}};
	}
	return OK;
}
