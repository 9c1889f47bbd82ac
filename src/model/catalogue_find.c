#include "model/catalogue.h"

#include "model/catalogue_order.h"

const struct catalogue_entry *
catalogue_find(struct str name)
{
	uint32_t low = 0, high = catalogue_count;
	while (name.ptr && low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct catalogue_entry *entry = &catalogue[catalogue_by_name[middle]];
		int order = str_compare(name, str_from(entry->name));
		if (order == 0)
			return entry;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct catalogue_entry *
catalogue_at(uint32_t number)
{
	uint32_t low = 0, high = catalogue_count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (catalogue[middle].number == number)
			return &catalogue[middle];
		if (number < catalogue[middle].number)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}
