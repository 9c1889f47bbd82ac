/* The reader of access requests against a slow one over a JSON document: they accept the same
 * texts, and see the same in them. */
#include <stdlib.h>
#include <string.h>

#include "authzen/request.h"
#include "fuzz.h"
#include "json_wide.h"

/* What the slow one sees. */
struct seen {
	struct str texts[5]; /* subject.type, subject.id, action.name, resource.type, .id */
	struct str workspace;
	bool explain;
	int64_t at_least, max_age_ms;
	struct attribute attributes[ATTRIBUTES_MAX];
	size_t count, path_bytes;
	char paths[ACCESS_PATHS_MAX];
};

static bool
is_name(struct str name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";
	if (name.len < 1 || name.len > 64)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!name.ptr[i] || !strchr(allowed, name.ptr[i]))
			return false;
	}
	return true;
}

static bool
see_leaf(struct seen *seen, struct str path, const struct json *v)
{
	struct attribute a = {.path = path};
	if (json_type(v) == JSON_STRING) {
		a.type = ATTRIBUTE_STRING;
		a.str = json_str(v);
	} else if (json_type(v) == JSON_BOOL) {
		a.type = ATTRIBUTE_BOOL;
		a.flag = json_bool(v);
	} else if (json_type(v) == JSON_INTEGER || json_type(v) == JSON_NUMBER) {
		a.type = ATTRIBUTE_NUMBER;
		a.number = json_number(v);
	} else {
		return true;
	}
	if (seen->count == ATTRIBUTES_MAX)
		return false;
	seen->attributes[seen->count++] = a;
	return true;
}

static bool
is_demand(struct str parent, struct str name)
{
	return str_eq(parent, STR("context")) &&
		(str_eq(name, STR("at_least")) || str_eq(name, STR("max_age_ms")));
}

static bool
see_attributes(struct seen *seen, const struct json *object, struct str parent, unsigned parts)
{
	struct str name;
	const struct json *value;
	void *it = NULL;
	while ((it = json_member(object, it, &name, &value))) {
		if (parts == 8 || !is_name(name) || is_demand(parent, name))
			continue;
		size_t len = parent.len + 1 + name.len;
		if (len > sizeof(seen->paths) - seen->path_bytes)
			return false;
		char *at = seen->paths + seen->path_bytes;
		memcpy(at, parent.ptr, parent.len);
		at[parent.len] = '.';
		memcpy(at + parent.len + 1, name.ptr, name.len);
		struct str path = {at, len};
		seen->path_bytes += len;
		bool held = json_type(value) == JSON_OBJECT
			? see_attributes(seen, value, path, parts + 1)
			: see_leaf(seen, path, value);
		if (!held)
			return false;
	}
	return true;
}

static bool
see_text(struct str *out, const struct json *v)
{
	*out = json_str(v);
	return json_type(v) == JSON_ABSENT || json_type(v) == JSON_STRING;
}

static bool
see_entity(struct seen *seen, const struct json *v, size_t first, const char *key, struct str path)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	if (json_type(v) != JSON_OBJECT)
		return false;
	bool has_type = strcmp(key, "id") == 0;
	if (has_type && !see_text(&seen->texts[first], json_get(v, "type")))
		return false;
	if (!see_text(&seen->texts[first + has_type], json_get(v, key)))
		return false;
	const struct json *properties = json_get(v, "properties");
	if (json_type(properties) != JSON_ABSENT && json_type(properties) != JSON_OBJECT)
		return false;
	return see_attributes(seen, properties, path, 2);
}

static bool
see_demand(int64_t *out, const struct json *v)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	*out = json_int(v);
	return json_type(v) == JSON_INTEGER && *out >= 0;
}

static bool
see_context(struct seen *seen, const struct json *v)
{
	if (json_type(v) == JSON_ABSENT)
		return true;
	if (json_type(v) != JSON_OBJECT)
		return false;
	seen->explain = json_bool(json_get(v, "explain"));
	return see_demand(&seen->at_least, json_get(v, "at_least")) &&
		see_demand(&seen->max_age_ms, json_get(v, "max_age_ms")) &&
		see_attributes(seen, v, STR("context"), 1);
}

static const struct json *
part(const struct json *item, const struct json *defaults, const char *name)
{
	const struct json *own = json_get(item, name);
	return json_type(own) == JSON_ABSENT ? json_get(defaults, name) : own;
}

/* False when a part is of a wrong type or too large. */
static bool
see_parts(struct seen *seen, const struct json *item, const struct json *defaults)
{
	*seen = (struct seen){.max_age_ms = INT64_MAX};
	const struct json *resource = part(item, defaults, "resource");
	seen->workspace = json_str(json_get(json_get(resource, "properties"), "workspace"));
	return see_entity(
		       seen, part(item, defaults, "subject"), 0, "id", STR("subject.properties")) &&
		see_entity(seen, part(item, defaults, "action"), 2, "name",
			STR("action.properties")) &&
		see_entity(seen, resource, 3, "id", STR("resource.properties")) &&
		see_context(seen, part(item, defaults, "context"));
}

