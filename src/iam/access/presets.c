#include "iam/access/permissions.h"

#include <string.h>

/* A preset holds every permission up to a class, so that each contains the one before it (E5). */
static const struct preset {
	const char *name;
	enum permission_class up_to;
} PRESETS[] = {
	{"read_only", CLASS_READ},
	{"operator", CLASS_WRITE},
	{"full_access", CLASS_DESTRUCTIVE},
};

/* Entries of one resource stand together: the end of those that begin at `first`. */
static uint32_t
resource_end(uint32_t first)
{
	uint32_t end = first + 1;
	while (end < catalogue_count &&
		strcmp(catalogue[end].resource, catalogue[first].resource) == 0)
		end++;
	return end;
}

static bool
resource_has(uint32_t first, uint32_t end, enum permission_class up_to)
{
	for (uint32_t i = first; i < end; i++) {
		if (catalogue[i].class <= up_to)
			return true;
	}
	return false;
}

static void
write_preset(struct json_writer *w, const struct preset *preset)
{
	jw_object(w, NULL);
	jw_z(w, "name", preset->name);
	jw_array(w, "resources");
	for (uint32_t first = 0, end; first < catalogue_count; first = end) {
		end = resource_end(first);
		if (!resource_has(first, end, preset->up_to))
			continue;
		jw_object(w, NULL);
		jw_z(w, "resource", catalogue[first].resource);
		jw_array(w, "permissions");
		for (uint32_t i = first; i < end; i++) {
			if (catalogue[i].class <= preset->up_to)
				jw_z(w, NULL, catalogue[i].name);
		}
		jw_end_array(w);
		jw_end_object(w);
	}
	jw_end_array(w);
	jw_end_object(w);
}

void
presets_write(struct json_writer *w, const char *name)
{
	jw_array(w, name);
	for (size_t i = 0; i < ARRAY_LEN(PRESETS); i++)
		write_preset(w, &PRESETS[i]);
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
	for (uint32_t first = 0, end; first < catalogue_count; first = end) {
		end = resource_end(first);
		jw_object(w, NULL);
		jw_z(w, "resource", catalogue[first].resource);
		jw_array(w, "permissions");
		for (uint32_t i = first; i < end; i++)
			write_entry(w, &catalogue[i]);
		jw_end_array(w);
		jw_end_object(w);
	}
	jw_end_array(w);
	presets_write(w, "presets");
	jw_end_object(w);
}
