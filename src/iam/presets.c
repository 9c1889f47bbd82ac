#include "iam/permissions.h"

#include <string.h>

/* A preset holds every permission of its classes, so that each contains the one before it. */
static const struct preset {
	const char *name;
	enum permission_class most;
} PRESETS[] = {
	{"read_only", CLASS_READ},
	{"operator", CLASS_WRITE},
	{"full_access", CLASS_DESTRUCTIVE},
};

static bool
starts_resource(uint32_t i)
{
	return i == 0 || strcmp(catalogue[i].resource, catalogue[i - 1].resource) != 0;
}

static bool
resource_has(uint32_t first, enum permission_class most)
{
	for (uint32_t i = first; i < catalogue_count; i++) {
		if (i > first && starts_resource(i))
			break;
		if (catalogue[i].class <= most)
			return true;
	}
	return false;
}

static void
write_preset_resource(struct json_writer *w, uint32_t first, enum permission_class most)
{
	if (!resource_has(first, most))
		return;
	jw_object(w, NULL);
	jw_z(w, "resource", catalogue[first].resource);
	jw_array(w, "permissions");
	for (uint32_t i = first; i < catalogue_count && (i == first || !starts_resource(i)); i++) {
		if (catalogue[i].class <= most)
			jw_z(w, NULL, catalogue[i].name);
	}
	jw_end_array(w);
	jw_end_object(w);
}

void
presets_write(struct json_writer *w, const char *name)
{
	jw_array(w, name);
	for (size_t p = 0; p < ARRAY_LEN(PRESETS); p++) {
		jw_object(w, NULL);
		jw_z(w, "name", PRESETS[p].name);
		jw_array(w, "resources");
		for (uint32_t i = 0; i < catalogue_count; i++) {
			if (starts_resource(i))
				write_preset_resource(w, i, PRESETS[p].most);
		}
		jw_end_array(w);
		jw_end_object(w);
	}
	jw_end_array(w);
}

static void
write_entry(struct json_writer *w, const struct catalogue_entry *entry)
{
	jw_object(w, NULL);
	jw_z(w, "name", entry->name);
	jw_z(w, "class", permission_class_name(entry->class));
	jw_z(w, "description", entry->description);
	jw_end_object(w);
}

void
catalogue_write(struct json_writer *w)
{
	jw_object(w, NULL);
	jw_array(w, "resources");
	for (uint32_t i = 0; i < catalogue_count; i++) {
		if (starts_resource(i)) {
			jw_object(w, NULL);
			jw_z(w, "resource", catalogue[i].resource);
			jw_array(w, "permissions");
		}
		write_entry(w, &catalogue[i]);
		if (i + 1 == catalogue_count || starts_resource(i + 1)) {
			jw_end_array(w);
			jw_end_object(w);
		}
	}
	jw_end_array(w);
	presets_write(w, "presets");
	jw_end_object(w);
}
