#include "api/list.h"

void
list_write(struct operation_call *op, const void *items, size_t count, size_t size,
	entity_writer *write)
{
	list_open(op);
	for (size_t i = 0; i < count; i++)
		write(&op->out, NULL, (const char *)items + i * size);
	list_close(op);
}
