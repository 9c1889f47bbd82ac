#include "iam/records.h"
#include "api/api.h"
#include "api/list.h"
#include "api/operations.h"

/* A cursor over records travels as an identifier: revision and part, eight bytes each. */
static struct uuid
cursor_of(int64_t revision, int64_t part)
{
	struct uuid cursor;

	for (int i = 7; i >= 0; i--, revision >>= 8, part >>= 8) {
		cursor.bytes[i] = (uint8_t)revision;
		cursor.bytes[8 + i] = (uint8_t)part;
	}
	return cursor;
}

static int64_t
number_at(const uint8_t bytes[8])
{
	uint64_t number = 0;

	for (int i = 0; i < 8; i++)
		number = number << 8 | bytes[i];
	return (int64_t)(number & INT64_MAX);
}

enum status
api_record_list(struct operation_call *op, struct error *err)
{
	const struct record_filter filter = {.actor = {param_uuid(op, "actor")},
		.action = param_str(op, "action"),
		.subject = param_str(op, "subject"),
		.since_us = param_time_us(op, "since"),
		.until_us = param_time_us(op, "until")};
	struct record_page page = {.limit = op->page.limit,
		.before_revision = number_at(op->page.after.bytes),
		.before_part = number_at(op->page.after.bytes + 8)};
	struct record *records;
	size_t count;

	if (page.before_revision == 0)
		page.before_revision = param_int(op, "before_revision");
	enum status rc = record_list(&records, &count, &op->call, &filter, &page, err);
	op->page.more = page.more;
	op->page.last = cursor_of(page.last_revision, page.last_part);
	if (rc == OK)
		list_write(op, records, count, sizeof(*records), record_write);
	return rc;
}

enum status
api_record_head(struct operation_call *op, struct error *err)
{
	struct record_head head;

	(void)err;
	record_head(&head, &op->call);
	record_head_write(&op->out, NULL, &head);
	return OK;
}
