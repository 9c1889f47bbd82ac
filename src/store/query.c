#include "store/internal.h"

enum status
tx__fail(struct tx *tx, enum status status, const struct error *err)
{
	if (tx->failed != OK)
		return tx->failed;
	tx->error = *err;
	if (status == OK || tx->error.status == OK)
		status = error_set(&tx->error, ERR_INTERNAL, "internal", "Something went wrong.");
	tx->failed = status;
	return status;
}

/* Answers the latched failure. */
static enum status
answer_failed(const struct tx *tx, struct error *err)
{
	if (err->status == OK)
		*err = tx->error;
	return tx->failed;
}

bool
tx_lags(const struct tx *tx)
{
	return tx->lags;
}

struct uuid
tx_incarnation(const struct tx *tx)
{
	return tx->incarnation;
}

bool
tx_is_change(const struct tx *tx)
{
	return tx->touches != NULL;
}

enum status
query_begin(struct query *q, struct tx *tx, const struct sql *sql, struct error *err)
{
	struct statement *s = NULL;
	*q = (struct query){.tx = tx};
	if (tx->failed == OK)
		tx->failed = connection__statement(&s, tx->connection, sql->text, &tx->error);
	q->statement = s;
	return tx->failed == OK ? OK : answer_failed(tx, err);
}

void
query_end(struct query *q)
{
	if (q->statement)
		connection__release(q->tx->connection, q->statement);
	q->statement = NULL;
	q->row = false;
}

static void *
native(const struct query *q)
{
	const struct statement *s = q->statement;
	return s->native;
}

static const struct driver *
driver(const struct query *q)
{
	return q->tx->connection->driver;
}

void
query_bind_int(struct query *q, int at, int64_t value)
{
	if (q->statement && !driver(q)->bind_int(native(q), at, value))
		q->bind_failed = true;
}

void
query_bind_null(struct query *q, int at)
{
	if (q->statement && !driver(q)->bind_null(native(q), at))
		q->bind_failed = true;
}

void
query_bind_bytes(struct query *q, int at, const void *bytes, size_t len)
{
	if (q->statement && !driver(q)->bind_bytes(native(q), at, bytes, len))
		q->bind_failed = true;
}

void
query_bind_str(struct query *q, int at, struct str value)
{
	if (!value.ptr)
		query_bind_null(q, at);
	else if (q->statement && !driver(q)->bind_text(native(q), at, value))
		q->bind_failed = true;
}

void
query_bind_uuid(struct query *q, int at, struct uuid id)
{
	query_bind_bytes(q, at, id.bytes, sizeof(id.bytes));
}

void
query_bind_uuid_or_null(struct query *q, int at, struct uuid id)
{
	if (uuid_is_nil(id))
		query_bind_null(q, at);
	else
		query_bind_uuid(q, at, id);
}

void
query_bind_int_or_null(struct query *q, int at, int64_t value)
{
	if (value == 0)
		query_bind_null(q, at);
	else
		query_bind_int(q, at, value);
}

/* Says in the detail which statement failed, and how. */
static enum status
fail_step(struct query *q, enum status rc, struct error *err)
{
	struct tx *tx = q->tx;
	const struct statement *s = q->statement;
	if (q->bind_failed)
		error_detail(&tx->error, "a value could not be bound");
	error_detail(&tx->error, "in: %.120s", s->text);
	tx->failed = rc;
	query_end(q);
	return answer_failed(tx, err);
}

enum status
query_next(struct query *q, struct error *err)
{
	struct tx *tx = q->tx;
	enum status rc = OK;
	q->row = false;
	if (UNLIKELY(tx->failed != OK)) {
		query_end(q);
		return answer_failed(tx, err);
	}
	if (!q->statement)
		return OK;
	if (UNLIKELY(q->bind_failed))
		rc = error_set(&tx->error, ERR_INTERNAL, "internal", "Something went wrong.");
	else
		rc = driver(q)->step(native(q), &q->row, &tx->error);
	if (UNLIKELY(rc != OK))
		return fail_step(q, rc, err);
	if (!q->row)
		query_end(q);
	return OK;
}

enum status
query_run(struct query *q, int64_t *changed, struct error *err)
{
	enum status rc = OK;
	struct statement *s = q->statement;
	const struct driver *d = driver(q);
	if (changed)
		*changed = 0;
	do {
		rc = query_next(q, err);
	} while (rc == OK && q->row);
	if (rc == OK && s && changed)
		*changed = d->changed(s->native);
	query_end(q);
	return rc;
}

bool
query_is_null(const struct query *q, int column)
{
	ASSERT(q->row);
	return driver(q)->column_is_null(native(q), column);
}

int64_t
query_int(const struct query *q, int column)
{
	ASSERT(q->row);
	return driver(q)->column_int(native(q), column);
}

struct str
query_bytes(const struct query *q, int column)
{
	ASSERT(q->row);
	return driver(q)->column_bytes(native(q), column);
}

struct str
query_str(const struct query *q, int column)
{
	return query_bytes(q, column);
}

struct uuid
query_uuid(const struct query *q, int column)
{
	struct uuid id = {{0}};
	struct str bytes = query_bytes(q, column);
	if (!bytes.ptr)
		return id;
	if (bytes.len == sizeof(id.bytes)) {
		memcpy(id.bytes, bytes.ptr, sizeof(id.bytes));
		return id;
	}
	struct error err = {0};
	error_set(&err, ERR_CORRUPT, "store-corrupt", "The store holds data that it should not.");
	error_detail(&err, "an identifier of %zu bytes", bytes.len);
	tx__fail(q->tx, ERR_CORRUPT, &err);
	return id;
}

struct str
query_str_copy(struct query *q, int column, struct arena *arena)
{
	struct str value = query_bytes(q, column);
	if (!value.ptr)
		return value;
	struct str copy = arena_copy(arena, value);
	if (!copy.ptr) {
		struct error err = {0};
		tx__fail(q->tx, error_no_memory(&err), &err);
	}
	return copy;
}
