#ifndef TESTS_FUZZ_JSON_WIDE_H
#define TESTS_FUZZ_JSON_WIDE_H

#include "json/json.h"
#include "json/reader.h"

/* The reader refuses objects of more members than it can compare. */
static inline bool
has_wide_object(const struct json *v)
{
	bool wide = json_type(v) == JSON_OBJECT && json_count(v) > JSON_READER_MEMBERS_MAX;
	for (size_t i = 0; !wide && json_type(v) == JSON_ARRAY && i < json_count(v); i++)
		wide = has_wide_object(json_at(v, i));
	struct str name;
	const struct json *value;
	void *it = NULL;
	while (!wide && (it = json_member(v, it, &name, &value)))
		wide = has_wide_object(value);
	return wide;
}

#endif