static bool
is_complete(const struct seen *seen)
{
	for (size_t i = 0; i < ARRAY_LEN(seen->texts); i++) {
		if (!seen->texts[i].ptr)
			return false;
	}
	return true;
}

static bool
is_same(struct str a, struct str b)
{
	return (!a.ptr && !b.ptr) || str_eq(a, b);
}

static const struct attribute *
find(const struct access_request *request, struct str path)
{
	for (uint32_t i = 0; i < request->attribute_count; i++) {
		if (str_eq(request->attributes[i].path, path))
			return &request->attributes[i];
	}
	return NULL;
}

static void
compare(const struct access_request *request, const struct seen *seen)
{
	require(is_same(request->subject_type, seen->texts[0]));
	require(is_same(request->subject_id, seen->texts[1]));
	require(is_same(request->action, seen->texts[2]));
	require(is_same(request->resource_type, seen->texts[3]));
	require(is_same(request->resource_id, seen->texts[4]));
	require(is_same(request->workspace, seen->workspace));
	require(request->explain == seen->explain && request->at_least == seen->at_least &&
		request->max_age_ms == seen->max_age_ms);
	require(request->attribute_count == seen->count);
	for (size_t i = 0; i < seen->count; i++) {
		const struct attribute *want = &seen->attributes[i];
		const struct attribute *got = find(request, want->path);
		require(got && got->type == want->type && is_same(got->str, want->str));
		require(got->number == want->number && got->flag == want->flag);
	}
}

static struct access_scratch
scratch_of(struct str text)
{
	struct access_scratch scratch = {malloc(text.len + 1), text.len};
	require(scratch.ptr != NULL);
	return scratch;
}

static void
try_single(struct str text, const struct json *doc)
{
	static struct seen seen;
	struct access_request request;
	struct access_scratch scratch = scratch_of(text);
	bool accepted = access_request_parse(&request, text, scratch);
	require(accepted == !request.error);
	bool expected = json_type(doc) == JSON_OBJECT && !has_wide_object(doc) &&
		see_parts(&seen, doc, NULL) && is_complete(&seen);
	require(accepted == expected);
	if (accepted)
		compare(&request, &seen);
	free(scratch.ptr);
}

static bool
are_options_good(const struct json *doc)
{
	const struct json *options = json_get(doc, "options");
	if (json_type(options) == JSON_ABSENT)
		return true;
	const struct json *v = json_get(options, "evaluations_semantic");
	struct str name = json_str(v);
	return json_type(options) == JSON_OBJECT &&
		(json_type(v) == JSON_ABSENT || str_eq(name, STR("execute_all")) ||
			str_eq(name, STR("deny_on_first_deny")) ||
			str_eq(name, STR("permit_on_first_permit")));
}

static bool
is_batch_good(const struct json *doc)
{
	static struct seen seen;
	const struct json *items = json_get(doc, "evaluations");
	if (json_type(doc) != JSON_OBJECT || has_wide_object(doc))
		return false;
	if (json_type(items) == JSON_ABSENT)
		return true;
	if (json_type(items) != JSON_ARRAY || json_count(items) > ACCESS_ITEMS_MAX)
		return false;
	return json_count(items) == 0 || (are_options_good(doc) && see_parts(&seen, doc, doc));
}

static void
try_item(const struct access_batch *batch, const struct json *doc, uint32_t i,
	struct access_scratch scratch)
{
	static struct seen seen;
	struct access_request request;
	const struct json *item = json_at(json_get(doc, "evaluations"), i);
	bool accepted = access_batch_request(&request, batch, i, scratch);
	require(accepted == !request.error);
	bool expected =
		json_type(item) == JSON_OBJECT && see_parts(&seen, item, doc) && is_complete(&seen);
	require(accepted == expected);
	if (accepted)
		compare(&request, &seen);
}

static void
try_batch(struct str text, const struct json *doc)
{
	struct access_batch batch;
	struct access_scratch scratch = scratch_of(text);
	struct arena *arena = arena_new(1 << 20);
	require(arena != NULL);
	bool accepted = access_batch_parse(&batch, text, scratch, arena);
	require(accepted == is_batch_good(doc) && accepted == !batch.error);
	if (accepted) {
		require(batch.count == json_count(json_get(doc, "evaluations")));
		for (uint32_t i = 0; i < batch.count; i++)
			try_item(&batch, doc, i, scratch);
	}
	arena_free(&arena);
	free(scratch.ptr);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_limits limits = {.max_bytes = 1 << 16,
		.max_depth = ACCESS_DEPTH_MAX,
		.max_string = ACCESS_STRING_MAX};
	struct str text = {(const char *)data, size};
	struct json *doc = NULL;
	struct error err = {0};
	if (size > limits.max_bytes)
		return 0;
	/* What is no JSON is a document that nothing accepts. */
	if (json_parse(&doc, text, limits, &err) != OK)
		doc = NULL;
	try_single(text, doc);
	try_batch(text, doc);
	if (doc)
		json_free(&doc);
	return 0;
}
