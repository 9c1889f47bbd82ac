#ifndef API_LIST_H
#define API_LIST_H

#include "api/api.h"

/* Writes a whole list: `count` elements of `size` bytes, each by its writer. */
void list_write(struct operation_call *op, const void *items, size_t count, size_t size,
	entity_writer *write);

#endif
