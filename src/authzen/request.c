#include "authzen/request.h"

#include "authzen/scan.h"

static bool
is_missing(struct access_request *out)
{
	if (!out->subject_type.ptr)
		out->error = "subject.type is required.";
	else if (!out->subject_id.ptr)
		out->error = "subject.id is required.";
	else if (!out->action.ptr)
		out->error = "action.name is required.";
	else if (!out->resource_type.ptr)
		out->error = "resource.type is required.";
	else if (!out->resource_id.ptr)
		out->error = "resource.id is required.";
	return out->error != NULL;
}

static enum access_part
part_of(struct str name)
{
	if (str_eq(name, STR("subject")))
		return ACCESS_SUBJECT;
	if (str_eq(name, STR("action")))
		return ACCESS_ACTION;
	if (str_eq(name, STR("resource")))
		return ACCESS_RESOURCE;
	if (str_eq(name, STR("context")))
		return ACCESS_CONTEXT;
	return ACCESS_PARTS;
}

static bool
read_request(struct scanner *s)
{
	struct str name;
	if (!json_reader_enter_object(s->reader))
		return false;
	while (json_reader_next_member(s->reader, &name)) {
		enum access_part part = part_of(name);
		bool read = part == ACCESS_PARTS ? json_reader_skip(s->reader, NULL)
						 : scan__part(s, part);
		if (!read)
			return false;
	}
	return json_reader_end(s->reader);
}

bool
access_request_parse(struct access_request *out, struct str body, struct access_scratch scratch)
{
	struct json_reader reader;
	struct scanner s = {&reader, out};
	scan__init(&s, body, scratch);
	if (!read_request(&s)) {
		if (!out->error)
			out->error = "The body is not a well-formed JSON object within the limits.";
		return false;
	}
	return !is_missing(out);
}

static bool
refuse(struct access_batch *out, const char *error)
{
	out->error = error;
	return false;
}

/* The raw parts of one evaluation. */
static bool
read_item(struct json_reader *r, struct access_item *item)
{
	struct str name;
	if (json_reader_peek(r) != '{') {
		item->broken = true;
		return json_reader_skip(r, NULL);
	}
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		enum access_part part = part_of(name);
		if (!json_reader_skip(r, part == ACCESS_PARTS ? NULL : &item->parts[part]))
			return false;
	}
	return !r->failed;
}

static bool
read_items(struct json_reader *r, struct access_batch *out, struct str raw, struct arena *arena)
{
	/* Each takes at least one character and a comma or bracket. */
	size_t most = raw.len / 2 + 1;
	if (most > ACCESS_ITEMS_MAX)
		most = ACCESS_ITEMS_MAX;
	out->items = arena_new_array(arena, struct access_item, most);
	if (!out->items) {
		out->no_memory = true;
		return refuse(out, "The server is out of memory; try again.");
	}
	if (!json_reader_enter_array(r))
		return false;
	while (json_reader_next_element(r)) {
		if (out->count == most)
			return refuse(out, "evaluations has more than 1000 elements.");
		if (!read_item(r, &out->items[out->count]))
			return false;
		out->count++;
	}
	return !r->failed;
}

static bool
read_semantic(struct json_reader *r, struct access_batch *out)
{
	struct str value;
	if (json_reader_peek(r) != '"')
		return refuse(out, "options.evaluations_semantic must be a string.");
	if (!json_reader_string(r, &value))
		return false;
	if (str_eq(value, STR("execute_all")))
		out->semantic = ACCESS_EXECUTE_ALL;
	else if (str_eq(value, STR("deny_on_first_deny")))
		out->semantic = ACCESS_DENY_ON_FIRST_DENY;
	else if (str_eq(value, STR("permit_on_first_permit")))
		out->semantic = ACCESS_PERMIT_ON_FIRST_PERMIT;
	else
		return refuse(out,
			"options.evaluations_semantic must be execute_all, deny_on_first_deny or "
			"permit_on_first_permit.");
	return true;
}

