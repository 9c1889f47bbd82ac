#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "store/internal.h"
#include "store/migrations.h"

/* Statements are found again by the address of their text, so each has a place of its own. */
#define TEXT_MAX 256
struct texts {
	char select[TEXT_MAX], insert[TEXT_MAX], count[TEXT_MAX];
};
#define TABLES_MAX 128
static struct texts texts[TABLES_MAX];

static void
write_texts(size_t at)
{
	struct buf insert;
	struct texts *t = &texts[at];
	buf_init_fixed(&insert, t->insert, sizeof(t->insert));
	buf_printf(&insert, "INSERT INTO %s VALUES (", store_tables[at].name);
	for (size_t i = 1; i <= strlen(store_tables[at].columns); i++)
		buf_printf(&insert, "%s$%zu", i > 1 ? ", " : "", i);
	buf_char(&insert, ')');
	buf_char(&insert, '\0');
	ASSERT(!insert.failed);
	snprintf(t->select, sizeof(t->select), "SELECT * FROM %s", store_tables[at].name);
	snprintf(t->count, sizeof(t->count), "SELECT count(*) FROM %s", store_tables[at].name);
}

/* Two transactions; the outer runs on the target's thread and waits while the inner one, on the
 * source's, uses both. */
struct copying {
	struct store_job outer, inner;
	struct store *from;
	struct tx *to;
	struct store_copied *report;
};

static enum status
copy_row(struct tx *to, const struct query *row, size_t at, struct error *err)
{
	const struct sql sql = {texts[at].insert};
	struct query q;
	enum status rc = query_begin(&q, to, &sql, err);
	if (rc != OK)
		return rc;
	for (int i = 0; store_tables[at].columns[i]; i++) {
		struct str value = query_bytes(row, i);
		if (query_is_null(row, i))
			query_bind_null(&q, i + 1);
		else if (store_tables[at].columns[i] == 'i')
			query_bind_int(&q, i + 1, query_int(row, i));
		else if (store_tables[at].columns[i] == 't')
			query_bind_str(&q, i + 1, value);
		else
			query_bind_bytes(&q, i + 1, value.ptr, value.len);
	}
	return query_run(&q, NULL, err);
}

static enum status
count(int64_t *out, struct tx *tx, size_t at, struct error *err)
{
	const struct sql sql = {texts[at].count};
	struct query q;
	*out = -1;
	enum status rc = query_begin(&q, tx, &sql, err);
	if (rc == OK)
		rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = query_int(&q, 0);
	query_end(&q);
	return rc;
}

static enum status
copy_table(struct copying *c, struct tx *from, size_t at, struct error *err)
{
	const struct sql sql = {texts[at].select};
	int64_t there = 0, here = 0;
	struct query q;
	enum status rc = query_begin(&q, from, &sql, err);
	while (rc == OK && (rc = query_next(&q, err)) == OK && q.row)
		rc = copy_row(c->to, &q, at, err);
	query_end(&q);
	if (rc == OK)
		rc = count(&there, from, at, err);
	if (rc == OK)
		rc = count(&here, c->to, at, err);
	if (rc == OK && there != here)
		rc = error_set(err, ERR_CORRUPT, "copy-incomplete",
			"Of %lld rows of %s only %lld arrived; nothing was moved.",
			(long long)there, store_tables[at].name, (long long)here);
	c->report->tables++;
	c->report->rows += here;
	return rc;
}

static enum status
inner_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct copying *c =
		(struct copying *)(void *)((char *)job - offsetof(struct copying, inner));
	enum status rc = OK;
	*c->report = (struct store_copied){0};
	for (size_t i = 0; rc == OK && i < store_table_count; i++)
		rc = copy_table(c, tx, i, err);
	return rc;
}

static enum status
outer_run(struct store_job *job, struct tx *tx, struct error *err)
{
	struct copying *c = (struct copying *)job;
	c->to = tx;
	return store_read_wait(c->from, &c->inner, err);
}

enum status
store_copy(struct store_copied *out, struct store *to, struct store *from, struct error *err)
{
	struct copying c = {.outer = {.run = outer_run},
		.inner = {.run = inner_run},
		.from = from,
		.report = out};
	ASSERT(store_table_count <= TABLES_MAX);
	for (size_t i = 0; i < store_table_count; i++)
		write_texts(i);
	return store_change_wait(to, &c.outer, err);
}
