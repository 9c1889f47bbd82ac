#include "model/ceiling.h"

#include <stdio.h>

#include "model/names.h"

static enum status
refuse(struct error *err)
{
	return error_set(err, ERR_INVALID, "invalid-ceiling",
		"A ceiling is an object with one member: \"only\" or \"except\", a list of "
		"permission names.");
}

enum status
ceiling_check(const struct json *source, struct error *err)
{
	const struct json *names;
	struct str member;
	if (json_type(source) != JSON_OBJECT || json_count(source) != 1)
		return refuse(err);
	(void)json_member(source, NULL, &member, &names);
	if (!str_eq(member, STR("only")) && !str_eq(member, STR("except")))
		return refuse(err);
	if (json_type(names) != JSON_ARRAY)
		return refuse(err);
	size_t count = json_count(names);
	if (count > CEILING_NAMES_MAX)
		return error_set(err, ERR_INVALID, "invalid-ceiling",
			"ceiling.%.*s names %zu permissions; at most %d are possible.",
			STR_ARG(member), count, CEILING_NAMES_MAX);
	for (size_t i = 0; i < count; i++) {
		char field[40];
		snprintf(field, sizeof(field), "ceiling.%.*s[%zu]", STR_ARG(member), i);
		enum status rc = permission_name_check(json_str(json_at(names, i)), field, err);
		if (rc != OK)
			return rc;
	}
	return OK;
}