static bool
read_options(struct json_reader *r, struct access_batch *out)
{
	struct str name;
	if (json_reader_peek(r) != '{')
		return refuse(out, "options must be an object.");
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		bool read = str_eq(name, STR("evaluations_semantic")) ? read_semantic(r, out)
								      : json_reader_skip(r, NULL);
		if (!read)
			return false;
	}
	return !r->failed;
}

struct batch_raw {
	struct str evaluations, options;
};

static bool
read_batch(struct json_reader *r, struct access_batch *out, struct batch_raw *raw)
{
	struct str name;
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		enum access_part part = part_of(name);
		struct str *slot = NULL;
		if (part != ACCESS_PARTS)
			slot = &out->defaults.parts[part];
		else if (str_eq(name, STR("evaluations")))
			slot = &raw->evaluations;
		else if (str_eq(name, STR("options")))
			slot = &raw->options;
		if (!json_reader_skip(r, slot))
			return false;
	}
	return json_reader_end(r);
}

static void
reader_init(struct json_reader *r, struct str text, struct access_scratch scratch)
{
	json_reader_init(r, text, ACCESS_DEPTH_MAX, ACCESS_STRING_MAX, scratch.ptr, scratch.size);
}

/* Reads the parts of an item, or where it has none those of the defaults. */
static bool
read_parts(struct access_request *out, const struct access_item *item,
	const struct access_item *defaults, struct access_scratch scratch)
{
	struct json_reader reader;
	struct scanner s = {&reader, out};
	scan__init(&s, STR("{}"), scratch);
	for (enum access_part part = 0; part < ACCESS_PARTS; part++) {
		struct str raw = item->parts[part].ptr ? item->parts[part] : defaults->parts[part];
		if (!raw.ptr)
			continue;
		/* What a part has decoded stays: the next one goes on behind it. */
		struct access_scratch left = {reader.scratch,
			reader.scratch ? (size_t)(reader.scratch_end - reader.scratch) : 0};
		reader_init(&reader, raw, left);
		if (!scan__part(&s, part)) {
			if (!out->error)
				out->error = "It cannot be read within the limits.";
			return false;
		}
	}
	return true;
}

static bool
check_defaults(struct access_batch *out, struct access_scratch scratch)
{
	struct access_request request;
	if (!read_parts(&request, &out->defaults, &out->defaults, scratch))
		return refuse(out, request.error);
	return true;
}

bool
access_batch_parse(struct access_batch *out, struct str body, struct access_scratch scratch,
	struct arena *arena)
{
	struct json_reader reader;
	struct batch_raw raw = {0};
	*out = (struct access_batch){0};
	reader_init(&reader, body, scratch);
	if (!read_batch(&reader, out, &raw))
		return refuse(out, "The body is not a well-formed JSON object within the limits.");
	if (!raw.evaluations.ptr)
		return true;
	reader_init(&reader, raw.evaluations, scratch);
	if (json_reader_peek(&reader) != '[')
		return refuse(out, "evaluations must be an array.");
	if (!read_items(&reader, out, raw.evaluations, arena))
		return out->error ? false : refuse(out, "evaluations cannot be read.");
	if (out->count == 0)
		return true;
	if (raw.options.ptr) {
		reader_init(&reader, raw.options, scratch);
		if (!read_options(&reader, out))
			return out->error ? false : refuse(out, "options cannot be read.");
	}
	return check_defaults(out, scratch);
}

bool
access_batch_request(struct access_request *out, const struct access_batch *batch, uint32_t i,
	struct access_scratch scratch)
{
	const struct access_item *item = &batch->items[i];
	if (!read_parts(out, item, &batch->defaults, scratch))
		return false;
	if (item->broken)
		out->error = "An evaluation must be an object.";
	return !out->error && !is_missing(out);
}
