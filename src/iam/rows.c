#include "iam/rows.h"

enum status
iam__query(struct query *q, struct call *call, const struct sql *sql, struct uuid id,
	struct error *err)
{
	enum status rc = query_begin(q, call->tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(q, 1, call->chain.org.id);
	if (!uuid_is_nil(id))
		query_bind_uuid(q, 2, id);
	return OK;
}

enum status
iam__run(struct call *call, const struct sql *sql, struct uuid id, struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, sql, id, err);
	return rc == OK ? query_run(&q, NULL, err) : rc;
}

enum status
iam__touch_all(struct call *call, enum view_kind kind, const struct sql *sql, struct uuid id,
	struct error *err)
{
	struct query q;

	enum status rc = iam__query(&q, call, sql, id, err);
	if (rc != OK)
		return rc;
	while ((rc = query_next(&q, err)) == OK && q.row)
		call_touch(call, kind, query_uuid(&q, 0));
	query_end(&q);
	return rc;
}

enum status
iam__find_due(bool *due, struct tx *tx, const struct sql *sql, int64_t now_us, struct error *err)
{
	struct query q;

	*due = false;
	enum status rc = query_begin(&q, tx, sql, err);
	if (rc != OK)
		return rc;
	query_bind_int(&q, 1, now_us);
	rc = query_next(&q, err);
	*due = rc == OK && q.row;
	query_end(&q);
	return rc;
}

/* The least text that is greater than every text beginning with `prefix`: names hold no byte
 * 0xFF, so appending a run of the greatest character will do. */
static struct str
search_high(struct call *call, struct str prefix)
{
	return arena_printf(call->arena, "%.*s%s", STR_ARG(prefix), SEARCH_ALL_HIGH);
}

struct rows {
	char *elements;
	size_t count;
};

static enum status
list_rows(struct rows *rows, struct call *call, struct page *page, const struct listing *listing,
	struct query *q, struct error *err)
{
	enum status rc;

	while ((rc = query_next(q, err)) == OK && q->row) {
		if (rows->count == page->limit) {
			page->more = true;
			break;
		}
		page->last = query_uuid(q, 0);
		rc = listing->read(rows->elements + rows->count * listing->size, q, call, err);
		if (rc != OK)
			break;
		rows->count++;
	}
	return rc;
}

enum status
iam__list(void **out, size_t *count, struct call *call, struct page *page,
	const struct listing *listing, struct error *err)
{
	struct query q;

	*count = 0;
	*out = arena_alloc_array(call->arena, page->limit, listing->size);
	struct str low = page->search.ptr ? page->search : STR("");
	struct str high = search_high(call, low);
	if (!*out || !high.ptr)
		return error_no_memory(err);

	enum status rc = query_begin(&q, call->tx, listing->sql, err);
	if (rc != OK)
		return rc;
	query_bind_uuid(&q, 1, call->chain.org.id);
	query_bind_uuid(&q, 2, page->after);
	query_bind_str(&q, 3, low);
	query_bind_str(&q, 4, high);
	query_bind_int(&q, 5, (int64_t)page->limit + 1);
	if (listing->bind)
		listing->bind(&q, listing->filter);
	struct rows rows = {.elements = *out};
	rc = list_rows(&rows, call, page, listing, &q, err);
	*count = rows.count;
	query_end(&q);
	return rc;
}

struct str
iam__text(struct query *q, int column, struct call *call)
{
	return query_str_copy(q, column, call->arena);
}

bool
iam__same_text(struct str a, struct str b)
{
	return (!a.ptr && !b.ptr) || str_eq(a, b);
}

enum status
iam__check_expiry(const struct call *call, int64_t expires_us, struct error *err)
{
	if (expires_us > call->now_us)
		return OK;
	return error_set(err, ERR_INVALID, "expiry-passed",
		"expires_at lies in the past: state a time to come, or none.");
}

enum status
iam__taken(enum status rc, const char *code, const char *text, struct error *err)
{
	if (rc != ERR_CONFLICT)
		return rc;
	error_clear(err);
	return error_set(err, ERR_CONFLICT, code, "%s", text);
}

enum status
iam__count(
	int64_t *out, struct call *call, const struct sql *sql, struct uuid id, struct error *err)
{
	struct query q;

	*out = 0;
	enum status rc = iam__query(&q, call, sql, id, err);
	if (rc != OK)
		return rc;
	rc = query_next(&q, err);
	if (rc == OK && q.row)
		*out = query_int(&q, 0);
	query_end(&q);
	return rc;
}

enum status
iam__record(struct call *call, const char *action, const char *kind, struct uuid id,
	struct versions versions, struct error *err)
{
	char text[UUID_TEXT_LEN + 1];

	uuid_format(text, id);
	const struct change change = {
		action, kind, str_from(text), versions.before, versions.after};
	return call_record(call, &change, err);
}

void
iam__write_org(struct json_writer *w, const char *name, struct org_id org)
{
	if (org_is_platform(org))
		jw_z(w, name, "platform");
	else
		jw_uuid(w, name, org.id);
}

void
iam__write_kinds(struct json_writer *w, const char *name, kind_mask kinds)
{
	jw_array(w, name);
	for (int kind = KIND_MEMBER; kind < KIND_COUNT; kind++) {
		if (kinds & KIND_BIT(kind))
			jw_z(w, NULL, kind_name((enum principal_kind)kind));
	}
	jw_end_array(w);
}

void
iam__write_node(struct json_writer *w, const char *name, struct node node)
{
	jw_object(w, name);
	jw_z(w, "kind", node_kind_name(node.kind));
	jw_uuid(w, "id", node.id); /* null for the platform */
	jw_end_object(w);
}
