#include "authzen/scan.h"

#define PATH_PARTS_MAX 8 /* as in a condition */
#define PATH_PART_MAX 64

void
scan__init(struct scanner *s, struct str text, struct access_scratch scratch)
{
	struct access_request *out = s->out;
	json_reader_init(
		s->reader, text, ACCESS_DEPTH_MAX, ACCESS_STRING_MAX, scratch.ptr, scratch.size);
	out->subject_type = out->subject_id = (struct str){NULL, 0};
	out->action = (struct str){NULL, 0};
	out->resource_type = out->resource_id = (struct str){NULL, 0};
	out->workspace = (struct str){NULL, 0};
	out->explain = false;
	out->at_least = 0;
	out->incarnation = (struct uuid){{0}};
	out->max_age_ms = INT64_MAX;
	out->error = NULL;
	out->attribute_count = 0;
	out->path_len = 0;
}

static bool
refuse(struct scanner *s, const char *error)
{
	if (!s->out->error)
		s->out->error = error;
	return false;
}

static bool
is_part_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		c == '_' || c == '-';
}

static bool
is_path_part(struct str name)
{
	if (name.len == 0 || name.len > PATH_PART_MAX)
		return false;
	for (size_t i = 0; i < name.len; i++) {
		if (!is_part_char(name.ptr[i]))
			return false;
	}
	return true;
}

static bool
join_path(struct scanner *s, struct str *path, struct str parent, struct str name)
{
	struct access_request *out = s->out;
	size_t len = parent.len + 1 + name.len;
	if (len > sizeof(out->paths) - out->path_len)
		return refuse(s, "The names of the attributes are too long.");
	char *at = out->paths + out->path_len;
	memcpy(at, parent.ptr, parent.len);
	at[parent.len] = '.';
	memcpy(at + parent.len + 1, name.ptr, name.len);
	out->path_len += (uint32_t)len;
	*path = (struct str){at, len};
	return true;
}

/* A demand of the request that stands in its context: a whole number, not negative. */
static bool
read_demand(struct scanner *s, int64_t *demand, const char *error)
{
	double number;
	bool is_integer;
	if (json_reader_peek(s->reader) != '0')
		return refuse(s, error);
	if (!json_reader_number(s->reader, &number, &is_integer, demand))
		return false;
	return (is_integer && *demand >= 0) || refuse(s, error);
}

/* Nil is none that was ever told. */
static bool
read_incarnation(struct scanner *s)
{
	static const char error[] = "context.incarnation must be one that an answer named.";
	struct str text;
	if (json_reader_peek(s->reader) != '"')
		return refuse(s, error);
	if (!json_reader_string(s->reader, &text))
		return false;
	if (!uuid_parse(text, &s->out->incarnation) || uuid_is_nil(s->out->incarnation))
		return refuse(s, error);
	return true;
}

static struct attribute *
new_attribute(struct scanner *s, struct str path)
{
	struct access_request *out = s->out;
	if (out->attribute_count == ATTRIBUTES_MAX) {
		refuse(s, "There are more than 64 attributes.");
		return NULL;
	}
	struct attribute *a = &out->attributes[out->attribute_count++];
	*a = (struct attribute){.path = path};
	return a;
}

static bool
read_leaf(struct scanner *s, struct str path, char type)
{
	bool is_integer;
	int64_t integer;
	struct attribute *a = new_attribute(s, path);
	if (!a)
		return false;
	if (type == '"') {
		a->type = ATTRIBUTE_STRING;
		return json_reader_string(s->reader, &a->str);
	}
	if (type == '0') {
		a->type = ATTRIBUTE_NUMBER;
		return json_reader_number(s->reader, &a->number, &is_integer, &integer);
	}
	a->type = ATTRIBUTE_BOOL;
	return json_reader_bool(s->reader, &a->flag);
}

static bool read_attributes(struct scanner *s, struct str path, unsigned parts);

/* A value whose path a condition can name. */
static bool
read_attribute(struct scanner *s, struct str path, unsigned parts)
{
	struct access_request *out = s->out;
	char type = json_reader_peek(s->reader);
	if (type == '{')
		return read_attributes(s, path, parts);
	if (type == '[' || type == 'n' || type == 0)
		return json_reader_skip(s->reader, NULL);
	if (!read_leaf(s, path, type))
		return false;
	const struct attribute *a = &out->attributes[out->attribute_count - 1];
	if (type == '"' && str_eq(path, STR("resource.properties.workspace")))
		out->workspace = a->str;
	else if (a->type == ATTRIBUTE_BOOL && str_eq(path, STR("context.explain")))
		out->explain = a->flag;
	return true;
}

/* The members of the object at hand, named by their paths below `path`, which has `parts` parts. */
static bool
read_attributes(struct scanner *s, struct str path, unsigned parts)
{
	struct json_reader *r = s->reader;
	struct str name, child;
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		bool read;
		if (parts == PATH_PARTS_MAX || !is_path_part(name))
			read = json_reader_skip(r, NULL);
		else
			read = join_path(s, &child, path, name) &&
				read_attribute(s, child, parts + 1);
		if (!read)
			return false;
	}
	return !r->failed;
}

static bool
read_context(struct scanner *s)
{
	struct json_reader *r = s->reader;
	struct str name, path;
	if (json_reader_peek(r) != '{')
		return refuse(s, "context must be an object.");
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		bool read;
		if (str_eq(name, STR("at_least")))
			read = read_demand(s, &s->out->at_least,
				"context.at_least must be a revision: a whole number.");
		else if (str_eq(name, STR("max_age_ms")))
			read = read_demand(s, &s->out->max_age_ms,
				"context.max_age_ms must be a whole number of milliseconds.");
		else if (str_eq(name, STR("incarnation")))
			read = read_incarnation(s);
		else if (!is_path_part(name))
			read = json_reader_skip(r, NULL);
		else
			read = join_path(s, &path, STR("context"), name) &&
				read_attribute(s, path, 2);
		if (!read)
			return false;
	}
	return !r->failed;
}

/* The shape of a subject, action or resource. */
struct entity {
	struct str key; /* the name of its one text, or of the second of two */
	const char *not_object, *wrong_text, *wrong_properties;
	struct str properties; /* path */
};

static const struct entity SUBJECT = {STR("id"), "subject must be an object.",
	"subject.type and subject.id must be strings.", "subject.properties must be an object.",
	STR("subject.properties")};
static const struct entity ACTION = {STR("name"), "action must be an object.",
	"action.name must be a string.", "action.properties must be an object.",
	STR("action.properties")};
static const struct entity RESOURCE = {STR("id"), "resource must be an object.",
	"resource.type and resource.id must be strings.", "resource.properties must be an object.",
	STR("resource.properties")};

static bool
read_text(struct scanner *s, struct str *out, const char *error)
{
	if (json_reader_peek(s->reader) != '"')
		return refuse(s, error);
	return json_reader_string(s->reader, out);
}

/* `type` is NULL for an action, which has none. */
static bool
read_entity(struct scanner *s, const struct entity *e, struct str *type, struct str *key)
{
	struct json_reader *r = s->reader;
	struct str name;
	if (json_reader_peek(r) != '{')
		return refuse(s, e->not_object);
	if (!json_reader_enter_object(r))
		return false;
	while (json_reader_next_member(r, &name)) {
		bool read;
		if (str_eq(name, e->key))
			read = read_text(s, key, e->wrong_text);
		else if (type && str_eq(name, STR("type")))
			read = read_text(s, type, e->wrong_text);
		else if (!str_eq(name, STR("properties")))
			read = json_reader_skip(r, NULL);
		else if (json_reader_peek(r) != '{')
			read = refuse(s, e->wrong_properties);
		else
			read = read_attributes(s, e->properties, 2);
		if (!read)
			return false;
	}
	return !r->failed;
}

bool
scan__part(struct scanner *s, enum access_part part)
{
	struct access_request *out = s->out;
	switch (part) {
	case ACCESS_SUBJECT:
		return read_entity(s, &SUBJECT, &out->subject_type, &out->subject_id);
	case ACCESS_ACTION:
		return read_entity(s, &ACTION, NULL, &out->action);
	case ACCESS_RESOURCE:
		return read_entity(s, &RESOURCE, &out->resource_type, &out->resource_id);
	case ACCESS_CONTEXT:
		return read_context(s);
	case ACCESS_PARTS:
		break;
	}
	return false;
}
